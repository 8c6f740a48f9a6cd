"""``archdsl doctor``: what works on this machine."""

from __future__ import annotations

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import TextOrJson, choose
from archdsl.cli.output import show


def command(format: TextOrJson = "text") -> int:
    """Say which runtime and provider really works here."""
    choose(format, "--format", ("text", "json"))
    from archdsl.runtime.doctor import doctor

    found = doctor()
    show(found.report(), format)
    return CLEAN if found.well else FINDINGS
