"""Reference pages: the pages of diagnostics, the operators, and a graph as text, data or a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal, check_choice, did_you_mean
from archdsl.driver import Settings
from archdsl.files import packaged
from archdsl.project.targets import Network, graph_of
from archdsl.report.render import Printed

if TYPE_CHECKING:
    from archdsl.report.page import Report

DRAWINGS = ("mermaid", "dot")
FORMATS = ("text", "json", "yaml", *DRAWINGS)


class Explanations(Printed):
    """Pages of diagnostics by code; one alone is printed whole, several as a list."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self.pages = dict(pages)

    def report(self) -> Report:
        """A line for each code; the pages as data."""
        from archdsl.report.listing import codes

        return codes(self.pages)

    def __str__(self) -> str:
        return next(iter(self.pages.values())).rstrip("\n") if len(self.pages) == 1 else super().__str__()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """One page as the Markdown that it is, several as a list."""
        if len(self.pages) > 1:
            return super()._repr_mimebundle_()
        return {"text/plain": str(self), "text/markdown": str(self)}


def explain(code: str | None = None) -> Explanations:
    """The page of a diagnostic code (``E0304``), or of all; refuses (E0007) a code that has none."""
    folder = files("archdsl").joinpath("explain")
    names = (entry.name for entry in folder.iterdir())
    known = sorted(name[:-3] for name in names if name.endswith(".md") and name[:1] in "EW")
    wanted = [code.upper()] if code else known
    if wanted[0] not in known:
        help = did_you_mean(wanted[0], known, "`archdsl explain` lists all codes")
        raise Refusal("E0007", f"there is no diagnostic code `{wanted[0]}`", help=help)
    return Explanations({one: packaged(folder.joinpath(f"{one}.md")) for one in wanted})


def show(
    network: Network,
    format: str = "text",
    *,
    depth: int | None = None,
    fold: Sequence[str] = (),
    select: str = "",
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    train: bool = False,
) -> str:
    """A graph or target as ``text``, data (``json``, ``yaml``) or a drawing (``mermaid``, ``dot``).

    ``depth``, ``fold`` and ``select`` are for drawings, as those of ``draw``. ``settings`` are the network's
    parameters, ``bind`` gives symbols sizes, ``train`` includes outputs that exist only for training. Raises
    ``DiagnosticError``.
    """
    check_choice(format, "--format", FORMATS)
    if (depth is not None or fold or select) and format not in DRAWINGS:
        help = "name a picture with `-o net.svg`, or give `--format mermaid` or `--format dot`"
        what = "`--depth`, `--fold` and `--select` are for drawings"
        raise Refusal("E0007", f"{what}, not for `--format {format}`", help=help)
    if format in DRAWINGS:
        from archdsl.project.picture import draw

        drawn = draw(network, depth=depth, fold=fold, select=select, settings=settings, bind=bind, train=train)
        return drawn.mermaid if format == "mermaid" else drawn.dot
    graph = graph_of(network, settings, bind, train)
    if format in ("json", "yaml"):
        from archdsl import data

        return data.to_json(graph) if format == "json" else data.to_yaml(graph)
    from archdsl.report.drawing import as_text

    return as_text(graph)
