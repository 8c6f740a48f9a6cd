"""Pictures of networks: as vectors, as pixels, and as text that other tools draw."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from archdsl.diagnostics import Refusal, check_choice
from archdsl.driver import Settings
from archdsl.graph import Graph
from archdsl.process import collector_paused, deep_stack
from archdsl.project.targets import Network, graph_of
from archdsl.shown import Verbatim

if TYPE_CHECKING:
    from archdsl.picture.compared import Marks
    from archdsl.picture.figures import Shades
    from archdsl.picture.legend import Legend
    from archdsl.picture.marks import Placed
    from archdsl.picture.plan import Plan
    from archdsl.project.comparing import Both

    Drawn = tuple[Placed, Shades | None, Legend | None]

STYLES = ("screen", "paper")
READABLE = 5
"""Points: smaller letters on paper are not read."""
PNG_DPI = 300
"""Pixels of an inch of paper, before :data:`PNG_SCALE`."""
PNG_SCALE = 2
"""Pixels of a PNG for each of the picture's: letters are readable where screens have fine pixels."""


class Picture(Verbatim):
    """A network as it is drawn at a folding. A notebook shows it; as text it is a Mermaid flowchart."""

    def __init__(
        self,
        graph: Graph,
        depth: int | None = None,
        fold: Sequence[str] = (),
        select: str = "",
        shade: str | None = None,
        style: str = "screen",
        marks: Marks | None = None,
        title: str = "",
    ) -> None:
        self.graph = graph
        self.folding = (depth, tuple(fold), select)
        self.shade, self.style = shade, style
        self.marks = marks
        """What became of the parts, where the graph is of two networks."""
        self.title = title or f"The network {graph.name}"

    @cached_property
    def svg(self) -> str:
        """The picture as SVG."""
        from archdsl.picture.svg import svg

        placed, shades, legend = self._drawn
        return svg(placed, self.title, shades, self.marks, legend, paper=self.style == "paper")

    @property
    def told(self) -> str:
        """What is wrong with the picture on paper: letters too small to be read; else empty."""
        from archdsl.picture.svg import COLUMN, PAGE, letters

        placed, _, legend = self._drawn
        points = letters(placed, legend)
        if self.style != "paper" or points >= READABLE:
            return ""
        return (
            f"letters are {points:.1f} points high in a column of {COLUMN} by {PAGE} mm, below {READABLE}: open fewer "
            "levels of blocks (`--depth`), fold some (`--fold`) or draw one (`--select`)"
        )

    @cached_property
    @collector_paused()
    def _drawn(self) -> Drawn:
        """What stands where. On paper, fewer levels are open where letters would be too small, unless it is said how
        many are.
        """
        from archdsl.picture.figures import Figures
        from archdsl.picture.plan import Plan
        from archdsl.picture.svg import letters

        figures = None
        if self.shade is not None:
            from archdsl.analyses.cost import cost

            figures = Figures(cost(self.graph), self.shade)
        with deep_stack():
            plan = Plan(self.graph, *self.folding, figures, self.marks)
            placed, shades, legend = self._placed(plan)
            while self.style == "paper" and self.folding[0] is None and plan.depth:
                if letters(placed, legend) >= READABLE:
                    break
                plan.depth -= 1
                plan.unfold()
                placed, shades, legend = self._placed(plan)
        return placed, shades, legend

    def _placed(self, plan: Plan) -> Drawn:
        from archdsl.picture.blocks import place
        from archdsl.picture.legend import legend_of

        placed = place(plan)
        boxes = [one.part for one in placed.rectangles if not one.open and one.part.kind in ("box", "frame")]
        shades = plan.figures.shades(boxes) if plan.figures else None
        return placed, shades, legend_of(placed, self.title, shades, self.marks)

    @property
    def mermaid(self) -> str:
        """The same parts as a Mermaid flowchart, with fewer levels open where GitHub would not draw them."""
        from archdsl.picture.flow import as_mermaid

        with deep_stack():
            return as_mermaid(self.graph, *self.folding, self.marks)

    @property
    def dot(self) -> str:
        """The same parts as a Graphviz digraph."""
        from archdsl.picture.flow import as_dot

        with deep_stack():
            return as_dot(self.graph, *self.folding, self.marks)

    @property
    def png(self) -> bytes:
        """The picture in pixels. Refuses (E0010) where the package that makes them is not installed."""
        return _marked(_rasterised(self.svg))

    def __str__(self) -> str:
        return self.mermaid

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "image/svg+xml": self.svg}

    def save(self, path: str | Path) -> Path:
        """Write ``.svg``, ``.png``, ``.mmd`` or ``.dot``. Refuses (E0007) other endings, (E0005) what cannot be
        written, and (E0006) to replace a file that archdsl did not write.
        """
        from archdsl.writing import write_file

        target = checked_output(path)
        if (self.shade or self.style != "screen") and target.suffix.lower() not in DRAWN:
            help = "write an `.svg` or a `.png`"
            raise Refusal("E0007", f"Mermaid and DOT have neither shades nor styles: `{path}`", help=help)
        write_file(target, getattr(self, FORMS[target.suffix.lower()]))
        return target


