"""``weights name { rules }``: what the parameters are called in the checkpoints of a framework.

A rule renames a prefix of whole components, and its own rules the rest; the first rule that matches wins. Maps are
kept as they stand, and applied when weights are loaded or written, or when the spec is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal
from archdsl.graph import Parameter, Stored
from archdsl.interface import STEERS
from archdsl.interpret.code import evaluate
from archdsl.interpret.env import Env
from archdsl.interpret.operators import OpBlock
from archdsl.interpret.values import describe
from archdsl.record import Record
from archdsl.source import shortened
from archdsl.syntax import spec
from archdsl.syntax.name_rules import is_conversion
from archdsl.syntax.walk import walk
from archdsl.tape.limits import BoundExceeded
from archdsl.tape.paths import join
from archdsl.tape.poison import POISON, Flow

Captures = tuple[tuple[str, int | str], ...]
"""Captured names and their values: an integer if it is written as one."""


def collect_weights(statement: spec.Weights, env: Env, flow: Flow) -> Flow:
    """``weights name { rules }`` in a network or variant; a network inside of another keeps its maps to itself."""
    if env.run is None:
        raise Refusal("E0217", "`weights` can be used only in networks and variants")
    if env.run.feed is None:
        if any(known.name == statement.name for known in env.session.draft.maps):
            raise Refusal("E0207", f"two maps are called `{statement.name}`").located(
                statement.span.word(statement.name)
            )
        env.session.draft.maps.append(CheckpointNames(statement, env))
    return flow


class CheckpointNames:
    """One ``weights`` statement and the scope that it is in."""

    def __init__(self, statement: spec.Weights, env: Env) -> None:
        self.name = statement.name
        self.statement = statement
        self.env = env

    def __call__(self, parameters: Mapping[str, Parameter]) -> dict[str, Stored]:
        """Where a checkpoint keeps each parameter; raises :class:`DiagnosticError`."""
        applied = self.apply(parameters)
        if applied.diagnostics:
            raise DiagnosticError(applied.diagnostics)
        return applied.stored

    def apply(self, parameters: Mapping[str, Parameter]) -> Applied:
        """As a call, with every fault reported (once for each rule), and the rules that matched something."""
        return _Application(self).run(parameters)

    def rules(self) -> Iterator[spec.NameRule]:
        """All rules, those within rules included."""
        return (node for node in walk(self.statement) if isinstance(node, spec.NameRule))


class Applied(Record):
    """A map applied to a network's parameters."""

    stored: dict[str, Stored]
    used: frozenset[int]
    """Identities of the rules that matched a parameter."""
    diagnostics: tuple[Diagnostic, ...]
    steps: int


class _Component(Record):
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


def components(pattern: spec.String) -> tuple[_Component, ...]:
    """The components of a pattern; none for the empty string."""
    found = [_Component("")]
    for part in pattern.parts:
        if isinstance(part, spec.Name):
            found[-1] = found[-1].replace(capture=part.id)
            continue
        assert isinstance(part, str)
        first, *more = part.split(".")
        last = found[-1]
        found[-1] = last.replace(after=first) if last.capture else last.replace(before=last.before + first)
        found += map(_Component, more)
    return () if found == [_Component("")] else tuple(found)


class _Target(Record):
    """A right side: the name, and the operator that converts the tensor."""

    name: str
    convert: Any = None


class _Renamed(NamedTuple):
    """Of a path: the last rule that applies, the new name (``None`` if a rule has a fault), and the conversion."""

    rule: spec.NameRule | None
    name: str | None
    convert: Any


