"""Documents for programs: every one carries ``format_version`` and says what it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from archdsl.diagnostics import Diagnostic
from archdsl.source import Frame, Span

FORMAT_VERSION = 1


def document(kind: str, **content: Any) -> str:
    """A JSON document of the given kind, ending in a newline. Keys keep their order; text is UTF-8."""
    return json.dumps({"format": f"archdsl.{kind}", "format_version": FORMAT_VERSION, **content}, indent=2) + "\n"


def diagnostic_record(d: Diagnostic) -> dict[str, Any]:
    """One diagnostic as plain data. Lines and columns count from 1; the end is exclusive."""
    return {
        "code": d.code,
        "severity": d.severity,
        "message": d.message,
        **place(d.span),
        "note": d.note,
        "labels": [{**place(label.span), "note": label.note} for label in d.labels],
        "notes": list(d.notes),
        "help": d.help,
        "frames": _frames(d.frame),
    }


def diagnostic_records(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Several diagnostics, in the given order."""
    return [diagnostic_record(d) for d in diagnostics]


def place(span: Span | None) -> dict[str, Any]:
    """Where a span begins and ends; nulls for none."""
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column,
    }  # fmt: skip


def _frames(frame: Frame | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while frame is not None:
        at = place(frame.span)
        found.append(
            {"name": frame.name, "arguments": frame.arguments}
            | {key: at[key] for key in ("file", "line", "column")}
        )
        frame = frame.parent
    return found
