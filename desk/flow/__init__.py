"""Use cases: load, decide, save; each one transaction."""
