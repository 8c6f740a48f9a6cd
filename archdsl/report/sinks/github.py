"""Findings as GitHub workflow commands, which the runner turns into annotations. No token is needed."""

from __future__ import annotations

from archdsl.report.outcome import Outcome, details, file_name, file_span, in_file
from archdsl.report.terminal import visible
from archdsl.source import Span


def render(outcome: Outcome, root: str) -> str:
    """A line for each finding and each further place it marks.

    GitHub shows the first ten errors, warnings and notices of a step.
    """
    lines = []
    for d in outcome.diagnostics:
        title = f"{d.code}: {outcome.headline(d.code)}"
        lines.append(_command(d.severity, title, file_span(d), details(d), root))
        lines += [_command("notice", title, label.span, label.note, root) for label in d.labels if in_file(label.span)]
    return "".join(line + "\n" for line in lines)


def _command(level: str, title: str, span: Span | None, text: str, root: str) -> str:
    properties = {"title": title}
    if span is not None:
        line, column = span.source.position(span.start)
        end_line, end_column = span.source.position(span.end)
        place = {"file": file_name(span, root), "line": str(line), "endLine": str(end_line)}
        if line == end_line:  # the runner refuses columns of a finding that spans lines
            place |= {"col": str(column), "endColumn": str(max(end_column - 1, column))}
        properties = place | properties
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {told}::{_data(text)}"


def _data(text: str) -> str:
    """Text in a command: nothing in it ends the command, begins another, or steers the log that shows it."""
    text = "\n".join(map(visible, text.split("\n")))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
