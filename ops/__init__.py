"""Running Kefu on one machine: setting up, starting, watching, checking."""
