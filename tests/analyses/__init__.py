"""Costs, memory and receptive fields."""
