"""Objects that print themselves: as text, in a notebook as tables and pictures, and as a JSON document.

Only ``archdsl.report`` makes texts, and it lies above the analyses whose figures it shows. So a class names its report,
as an entry point names a function, and the report is imported when something is printed. A test resolves every name.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar


class Verbatim:
    """Base of what is shown in a notebook as it is printed."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What a notebook may show, by MIME type; a viewer takes the richest form it knows."""
        return {"text/plain": str(self)}


class Shown(Verbatim):
    """Base of the results that print themselves; ``report`` is the ``module:class`` that makes the text."""

    _report: ClassVar[str] = ""

    def __init_subclass__(cls, report: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if report:
            cls._report = report

    def report(self) -> Any:
        """What it tells: an ``archdsl.report.page.Report``."""
        module, _, name = self._report.partition(":")
        return getattr(import_module(module), name)(self)

    def _rendered(self, format: str) -> str:
        text: str = import_module("archdsl.report.render").rendered(self, format)
        return text

    def __str__(self) -> str:
        return self._rendered("text").rstrip("\n")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Tables, and a picture where the report has one; else the text."""
        return {"text/plain": str(self), "text/html": self._rendered("html")}

    def to_json(self) -> str:
        """A JSON document with ``format_version``, for programs."""
        return self._rendered("json")


class Tabled(Shown):
    """Base of the results that are one table of exact values."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dictionary for each row, by the heads of ``--format csv``: ``pandas.DataFrame(cost.to_dicts())``.

        Counts are integers, shapes texts; what is not known is ``None``.
        """
        head, rows = self.report().grid()
        return [{name: None if value == "" else value for name, value in zip(head, row)} for row in rows]


class Charted(Tabled):
    """Base of those that have a picture as well."""

    def to_svg(self) -> str:
        """The picture that ``archdsl cost -o`` writes; empty where there is nothing to draw."""
        picture: str = self.report().chart()
        return picture
