"""Rules of a ``weights`` statement as patterns of paths, and what all variants of a file share of one statement."""

from __future__ import annotations

from typing import Any, NamedTuple

from archdsl.interpret.code import Code, Context, compiled
from archdsl.interpret.env import Env
from archdsl.record import Record
from archdsl.syntax import spec
from archdsl.syntax.name_rules import is_conversion
from archdsl.syntax.walk import walk
from archdsl.tape.limits import Bounds

Captures = tuple[tuple[str, int | str], ...]
"""Captured names and their values: an integer if it is written as one."""


class Target(Record):
    """A right side: the name, and the operator that converts the tensor."""

    name: str
    convert: Any = None


class Renamed(NamedTuple):
    """Of a path: the rules that apply, the new name (``None`` if the last one has a fault), and the conversion."""

    rules: tuple[spec.NameRule, ...]
    name: str | None
    convert: Any


class Candidates(NamedTuple):
    """Those of some rules whose first component matches that of a path, and how many components the longest has."""

    rules: list[spec.NameRule]
    longest: int


class Component(Record):
    """``layer{i}_bn``: the name that is captured (empty for none), and the text around it."""

    before: str
    capture: str = ""
    after: str = ""

    def match(self, text: str) -> Captures | None:
        """What is captured of a component of a path, if it is of this form. Operators are called ``conv``, ``conv_2``,
        ``conv_3``: where ``conv_{k}`` is asked for, ``conv`` is the first.
        """
        if not self.capture:
            return () if text == self.before else None
        if self.before == text + "_" and not self.after:
            return ((self.capture, 1),)
        length = len(text) - len(self.after)
        if not (text.startswith(self.before) and text.endswith(self.after) and length > len(self.before)):
            return None
        captured = text[len(self.before) : length]
        number = captured.isascii() and captured.isdigit() and (captured == "0" or captured[0] != "0")
        return ((self.capture, int(captured) if number else captured),)


def components(pattern: spec.String) -> tuple[Component, ...]:
    """The components of a pattern; none for the empty string."""
    found = [Component("")]
    for part in pattern.parts:
        if isinstance(part, spec.Name):
            found[-1] = found[-1].replace(capture=part.id)
            continue
        assert isinstance(part, str)
        first, *more = part.split(".")
        last = found[-1]
        found[-1] = last.replace(after=first) if last.capture else last.replace(before=last.before + first)
        found += map(Component, more)
    return () if found == [Component("")] else tuple(found)


class Rules:
    """The rules of one statement, kept with it: all variants of a file share them."""

    def __init__(self, statement: spec.Weights) -> None:
        self.patterns: dict[int, tuple[Component, ...]] = {}
        self.candidates: dict[tuple[int, str | None], Candidates] = {}
        """By rules and the first component of a path."""
        self.codes: dict[int, Code] = {}
        self.free = tuple(_free(statement.rules, frozenset()))
        """Names on right sides that no pattern captures."""
        self.targets: dict[tuple[int, Captures], Target] = {}
        """Right sides, where they mean the same in all networks (:meth:`alike`)."""
        self.modules: dict[str, Renamed | None] = {}
        """There, what becomes of the paths of modules, and so of all that is in them; ``None`` where rules tell that
        apart."""

    def alike(self, env: Env) -> bool:
        """Whether right sides mean the same in all networks: they use what they capture, and operators as they are."""
        return all(
            env.meanings.of(name).kind == "operator" and not env.operator_defaults(name.id) for name in self.free
        )

    def code(self, stored: spec.Expr, env: Env) -> Code:
        """The code of a name, or of a conversion without the name that comes first in it."""
        code = self.codes.get(id(stored))
        if code is None:
            expr = stored.replace(arguments=stored.arguments[1:]) if is_conversion(stored) else stored
            code = self.codes[id(stored)] = compiled(expr, Context(env.meanings))
        return code

    def first(self, candidates: Candidates, rest: list[str], bounds: Bounds) -> tuple[spec.NameRule, Captures] | None:
        """The first of the rules that matches the beginning of a path, and what it captures."""
        for rule in candidates.rules:
            captures = self.match(rule, rest, bounds)
            if captures is not None:
                return rule, captures
        return None

    def those_of(self, rules: tuple[spec.NameRule, ...], rest: list[str], bounds: Bounds) -> Candidates:
        """The rules whose first component is that of a path, in order."""
        key = (id(rules), rest[0] if rest else None)
        candidates = self.candidates.get(key)
        if candidates is None:
            found = [rule for rule in rules if self.may_match(rule, rest, bounds)]
            longest = max([len(self.patterns[id(rule)]) for rule in found], default=0)
            candidates = self.candidates[key] = Candidates(found, longest)
        return candidates

    def may_match(self, rule: spec.NameRule, rest: list[str], bounds: Bounds) -> bool:
        """Whether the first component of a path is of the rule's form; asked once for each first component."""
        bounds.step()
        pattern = self.patterns.get(id(rule))
        if pattern is None:
            pattern = self.patterns[id(rule)] = components(rule.pattern)
        return not pattern or (bool(rest) and pattern[0].match(rest[0]) is not None)

    def match(self, rule: spec.NameRule, rest: list[str], bounds: Bounds) -> Captures | None:
        """What a rule captures of the beginning of a path; ``None`` where it does not match."""
        bounds.step()
        pattern = self.patterns[id(rule)]
        if len(pattern) > len(rest):
            return None
        found: Captures = ()
        for component, text in zip(pattern, rest):
            if not component.capture:  # most are plain text: no call for these
                if text != component.before:
                    return None
                continue
            captured = component.match(text)
            if captured is None:
                return None
            found += captured
        return found


def rules_of(statement: spec.Weights) -> Rules:
    """The rules of a statement; made once."""
    known: Rules | None = statement.__dict__.get("_rules")
    if known is None:
        known = statement.__dict__["_rules"] = Rules(statement)
    return known


def _free(rules: tuple[spec.NameRule, ...], captured: frozenset[str]) -> list[spec.Name]:
    """The names on right sides that no pattern captures. Rules nest as deeply as the parser lets them."""
    found: list[spec.Name] = []
    for rule in rules:
        known = captured | {part.id for part in rule.pattern.parts if isinstance(part, spec.Name)}
        found += [node for node in walk(rule.stored) if isinstance(node, spec.Name) and node.id not in known]
        found += _free(rule.rules, known)
    return found
