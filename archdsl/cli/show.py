"""``archdsl show``: the elaborated graph as text, data or a drawing."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.options import Bind, Set, Target, Train, bindings, choose, settings
from archdsl.cli.output import out
from archdsl.cli.signature import opt
from archdsl.diagnostics import Refusal

FORMATS = ("text", "json", "yaml", "mermaid", "dot")


def command(
    target: Target,
    format: Annotated[str, opt("--format", help=", ".join(FORMATS))] = "text",
    depth: Annotated[int | None, opt("--depth", min=1, help="draw scopes below this depth as one box")] = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> None:
    """Print the elaborated graph."""
    choose(format, "--format", FORMATS)
    if depth is not None and format not in ("mermaid", "dot"):
        help = "give `--format mermaid` or `--format dot`"
        raise Refusal("E0007", f"`--depth` is for drawings, not for `--format {format}`", help=help)
    from archdsl.cli.targets import graph_of

    graph = graph_of(target, settings(set_), bindings(bind), train)
    if format in ("json", "yaml"):
        from archdsl import data

        out(data.to_json(graph) if format == "json" else data.to_yaml(graph))
        return
    from archdsl.report import drawing

    if format == "text":
        out(drawing.as_text(graph))
    else:
        out(drawing.as_mermaid(graph, depth) if format == "mermaid" else drawing.as_dot(graph, depth))
