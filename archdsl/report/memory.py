"""The memory of a network as a report: a chart over the steps, the peak, the plan of the arena."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archdsl.analyses.memory_plan import Figures, Kernel, Memory, Tensor, groups, path_at, source_line
from archdsl.report.cost_columns import CONVENTION
from archdsl.report.figures import exact_bytes, human_bytes
from archdsl.report.json import place
from archdsl.report.page import Drawing, Facts, Page, Report, Table

LINES = 48
"""Lines of the chart; longer nets have several operators on one."""
ROWS = 12
"""Rows of a table of tensors."""
BAR = 40
"""Characters of the longest bar."""


class MemoryReport(Report):
    """The report of ``archdsl cost --memory``."""

    kind = "memory"

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def page(self) -> Page:
        """The chart, the peak with its tensors, the plan of the arena, and the figures by fusion level and dtype."""
        memory, figures = self.memory, self.memory.figures
        facts = (
            f"peak   {exact_bytes(figures.peak)}, at {memory.at}",
            f"arena  {exact_bytes(figures.arena)}, {figures.slack:.1%} above the peak",
            f"kept   {exact_bytes(memory.kept)}, with what ONNX Runtime keeps, copies and needs on a CPU",
        )
        levels = tuple((name, *_needs(f)) for name, f in memory.by_level.items())
        dtypes = tuple((name, *_needs(f), exact_bytes(f.weights, "")) for name, f in memory.by_dtype.items())
        head = ("peak", "arena", "above it")
        note = "i8: without scales and zero points"
        return Page(heading(memory), (
            Drawing(chart(memory)), Facts(facts), _live(memory), _plan(memory),
            Table(("level", *head), levels, title="by fusion level"),
            Table(("floats as", *head, "weights"), dtypes, title="by element type", note=note),
        ))  # fmt: skip

    def data(self) -> dict[str, Any]:
        """Everything: the figures, every operator, every buffer with its offset."""
        memory, figures = self.memory, self.memory.figures
        return {
            "convention": CONVENTION, "network": memory.graph.name, "inputs": _inputs(memory), "level": memory.level,
            "dtype": memory.dtype, "weights": figures.weights,
            "peak": {"bytes": figures.peak, "step": memory.peak.step, "path": memory.at,
                     "tensors": [_tensor(memory, t) for t in memory.live]},
            "arena": {"bytes": figures.arena, "slack": figures.slack}, "kept": memory.kept,
            "levels": {name: _record(f) for name, f in memory.by_level.items()},
            "dtypes": {name: _record(f) for name, f in memory.by_dtype.items()},
            "operators": [{"step": k.step, "path": k.node.path, "op": k.node.op.name, "live": k.live, "made": k.made}
                          for k in memory.kernels],
            "buffers": [{"name": t.value.name, "offset": memory.arena.offsets[t.value], "bytes": t.bytes,
                         "from": t.buffer.start, "until": t.buffer.end} for t in _buffers(memory)],
        }  # fmt: skip

    def grid(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """A line for each operator: its step, path, bytes live while it runs, and bytes it makes."""
        rows: list[tuple[Any, ...]] = [
            (k.step, k.node.path, k.node.op.name, k.live, k.made) for k in self.memory.kernels
        ]
        return ("step", "path", "op", "live", "made"), rows

    def chart(self) -> str:
        """The arena over time."""
        from archdsl.report.memory_chart import memory_chart

        return memory_chart(self.memory, _buffers(self.memory))


def heading(memory: Memory) -> str:
    """``archdsl cost v1, memory at fusion level full: ResNet50, input image f32[1, 3, 224, 224]``."""
    inputs = ", ".join(f"{name} {type}" for name, type in _inputs(memory).items())
    dtype = f", floats as {memory.dtype}" if memory.dtype else ""
    return f"{CONVENTION}, memory at fusion level {memory.level}{dtype}: {memory.graph.name}, input {inputs}"


def chart(memory: Memory) -> tuple[str, ...]:
    """A bar for each operator, or for the largest of each run of them where there are many."""
    runs = groups(memory.kernels, LINES)
    most = max((kernel.live for kernel in memory.kernels), default=0)
    lines = [max(run, key=lambda k: k.live) for run in runs]
    top = max(lines, key=lambda k: k.live, default=None)
    wide = len(str(len(memory.bound.nodes)))
    drawn = [_bar(run, kernel, most, wide) + ("  <- peak" if kernel is top else "") for run, kernel in zip(runs, lines)]
    legend = "= held, # made by the operator"
    if any(len(run) > 1 for run in runs):
        legend += f"; a line is the largest of {len(runs[0])} operators"
    return (*drawn, legend)


def _bar(run: Any, kernel: Kernel, most: int, wide: int) -> str:
    steps = f"{run[0].step:>{wide}}" + (f"-{run[-1].step:<{wide}}" if len(run) > 1 else "")
    whole = -(-kernel.live * BAR // most) if most else 0
    made = min(whole, -(-kernel.made * BAR // most)) if most else 0
    bar = "=" * (whole - made) + "#" * made
    return f"{steps}  {_tail(kernel.node.path, 36):<36}  {human_bytes(kernel.live):>10}  {bar}"


def _live(memory: Memory) -> Table:
    rows = []
    for tensor in memory.live[:ROWS]:
        where, text = source_line(tensor.maker) if tensor.maker else ("", "the caller")
        made = _head(": ".join(part for part in (where.rpartition("/")[2], text) if part), 44)
        rows.append((_tail(tensor.value.name, 30), str(memory.bound.type(tensor.value)), f"{tensor.bytes:,}", made))
    note = _rest([t.bytes for t in memory.live[ROWS:]])
    return Table(("tensor", "type", "bytes", "made by"), tuple(rows), title="live at the peak", note=note)


def _plan(memory: Memory) -> Table:
    offset = memory.arena.offsets
    tensors = sorted(_buffers(memory), key=lambda t: -t.bytes)
    rows = tuple(
        (f"{offset[t.value]:,}", f"{t.bytes:,}", f"{t.buffer.start}-{t.buffer.end}", _tail(t.value.name, 36))
        for t in sorted(tensors[:ROWS], key=lambda t: (offset[t.value], t.buffer.start))
    )
    title = "plan of the arena" if len(tensors) <= ROWS else f"plan of the arena, the {ROWS} largest of {len(tensors)}"
    rest = _rest([t.bytes for t in tensors[ROWS:]])
    return Table(("offset", "bytes", "steps", "first holds"), rows, title=title, note=rest)


def _needs(figures: Figures) -> tuple[str, str, str]:
    return exact_bytes(figures.peak, ""), exact_bytes(figures.arena, ""), f"{figures.slack:.1%}"


def _tensor(memory: Memory, tensor: Tensor) -> dict[str, Any]:
    maker = tensor.maker
    return {
        "name": tensor.value.name, "type": str(memory.bound.type(tensor.value)), "bytes": tensor.bytes,
        "op": maker.op.name if maker else None, "until": path_at(memory.graph, tensor.buffer.end),
        "place": place(maker.origin.span if maker else None), "line": source_line(maker)[0] if maker else None,
    }  # fmt: skip


def _record(figures: Figures) -> dict[str, int]:
    return {"peak": figures.peak, "arena": figures.arena, "weights": figures.weights}


def _buffers(memory: Memory) -> list[Tensor]:
    """Every buffer by what it holds first."""
    return [Tensor(b.values[0], b, b.size) for b in memory.plan.buffers if isinstance(b.size, int)]


def _inputs(memory: Memory) -> dict[str, str]:
    return {value.name: str(memory.bound.type(value)) for value in memory.graph.inputs}


def _rest(sizes: Iterable[int]) -> str:
    left = list(sizes)
    return f"and {len(left)} more, {exact_bytes(sum(left))} together" if left else ""


def _head(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _tail(text: str, most: int) -> str:
    """The end of a long path, which is more useful than its beginning."""
    return text if len(text) <= most else "…" + text[1 - most :]
