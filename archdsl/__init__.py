"""archdsl: a declarative architecture compiler for neural networks."""
