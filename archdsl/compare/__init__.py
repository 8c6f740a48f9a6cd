"""Comparison of two versions of a network: which parts belong together, and what changed."""
