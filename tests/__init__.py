"""The tests, in the rooms of the package; CONTRIBUTING.md says how they are arranged."""
