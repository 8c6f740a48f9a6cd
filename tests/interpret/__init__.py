"""The language: what it means, its laws, and what is said of mistakes."""
