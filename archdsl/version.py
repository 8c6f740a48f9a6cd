"""The version of the package: below every room, since files and reports name it."""

__version__ = "0.1.0"
