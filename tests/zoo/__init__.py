"""The networks of `specs/` against published figures."""
