"""``archdsl doctor``: what works on this machine."""

from __future__ import annotations

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import TextOrJson, choose
from archdsl.cli.output import show


def command(format: TextOrJson = "text") -> int:
    """Report which runtime and providers work on this machine."""
    choose(format, "--format", ("text", "json"))
    from archdsl.runtime.doctor import doctor

    found = doctor()
    show(found.report(), format)
    return CLEAN if found.well else FINDINGS
