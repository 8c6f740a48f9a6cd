"""Diagnostics as text for people: the headline, the marked source, the applications that led to it, and the help."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Diagnostic
from archdsl.report.terminal import Paint, cells, inert, visible, width
from archdsl.source import Frame, Source, Span

LIMIT = 120
"""Characters of a source line that are shown; longer lines are cut around the marked span."""
FRAMES = 8
"""Block applications that are listed one by one."""

Mark = tuple[Span, str, bool]
"""A span, the note next to it, and whether it is the primary one."""


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """One diagnostic as several lines of text, without a final newline."""
    paint = Paint(color)
    d = diagnostic
    head = paint(d.severity, f"{d.severity}[{d.code}]") + paint("bold", f": {visible(d.message)}")
    marks = _marks(d)
    gutter = max((len(str(span.line)) for span, _, _ in marks), default=1)
    lines = [head]
    for source in dict.fromkeys(span.source for span, _, _ in marks):
        first = source is marks[0][0].source
        lines += _snippet(source, [m for m in marks if m[0].source is source], gutter, first, paint)
    details = _details(d, paint)
    if details and marks:
        lines.append(" " * gutter + paint("gutter", " |"))
    indent = " " * gutter + " " + paint("gutter", "=") + " "
    for detail in details:
        lines.append(indent + detail.replace("\n", "\n" + " " * (gutter + 3)))
    if not marks and d.note:
        lines.insert(1, indent + visible(d.note))
    return inert("\n".join(lines))


def concise(diagnostic: Diagnostic) -> str:
    """One line: ``specs/mine.arch:14:9: error[E0304]: …``."""
    place = f"{visible(str(diagnostic.span))}: " if diagnostic.span else ""
    return inert(f"{place}{diagnostic.severity}[{diagnostic.code}]: {visible(diagnostic.message)}")


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """``2 errors, 1 warning``; ``no findings`` for none."""
    severities = [d.severity for d in diagnostics]
    parts = [counted(severities.count(s), s) for s in ("error", "warning") if s in severities]
    return ", ".join(parts) or "no findings"


def counted(count: int, noun: str) -> str:
    """``1 file``, ``3 files``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _marks(d: Diagnostic) -> list[Mark]:
    if d.span is None:
        return [(label.span, label.note, False) for label in d.labels]
    return [(d.span, d.note, True), *((label.span, label.note, False) for label in d.labels)]


def _snippet(source: Source, marks: Sequence[Mark], gutter: int, first: bool, paint: Paint) -> list[str]:
    arrow = "-->" if first else ":::"
    bar = " " * gutter + paint("gutter", " |")
    lines = [f"{' ' * gutter}{paint('gutter', arrow)} {visible(str(marks[0][0]))}", bar]
    previous = 0
    for number in sorted({span.line for span, _, _ in marks}):
        if previous and number > previous + 1:
            lines.append(paint("gutter", "..."))
        previous = number
        lines += _marked_line(source, number, [m for m in marks if m[0].line == number], gutter, paint)
    return lines


def _marked_line(source: Source, number: int, marks: Sequence[Mark], gutter: int, paint: Paint) -> list[str]:
    raw = source.line(number)
    begin = source.line_starts[number - 1]
    placed = [(span.start - begin, span.end - begin, note, primary) for span, note, primary in marks]
    low, high = _window(len(raw), placed[0][0], placed[0][1])
    shown = cells(raw[low:high])
    before, after = "…" if low else "", "…" if high < len(raw) else ""
    text = before + "".join(shown) + after
    lines = [paint("gutter", f"{number:>{gutter}} |") + (f" {text}".rstrip())]
    for start, end, note, primary in placed:
        start, end = min(max(start, low), high), min(max(end, low), high)
        column = width(before + "".join(shown[: start - low]))
        length = max(width("".join(shown[start - low : end - low]).rstrip()), 1)
        sign = paint("error" if primary else "gutter", ("^" if primary else "-") * length)
        lines.append(" " * gutter + paint("gutter", " |") + " " + " " * column + f"{sign} {visible(note)}".rstrip())
    return lines


def _window(size: int, start: int, end: int) -> tuple[int, int]:
    """The part of a line of ``size`` characters to show: all of it, or ``LIMIT`` characters around the span."""
    if size <= LIMIT:
        return 0, size
    if end <= LIMIT - 20:
        return 0, LIMIT
    low = max(min(start - LIMIT // 3, size - LIMIT), 0)
    return low, min(low + LIMIT, size)


def _details(d: Diagnostic, paint: Paint) -> list[str]:
    details = ["\n".join(map(visible, note.split("\n"))) for note in d.notes]
    details += frame_lines(d.frame, d.span)
    if d.help:
        details.append(paint("help", "help") + ": " + "\n".join(map(visible, d.help.split("\n"))))
    return details


def frame_lines(frame: Frame | None, span: Span | None) -> list[str]:
    """How it came about, innermost first: ``in block `unit`, applied at line 31 with c = 64``."""
    lines: list[str] = []
    more = 0
    while frame is not None:
        if frame.span is not None and frame.span.text.startswith("network "):
            pass  # a network on its own: not applied anywhere
        elif len(lines) < FRAMES:
            lines.append(_frame_line(frame, span))
        else:
            more += 1
        frame = frame.parent
    return [*lines, f"… and {counted(more, 'more application')}"] if more else lines


def _frame_line(frame: Frame, span: Span | None) -> str:
    kind = "network" if frame.name[:1].isupper() else "block"
    text = f"in {kind} `{visible(frame.name)}`"
    if frame.span is not None:
        near = span is not None and span.source.name == frame.span.source.name
        text += f", applied at {f'line {frame.span.line}' if near else visible(str(frame.span))}"
    return text + (f" with {visible(frame.arguments)}" if frame.arguments else "")
