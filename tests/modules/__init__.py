"""Libraries of specs: what a file imports, and the standard library."""
