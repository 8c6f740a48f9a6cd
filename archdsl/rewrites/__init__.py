"""Rewrites of a graph into another graph: bound sizes, folded norms, no dead nodes."""
