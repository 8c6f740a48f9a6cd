"""Operator cards: shapes, parameters, costs and windows against other sources."""
