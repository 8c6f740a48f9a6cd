"""``weights name { rules }``: what the parameters are called in the checkpoints of a framework.

A rule renames a prefix of whole components, and its own rules the rest; the first rule that matches wins. Maps are
kept as they stand, and applied when weights are loaded or written, or when the spec is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal
from archdsl.graph import Parameter, Stored
from archdsl.interface import STEERS
from archdsl.interpret.env import Env
from archdsl.interpret.name_patterns import Captures, Renamed, Target, rules_of
from archdsl.interpret.operators import OpBlock
from archdsl.interpret.values import describe
from archdsl.record import Record
from archdsl.source import shortened
from archdsl.syntax import spec
from archdsl.syntax.name_rules import is_conversion
from archdsl.tape.limits import BoundExceeded
from archdsl.tape.paths import join
from archdsl.tape.poison import POISON, Flow


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
        waiting = [*reversed(self.statement.rules)]
        while waiting:
            rule = waiting.pop()
            waiting += reversed(rule.rules)
            yield rule


class Applied(Record):
    """A map applied to a network's parameters."""

    stored: dict[str, Stored]
    used: frozenset[int]
    """Identities of the rules that matched a parameter."""
    diagnostics: tuple[Diagnostic, ...]
    steps: int


class _Application:
    """One map at work. A right side is evaluated once for all parameters that agree in what they capture."""

    def __init__(self, names: CheckpointNames) -> None:
        self.env = names.env
        self.statement = names.statement
        self.bounds = names.env.session.bounds
        self.bounds.steps = 0  # the network is made: a map has an allowance of its own
        self.rules = rules_of(self.statement)
        alike = self.rules.alike(self.env)
        self.targets = self.rules.targets if alike else {}
        self.modules = self.rules.modules if alike else {}
        self.faults: dict[int, Diagnostic] = {}
        """By the rule at fault."""
        self.failed: set[tuple[int, Captures]] = set()
        """Right sides that have a fault in this network."""
        self.used: set[int] = set()

    def run(self, parameters: Mapping[str, Parameter]) -> Applied:
        stored: dict[str, Stored] = {}
        owners: dict[str, tuple[str, spec.NameRule | None]] = {}
        module, known = None, None
        try:
            for path, parameter in parameters.items():
                within, _, own = path.rpartition(".")
                if within != module:  # the parameters of a module stand together
                    module, known = within, self.module(within)
                    self.used.update(map(id, known.rules if known else ()))
                rule, found = self.locate(parameter, known, own)
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

    def locate(
        self, parameter: Parameter, module: Renamed | None, own: str
    ) -> tuple[spec.NameRule | None, Stored | None]:
        """The last rule that applies to a parameter, called ``own`` in its module, and its result; nothing if a rule
        has a fault. ``module``: what becomes of its path, where that is the same for all that is in it.
        """
        found = module
        if found is None:
            found = self.renamed(parameter.path.split("."))
            assert found is not None
            self.used.update(map(id, found.rules))
        rules, name, convert = found
        applied = rules[-1] if rules else None
        if name is None:
            return applied, None
        if module is not None:
            name = join(name, own)
        if convert is None:
            return applied, Stored(name, parameter.type.shape)
        try:
            return applied, _converted(name, parameter, convert)
        except Refusal as refusal:
            assert applied is not None
            self.fault(applied, refusal.located(applied.stored.span))
            return applied, None

    def module(self, path: str) -> Renamed | None:
        """What becomes of the path of a module, where it is the same for all that is in it."""
        if path in self.modules:
            return self.modules[path]
        found = self.renamed(path.split("."), module=True) if path else None
        if found is None or found.name is not None:  # a fault is told of each network
            self.modules[path] = found
        return found

    def renamed(self, rest: list[str], module: bool = False) -> Renamed | None:
        """What becomes of a path; ``None`` of that of a ``module`` for which longer paths ask other rules."""
        name, convert = "", None
        applied: tuple[spec.NameRule, ...] = ()
        captures: Captures = ()
        rules, known, bounds = self.statement.rules, self.rules, self.bounds
        while True:
            candidates = known.those_of(rules, rest, bounds)
            if module and (candidates.longest > len(rest) if rest else rules):
                return None  # a longer path could be another rule's than this one
            found = known.first(candidates, rest, bounds)
            if found is None:
                break
            rule, more = found
            applied = (*applied, rule)
            captures += more
            rest = rest[len(known.patterns[id(rule)]) :]
            rules = rule.rules
            target = self.target(rule, captures)
            if target is None:
                return Renamed(applied, None, None)
            name = join(name, target.name) if target.name else name
            convert = target.convert
        return Renamed(applied, ".".join([*([name] if name else []), *rest]), convert)

    def target(self, rule: spec.NameRule, captures: Captures) -> Target | None:
        """The right side of a rule, evaluated; ``None`` if it has a fault, which is reported."""
        key = (id(rule), captures)
        found = self.targets.get(key)
        if found is None and key not in self.failed:
            inner = Env(self.env, self.env.place, "body")
            inner.names.update(captures)
            self.bounds.step()
            try:
                found = self.evaluate(rule.stored, inner)
            except Refusal as refusal:
                self.fault(rule, refusal.located(rule.stored.span))
            if found is None:
                self.failed.add(key)
            else:
                self.targets[key] = found
        return found

    def evaluate(self, stored: spec.Expr, env: Env) -> Target | None:
        convert = None
        if is_conversion(stored):
            convert = self.conversion(stored, env)
            if convert is None:
                return None
            stored = stored.arguments[0].value
        name = self.rules.code(stored, env)(env)
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
        return Target(name, convert)

    def conversion(self, call: spec.Call, env: Env) -> Any:
        """The operator that a right side names, with its arguments; ``None`` where these follow from another fault."""
        told = len(self.env.session.faults.diagnostics)
        block = self.rules.code(call, env)(env)
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


def _converted(name: str, parameter: Parameter, convert: Any) -> Stored:
    from archdsl.ops.shape import Permute, Transpose

    (type,) = convert.shape(parameter.type)
    order = convert.resolved(parameter.type) if isinstance(convert, Permute | Transpose) else ()
    return Stored(name, type.shape, order)
