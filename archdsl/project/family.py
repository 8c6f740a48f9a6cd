"""Families of networks: a range of values for some parameters, and every member with its figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from fractions import Fraction
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.driver import Settings, Value
from archdsl.project.targets import Step, open_target
from archdsl.record import Record
from archdsl.source import Frame

if TYPE_CHECKING:
    from archdsl.analyses.measure import Measures

MOST = 5_000
"""Members of a family that are looked at."""
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?")

Varied = Mapping[str, str | Sequence[Value]]
"""Parameters, and the values that each takes: a sequence, or a range (``"0.5..1.5:0.1"``)."""


class Member(Record):
    """One member: its parameters, and its measures; or the code that it is refused with."""

    settings: Settings
    measures: Measures | None
    refused: str = ""
    application: str = ""
    """``MobileNetV2(width = 0.85)``: how a variant would write it."""


def is_range(text: str) -> bool:
    """Whether a text is a range."""
    return _RANGE.fullmatch(text.strip()) is not None


def values(name: str, text: str) -> list[int | float]:
    """The numbers of ``a..b:step``, both ends included where the step meets them: exact, so that 0.1 * 3 is 0.3."""
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise Refusal("E0007", f"`{name}={text}` is not a range", help="write `1..8`, `0.5..1.5:0.1`")
    low, high, step = (Fraction(part) for part in (found[1], found[2], found[3] or "1"))
    if step <= 0 or high < low or (high - low) / step >= MOST:
        raise Refusal("E0007", f"`{name}={text}` is empty, or has more than {MOST:,} values")
    whole = "." not in text.replace("..", "")
    steps = [low + i * step for i in range(int((high - low) / step) + 1)]
    return [int(v) if whole else float(v) for v in steps]


def spread(varied: Varied) -> dict[str, Sequence[Value]]:
    """The values of every parameter; refuses (E0007) families with too many members."""
    for name, value in varied.items():
        if not isinstance(value, str | Sequence):
            raise TypeError(f"the values of `{name}` must be a range in a text or a sequence, not {value!r:.60}")
    found = {name: values(name, v) if isinstance(v, str) else v for name, v in varied.items()}
    count = prod(len(v) for v in found.values())
    if count > MOST:
        raise Refusal("E0007", f"the family has {count:,} members, more than {MOST:,}", help="use larger steps")
    return found


def members(
    target: str | Path, varied: Varied, fixed: Settings, bind: Mapping[str, int | str], step: Step = nullcontext
) -> Iterator[Member]:
    """Every member, in order of the first parameter; what cannot be built is a member with a refusal.

    Sizes in ``bind`` may be ranges, too; they come behind the parameters. ``step`` is entered for each member with what
    is done.
    """
    from archdsl.analyses.measure import Measures

    ranges = {name: size for name, size in bind.items() if isinstance(size, str)}
    if both := sorted(ranges.keys() & varied.keys()):
        raise Refusal("E0007", f"`{both[0]}` has a range as a parameter and as a size")
    several = spread({**varied, **ranges})
    opened = open_target(target)
    count = prod(map(len, several.values()))
    for number, combination in enumerate(product(*several.values()), 1):
        settings = dict(zip(several, combination))
        given = {name: value for name, value in settings.items() if name not in ranges}
        sizes: dict[str, Any] = {name: size if isinstance(size, int) else settings[name] for name, size in bind.items()}
        try:
            with step(f"member {number:,} of {count:,}"):
                graph = opened.graph({**fixed, **given}, sizes)
        except DiagnosticError as error:
            codes = [d.code for d in error.diagnostics if d.severity == "error"]
            if codes[0] in ("E0202", "E0209", "E0213", "E0214", "E0215") or codes[0].startswith(("E00", "E01")):
                raise  # the text or the options are at fault, not this member
            yield Member(settings, None, codes[0])
            continue
        frames = graph.nodes[-1].origin.frames() if graph.nodes else []
        yield Member(settings, Measures(graph), "", _written(frames[-1]) if frames else "")


def _written(frame: Frame) -> str:
    """The application of the network as a variant writes it; in full where its arguments are too long to be shown."""
    arguments = frame.arguments
    if "…" in arguments:
        arguments = ", ".join(f"{name} = {value}" for name, value in frame.settings.items())
    return f"{frame.name}({arguments})"
