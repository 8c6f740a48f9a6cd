"""The tape: the only place where nodes are made, with their types, paths, parameters and provenance."""
