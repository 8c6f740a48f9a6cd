"""The grammar, the parser and the formatter."""
