"""A graph as text; JSON and YAML are in `archdsl.data`, pictures in `archdsl.picture`."""

from __future__ import annotations

from archdsl.graph import Graph


def as_text(graph: Graph) -> str:
    """The graph as the compiler sees it: one line for each node, with its documentation above."""
    doc = "".join(f"## {line}".rstrip() + "\n" for line in graph.doc.split("\n")) if graph.doc else ""
    doc += "".join(f"# {name}: {how}\n" for name, how in graph.preprocess.items())
    for name, labels in graph.labels.items():
        doc += f"# {name}: {', '.join(labels[:3])}{f' … ({len(labels):,} labels)' if len(labels) > 3 else ''}\n"
    return f"{doc}{graph}\n"
