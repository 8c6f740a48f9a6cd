"""Findings as GitHub workflow commands, which the runner turns into annotations. No token is needed."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.report.outcome import Outcome, details, file_name, file_span


def render(outcome: Outcome, root: str) -> str:
    """A line for each finding. GitHub shows the first ten errors and ten warnings of a step."""
    return "".join(_command(d, outcome.headline(d.code), root) + "\n" for d in outcome.diagnostics)


def _command(d: Diagnostic, headline: str, root: str) -> str:
    properties = {"title": f"{d.code}: {headline}"}
    span = file_span(d)
    if span is not None:
        line, column = span.source.position(span.start)
        end_line, end_column = span.source.position(span.end)
        place = {"file": file_name(span, root), "line": str(line), "endLine": str(end_line)}
        if line == end_line:  # the runner refuses columns of a finding that spans lines
            place |= {"col": str(column), "endColumn": str(max(end_column - 1, column))}
        properties = place | properties
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{d.severity} {told}::{_data(details(d))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
