"""The page ``docs/who_counts.md`` from what ``bench_foreign.py`` measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

MIB = 2**20
LEAST = 100
"""Values of files whose time for one value is told."""
TICK = 0.001
"""Seconds below which the clock says nothing."""
NAMES = {
    "archdsl": "archdsl", "onnxsim": "onnxsim", "onnx-tool": "onnx-tool", "onnxslim": "onnxslim",
    "symbolic": "ONNX Runtime", "inference": "onnx",
}  # fmt: skip
COUNTING = ("archdsl", "onnxsim", "onnx-tool")
TYPING = ("archdsl_shapes", "archdsl_free", "onnx-tool", "symbolic", "inference")
TITLES = {**NAMES, "archdsl_shapes": "archdsl", "archdsl_free": "archdsl, sizes free"}
Files = Mapping[str, tuple[Mapping[str, str], Mapping[str, Any]]]

HEAD = """# Who counts your model right

This page is written by a command, and so is each number on it:

```sh
python -m venv rivals && rivals/bin/pip install {pins} sympy onnx-ir onnx-shape-inference
python benchmarks/bench_foreign.py --rivals rivals/bin/python
```

The files are those that public packages ship (`tests/data/foreign_files.csv` has package, version and SHA-256), and
exports of PyTorch with a free batch of 2. Each tool works in a process of its own, stopped at 60 seconds of processor
time and 4 GB. All are told the same: the sizes of all inputs, and the value of inputs that are one number (the sample
rate of a voice detector).

- **Parameters and MACs** are held against figures from the definitions of ONNX's operators, with the shapes of a run of
  ONNX Runtime; for exports `tests/support/onnx_counter.py` counts, which has nothing of archdsl. What no output
  depends on is counted, too. onnx-tool counts additions of a bias and work of single elements by choice: here stand its
  products alone (convolutions, matrices, recurrent layers, einsum), less the biases, so that numbers mean the same.
- **Shapes** are of all results of nodes, those of branches that are taken too and those of loops not, against a run of
  ONNX Runtime without optimisations and with every value exposed. A shape is *answered* if it is all numbers. *Sizes
  free* is archdsl without the sizes of inputs; they are put into its polynomials afterwards. Sizes that decide which
  network it is have to be bound: it says how many archdsl asked for.
- **Seconds** are of the processor, **MiB** the highest resident memory, both above what the process had after the same
  tool had loaded its operators and read a model of one `Relu`, so that imports do not count. The tools take turns at
  a file, unless some are measured again (`--again`: what took onnxslim over 1.5 s was measured in an earlier run).
  For archdsl that is `cost` with the whole report: types, memory plan, receptive fields, the table of all operators.
  *Figures alone* is what the other tools give, parameters and MACs. onnxslim simplifies, and counts nothing; onnxsim
  counts here without simplifying.

ModelInfo of onnxsim {onnxsim}, onnx-tool {onnx-tool}, onnxslim {onnxslim}, `SymbolicShapeInference` of ONNX Runtime
{onnxruntime} with `auto_merge`, `shape_inference` of onnx {onnx} with `strict_mode` and `data_prop`.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|---" * len(head) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def wanted(row: Mapping[str, str], key: str) -> int:
    return int(row[key])


def raised(one: Mapping[str, Any]) -> str:
    """The kind of error, without its text."""
    said = str(one["error"])
    kind = said.partition(":")[0]
    return kind if kind != said or said.startswith("stopped") else said[:40]


def verdict_of(row: Mapping[str, str], one: Mapping[str, Any], keys: Sequence[str]) -> str:
    """``right``, the figure that is given, or what is said in its place."""
    if one.get("error"):
        return f"`{raised(one)}`"
    if one.get("symbols"):
        return "symbols"
    found = []
    for key in keys:
        if one[key] == "nan":
            return "`nan`"
        if one.get("partial"):
            found.append(f"≥ {one[key]:,}")
        elif one[key] != wanted(row, key):
            found.append(f"{one[key]:,} ({off(one[key], wanted(row, key))})")
    return "right" if not found else ", ".join(found)


def off(found: int, right: int) -> str:
    if not right or found >= 10 * right:
        return "wrong"
    change = found / right - 1
    return f"{change:+.1%}" if abs(change) >= 0.0005 else f"{found - right:+,}"


def shapes_of(one: Mapping[str, Any]) -> str:
    if one.get("error"):
        return f"`{raised(one)}`"
    wrong = f", {one['wrong']} wrong" if one["wrong"] else ""
    asked = f", {one['asked']} asked" if one.get("asked") else ""
    return f"{one['answered']:,}{wrong}{asked}"


def counts(files: Files) -> list[str]:
    rows = []
    for name, (row, one) in files.items():
        cells = [verdict_of(row, one["archdsl"], ("params", "macs")), verdict_of(row, one["onnxsim"], ("macs",))]
        tool = one["onnx-tool"]
        cells += [verdict_of(row, tool, ("macs",)), verdict_of(row, tool, ("params",))]
        rows.append([name, f"{wanted(row, 'params'):,}", f"{wanted(row, 'macs'):,}", *cells])
    others = ("onnxsim, MACs", "onnx-tool, MACs", "onnx-tool, parameters")
    return table(("file", "parameters", "MACs", "archdsl, both", *others), rows)


def shapes(files: Files) -> list[str]:
    rows = []
    for name, (_, one) in files.items():
        rows.append([name, f"{one['values']:,}", *(shapes_of(one[tool]) for tool in TYPING)])
    return table(("file", "values", *(TITLES[tool] for tool in TYPING)), rows)


