"""Nodes and their paths, made from Python."""
