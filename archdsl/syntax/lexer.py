"""Text to tokens: the basic lexer of ``grammars/arch.lark`` and the layout rules for newlines.

Everything here is one pass over the text. Faults (odd characters, malformed numbers, unclosed brackets) are reported
and corrected, so that the parser sees a plausible text and does not report them again.
"""

from __future__ import annotations

import re
from functools import cache

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source, Span
from archdsl.syntax.lexical_faults import mend
from archdsl.syntax.limits import LimitError, Limits
from archdsl.syntax.tables import Tables, tables
from archdsl.syntax.tokens import Token

_OPERATORS = "PLUS MINUS STAR SLASH FLOOR PERCENT AT POWER COMPARE AND OR NOT"
CONTINUES = frozenset(f"LBRACE COMMA EQUAL COLON DOUBLE_COLON ARROW VBAR {_OPERATORS}".split())
"""Tokens after which a newline does not end a statement."""
CONTINUED_BY = frozenset({"ARROW", "DOUBLE_COLON", "ELSE"})
"""Tokens before which a newline does not end a statement."""
CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
OPENERS = {closer: opener for opener, closer in CLOSERS.items()}
DEFINERS = frozenset({"BLOCK", "NETWORK", "VARIANT", "USE"})
"""Tokens that begin a definition at the start of a line, before a name, even if brackets are open."""
_NAMING = re.compile(r"[ \t]+(?:(?!(?:if|else|for|and|or|in|as|not)\b)[A-Za-z_]|[a-z]+[ \t]*=(?!=))")
_QUOTED = re.compile(rf'{_NAMING.pattern}|[ \t]+"')
SOFT = {"input": _QUOTED, "next": _NAMING, "output": _QUOTED, "state": _NAMING, "table": re.compile(r"[ \t]*\{")}
"""Words that are names wherever what they need as words does not follow: a name, a quoted one, or a brace."""
ALONE = re.compile(r"[ \t]*(?:[\n;}#]|$)")
"""Behind a word that begins a statement: nothing, so that a statement was meant and is not complete."""
NO_MEND = 4000
"""Tokens after which an unclosed bracket is no longer corrected, to stay linear."""


DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates of the Unicode bidirectional algorithm."""


@cache
def scanner() -> re.Pattern[str]:
    """One pattern with a named group for each terminal."""
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in tables().terminals))


class Lexer:
    """The tokens, comments and faults of one text, or of a part of it (an expression inside a string)."""

    def __init__(self, source: Source, limits: Limits, start: int = 0, end: int | None = None) -> None:
        self.source = source
        self.limits = limits
        self.position = start
        self.stop = len(source.text) if end is None else end
        self.tables: Tables = tables()
        self.tokens: list[Token] = []
        self.comments: list[Token] = []
        self.diagnostics: list[Diagnostic] = []
        self.broken: list[int] = []
        """Offsets of faults: the parser is silent about the statements that hold them."""
        self.lost: list[int] = []
        """Offsets of faults whose meaning cannot be guessed: the statements that hold them count as unread."""
        self.stray: set[int] = set()
        """Offsets of closing brackets that close nothing."""
        self.open: list[Token] = []
        self.misplaced: Token | None = None
        self.separator: Token | None = None
        self.first = True

    def run(self) -> list[Token]:
        """All tokens, without an end marker."""
        if not self.source.text.isascii():
            self._directions()
        self._scan()
        while self.open:
            self._unclosed_at_end()
            self._scan()
        return self.tokens

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def report(
        self, code: str, message: str, start: int, end: int, help: str = "", note: str = "", *, lost: bool = False
    ) -> None:
        """Report a fault; ``lost``: the text there has no meaning, not even a likely one."""
        self.broken.append(start)
        if lost:
            self.lost.append(start)
        self.diagnostics.append(Diagnostic(code, message, self.span(start, end), note, help=help))
        if len(self.diagnostics) >= self.limits.faults:
            raise LimitError("", "", self.span(start, end))

    def _directions(self) -> None:
        """Refuse what changes the order in which a text is shown, also in comments and strings (CVE-2021-42574)."""
        for found in DIRECTIONS.finditer(self.source.text, self.position, self.stop):
            message = f"the character U+{ord(found[0]):04X} changes the order in which the text is shown"
            help = "leave it out: readers see another text than the compiler"
            self.report("E0101", message, found.start(), found.end(), help)

    def _scan(self) -> None:
        match = scanner().match
        text, stop, words = self.source.text, self.stop, self.tables.words
        while self.position < stop:
            found = match(text, self.position, stop)
            if found is None:
                mend(self)
                continue
            kind = found.lastgroup
            start, self.position = found.span()
            if kind == "SPACE":
                continue
            if kind == "NEWLINE":
                self._newline(start)
            elif kind == "COMMENT":
                self.comments.append(
                    Token(kind, found.group().rstrip(), start, self.position, len(self.open), self.first)
                )
            elif kind == "NAME":
                value = found.group()
                if value in SOFT and self._is_name(value):
                    self.add(kind, value, start, self.position)
                else:
                    self.add(words.get(value, kind), value, start, self.position)
            else:
                assert kind is not None
                self.add(kind, found.group(), start, self.position)

    def _is_name(self, word: str) -> bool:
        """Whether a word that begins a statement or a table is a name here: what it needs does not follow."""
        if SOFT[word].match(self.source.text, self.position, self.stop):
            return False
        begins = self.separator is not None or not self.tokens or self.tokens[-1].type in ("LBRACE", "_SEP")
        return not (begins and ALONE.match(self.source.text, self.position, self.stop))

    def add(self, kind: str, text: str, start: int, end: int) -> None:
        """Append a token, and before it the separator that is due."""
        if kind == "SEMICOLON":
            self._semicolon(text, start, end)
            return
        if end - start > self.limits.token and kind in ("NAME", "NUMBER"):
            raise LimitError(
                "E0512", f"this {kind.lower()} is {end - start} characters long", self.span(start, start + 40)
            )
        if len(self.tokens) > self.limits.tokens:
            message = f"the text has more than {self.limits.tokens} tokens"
            raise LimitError("E0510", message, self.span(start, end))
        if self.first and self.open and kind in DEFINERS:
            self._definition_inside(start, end)
        if kind in OPENERS:
            kind = self._close(kind, start, end)
            if not kind:
                return
        self._separate(kind, end)
        token = Token(kind, text, start, end, len(self.open), self.first)
        self.tokens.append(token)
        self.first = False
        if kind in CLOSERS:
            if len(self.open) >= self.limits.brackets:
                raise LimitError(
                    "E0511", f"more than {self.limits.brackets} brackets are open here", self.span(start, end)
                )
            self.open.append(token)

    # Newlines

    def _newline(self, start: int) -> None:
        self.first = True
        if self.separator is None and self.tokens and not self._continues():
            self.separator = Token("_SEP", "\n", start, start + 1, len(self.open))

    def _continues(self) -> bool:
        if self.open and self.open[-1].type != "LBRACE":
            return True
        last = self.tokens[-1].type
        if last in ("AND", "OR", "NOT") and len(self.tokens) > 1 and self.tokens[-2].type == "DOT":
            return False
        return last in CONTINUES or last == "_SEP"

    def _semicolon(self, text: str, start: int, end: int) -> None:
        inside = bool(self.open) and self.open[-1].type != "LBRACE"
        if inside:
            self.tokens.append(Token("_SEP", text, start, end, len(self.open)))
        elif self.tokens and self.tokens[-1].type not in ("LBRACE", "_SEP"):
            self.separator = Token("_SEP", text, start, end, len(self.open))

    def _separate(self, kind: str, end: int) -> None:
        separator, self.separator = self.separator, None
        if separator is None or kind == "RBRACE":
            return
        if separator.text == "\n" and kind in CONTINUED_BY and not (kind == "ELSE" and self._labels(end)):
            return
        self.tokens.append(separator)

    def _labels(self, end: int) -> bool:
        return self.source.text[end : self.stop].lstrip(" \t")[:1] == ":"

    # Brackets

    def _close(self, kind: str, start: int, end: int) -> str:
        """The bracket that a closing one really is; empty when it is to be ignored."""
        if self.open and self.open[-1].type == OPENERS[kind]:
            self._watch_indentation(self.open.pop(), start)
            return kind
        if any(opener.type == OPENERS[kind] for opener in self.open):
            if kind == "RBRACE":
                self._unclosed(self.open[-1], start)
                return ""
            while self.open[-1].type != OPENERS[kind]:
                self._report_unclosed(self.open[-1])
                self.close_last(start)
            self.open.pop()
            return kind
        if not self.open or self.open[-1].type == "LBRACE":
            self.stray.add(start)
            self.report("E0104", f"`{self.source.text[start]}` closes nothing", start, end)
            return ""
        opener = self.open.pop()
        expected = self.tables.spellings[CLOSERS[opener.type]]
        self.report(
            "E0104",
            f"`{opener.text}` is closed by `{self.source.text[start]}`",
            start,
            end,
            note=f"`{expected}` expected",
            help=f"`{opener.text}` was opened on line {self.source.position(opener.start)[0]}",
        )
        return CLOSERS[opener.type]

    def _watch_indentation(self, opener: Token, closer: int) -> None:
        """Remember the first body whose `}` is further left than the line that opened it."""
        begins = opener.type == "LBRACE" and self.first and self.misplaced is None
        if begins and self.source.position(closer)[1] - 1 < self._indentation(opener.start):
            self.misplaced = opener

    def _indentation(self, offset: int) -> int:
        line = self.source.line(self.source.position(offset)[0])
        return len(line) - len(line.lstrip())

    def _unclosed(self, opener: Token, seen: int) -> None:
        """Report an opening bracket that is never closed, and read on as if its line had ended there."""
        self._report_unclosed(opener)
        index = (
            self.tokens.index(opener, max(0, len(self.tokens) - NO_MEND)) if opener in self.tokens[-NO_MEND:] else -1
        )
        if index < 0:
            raise LimitError("", "", self.span(opener.start, opener.end))
        resume = len(self.tokens)
        for position in range(index + 1, len(self.tokens)):
            token = self.tokens[position]
            if token.first and token.depth == opener.depth + 1 and self.tokens[position - 1].type not in CONTINUES:
                resume = position
                break
        self.position = self.tokens[resume].start if resume < len(self.tokens) else seen
        del self.tokens[resume:]
        self.comments = [comment for comment in self.comments if comment.start < self.position]
        self.diagnostics = [d for d in self.diagnostics if d.span and (d.span.start < self.position)]
        self.open = self.open[: opener.depth]
        self.separator = Token("_SEP", "\n", self.position, self.position, len(self.open))
        self.first = True

    def _report_unclosed(self, opener: Token) -> None:
        self.report(
            "E0104",
            f"`{opener.text}` is never closed",
            opener.start,
            opener.end,
            help=f"add the missing `{self.tables.spellings[CLOSERS[opener.type]]}`",
            lost=opener.type != "LBRACE",
        )

    def _unclosed_at_end(self) -> None:
        opener = self.open[-1]
        if opener.type != "LBRACE":
            self._unclosed(opener, self.stop)
            return
        self._report_unclosed(self.misplaced or opener)
        self._close_all(self.stop)

    def _definition_inside(self, start: int, end: int) -> None:
        """`block name` at the start of a line while something is open: the bracket was forgotten above.

        Unless it is indented further than the line that opened the body: then it is meant to be inside.
        """
        after = self.source.text[end : end + 80].lstrip(" \t")[:1]
        if not (after.isalpha() or after in ("_", '"')):
            return
        brace = next((t for t in reversed(self.open) if t.type == "LBRACE"), None)
        if brace is self.open[-1] and self._indentation(start) > self._indentation(brace.start):
            return
        if self.open[-1].type != "LBRACE":
            self._report_unclosed(self.open[-1])
        elif brace:
            self._report_unclosed(self.misplaced or brace)
        self._close_all(self.tokens[-1].end)
        self.separator = Token("_SEP", "\n", self.tokens[-1].end, end, 0)

    def _close_all(self, at: int) -> None:
        while self.open:
            self.close_last(at)
        self.misplaced = None

    def close_last(self, at: int) -> None:
        """Close the innermost bracket by one of no width."""
        opener = self.open.pop()
        self.separator = None
        if self.tokens[-1].type == "_SEP":
            self.tokens.pop()
        self.tokens.append(Token(CLOSERS[opener.type], "", at, at, len(self.open)))
