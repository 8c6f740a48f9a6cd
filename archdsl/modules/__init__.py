"""Files as modules: what they define and import, and what every name in them means, before anything runs."""