class _Application:
    """One map at work. A right side is evaluated once for all parameters that agree in what they capture."""

    def __init__(self, names: CheckpointNames) -> None:
        self.env = names.env
        self.statement = names.statement
        self.bounds = names.env.session.bounds
        self.bounds.steps = 0  # the network is made: a map has an allowance of its own
        self.patterns: dict[int, tuple[_Component, ...]] = {}
        self.candidates: dict[tuple[int, str | None], list[spec.NameRule]] = {}
        """By rules and the first component of a path: those of the rules whose first component matches it."""
        self.targets: dict[tuple[int, Captures], _Target | None] = {}
        self.faults: dict[int, Diagnostic] = {}
        """By the rule at fault."""
        self.used: set[int] = set()
        self.modules: dict[str, _Renamed | None] = {}
        """What becomes of the paths of modules, and so of all that is in them; ``None`` where rules tell that apart."""

    def run(self, parameters: Mapping[str, Parameter]) -> Applied:
        stored: dict[str, Stored] = {}
        owners: dict[str, tuple[str, spec.NameRule | None]] = {}
        try:
            for path, parameter in parameters.items():
                rule, found = self.locate(parameter)
                if found is None:
                    continue
                stored[path] = found
                other, its = owners.setdefault(found.name, (path, rule))
                if other != path:
                    message = f"`{other}` and `{path}` would both be called `{found.name}`"
                    self.fault(rule or its, Refusal("E0207", message, help="the first rule that matches wins"))
        except BoundExceeded as exceeded:
            self.fault(None, exceeded.refusal)
        return Applied(stored, frozenset(self.used), tuple(self.faults.values()), self.bounds.steps)

    def fault(self, rule: spec.NameRule | None, refusal: Refusal) -> None:
        at = rule or self.statement
        span = at.pattern.span if isinstance(at, spec.NameRule) else at.span.word(at.name)
        self.faults.setdefault(id(at), refusal.located(span).diagnostic())

    def locate(self, parameter: Parameter) -> tuple[spec.NameRule | None, Stored | None]:
        """The last rule that applies to a parameter, and its result; nothing if a rule has a fault."""
        module, _, own = parameter.path.rpartition(".")
        if module not in self.modules:
            self.modules[module] = self.renamed(module.split("."), module=True) if module else None
        known = self.modules[module]
        found = known or self.renamed(parameter.path.split("."))
        assert found is not None
        applied, name, convert = found
        if name is None:
            return applied, None
        if known is not None:
            name = join(name, own)
        try:
            return applied, _stored(name, parameter, convert)
        except Refusal as refusal:
            assert applied is not None
            self.fault(applied, refusal.located(applied.stored.span))
            return applied, None

    def renamed(self, rest: list[str], module: bool = False) -> _Renamed | None:
        """What becomes of a path; of that of a ``module``, where it is the same for all that is in it."""
        name, convert, applied = "", None, None
        captures: Captures = ()
        rules = self.statement.rules
        while True:
            if module and self.asks_for_more(rules, rest):
                return None
            found = self.first(rules, rest)
            if found is None:
                break
            applied, more = found
            self.used.add(id(applied))
            captures += more
            rest = rest[len(self.patterns[id(applied)]) :]
            rules = applied.rules
            target = self.target(applied, captures)
            if target is None:
                return _Renamed(applied, None, None)
            name = join(name, target.name) if target.name else name
            convert = target.convert
        return _Renamed(applied, ".".join([*([name] if name else []), *rest]), convert)

    def asks_for_more(self, rules: tuple[spec.NameRule, ...], rest: list[str]) -> bool:
        """Whether a longer path could be another rule's than this one."""
        return (
            any(len(self.patterns[id(rule)]) > len(rest) for rule in self.those_of(rules, rest))
            if rest
            else bool(rules)
        )

    def first(self, rules: tuple[spec.NameRule, ...], rest: list[str]) -> tuple[spec.NameRule, Captures] | None:
        """The first rule that matches the beginning of a path, and what it captures."""
        for rule in self.those_of(rules, rest):
            captures = self.match(rule, rest)
            if captures is not None:
                return rule, captures
        return None

    def those_of(self, rules: tuple[spec.NameRule, ...], rest: list[str]) -> list[spec.NameRule]:
        """The rules whose first component is that of a path, in order."""
        key = (id(rules), rest[0] if rest else None)
        candidates = self.candidates.get(key)
        if candidates is None:
            candidates = self.candidates[key] = [rule for rule in rules if self.may_match(rule, rest)]
        return candidates

    def may_match(self, rule: spec.NameRule, rest: list[str]) -> bool:
        """Whether the first component of a path is of the rule's form; asked once for each first component."""
        self.bounds.step()
        pattern = self.patterns.get(id(rule))
        if pattern is None:
            pattern = self.patterns[id(rule)] = components(rule.pattern)
        return not pattern or (bool(rest) and pattern[0].match(rest[0]) is not None)

    def match(self, rule: spec.NameRule, rest: list[str]) -> Captures | None:
        """What a rule captures of the beginning of a path; ``None`` where it does not match."""
        self.bounds.step()
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

    def target(self, rule: spec.NameRule, captures: Captures) -> _Target | None:
        """The right side of a rule, evaluated; ``None`` if it has a fault, which is reported."""
        key = (id(rule), captures)
        if key not in self.targets:
            inner = Env(self.env, self.env.place, "body")
            inner.names.update(captures)
            self.bounds.step()
            try:
                self.targets[key] = self.evaluate(rule.stored, inner)
            except Refusal as refusal:
                self.fault(rule, refusal.located(rule.stored.span))
                self.targets[key] = None
        return self.targets[key]

    def evaluate(self, stored: spec.Expr, env: Env) -> _Target | None:
        convert = None
        if is_conversion(stored):
            convert = self.conversion(stored, env)
            if convert is None:
                return None
            stored = stored.arguments[0].value
        name = evaluate(stored, env)
        if name is POISON:
            self.refused(stored)
            return None
        if not isinstance(name, str):
            raise Refusal("E0204", f"a name in a checkpoint must be a string, not {describe(name)}").located(
                stored.span
            )
        if (any(not part for part in name.split(".")) and name) or re.search(STEERS, name):
            message = f'"{shortened(name, 40)}" cannot be the name of a tensor'
            help = "a name is plain text and has no empty component"
            raise Refusal("E0205", message, help=help).located(stored.span)
        return _Target(name, convert)

    def conversion(self, call: spec.Call, env: Env) -> Any:
        """The operator that a right side names, with its arguments; ``None`` where these follow from another fault."""
        told = len(self.env.session.faults.diagnostics)
        block = evaluate(call.replace(arguments=call.arguments[1:]), env)
        if isinstance(block, OpBlock) and len(self.env.session.faults.diagnostics) == told:
            return block.operator()
        self.refused(call)
        return None

    def refused(self, expr: spec.Expr) -> None:
        """Raise what was reported of an expression; nothing where it follows from another fault."""
        for diagnostic in reversed(self.env.session.faults.diagnostics):
            # one place is told once, by whichever map came first
            if diagnostic.span is not None and expr.span.start <= diagnostic.span.start < expr.span.end:
                raise _raised(diagnostic)


def _raised(diagnostic: Diagnostic) -> Refusal:
    """What was reported, as a refusal."""
    return Refusal(diagnostic.code, diagnostic.message, help=diagnostic.help, notes=diagnostic.notes).located(
        diagnostic.span
    )


def _stored(name: str, parameter: Parameter, convert: Any) -> Stored:
    if convert is None:
        return Stored(name, parameter.type.shape)
    from archdsl.ops.shape import Permute, Transpose

    (type,) = convert.shape(parameter.type)
    order = convert.resolved(parameter.type) if isinstance(convert, Permute | Transpose) else ()
    return Stored(name, type.shape, order)
