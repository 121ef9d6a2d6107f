"""How fast and how safely callbacks are taken and worked off: `make bench-automation`."""
