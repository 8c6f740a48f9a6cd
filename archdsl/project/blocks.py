"""What is called like an operator and is none: the combinators, and the blocks of the standard library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from archdsl.modules.loader import STD
from archdsl.modules.words import COMBINATORS

if TYPE_CHECKING:
    from archdsl.syntax import spec

_COMBINATORS = {
    "seq": ("{ … }", "The body, its stages numbered as in torch.nn.Sequential.", "seq { conv(64, 3) -> relu }"),
    "residual": (
        "(shortcut = identity, join = add, scale = 1.0, drop_path = 0.0) { … }",
        "`join(body(x) * scale, shortcut(x))` (arXiv:1512.03385); `drop_path` drops the body at random in training.",
        "residual(shortcut = conv(128, 1, stride = 2)) { conv(128, 3, stride = 2) }",
    ),
    "parallel": (
        "(join) { | … | name: … }",
        "Every branch gets the flow, and `join` makes one tensor of the results (arXiv:1409.4842).",
        "parallel(concat) { | conv(16, 1) | conv(16, 1) -> conv(32, 3) }",
    ),
    "dense": (
        "(n, join = concat) { … }",
        "The body n times; each sees the join of the input and of all earlier results (arXiv:1608.06993).",
        "dense(4) { batch_norm -> relu -> conv(32, 3) }",
    ),
    "scan": (
        "(axis, reverse = false, final = false) { … }",
        "The body once for each position of `axis`, in order; a `state` goes from one run to the next (ONNX Scan).",
        "scan(axis = t) { state h = zeros([in.n, 64]); (in, h) -> concat -> linear(64) -> tanh; next h = in }",
    ),
    "map": (
        "(axis) { … }",
        "The body for all positions of `axis` at once: a `scan` without states.",
        "map(axis = t) { conv(64, 3) -> relu }",
    ),
}  # fmt: skip
"""Name -> what follows it, what it does, and an example."""


def combinators() -> list[dict[str, Any]]:
    """The combinators, as plain data."""
    return [
        _record(name, f"{name}{call}" if call.startswith("(") else f"{name} {call}", summary, example)
        for name, (call, summary, example) in ((name, _COMBINATORS[name]) for name in COMBINATORS)
    ]


@cache
def blocks() -> Sequence[dict[str, Any]]:
    """The blocks of the standard library that specs can use, as plain data: seconds' fractions, read once."""
    return [*_blocks()]


def _blocks() -> Iterator[dict[str, Any]]:
    from archdsl.reading import read_source
    from archdsl.syntax import spec
    from archdsl.syntax.parse import parse_file

    for path in sorted(STD.glob("*.arch")):
        for item in parse_file(read_source(path, path.name)).definitions:
            if isinstance(item, spec.Block):
                use = f"use std.{path.stem} ({item.name})"
                yield {**_record(item.name, _signature(item), " ".join(item.doc.split()), use), "module": path.stem}


def _signature(block: spec.Block) -> str:
    parts = []
    for p in block.parameters:
        kind = f": {p.kind}" if p.kind else ""
        parts.append(f"{p.name}{kind} = {p.default.span.text}" if p.default is not None else p.name + kind)
    return f"{block.name}({', '.join(parts)})" if parts else block.name


def _record(name: str, signature: str, summary: str, example: str) -> dict[str, Any]:
    return {"name": name, "signature": signature, "summary": summary, "example": example}
