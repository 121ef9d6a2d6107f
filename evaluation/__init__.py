"""Simulated customers and the figures they produce. Knows the customer API and nothing else."""
