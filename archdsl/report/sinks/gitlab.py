"""Findings as a GitLab code quality report (the subset of the Code Climate format that GitLab reads)."""

from __future__ import annotations

import json

from archdsl.report.json import inert
from archdsl.report.outcome import Outcome, details, file_name, file_span, fingerprints


def render(outcome: Outcome, root: str) -> str:
    """An entry for each finding; one without a place in a file is put on line 1 of its target."""
    found = [(target.name, d) for target in outcome.targets for d in target.diagnostics]
    entries = []
    for (target, d), mark in zip(found, fingerprints([d for _, d in found], root)):
        span = file_span(d)
        path, line = (file_name(span, root), span.line) if span else (target, 1)
        entries.append({
            "description": details(d), "check_name": d.code, "fingerprint": mark,
            "severity": "major" if d.severity == "error" else "minor",
            "location": {"path": path, "lines": {"begin": line}},
        })  # fmt: skip
    return inert(json.dumps(entries, ensure_ascii=False, indent=2)) + "\n"
