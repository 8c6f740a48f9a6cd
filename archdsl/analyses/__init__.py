"""Analyses of a graph: costs, memory, receptive fields, ranges. They give tables and change nothing."""
