"""``archdsl doctor``: what works on this machine."""

from __future__ import annotations

from archdsl.cli.exit import CLEAN, FINDINGS
from archdsl.cli.options import TextOrJson
from archdsl.cli.output import progress, show

EXAMPLE = "archdsl doctor --format json"


def command(format: TextOrJson = "text") -> int:
    """Report which runtime and providers work on this machine."""
    from archdsl.runtime.doctor import doctor

    with progress("trying the providers"):
        found = doctor()
    show(found.report(), format)
    return CLEAN if found.well else FINDINGS
