"""The comments of a file, in the order in which the formatter prints them."""

from __future__ import annotations

from archdsl.syntax import spec


class CommentQueue:
    """Comments that are not printed yet wait; each is taken once."""

    def __init__(self, file: spec.File) -> None:
        self.source = file.span.source
        self.comments = file.comments
        self.printed = 0

    def take(self, offset: int) -> list[spec.Comment]:
        """Those that stand before an offset."""
        begin = self.printed
        while self.printed < len(self.comments) and self.comments[self.printed].span.start < offset:
            self.printed += 1
        return list(self.comments[begin : self.printed])

    def behind(self, offset: int, limit: int) -> str:
        """The comment on the line of what ends at ``offset``, if it stands before ``limit``; else nothing."""
        if self.printed == len(self.comments):
            return ""
        comment = self.comments[self.printed]
        if not offset <= comment.span.start < limit or "\n" in self.source.text[offset : comment.span.start]:
            return ""
        self.printed += 1
        return "  " + comment.text

    def skip(self, position: int) -> int:
        """The next place from ``position`` on that is neither space nor comment."""
        text = self.source.text
        while True:
            position += len(text) - position - len(text[position:].lstrip(" \t\r\n\ufeff"))
            if not text.startswith("#", position):
                return position
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
