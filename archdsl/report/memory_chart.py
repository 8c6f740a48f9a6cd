"""The arena of a network as a picture: steps to the right, addresses upwards, the peak marked; below, what is live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.analyses.memory_plan import Memory, Tensor
from archdsl.record import Record
from archdsl.report.chart import FAINT, MARKED, MARKED_EDGE, PLAIN, PLAIN_EDGE, Chart, Scale, byte_unit, length, ticks
from archdsl.report.figures import human_bytes

WIDTH, LEFT, RIGHT = 920, 84, 20
ARENA = (104, 404)
"""From where to where the arena goes down, in pixels."""
LIVE = (448, 528)
"""The same of the live bytes below it."""
HINTED = 800
"""Tensors that tell their names to a mouse, largest first."""
SMALL = 0.02
"""Square pixels below which a tensor is not drawn: a million operators make a picture that opens."""


class Band(Record):
    """A scope, as the steps of it that follow one another."""

    name: str
    first: int
    last: int


def memory_chart(memory: Memory, tensors: Sequence[Tensor]) -> str:
    """The picture (SVG) of a memory plan. ``tensors``: every buffer, by what it holds first."""
    figures = memory.figures
    inputs = ", ".join(f"{value.name} {memory.bound.type(value)}" for value in memory.graph.inputs)
    dtype = f", floats as {memory.dtype}" if memory.dtype else ""
    sizes = f"peak {human_bytes(figures.peak)}; arena {human_bytes(figures.arena)}, {figures.slack:.1%} above the peak"
    told = (_short(f"input {inputs}; fusion level {memory.level}{dtype}"), f"{sizes}; orange: live at the peak")
    chart = Chart(WIDTH, 584, _short(f"Memory of {memory.graph.name}", 15), told)
    steps = Scale(0, memory.plan.steps, LEFT, WIDTH - RIGHT)
    _bands(chart, memory, steps)
    _arena(chart, memory, tensors, steps)
    _live(chart, memory, steps)
    _peak(chart, memory, steps)
    chart.text(LEFT, 572, "operators, in the order in which they run", color=FAINT)
    return chart.svg()


def _arena(chart: Chart, memory: Memory, tensors: Sequence[Tensor], steps: Scale) -> None:
    top, bottom = ARENA
    unit = byte_unit(memory.arena.size)
    addresses = Scale(0, max(memory.arena.size, 1), bottom, top)
    rows = [value for value in ticks(0, addresses.high, 6, unit[0]) if value <= addresses.high]
    chart.rows(addresses, rows, unit, LEFT, WIDTH - RIGHT)
    chart.text(16, top - 10, "address", color=FAINT)
    peak = memory.peak.step
    drawn: list[tuple[Tensor, tuple[float, float, float, float]]] = []
    for tensor in sorted(tensors, key=lambda t: -t.bytes * (t.buffer.end - t.buffer.start + 1)):
        low = memory.arena.offsets[tensor.value]
        x, y = steps(tensor.buffer.start), addresses(low + tensor.bytes)
        found = (x, y, steps(tensor.buffer.end + 1) - x, addresses(low) - y)
        if found[2] * found[3] >= SMALL:
            drawn.append((tensor, found))
    for marked in (False, True):
        fill = MARKED if marked else PLAIN
        chart.boxes([at for t, at in drawn[HINTED:] if _alive(t, peak) is marked], fill)
        for tensor, at in drawn[:HINTED]:
            if _alive(tensor, peak) is marked:
                edge = MARKED_EDGE if marked else PLAIN_EDGE
                chart.box(*at, fill, edge if min(at[2:]) >= 3 else "", _hint(memory, tensor))
    for tensor, (x, y, width, height) in drawn[:HINTED]:
        name = _fitting(tensor.value.name, width - 8)
        name = "" if name.isdecimal() else name  # nobody knows which `0` it is
        if name and height >= 15:
            chart.text(x + width / 2, y + height / 2 + 4, name, size=11, anchor="middle")
    chart.line([(LEFT, bottom), (WIDTH - RIGHT, bottom)], FAINT)


def _peak(chart: Chart, memory: Memory, steps: Scale) -> None:
    """The mark of the peak through both parts, and what it says, on the side that has room."""
    x = steps(memory.peak.step + 0.5)
    text = f"peak {human_bytes(memory.figures.peak)}, at {memory.at}"
    before = x + 8 + length(text) > WIDTH - 4
    chart.line([(x, ARENA[0] - 20), (x, LIVE[1])], MARKED_EDGE, 1.25, "4 3")
    chart.text(
        x + (-6 if before else 6),
        ARENA[0] - 10,
        text,
        color=MARKED_EDGE,
        anchor="end" if before else "start",
        weight=600,
    )


def _live(chart: Chart, memory: Memory, steps: Scale) -> None:
    """Bytes that are live at every step, as a line of stairs over its area."""
    top, bottom = LIVE
    profile = [size if isinstance(size, int) else 0 for size in memory.plan.profile()]
    values = Scale(0, max(memory.figures.peak, 1), bottom, top)
    unit = byte_unit(memory.figures.peak)
    stairs: list[tuple[float, float]] = []
    for step, until, size in _thinned(profile):
        stairs += [(steps(step), values(size)), (steps(until), values(size))]
    rows = [value for value in ticks(0, values.high, 2, unit[0]) if value <= values.high]
    chart.rows(values, rows, unit, LEFT, WIDTH - RIGHT)
    chart.area([(steps(0), bottom), *stairs, (steps(memory.plan.steps), bottom)], PLAIN)
    chart.line(stairs, PLAIN_EDGE, 1.25)
    chart.line([(LEFT, bottom), (WIDTH - RIGHT, bottom)], FAINT)
    chart.text(16, top - 12, "live bytes", color=FAINT)


def _thinned(profile: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """The stairs of a profile (first step, the step after the last, bytes); of a long one the largest of each pixel."""
    each = max(1, len(profile) // 1600)
    first, size = 0, max(profile[:each])
    for start in range(each, len(profile), each):
        if (now := max(profile[start : start + each])) != size:
            yield first, start, size
            first, size = start, now
    yield first, len(profile), size


def _bands(chart: Chart, memory: Memory, steps: Scale) -> None:
    """The scopes along the steps: a name where it fits, a rule between two."""
    y = LIVE[1] + 18
    for band in bands([node.path for node in memory.bound.nodes]):
        x, right = steps(band.first), steps(band.last + 1)
        name = _fitting(band.name, right - x - 4)
        if name:
            chart.text((x + right) / 2, y, name, anchor="middle")
        if right - x >= 3:
            chart.line([(right, LIVE[1]), (right, LIVE[1] + 24)])


def bands(paths: Sequence[str]) -> list[Band]:
    """The scopes of operators in order, at the first level at which none of them has nearly all."""
    for level in range(1, 5):
        found: list[Band] = []
        for step, path in enumerate(paths):
            names = path.split(".")[:level]
            scope = ".".join(names)
            if found and found[-1].name == scope:
                found[-1] = found[-1].replace(last=step)
            else:
                found.append(Band(scope, step, step))
        if all((band.last - band.first + 1) * 10 < 9 * len(paths) for band in found):
            break
    return [band.replace(name=_last(band.name)) for band in found] if paths else []


def _last(path: str) -> str:
    """The last name of a path, with the one before if it is a number."""
    names = path.split(".")
    return ".".join(names[-2:] if names[-1].isdecimal() else names[-1:])


def _alive(tensor: Tensor, step: int) -> bool:
    return tensor.buffer.start <= step <= tensor.buffer.end


def _hint(memory: Memory, tensor: Tensor) -> str:
    type = memory.bound.type(tensor.value)
    until = f"steps {tensor.buffer.start} to {tensor.buffer.end}, offset {memory.arena.offsets[tensor.value]:,}"
    return f"{tensor.value.name}: {type}, {tensor.bytes:,} bytes, {until}"


def _fitting(name: str, room: float) -> str:
    """As much of the end of a path as fits; empty if its last name does not."""
    names = name.split(".")
    ends = (".".join(names[first:]) for first in range(len(names)))
    return next((one for one in ends if length(one, 11) <= room), "")


def _short(text: str, size: float = 12) -> str:
    most = int((WIDTH - 32) / length("x", size))
    return text if len(text) <= most else text[: most - 1] + "…"