FORMS = {".svg": "svg", ".png": "png", ".mmd": "mermaid", ".dot": "dot"}
"""Endings of pictures, and what of :class:`Picture` they are."""
DRAWN = (".svg", ".png")
"""Those of pictures whose places and colours are ours."""


def checked_output(path: str | Path) -> Path:
    """The path of a picture; refuses what :meth:`Picture.save` does."""
    from archdsl.outputs import PICTURES, check_output, foreign

    kind = PICTURES.get(Path(path).suffix.lower())
    if kind is None and str(path) != "-":
        raise foreign(path, "the name of a picture ends in `.svg`, `.png`, `.mmd` (Mermaid) or `.dot` (Graphviz)")
    check_output(path, kind or PICTURES[".svg"])
    return Path(path)


def draw(
    network: Network,
    *,
    depth: int | None = None,
    fold: Sequence[str] = (),
    select: str = "",
    shade: str | None = None,
    style: str = "screen",
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    train: bool = False,
    against: Network | None = None,
) -> Picture:
    """A graph or target as a picture: blocks are frames, or boxes where they are folded.

    ``depth``: how many levels of blocks are open (``None``: as many as one can read); ``fold``: patterns of paths of
    blocks that are folded in any case; ``select``: the path of the one block that is drawn. ``shade`` colours by
    ``macs``, ``params`` or ``activations`` instead of roles. ``style``: ``screen``, or ``paper``, which has no colours
    and is at most as large as a column of a page. ``settings``, ``bind`` and ``train`` are those of ``show``.
    ``against``: an older network, or a state of the repository; then what is new, gone or another one since is coloured
    and open, and all else folded, as ``archdsl diff`` aligns them. Raises ``DiagnosticError``.
    """
    from archdsl.picture.figures import SHADES

    if shade is not None:
        check_choice(shade, "--shade", SHADES)
    check_choice(style, "--style", STYLES)
    if against is not None:
        from archdsl.project.comparing import both

        if shade is not None:
            raise Refusal("E0007", "`shade` and `against` both colour a picture", help="draw it once with each")
        own = graph_of(network, settings, bind, train) if settings or train else network
        return of_both(both(against, own, bind), depth, fold, select, style)
    return Picture(graph_of(network, settings, bind, train), depth, fold, select, shade, style)


def of_both(
    both: Both, depth: int | None = None, fold: Sequence[str] = (), select: str = "", style: str = "screen"
) -> Picture:
    """Two networks as one picture: what is new, gone or another one is coloured and open, all else folded."""
    from archdsl.compare.touched import touched
    from archdsl.picture.merged import merged

    told = both.difference
    found = touched(both.old, both.new, told.renamed, told.structure)
    graph, marks = merged(both.graphs[1], found, both.graphs[0])
    return Picture(graph, depth, fold, select, None, style, marks, f"{told.old} → {told.new}")


def _rasterised(svg: str) -> bytes:
    try:
        import resvg_py
    except ImportError:
        help = 'pip install "archdsl[picture]"; `.svg` needs no package'
        raise Refusal("E0010", "writing pictures as PNG needs the package `resvg-py`", help=help) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=PNG_SCALE, dpi=PNG_DPI))


def _marked(png: bytes) -> bytes:
    """The file with a chunk behind its first one that says who wrote it."""
    end = 8 + 8 + 13 + 4  # the signature, and the chunk IHDR
    chunk = b"tEXtSoftware\0archdsl picture"
    return png[:end] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", crc32(chunk)) + png[end:]
