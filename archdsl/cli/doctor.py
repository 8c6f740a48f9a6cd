"""``archdsl doctor``: what works on this machine."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import choose
from archdsl.cli.output import show
from archdsl.cli.signature import opt


def command(format: Annotated[str, opt("--format", help="text or json")] = "text") -> int:
    """Say which runtime and provider really works here."""
    choose(format, "--format", ("text", "json"))
    from archdsl.report.listing import machine
    from archdsl.runtime.doctor import as_records, examine

    findings = examine()
    show(machine(as_records(findings)), format)
    return FINDINGS if any(f.state == "wrong" for f in findings) else CLEAN
