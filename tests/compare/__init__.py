"""Differences between two networks."""
