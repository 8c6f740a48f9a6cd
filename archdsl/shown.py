"""Objects that print themselves: as text, in a notebook as a table, and as a JSON document.

Only ``archdsl.report`` makes texts, and it lies above the analyses whose figures it shows. So a class names its report,
as an entry point names a function, and the report is imported when something is printed. A test resolves every name.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar


class Shown:
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

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self._rendered("markdown")

    def to_json(self) -> str:
        """A JSON document with ``format_version``, for programs."""
        return self._rendered("json")


class Verbatim:
    """Base of what is shown in a notebook as it is printed."""

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return f"```\n{self}\n```"
