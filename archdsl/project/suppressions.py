"""``# archdsl: ignore[W0401]``: comments that silence findings of their line, or of the line below them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, Edit
from archdsl.report.outcome import file_span
from archdsl.source import Source, Span
from archdsl.syntax import spec

_COMMENT = re.compile(r"#+\s*archdsl:\s*ignore\b(?:\[([^\]]*)\])?")


class Silence:
    """The ignores of one file, and which of them silenced something."""

    def __init__(self, source: Source, comments: Iterable[spec.Comment]) -> None:
        self.source = source
        self.entries: list[tuple[int, str, Span]] = []
        self.whole: dict[Span, Span] = {}
        """Of codes that stand alone in their comment: all that goes with them."""
        self.used: set[Span] = set()
        for comment in comments:
            found = _COMMENT.match(comment.text)
            if found is not None:
                self._read(comment.span, found)

    def _read(self, span: Span, found: re.Match[str]) -> None:
        before = self.source.line(span.line)[: span.column - 1]
        line = span.line if before.strip() else span.line + 1
        if found[1] is None:  # silences nothing: codes are always named
            self.entries.append((0, "", span))
            return
        start = span.start + found.start(1)
        codes = [
            (code[0], Span(self.source, start + code.start(), start + code.end()))
            for code in re.finditer(r"[^,\s]+", found[1])
        ]
        self.entries += [(line, code, at) for code, at in codes]
        if len(codes) == 1:
            self.whole[codes[0][1]] = self._all_of(span, before)

    def _all_of(self, span: Span, before: str) -> Span:
        """A comment with the blanks before it; with its whole line if nothing else is there."""
        code = before.rstrip()
        end = span.end if code else min(span.end + 1, len(self.source.text))
        return Span(self.source, span.start - len(before) + len(code), end)

    def keep(self, found: Iterable[Diagnostic]) -> list[Diagnostic]:
        """The findings that no comment silences; errors cannot be silenced."""
        kept = []
        for d in found:
            span = file_span(d)
            inside = span is not None and span.source is self.source and d.severity == "warning"
            ignores = [at for line, code, at in self.entries if inside and span and (line, code) == (span.line, d.code)]
            self.used.update(ignores)
            if not ignores:
                kept.append(d)
        return kept

    def unused(self, looked_for: Iterable[str]) -> list[Diagnostic]:
        """W0420 for every ignore of a code that was looked for and not found there, and for malformed ones."""
        known = set(looked_for)
        found = []
        for line, code, span in self.entries:
            if not line:
                message = "`ignore` names no code"
                found.append(Diagnostic("W0420", message, span, help="write `# archdsl: ignore[W0401]`"))
            elif span not in self.used and (code in known or not re.fullmatch(r"W\d{4}", code)):
                where = "its line" if span.line == line else "the next line"
                message = f"nothing is silenced: {where} has no finding `{code}`"
                edit = Edit(self.whole[span], "") if span in self.whole else None
                found.append(Diagnostic("W0420", message, span, edit=edit))
        return found
