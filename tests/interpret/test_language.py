"""Literate tests of the language: ``tests/language/*.md``.

A sentence, an ``arch`` block, then what must come of it, in any of these blocks:

``nodes``    every operator: ``path = operator(inputs) : shape``; those of a body in front of what holds it
``params``   every parameter and buffer: ``path : shape``
``outputs``  every output: ``name = value : shape``
``names``    every parameter in the checkpoints of every map: ``map: path -> name : shape [order of axes]``
``numbers``  Python-like claims on totals: ``params == 1_792``
``errors``   every diagnostic: ``line:column CODE `marked text`: part of the message``

Blocks of the form ``arch file=blocks/mine.arch`` in front of the main block are files beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown import Fence, fences, program
from outcome import outcome, show
from paths import ROOT

from archdsl.analyses.cost import cost
from archdsl.diagnostics import Diagnostic
from archdsl.graph import Graph
from archdsl.shapes import show_shape


class Case(NamedTuple):
    """An ``arch`` block, the files beside it, and the blocks of expectations behind it."""

    main: Fence
    files: list[Fence]
    expected: list[Fence]


def cases() -> Iterator[Case]:
    for page in sorted((ROOT / "tests" / "language").glob("*.md")):
        files: list[Fence] = []
        case: Case | None = None
        for fence in fences(page):
            if fence.lang != "arch":
                assert case is not None, f"{fence.where}: an expectation without a spec"
                case.expected.append(fence)
            elif "file" in fence.options:
                files.append(fence)
            else:
                if case:
                    yield case
                case, files = Case(fence, files, []), []
        if case:
            yield case


CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.main.where)
def test_literate(case: Case, tmp_path: Path) -> None:
    text, offset = program(case.main)
    for file in case.files:
        target = tmp_path / file.options["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text, encoding="utf-8")
    main = tmp_path / "main.arch"
    main.write_text(text, encoding="utf-8")
    found = outcome(main)
    assert case.expected, f"{case.main.where} expects nothing"
    kinds = {fence.lang for fence in case.expected}
    if "errors" not in kinds:
        assert found.diagnostics == [] or case.main.options.get("warnings") == "any", show(found.diagnostics)
    for fence in case.expected:
        if fence.lang == "errors":
            check_errors(fence, found.diagnostics, offset)
            continue
        assert found.graph is not None, show(found.diagnostics)
        if fence.lang == "numbers":
            check_numbers(fence, found.graph)
        else:
            assert RENDER[fence.lang](found.graph) == [line for line in fence.text.splitlines() if line.strip()]


def check_errors(fence: Fence, diagnostics: list[Diagnostic], offset: int) -> None:
    """Places, codes and marked text are exact; of the message a part is enough."""
    ordered = sorted(diagnostics, key=lambda d: (d.span.source.name, d.span.start) if d.span else ("", 0))
    shown = [place(d, offset) + f": {d.message}" for d in ordered]
    wanted = [line for line in fence.text.splitlines() if line.strip()]
    assert len(shown) == len(wanted), "\n".join(shown)
    for line, diagnostic, full in zip(wanted, ordered, shown):
        start, _, part = line.rpartition("`: ") if "`: " in line else (line.rstrip("`"), "", "")
        assert full.startswith(start + "`"), f"\n{full}\nis not\n{line}"
        everything = " ".join([diagnostic.message, diagnostic.note, diagnostic.help, *diagnostic.notes])
        assert part in everything, f"{part!r} is not in {everything!r}"


def place(diagnostic: Diagnostic, offset: int) -> str:
    """``line:column CODE `first line of the marked text```; in the standard library the module for the line, which moves with
    every change there.
    """
    span = diagnostic.span
    assert span is not None, diagnostic
    marked = span.text.splitlines()[0].rstrip() if span.text else ""
    name = Path(span.source.name).name
    if name.startswith("std."):
        return f"{name} {diagnostic.code} `{marked}`"
    prefix = "" if name == "main.arch" else f"{name}:"
    return f"{prefix}{span.line - (0 if prefix else offset)}:{span.column} {diagnostic.code} `{marked}`"


def check_numbers(fence: Fence, graph: Graph) -> None:
    """Each line is an expectation in the words of the language, checked by an ``expect`` of Python's own."""
    costs = cost(graph)
    for line in filter(str.strip, fence.text.splitlines()):
        quantity, _, value = line.partition("==")
        found = costs.total(quantity.strip())
        assert found == int(value.strip().replace("_", "")), f"{quantity.strip()} is {found}, not {value}"


def nodes(graph: Graph) -> list[str]:
    return [
        f"{node.path} = {node.op.name}({', '.join(v.name for v in node.inputs)})"
        f" : {', '.join(show_shape(v.type.shape) for v in node.outputs)}"
        for node in graph.all_nodes()
    ]


def params(graph: Graph) -> list[str]:
    return [f"{path} : {show_shape(p.type.shape)}" for path, p in graph.parameters().items()]


def outputs(graph: Graph) -> list[str]:
    return [f"{name} = {value.name} : {show_shape(value.type.shape)}" for name, value in graph.outputs.items()]


def names(graph: Graph) -> list[str]:
    return [
        f"{name}: {path} -> {kept.name} : {show_shape(kept.shape)}" + (f" {list(kept.order)}" if kept.order else "")
        for name, stored in graph.maps.items()
        for path, kept in stored(graph.parameters()).items()
    ]


RENDER = {"nodes": nodes, "params": params, "outputs": outputs, "names": names}


def test_there_is_a_test_of_every_chapter() -> None:
    pages = {case.main.path.stem for case in CASES}
    assert len(pages) >= 8 and len(CASES) >= 60
