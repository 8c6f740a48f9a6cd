"""Inputs that mean harm, and inputs drawn at random."""
