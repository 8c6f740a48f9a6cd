"""Rendering of reports as text in the requested form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.process import collector_paused
from archdsl.report.page import Report
from archdsl.shown import Shown

FORMATS = ("text", "markdown", "html", "csv", "json")


@collector_paused()
def render(report: Report, format: str) -> str:
    """The report as one of :data:`FORMATS`; ends in a newline."""
    if format == "json":
        from archdsl.report.json import document

        return document(report.kind, **report.data())
    if format == "csv":
        return comma_separated(*report.grid())
    if format == "markdown":
        from archdsl.report.markdown import markdown

        return markdown(report.page())
    if format == "html":
        from archdsl.report.html import html

        return html(report)
    from archdsl.report.layout import text

    return text(report.page())


@collector_paused()
def rendered(shown: Shown, format: str) -> str:
    """The report of what is shown, in the same way."""
    return render(shown.report(), format)


def comma_separated(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as RFC 4180 has it, with plain newlines."""
    import csv
    from io import StringIO

    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


class Printed(Shown):
    """Base of the results above the reports, which make theirs themselves."""

    def report(self) -> Report:
        """What it tells."""
        raise NotImplementedError
