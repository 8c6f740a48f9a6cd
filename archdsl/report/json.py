"""Documents for programs: every one carries ``format_version`` and says what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from math import isfinite
from typing import Any

from archdsl.diagnostics import Diagnostic
from archdsl.report.terminal import STEERING
from archdsl.source import Frame, Span

FORMAT_VERSION = 1
WIDTH = 120


def document(kind: str, **content: Any) -> str:
    """A JSON document of the given kind, ending in a newline. Keys keep their order; text is UTF-8; numbers that
    are not finite, which JSON cannot say, are null.
    """
    content = _finite(content)
    return inert(layout({"format": f"archdsl.{kind}", "format_version": FORMAT_VERSION, **content})) + "\n"


_UNSAFE = re.compile(rf"##(?=\w*\[)|[{STEERING}]")


def inert(text: str) -> str:
    """A JSON text without raw characters that steer terminals or CI systems: escaped, they mean what they meant.

    Halves of characters, as a file name that is no UTF-8 has them, cannot be written in UTF-8 and become U+FFFD.
    """
    return _UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0][0])
    if found[0] == "##":
        return "#\\u0023"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\u{0xD7C0 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _finite(data: Any) -> Any:
    """The data without infinities and NaN; what has none stays the same object."""
    if isinstance(data, float):
        return data if isfinite(data) else None
    if isinstance(data, dict):
        changed = {key: new for key, value in data.items() if (new := _finite(value)) is not value}
        return {**data, **changed} if changed else data
    if isinstance(data, list | tuple):
        made = [_finite(item) for item in data]
        return made if any(new is not old for new, old in zip(made, data)) else data
    return data


def layout(data: Any, indent: int = 0) -> str:
    """JSON with every part that fits on one line, so that a row is a line and a diff is readable."""
    nested = isinstance(data, dict | list) and bool(data)
    if not nested or (indent and len(data) <= WIDTH // 3):  # an item takes three characters at least
        flat = json.dumps(data, ensure_ascii=False, allow_nan=False)
        if not nested or len(flat) + indent <= WIDTH:
            return flat
    inner = "\n" + " " * (indent + 2)
    if isinstance(data, dict):
        parts = [f"{json.dumps(k, ensure_ascii=False)}: {layout(v, indent + 2)}" for k, v in data.items()]
        return "{" + inner + f",{inner}".join(parts) + "\n" + " " * indent + "}"
    return "[" + inner + f",{inner}".join(layout(item, indent + 2) for item in data) + "\n" + " " * indent + "]"


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
        "edit": {**place(d.edit.span), "text": d.edit.text} if d.edit is not None else None,
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
            {"name": frame.name, "arguments": frame.arguments} | {key: at[key] for key in ("file", "line", "column")}
        )
        frame = frame.parent
    return found
