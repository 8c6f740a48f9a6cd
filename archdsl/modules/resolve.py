"""Names settled before anything runs: what each one in a file means, and the diagnostics of those that mean nothing.

The order in which meanings are looked for is described in :mod:`archdsl.modules.meanings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.modules.findings import duplicates, name_span, recursion, unused
from archdsl.modules.meanings import DYNAMIC, Meaning, Scope
from archdsl.modules.module import Module
from archdsl.modules.resolve_expressions import ExpressionResolver
from archdsl.modules.structure import bound_by, label_of, names_read, nested_bodies
from archdsl.shapes import AXES
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.limits import LIMITS
from archdsl.syntax.walk import children, walk

_AXES = frozenset(AXES)


def resolve(module: Module) -> list[Diagnostic]:
    """Settle every name of a module. Diagnostics: unknown names, duplicates, names that would hide another meaning,
    recursion, and what is never used (warnings).
    """
    symbols = symbols_of(module)
    found = [*duplicates(module, symbols or frozenset())]
    uses: dict[str, dict[str, Span]] = {}
    top = _top(module)
    for definition in module.file.definitions:
        resolver = _Resolver(module, symbols, top)
        found += resolver.definition(definition)
        uses.setdefault(getattr(definition, "name", ""), resolver.uses)
        if len(found) >= LIMITS.faults:
            break
    return [*found, *recursion(module, uses), *unused(module)]


def settled(module: Module, definition: spec.Definition) -> None:
    """Settle the names of one definition, unless that is done: libraries are resolved as far as they are used."""
    if id(definition) not in module.meanings.done:
        _Resolver(module, symbols_of(module), _top(module)).definition(definition)


def _top(module: Module) -> Scope:
    top = Scope()
    top.names.update(dict.fromkeys(module.missing, DYNAMIC))
    top.names.update((name, Meaning("import", imported.span)) for name, (_, imported) in module.imports.items())
    top.names.update((name, Meaning("definition", d.span)) for name, d in module.definitions.items())
    return top


def symbols_of(module: Module) -> frozenset[str] | None:
    """Symbols that the networks declare; ``None`` in a library, whose blocks may use those of their users."""
    if not module.networks:
        return None
    found: set[str] = set()
    makers = (one for one in module.definitions.values() if isinstance(one, spec.Block | spec.Network))
    for body in [one.body for one in makers if one.body is not None]:
        for node in walk(body):
            if isinstance(node, spec.TensorTypeExpr):
                found |= {name.id for dim in node.dims for name in walk(dim) if isinstance(name, spec.Name)}
    return frozenset(found)


class _Resolver(ExpressionResolver):
    """The walk over one definition."""

    def __init__(self, module: Module, symbols: frozenset[str] | None, top: Scope) -> None:
        super().__init__(module, symbols)
        self.top = top

    def definition(self, definition: spec.Definition) -> list[Diagnostic]:
        self.around = definition
        self.module.meanings.done.add(id(definition))
        top = self.top
        if isinstance(definition, spec.Block | spec.Network):
            self._callable(definition, top)
        elif isinstance(definition, spec.LetDefinition):
            self._function(definition, Scope(top))
        elif isinstance(definition, spec.Variant):
            self.expression(definition.network, top)
            self.statements(definition.claims, Scope(top))
        return self.found

    def _callable(self, definition: spec.Block | spec.Network, top: Scope) -> None:
        scope = Scope(top)
        self._formals(definition.parameters, scope)
        for call in definition.defaults:
            self.expression(call, scope)
        if isinstance(definition, spec.Block) and definition.value is not None:
            self.expression(definition.value, scope)
        elif definition.body is not None:
            if isinstance(definition, spec.Network):
                self._inputs(definition)
            self.body(definition.body, scope)
        for stage in getattr(definition, "then", ()):
            self.stage(stage, scope)

    def _function(self, definition: spec.LetDefinition, scope: Scope) -> None:
        self._formals(definition.parameters, scope)
        self.expression(definition.value, scope)
        for parameter in definition.parameters:
            if parameter.kind is not None and parameter.kind.strip("[]") in ("tensor", "block"):
                message = f"`{definition.name}` is a function of numbers: it takes no {parameter.kind.strip('[]')}"
                help = f"write `block {definition.name}(…) = …`"
                self.refuse(Refusal("E0204", message, help=help), parameter.span)

    def _formals(self, parameters: tuple[spec.Parameter, ...], scope: Scope) -> None:
        for parameter in parameters:
            if parameter.default is not None:
                self.expression(parameter.default, Scope(scope, choices=_AXES) if parameter.kind == "axis" else scope)
            self.bind(parameter.name, parameter.span, scope, parameters=frozenset())
            tensor = parameter.kind == "tensor"
            scope.names[parameter.name] = Meaning("local" if tensor else "parameter", parameter.span)
        self.parameters = frozenset(p.name for p in parameters)

    def _inputs(self, definition: spec.Network) -> None:
        if not any(isinstance(s, spec.Input | spec.Missing) for s in definition.body.statements):
            self.refuse(
                Refusal(
                    "E0217", f"the network `{definition.name}` declares no input", help="begin with `input x: f32[…]`"
                ),
                name_span(definition, definition.name),
            )

    # Statements

    def body(self, body: spec.Body, scope: Scope) -> None:
        self.labels(body)
        scope.rebinds |= frozenset(bound_by(body))
        scope.lets |= frozenset(bound_by(body, labels=False))
        self.statements(body.statements, scope)

    def labels(self, body: spec.Body) -> None:
        """Labels written twice in one body."""
        seen: set[str] = set()
        for statement in body.statements:
            label = label_of(statement)
            if label is None or label.name is None or label.index is not None:
                continue
            if label.name in seen:
                self.refuse(Refusal("E0207", f"the label `{label.name}` is given twice in this body"), label.span)
            seen.add(label.name)

    def statements(self, statements: Iterable[spec.Statement], scope: Scope) -> None:
        for statement in statements:
            self.statement(statement, scope)

    def statement(self, statement: spec.Statement, scope: Scope) -> None:
        _STATEMENTS.get(type(statement), _Resolver._other)(self, statement, scope)

    def _let(self, statement: spec.Let, scope: Scope) -> None:
        self._named(statement, statement.targets, scope)

    def _share(self, statement: spec.Share | spec.State, scope: Scope) -> None:
        self._named(statement, (statement.name,), scope)

    def _named(self, statement: spec.Let | spec.Share | spec.State, names: tuple[str, ...], scope: Scope) -> None:
        self.naming = frozenset(names)
        self.expression(statement.value, scope)
        self.naming = frozenset()
        for name in names:
            span = statement.span.word(name)
            if scope.labelled_here(name):
                hidden = Refusal("E0208", f"`{name}` is a label above in this body", help="choose another name")
                self.refuse(hidden, span)
            elif scope.outside_of_the_loop(name) and any(read.id == name for read in names_read(statement.value)):
                self.refuse(_every_time(name), span)
            self.bind(name, span, scope)

    def _flow(self, statement: spec.Flow | spec.Branch, scope: Scope) -> None:
        self.head(statement.value, scope)
        if statement.shape is not None:
            self.expression(statement.shape, scope)
        self._label(statement, scope)

    def _type(self, type: spec.TensorTypeExpr, scope: Scope) -> None:
        for dim in type.dims:
            for part in children(dim) if isinstance(dim, spec.SizedDim) else (dim,):
                if not (isinstance(part, spec.Name) and part.id[0].isupper()):
                    self.expression(part, scope)

    def _input(self, statement: spec.Input, scope: Scope) -> None:
        self._type(statement.type, scope)
        if statement.called is not None:
            self.expression(statement.called, scope)
        if statement.preprocess is not None:
            self.expression(statement.preprocess, scope)
        self.bind(statement.name, statement.span.word(statement.name), scope)

    def _model_state(self, statement: spec.ModelState, scope: Scope) -> None:
        self._type(statement.type, scope)
        self.bind(statement.name, statement.span.word(statement.name), scope)

    def _missing(self, statement: spec.Missing, scope: Scope) -> None:
        scope.names.update(dict.fromkeys(statement.names, DYNAMIC))

    def _weights(self, statement: spec.Weights, scope: Scope) -> None:
        self._rules(statement.rules, scope, frozenset())

    def _with(self, statement: spec.With, scope: Scope) -> None:
        for call in statement.calls:
            self.expression(call, scope)
        self.body(statement.body, scope)

    def _other(self, statement: spec.Statement, scope: Scope) -> None:
        for child in children(statement):
            if not isinstance(child, spec.Target):
                self.expression(child, scope)
        self._label(statement, scope)

    def _rules(self, rules: Iterable[spec.NameRule], scope: Scope, captured: frozenset[str]) -> None:
        """The names that a rule captures are known on its right side, and to its own rules."""
        for rule in rules:
            inner, within = Scope(scope), captured
            for part in rule.pattern.parts:
                if isinstance(part, spec.Name):
                    if part.id in within:
                        self.refuse(Refusal("E0207", f"`{part.id}` is captured twice"), part.span)
                    self.bind(part.id, part.span, inner)
                    within |= {part.id}
            self.expression(rule.stored, inner)
            self._rules(rule.rules, inner, within)

    def _if(self, statement: spec.If, scope: Scope) -> None:
        """`if` opens no scope, but after it only those names are known that every arm binds."""
        arms: list[Scope] = []
        for condition, arm in statement.arms:
            self.expression(condition, scope)
            arms.append(Scope(scope, arm=True))
            self.under_condition(arm, arms[-1], self.body)
        if statement.otherwise is not None:
            arms.append(Scope(scope, arm=True))
            self.under_condition(statement.otherwise, arms[-1], self.body)
            _merge(arms, scope)
        for opened in arms:
            scope.perhaps |= {*opened.labels, *opened.perhaps} - scope.labels.keys()
        for arm in nested_bodies(statement):
            _collect_indexed(arm, scope)
        self._rest(statement, scope)

    def _loop(self, statement: spec.Repeat | spec.For, scope: Scope) -> None:
        unknown = False
        bound: list[str] = []
        if isinstance(statement, spec.For):
            self.expression(statement.iterable, scope)
            bound += statement.targets
            if not statement.targets and isinstance(statement.iterable, spec.TableExpr):
                bound += statement.iterable.header
            unknown = not bound
        else:
            self.expression(statement.count, scope)
        inner = Scope(scope, partly=unknown, loop=True)
        for name in (*bound, *([statement.index] if statement.index else [])):
            self.bind(name, statement.span.word(name), inner)
        self.body(statement.body, inner)
        _collect_indexed(statement.body, scope)
        self._rest(statement, scope)

    def _rest(self, statement: spec.Repeat | spec.For | spec.If, scope: Scope) -> None:
        for stage in statement.then:
            self.stage(stage, scope)
        if statement.shape is not None:
            self.expression(statement.shape, scope)
        self._label(statement, scope)

    def _label(self, statement: spec.Statement, scope: Scope) -> None:
        label = label_of(statement)
        if label is None:
            return
        for part in (label.index, label.template):
            if part is not None:
                self.expression(part, scope)
        if label.name is not None:
            scope.labels[label.name] = Meaning("label", label.span)


_STATEMENTS: dict[type[spec.Statement], Callable[[_Resolver, Any, Scope], None]] = {
    spec.Let: _Resolver._let, spec.Share: _Resolver._share, spec.State: _Resolver._share,
    spec.Input: _Resolver._input, spec.ModelState: _Resolver._model_state, spec.If: _Resolver._if,
    spec.Repeat: _Resolver._loop, spec.For: _Resolver._loop, spec.Missing: _Resolver._missing,
    spec.Weights: _Resolver._weights, spec.With: _Resolver._with, spec.Flow: _Resolver._flow,
    spec.Branch: _Resolver._flow,
}  # fmt: skip


def _every_time(name: str) -> Refusal:
    """The refusal of a ``let`` in a loop that reads the name it hides: nothing is carried to the next iteration."""
    return Refusal(
        "E0219", f"`{name}` is computed from the `{name}` outside of the loop: every iteration makes the same",
        help="compute it from the iteration (`repeat 3 as i { let c = 16 * 2 ** i … }`), or give it another name",
    )  # fmt: skip


def _merge(arms: list[Scope], scope: Scope) -> None:
    """Names that every arm of an ``if`` binds or labels are known after it."""
    for name in set.intersection(*({*arm.names, *arm.labels} for arm in arms)):
        if all(name in arm.names for arm in arms):
            scope.names[name] = arms[0].names[name]
        elif all(name in arm.labels for arm in arms):
            scope.labels[name] = arms[0].labels[name]
        else:
            scope.names[name] = DYNAMIC


def _collect_indexed(body: spec.Body, scope: Scope) -> None:
    """Labels with an index are collected outside of the loops and conditions that they are in."""
    for node in walk(body):
        label = label_of(node) if isinstance(node, spec.Statement) else None
        if label is not None and label.index is not None and label.name:
            scope.labels[label.name] = Meaning("label", label.span)
