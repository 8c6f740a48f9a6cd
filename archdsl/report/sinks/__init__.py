"""The outcome of a check in the forms that other programs read."""
