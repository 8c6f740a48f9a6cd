"""Parsing: the automaton of ``grammars/arch.lark``, driven over the tokens, with recovery at statements.

>>> file, diagnostics = parse(Source("net.arch", "arch 1"))
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.source import Passage, Source, Span
from archdsl.syntax import spec
from archdsl.syntax.lexer import CLOSERS, DEFINERS, Lexer
from archdsl.syntax.limits import LIMITS, LimitError, Limits
from archdsl.syntax.productions import Production, Splice, productions
from archdsl.syntax.statements import Builder
from archdsl.syntax.syntax_errors import unexpected, with_edition
from archdsl.syntax.tables import Tables, tables
from archdsl.syntax.tokens import Token
from archdsl.syntax.walk import too_high

RESYNCHRONISE = ("statement", "definition", "claim_statement", "claim", "name_rule", "row")
"""Rules whose faults stay inside them: the parser skips to the end of one and reads on."""


def parse(source: Source, limits: Limits = LIMITS) -> tuple[spec.File | None, list[Diagnostic]]:
    """The tree of a text and everything wrong with it, in the order of the text.

    With errors the tree lacks the faulty statements; it is ``None`` if a limit was exceeded.
    """
    if len(source.text) > limits.characters:
        return None, [_too_long(source, limits)]
    lexer = Lexer(source, limits)
    try:
        tokens = lexer.run()
    except LimitError as stop:
        return None, _sorted([*lexer.diagnostics, *_stopped(stop)], limits)
    parser = Parser(source, limits, Builder(source, lexer.comments), lexer.broken)
    parser.builder.lost = list(lexer.lost)
    try:
        tokens = with_edition(source, tokens, parser.diagnostics, parser.broken)
        read = parser.run(tokens, "file")
        file = read if isinstance(read, spec.File) else None
        parser.check_height(file)
    except LimitError as stop:
        file = None
        parser.diagnostics.extend(_stopped(stop))
    del parser.builder.embedded  # else all tokens wait for the collector
    broken = set(lexer.broken)
    meant = [found for found in parser.builder.diagnostics if found.span and found.span.start not in broken]
    return file, _sorted([*parser.unskipped(lexer), *parser.diagnostics, *meant], limits)


def parse_file(source: Source, limits: Limits = LIMITS) -> spec.File:
    """The tree of a text; raises :class:`DiagnosticError` with everything that is wrong with it."""
    file, diagnostics = parse(source, limits)
    if diagnostics or file is None:
        raise DiagnosticError(diagnostics)
    return file


def _too_long(source: Source, limits: Limits) -> Diagnostic:
    message = f"the text has {len(source.text)} characters, more than {limits.characters}"
    return Diagnostic("E0510", message, Span(Source(source.name, source.text[:200]), 0, 0))


def _stopped(stop: LimitError) -> list[Diagnostic]:
    return [Diagnostic(stop.code, stop.message, stop.span, help=stop.help)] if stop.code else []


def _sorted(diagnostics: list[Diagnostic], limits: Limits) -> list[Diagnostic]:
    return sorted(diagnostics, key=lambda d: d.span.start if d.span else 0)[: limits.faults]


_PASSED: dict[tuple[int, int, str], int] = {}
"""Two states and a terminal -> what :meth:`Parser._passed` finds: at most as many as the automaton has."""


class Parser:
    """One run of the automaton. The four stacks grow and shrink together; ``depths`` are brackets open."""

    def __init__(self, source: Source, limits: Limits, builder: Builder, broken: list[int]) -> None:
        self.source = source
        self.limits = limits
        self.tables: Tables = tables()
        self.rules = productions()
        self.builder = builder
        builder.embedded = self.embedded  # type: ignore[method-assign]
        self.broken = sorted(broken)
        self.diagnostics: list[Diagnostic] = []
        self.actions: dict[str, Callable[[int, int, list[Any]], Any]] = {}
        self.states: list[int] = []
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.depths: list[int] = []
        self.tokens: list[Token] = []
        self.final = -1
        self.depth = 0
        self.peak = 0
        self.recovered = (-1, -1)
        self.stuck = (-1, 0)
        """The token at which reading could not go on last, and how often."""
        self.embeddings = 0
        self.skipped: list[tuple[int, int]] = []
        """Places where text was skipped at the top of the file: a `}` there closes nothing and is not reported."""

    def run(self, tokens: list[Token], start: str) -> Any:
        """Parse all tokens as ``start``; the value of the last reduction."""
        end = tokens[-1].end if tokens else 0
        tokens = [*tokens, Token("$END", "", end, end)]
        self.states = [self.tables.starts[start]]
        self.final = self.tables.ends[start]
        self.tokens = tokens
        index = 0
        while index < len(tokens):
            if self.feed(tokens[index]):
                index += 1
            else:
                index = self.recover(index)
        return self.values[-1] if self.values else None

    def feed(self, token: Token) -> bool:
        """Shift one token after all reductions it asks for; whether that was possible."""
        states, rows, kind, known = self.states, self.tables.states, token.type, self.rules
        while True:
            action = rows[states[-1]].get(kind)
            if action is None:
                return kind == "$END" and states[-1] == self.final
            if action >= 0:
                break
            rule = known[-1 - action]
            if rule.passes:
                states[-1] = self._passed(states[-2], states[-1], kind)
            else:
                self.reduce(rule)
            if states[-1] == self.final and kind == "$END":
                return True
        self.depth = token.depth + 1 if kind in CLOSERS else token.depth
        self._push(action, token, token.start, token.end)
        if len(states) > self.peak:
            self.peak = len(states)
            if self.peak > 20 * self.limits.depth:
                raise LimitError("E0511", "this is nested too deeply", self.builder.span(token.start, token.end))
        return True

    def _passed(self, below: int, state: int, kind: str) -> int:
        """The state after all reductions to an only child that ``kind`` asks for: a number is a product, and a sum."""
        key = below, state, kind
        passed = _PASSED.get(key)
        if passed is None:
            rows, rule = self.tables.states, self.rules[-1 - self.tables.states[state][kind]]
            while rule.passes:
                state = rows[below][rule.origin]
                action = rows[state].get(kind)
                if action is None or action >= 0:
                    break
                rule = self.rules[-1 - action]
            passed = _PASSED[key] = state
        return passed

    def reduce(self, rule: Production) -> None:
        """Replace the children of a rule by its value."""
        states, length = self.states, rule.length
        if length:
            values = self.values[-length:]
            start, end = self.starts[-length], self.ends[-1]
            for stack in (states, self.values, self.starts, self.ends, self.depths):
                del stack[-length:]
        else:
            values = []
            start = end = self.ends[-1] if self.ends else 0
        value = self._value(rule, values, start, end)
        self._push(self.tables.states[states[-1]][rule.origin], value, start, end)

    def _push(self, state: int, value: Any, start: int, end: int) -> None:
        self.states.append(state)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)
        self.depths.append(self.depth)

    def _value(self, rule: Production, values: list[Any], start: int, end: int) -> Any:
        kept = values if rule.whole else [None if pick < 0 else values[pick] for pick in rule.picks]
        children: list[Any] = []
        for child in kept:
            if type(child) is Splice:
                if children:
                    children.extend(child)
                else:
                    children = child
            else:
                children.append(child)
        if rule.inline:
            return children if type(children) is Splice else Splice(children)
        action = self.actions.get(rule.builder)
        if action is None:
            action = getattr(self.builder, rule.builder, None) or getattr(self.builder, rule.builder + "_")
            self.actions[rule.builder] = action
        value = action(start, end, children)
        if value is None:
            return Splice()
        if isinstance(value, spec.Definition):
            self.builder.passage = Passage(self.source)
        if self.builder.lost and isinstance(value, spec.Statement | spec.Definition) and self._lost(start, end):
            return Splice() if isinstance(value, spec.Expect | spec.Budget | spec.Weights) else self._unread(start, end)
        return value

    # Faults

    def recover(self, index: int) -> int:
        """Report the token at ``index``, give up the innermost statement around it, and return where to read on."""
        self.depth = min(self.depth, self.tokens[index].depth)  # less where brackets did not match
        level, symbol = self._level()
        if level < 0:
            self._report(index, self.tokens[0].start, index)
            return len(self.tokens)
        goto = self.tables.states[self.states[level]][symbol]
        depth = self.depths[level - 1] if level else 0
        begin = self.starts[level] if level < len(self.starts) else self.tokens[index].start
        top = "definition" in self.tables.states[self.states[level]]
        again = self.recovered == (index, level) or self._stuck(index)
        stop = self._end_of_statement(index + again, depth, self.tables.states[goto], top)
        if top:
            self.skipped.append((begin, self.tokens[stop].start))
        self.recovered = (stop, level)
        self._lost(begin, self.tokens[stop].start)
        self._report(index, begin, stop)
        del self.states[level + 1 :]
        for stack in (self.values, self.starts, self.ends, self.depths):
            del stack[level:]
        self.depth = depth
        self._push(goto, self._gap(symbol, begin, stop), begin, self.tokens[stop].start)
        return stop

    def _stuck(self, index: int) -> bool:
        """Whether the token was where reading could not go on a few times before: then it is passed over."""
        count = self.stuck[1] + 1 if self.stuck[0] == index else 1
        self.stuck = (index, count)
        return count > 3

    def _gap(self, symbol: str, begin: int, stop: int) -> Any:
        """The placeholder for the tokens from ``begin`` to the one at ``stop``, which could not be read."""
        if symbol == "row":
            return ()
        if symbol not in ("statement", "definition"):
            return Splice()
        return self._unread(begin, max(begin, self.tokens[stop].start))

    def _unread(self, start: int, end: int) -> spec.Statement:
        """The placeholder for a statement or definition that could not be read."""
        first = bisect_left(self.tokens, start, key=lambda token: token.start)
        inside = self.tokens[first : bisect_left(self.tokens, end, key=lambda token: token.start)]
        names = frozenset(token.text for token in inside if token.type == "NAME")
        branch = bool(inside) and inside[0].type == "VBAR"
        return spec.Missing(self.builder.span(start, end), names, branch)

    def _lost(self, start: int, end: int) -> bool:
        """Whether something between the offsets lost its meaning, which then is accounted for."""
        inside = [offset for offset in self.builder.lost if start <= offset < end]
        if inside:
            self.builder.lost = [offset for offset in self.builder.lost if not start <= offset < end]
        return bool(inside)

    def _level(self) -> tuple[int, str]:
        """The innermost place in the stack where a statement, definition, claim or row began, and which of them."""
        for level in range(len(self.states) - 1, -1, -1):
            if level and self.depths[level - 1] > self.depth:
                continue
            row = self.tables.states[self.states[level]]
            for symbol in RESYNCHRONISE:
                if symbol in row:
                    return level, symbol
        return -1, ""

    def _end_of_statement(self, index: int, depth: int, row: dict[str, int], top: bool) -> int:
        """The next token that ends the statement; at the top of the file, only what begins a definition does."""
        tokens = self.tokens
        for stop in range(index, len(tokens)):
            token = tokens[stop]
            if token.depth < depth:
                return stop
            if token.depth == depth and token.type in ("_SEP", "VBAR") and token.type in row:
                following = tokens[min(stop + 1, len(tokens) - 1)].type
                if following != "LBRACE" and (not top or following in ("LET", "WITH", *DEFINERS)):
                    return stop
        return len(tokens) - 1

    def _report(self, index: int, begin: int, stop: int) -> None:
        """Report the token at ``index``, unless a fault of its statement was reported before."""
        near = bisect_left(self.broken, begin)
        if near < len(self.broken) and self.broken[near] < max(self.tokens[stop].start, begin + 1):
            return
        self.diagnostics.append(unexpected(self.source, self.tables, self.states, self.tokens, index))
        if len(self.diagnostics) >= self.limits.faults:
            raise LimitError("", "", self.builder.span(0, 0))

    def unskipped(self, lexer: Lexer) -> list[Diagnostic]:
        """The lexer's findings without the stray closing brackets in passages that were skipped."""
        return [d for d in lexer.diagnostics if not (d.span and d.span.start in lexer.stray and self._in_skipped(d))]

    def _in_skipped(self, found: Diagnostic) -> bool:
        """Whether a finding is in a skipped passage that the parser has reported before."""
        at = found.span.start if found.span else 0
        told = [d.span.start for d in self.diagnostics if d.span]
        return any(begin < at < end and any(begin <= other < at for other in told) for begin, end in self.skipped)

    # Parts

    def embedded(self, start: int, end: int) -> spec.Expr | None:
        """The expression at ``start`` to ``end``, which a string embeds."""
        self.embeddings += 1
        if self.embeddings > self.limits.embedded:
            message = f"strings embed more than {self.limits.embedded} expressions"
            raise LimitError("E0510", message, self.builder.span(start, end))
        lexer = Lexer(self.source, self.limits, start, end)
        tokens = lexer.run()
        inner = Parser(self.source, self.limits, Builder(self.source, []), lexer.broken)
        inner.builder.passage = self.builder.passage
        if lexer.comments:
            comment = lexer.comments[0]
            inner.builder.report(
                "E0103", "a string cannot embed a comment", self.builder.span(comment.start, comment.end)
            )
        value = inner.run(tokens, "value")
        found = [*lexer.diagnostics, *inner.diagnostics, *inner.builder.diagnostics]
        self.builder.diagnostics.extend(found)
        self.builder.longest = max(self.builder.longest, inner.builder.longest)
        if found:
            self.builder.lost.append(start)
        return value if isinstance(value, spec.Expr) and not found else None

    def check_height(self, tree: spec.Syntax | None) -> None:
        """Refuse trees so high that a recursive walk over them could overflow."""
        if tree is not None and self.peak * self.builder.longest > self.limits.depth:
            deepest = too_high(tree, self.limits.depth)
            if deepest is not None:
                message = f"this is nested more than {self.limits.depth} levels deep"
                raise LimitError("E0511", message, deepest.span, "name parts of it with `let` or `block`")
