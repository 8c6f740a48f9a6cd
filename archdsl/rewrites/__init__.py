"""A graph in, another graph out: sizes bound, norms folded, dead nodes dropped."""
