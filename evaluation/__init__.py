"""Simulated customers, who know the customer API alone, and every other measurement of Kefu."""
