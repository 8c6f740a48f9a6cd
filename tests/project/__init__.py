"""Budgets, baselines, sweeps and fits, and watching."""