def effort(files: Files) -> list[str]:
    rows = []
    for name, (_, one) in files.items():
        cells = [spent(one[tool]) for tool in NAMES]
        rows.append([name, f"{one['file'] / MIB:.2f}", f"{one['graph'] / MIB:.2f}", *cells])
    return table(("seconds and MiB above import", "MiB of the file", "without weights", *NAMES.values()), rows)


def spent(one: Mapping[str, Any]) -> str:
    return f"{one['seconds']:.3f}, {one['peak'] / MIB:.1f}" if "seconds" in one else f"`{raised(one)}`"


def summary(files: Files) -> list[str]:
    rows = []
    for tool, title in NAMES.items():
        ran = [(row, one[tool]) for row, one in files.values()]
        done = [one for _, one in ran if not one.get("error")]
        cells = [title]
        both = ("params", "macs") if tool == "archdsl" else ("macs",)
        if tool in COUNTING:
            said = [verdict_of(row, one, both) for row, one in ran if not one.get("error")]
            right, unsure = said.count("right"), sum(one[:1] == "≥" or one in ("symbols", "`nan`") for one in said)
            cells += [str(right), str(len(said) - right - unsure), str(unsure)]
        else:
            cells += ["", "", ""]
        cells.append(str(len(ran) - len(done)))
        typed = "archdsl_shapes" if tool == "archdsl" else tool
        values = sum(one["values"] for _, one in files.values())
        if typed in TYPING:
            every = [one[typed] for _, one in files.values()]
            answered, wrong = (sum(one.get(key, 0) for one in every) for key in ("answered", "wrong"))
            cells += [f"{answered:,} of {values:,}", f"{wrong:,}"]
        else:
            cells += ["", ""]
        cells.append(f"{median(one['seconds'] for one in done):.3f} / {sum(one['seconds'] for one in done):.1f}")
        cells.append(f"{median(one['peak'] for one in done) / MIB:.1f} / {max(one['peak'] for one in done) / MIB:.1f}")
        cells.append(f"{median(one['whole'] for one in done):.2f}")
        rows.append(cells)
    head = ("tool", "right (MACs; archdsl: parameters, too)", "another number",
            "`≥`, symbols, `nan`", "raises", "shapes answered", "wrong",
            "seconds: median / sum", "MiB: median / most", "whole process, s")  # fmt: skip
    return table(head, rows)


def faster(files: Files) -> str:
    """How much longer the others take than archdsl, in the median of the files on which both end."""
    found = []
    for key in ("alone", "seconds"):
        told = []
        for tool in ("onnxsim", "onnx-tool", "onnxslim"):
            ratios = [
                max(one[tool]["seconds"], TICK) / max(one["archdsl"][key], TICK)
                for _, one in files.values()
                if not one[tool].get("error") and not one["archdsl"].get("error")
            ]
            told.append(f"{tool} {median(ratios):.1f}")
        found.append(", ".join(told))
    per = [one["archdsl"]["alone"] / one["values"] * 1e6 for _, one in files.values() if one["values"] >= LEAST]
    return (
        "Seconds of the others as a multiple of archdsl's, in the median of the files on which both end: of the "
        f"figures alone {found[0]}; with the whole report {found[1]}. archdsl is Python from the first byte on, and "
        f"takes {median(per):.0f} microseconds for the figures of one value (files of at least {LEAST}). The others "
        "parse in C++; most of what onnxsim and onnxslim take is for weights, which archdsl does not read. onnx-tool "
        "follows shapes and counts, and hardly reads them either: to be ten times faster than that is out of reach of "
        "a reader in Python."
    )


def thrift(files: Files) -> str:
    """Memory of archdsl against the size of the file, with and without its weights."""
    own = [(one["archdsl"]["peak"], one["graph"], one["file"], one["values"]) for _, one in files.values()]
    held = sum(peak < 3 * graph for peak, graph, _, _ in own)
    return (
        "Memory of archdsl against the file without its weights: "
        f"{median(peak / graph for peak, graph, _, _ in own):.0f} times in the median, "
        f"below 3 times for {held} of {len(own)} files; a graph in Python takes "
        f"{median(peak / values for peak, _, _, values in own) / 1024:.0f} KiB for each value. Against the whole file: "
        f"{median(peak / file for peak, _, file, _ in own):.2f} times. Three times is out of reach: a file has some "
        "hundred bytes for a value, and Python's objects for its names, types and node alone are more than a thousand."
    )


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    files = results["files"]
    pins = " ".join(f"{name}=={version}" for name, version in results["versions"].items())
    small, large = (results["hole"][key] for key in ("small", "hole"))
    lines = [HEAD.format(pins=pins, **results["versions"])]
    lines += [f"## In short: {len(files)} files", "", *summary(files), faster(files), "", thrift(files), ""]
    lines += [
        "A matrix of 2 GB that lies as external data in a sparse file: archdsl takes "
        f"{large['seconds']:.3f} s and {large['peak'] / MIB:.1f} MiB; the same graph with 256 KiB in the file takes "
        f"{small['seconds']:.3f} s and {small['peak'] / MIB:.1f} MiB.", "",
    ]  # fmt: skip
    lines += ["## Parameters and MACs", "", *counts(files), "## Shapes", "", *shapes(files)]
    lines += ["## Time and memory", "", *effort(files)]
    if results["unopened"]:
        unopened = results["unopened"]
        lines += [f"## {len(unopened)} files that were not opened while this was built", ""]
        lines += ["Chosen by chance before the readers were written, and run once, when they were done.", ""]
        lines += [*summary(unopened), *counts(unopened), *shapes(unopened), *effort(unopened)]
    return "\n".join(lines).rstrip() + "\n"
