"""Findings and tables in every format."""
