"""The interpreter: runs the statements of a network, and leaves nodes on the tape."""
