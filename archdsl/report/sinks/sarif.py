"""Findings as SARIF 2.1.0 (OASIS): what code scanning reads."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from archdsl.diagnostics import Diagnostic, Edit
from archdsl.report.json import inert
from archdsl.report.outcome import Outcome, details, file_name, file_span, fingerprints, in_file
from archdsl.report.terminal import visible
from archdsl.source import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "archdslFinding/v1"
MOST = 25_000
"""Results that GitHub takes of a run."""


def render(outcome: Outcome, root: str) -> str:
    """One run; paths are relative to ``root``. Columns count Unicode code points from 1, ends are exclusive."""
    found = sorted(outcome.diagnostics, key=lambda d: d.severity)[:MOST]  # errors first
    left = len(outcome.diagnostics) - len(found)
    codes = {code: index for index, code in enumerate(sorted({d.code for d in found}))}
    results = [_result(d, codes, root, mark) for d, mark in zip(found, fingerprints(found, root))]
    driver = {
        "name": "archdsl", "version": outcome.version, "semanticVersion": _semantic(outcome.version),
        "rules": [_rule(code, outcome) for code in codes],
    }  # fmt: skip
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "the folder the check was run in"}}},
        "invocations": [_invocation(found, left)],
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return inert(json.dumps(log, ensure_ascii=False, indent=2)) + "\n"


def _text(text: str) -> dict[str, str]:
    """A message. In the plain text of SARIF, ``[words](target)`` is a link: none of ours is meant as one."""
    lines = (visible(line) for line in text.split("\n"))
    return {"text": re.sub(r"\[([^\[\]]*)\](?=\()", r"\\[\1\\]", "\n".join(lines))}


def _invocation(found: Sequence[Diagnostic], left: int) -> dict[str, Any]:
    """How the run went: faults of its use have no place in a file, and code scanning shows those as notifications."""
    told = [
        {"level": d.severity, "message": _text(details(d)), "descriptor": {"id": d.code}}
        for d in found if d.of_use and d.severity == "error"
    ]  # fmt: skip
    if left:
        told.append({"level": "note", "message": {"text": f"{left:,} more results: this file takes {MOST:,}"}})
    shown = {"toolExecutionNotifications": told} if told else {}
    return {"executionSuccessful": not any(d.of_use and d.severity == "error" for d in found), **shown}


def _semantic(version: str) -> str:
    """``1.2`` as ``1.2.0``: the standard requires three numbers."""
    parts = [part for part in version.split("+")[0].split(".") if part.isdigit()]
    return ".".join([*parts, "0", "0", "0"][:3])


def _rule(code: str, outcome: Outcome) -> dict[str, Any]:
    page = outcome.page(code)
    rule: dict[str, Any] = {
        "id": code,
        "shortDescription": {"text": outcome.headline(code)},
        "defaultConfiguration": {"level": "warning" if code.startswith("W") else "error"},
    }
    if page:
        rule["help"] = {"text": page, "markdown": page}
    return rule


def _result(d: Diagnostic, codes: Mapping[str, int], root: str, mark: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": d.code, "ruleIndex": codes[d.code], "level": d.severity, "message": _text(details(d)),
        "partialFingerprints": {FINGERPRINT: mark},
    }  # fmt: skip
    span = file_span(d)
    if span is not None:
        result["locations"] = [{"physicalLocation": _location(span, root)}]
    related = [(label.span, label.note) for label in d.labels if in_file(label.span)]
    if related:
        result["relatedLocations"] = [
            {"id": index, "physicalLocation": _location(at, root), "message": _text(note or "related")}
            for index, (at, note) in enumerate(related)
        ]
    if d.edit is not None and in_file(d.edit.span):
        result["fixes"] = [_fix(d, d.edit, root)]
    return result


def _fix(d: Diagnostic, edit: Edit, root: str) -> dict[str, Any]:
    place = _location(edit.span, root)
    replacement = {"deletedRegion": place["region"], "insertedContent": {"text": edit.text}}
    change = {"artifactLocation": place["artifactLocation"], "replacements": [replacement]}
    return {"description": _text(d.help or d.message), "artifactChanges": [change]}


def _location(span: Span, root: str) -> dict[str, Any]:
    name = file_name(span, root)
    outside = name.startswith("/") or name[1:2] == ":"
    path = quote(os.fsencode(name.lstrip("/")))  # as bytes: a name need not be UTF-8
    artifact = {"uri": f"file:///{path}"} if outside else {"uri": path, "uriBaseId": "ROOT"}
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(max(span.end, span.start))
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {"artifactLocation": artifact, "region": region}
