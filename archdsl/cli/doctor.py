"""``archdsl doctor``: what works on this machine."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import choose
from archdsl.cli.output import columns, out
from archdsl.cli.signature import opt

SIGNS = {"ok": "ok", "note": "--", "wrong": "WRONG"}


def command(format: Annotated[str, opt("--format", help="text or json")] = "text") -> int:
    """Say which runtime and provider really works here."""
    choose(format, "--format", ("text", "json"))
    from archdsl.runtime.doctor import as_records, examine

    findings = examine()
    if format == "json":
        from archdsl.report.json import document

        out(document("doctor", findings=as_records(findings)))
    else:
        out("\n".join(columns([(SIGNS[f.state], f.subject, f.text) for f in findings])) + "\n")
    return FINDINGS if any(f.state == "wrong" for f in findings) else CLEAN
