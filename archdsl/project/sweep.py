"""Sweeps: the figures of a family of networks, a line for each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal
from archdsl.driver import Settings
from archdsl.project.family import Member, Varied, members
from archdsl.project.targets import Step
from archdsl.report.render import Printed
from archdsl.shown import Charted

if TYPE_CHECKING:
    from archdsl.report.listing import Listing

SHOWN = ("params", "macs", "weights", "peak_activations", "receptive_field", "depth")


class Sweep(Printed, Charted):
    """The report of ``archdsl cost --set width=0.5..1.5:0.1``."""

    def __init__(self, target: str, varied: Sequence[str], found: Sequence[Member]) -> None:
        self.target = target
        self.varied = tuple(varied)
        self.members = tuple(found)

    def report(self) -> Listing:
        """Every member with its figures."""
        from archdsl.report.listing import family

        shown = [*SHOWN, *(["states"] if any(m.measures and m.measures.graph.states for m in self.members) else [])]
        records = [
            {"settings": dict(m.settings), "refused": m.refused or None, **{name: _figure(m, name) for name in shown}}
            for m in self.members
        ]
        return family(self.target, self.varied, records)


def sweep(
    target: str | Path,
    vary: Varied,
    *,
    settings: Settings | None = None,
    bind: Mapping[str, int | str] | None = None,
    step: Step = nullcontext,
) -> Sweep:
    """The figures of every member of a family: ``sweep("mobilenet_v2", {"width": "0.5..1.5:0.1"})``.

    ``settings`` are parameters that stay what they are, ``bind`` gives symbols sizes, or ranges of sizes
    (``{"T": "128..1024:128"}``); ``step`` is entered for each member with what is done. Raises ``DiagnosticError``.
    """
    ranges = [name for name, size in (bind or {}).items() if isinstance(size, str)]
    return Sweep(str(target), [*vary, *ranges], list(members(target, vary, settings or {}, bind or {}, step)))


def _figure(member: Member, quantity: str) -> Any:
    """One quantity as plain data; ``None`` where the member is refused or a symbol has no value."""
    from archdsl.analyses.measure import plain

    if member.measures is None:
        return None
    try:
        return plain(member.measures.of(quantity).value)
    except Refusal as refusal:
        if refusal.code != "E0307":
            raise
        return None
