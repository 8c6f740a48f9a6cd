"""Names settled before anything runs: what each one in a file means, and the diagnostics of those that mean nothing.

The order in which meanings are looked for is told in :mod:`archdsl.modules.meanings`.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl import ops
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.modules.findings import duplicates, name_span, recursion, unused
from archdsl.modules.meanings import DYNAMIC, OPERATOR, UNKNOWN, Meaning, Scope
from archdsl.modules.module import Module
from archdsl.modules.structure import label_of, nested_bodies
from archdsl.modules.suggestions import unknown_name
from archdsl.modules.words import COMBINATORS, late_word, word, words
from archdsl.ops.base import Op
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
    symbols = _symbols(module)
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
        _Resolver(module, _symbols(module), _top(module)).definition(definition)


def _top(module: Module) -> Scope:
    top = Scope()
    top.names.update(dict.fromkeys(module.missing, DYNAMIC))
    top.names.update((name, Meaning("import", imported.span)) for name, (_, imported) in module.imports.items())
    top.names.update((name, Meaning("definition", d.span)) for name, d in module.definitions.items())
    return top


def _symbols(module: Module) -> frozenset[str] | None:
    """Symbols that the networks declare; ``None`` in a library, whose blocks may use those of their users."""
    if not module.networks:
        return None
    found: set[str] = set()
    for network in module.networks:
        for node in walk(network.body):
            if isinstance(node, spec.TensorTypeExpr):
                found |= {d.id for d in node.dims if isinstance(d, spec.Name)}
                found |= {d.name for d in node.dims if isinstance(d, spec.SymbolDim)}
    return frozenset(found)


class _Resolver:
    """The walk over one definition."""

    def __init__(self, module: Module, symbols: frozenset[str] | None, top: Scope) -> None:
        self.module = module
        self.top = top
        self.symbols = symbols
        self.found: list[Diagnostic] = []
        self.uses: dict[str, Span] = {}
        """The file's definitions that are named, each with one of the places."""

    def definition(self, definition: spec.Definition) -> list[Diagnostic]:
        self.around = definition
        self.module.meanings.done.add(id(definition))
        top = self.top
        if isinstance(definition, spec.Block | spec.Network):
            self._callable(definition, top)
        elif isinstance(definition, spec.LetDefinition):
            self.expression(definition.value, top)
        elif isinstance(definition, spec.Variant):
            self.expression(definition.network, top)
            self.statements(definition.claims, Scope(top))
        return self.found

    def _callable(self, definition: spec.Block | spec.Network, top: Scope) -> None:
        scope = Scope(top)
        for parameter in definition.parameters:
            if parameter.default is not None:
                self.expression(parameter.default, scope)
            self.bind(parameter.name, parameter.span, scope, parameters=frozenset())
            tensor = parameter.kind == "tensor"
            scope.names[parameter.name] = Meaning("local" if tensor else "parameter", parameter.span)
        self.parameters = frozenset(p.name for p in definition.parameters)
        for call in definition.defaults:
            self.expression(call, scope)
        if isinstance(definition, spec.Block) and definition.value is not None:
            self.expression(definition.value, scope)
        elif definition.body is not None:
            if isinstance(definition, spec.Network):
                self._inputs(definition)
            self.body(definition.body, scope)
        for stage in getattr(definition, "then", ()):
            self.expression(stage, scope)

    parameters: frozenset[str] = frozenset()
    around: spec.Definition
    """The definition at work."""

    def _inputs(self, definition: spec.Network) -> None:
        if not any(isinstance(s, spec.Input | spec.Missing) for s in definition.body.statements):
            self.refuse(
                Refusal(
                    "E0217", f"the network `{definition.name}` declares no input", help="begin with `input x: f32[…]`"
                ),
                name_span(definition, definition.name),
            )

    def refuse(self, refusal: Refusal, span: Span) -> None:
        self.found.append(refusal.located(span).diagnostic())

    def bind(self, name: str, span: Span, scope: Scope, parameters: frozenset[str] | None = None) -> None:
        """A value gets a name: operators, parameters and imports must not be hidden by it."""
        if name == "_":
            return
        hidden = self.parameters if parameters is None else parameters
        what = (
            "an operator" if ops.is_operator(name) or name in COMBINATORS
            else "a parameter" if name in hidden
            else "an import" if name in self.module.imports
            else ""
        )  # fmt: skip
        if what:
            self.refuse(Refusal("E0208", f"`{name}` would hide {what} of that name", help="choose another name"), span)
        elif parameters is not None and name in scope.names:
            self.refuse(Refusal("E0207", f"two parameters are called `{name}`"), span)
            self.module.unusable.add(getattr(self.around, "name", ""))
        scope.names[name] = Meaning("local", span)

    # Statements

    def body(self, body: spec.Body, scope: Scope) -> None:
        self.labels(body)
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
        if isinstance(statement, spec.Let):
            self.expression(statement.value, scope)
            for target in statement.targets:
                self.bind(target, statement.span.word(target), scope)
        elif isinstance(statement, spec.Share):
            self.expression(statement.value, scope)
            self.bind(statement.name, statement.span.word(statement.name), scope)
        elif isinstance(statement, spec.Input):
            for dim in statement.type.dims:
                if not (isinstance(dim, spec.Name) and dim.id[0].isupper()):
                    self.expression(dim, scope)
            if statement.preprocess is not None:
                self.expression(statement.preprocess, scope)
            self.bind(statement.name, statement.span.word(statement.name), scope)
        elif isinstance(statement, spec.Repeat | spec.For):
            self._loop(statement, scope)
        elif isinstance(statement, spec.If):
            self._if(statement, scope)
        elif isinstance(statement, spec.Missing):
            scope.names.update(dict.fromkeys(statement.names, DYNAMIC))
        elif isinstance(statement, spec.Weights):
            self._rules(statement.rules, scope, frozenset())
        elif isinstance(statement, spec.With):
            for call in statement.calls:
                self.expression(call, scope)
            self.body(statement.body, scope)
        else:
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
        """`if` opens no scope, but behind it only those names are known that every arm binds."""
        arms: list[Scope] = []
        for condition, arm in statement.arms:
            self.expression(condition, scope)
            arms.append(Scope(scope))
            self.body(arm, arms[-1])
        if statement.otherwise is not None:
            arms.append(Scope(scope))
            self.body(statement.otherwise, arms[-1])
            _merge(arms, scope)
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
        inner = Scope(scope, partly=unknown)
        for name in (*bound, *([statement.index] if statement.index else [])):
            self.bind(name, statement.span.word(name), inner)
        self.body(statement.body, inner)
        _collect_indexed(statement.body, scope)
        self._rest(statement, scope)

    def _rest(self, statement: spec.Repeat | spec.For | spec.If, scope: Scope) -> None:
        for stage in statement.then:
            self.expression(stage, scope)
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

    # Expressions

    def expression(self, node: spec.Syntax, scope: Scope) -> None:
        """Check every name below ``node`` (syntax is at most a few hundred levels deep)."""
        if isinstance(node, spec.Name):
            self.name(node, scope)
        elif isinstance(node, spec.Comprehension):
            self.expression(node.iterable, scope)
            inner = Scope(scope, node.targets)
            for part in (node.condition, node.element):
                if part is not None:
                    self.expression(part, inner)
        elif isinstance(node, spec.Body):
            self.body(node, Scope(scope))
        elif isinstance(node, spec.Statement):
            self.statement(node, scope)
        elif isinstance(node, spec.Call):
            self._call(node, scope)
        else:
            for child in children(node):
                self.expression(child, scope)

    def _call(self, node: spec.Call, scope: Scope) -> None:
        self.expression(node.callee, scope)
        card = self._card(node.callee.id, scope) if isinstance(node.callee, spec.Name) else None
        declared = {} if card is None else card.signature
        signature = {name: frozenset(argument.kind.choices) for name, argument in declared.items()}
        inner = Scope(scope, choices=_AXES.union(*signature.values()))
        for index, argument in enumerate(node.arguments):
            name = argument.name or next(iter([*signature][index : index + 1]), None)
            if name in signature:
                self._hides(argument.value, name, signature[name], scope)
            self.expression(argument.value, inner)

    def _card(self, name: str, scope: Scope) -> type[Op] | None:
        """The operator that a call's name means."""
        if self.meaning(name, scope) is not OPERATOR:
            return None
        try:
            return ops.load(name)
        except Refusal:  # reported at its name
            return None

    def _hides(self, value: spec.Expr, formal: str, choices: frozenset[str], scope: Scope) -> None:
        """Refuse a parameter that has the name of a choice of the argument for which it is given."""
        if isinstance(value, spec.Name) and value.id in choices:
            meaning = scope.bound(value.id)
            if meaning is not None and meaning.kind == "parameter":
                self.refuse(hidden_by_choice(value.id, formal), value.span)

    def name(self, node: spec.Name, scope: Scope) -> None:
        """Settle one name; report it where it means nothing."""
        meaning = self.meaning(node.id, scope)
        self.module.meanings.settle(node, meaning)
        if meaning.kind == "definition":
            self.uses.setdefault(node.id, node.span)
        if meaning is OPERATOR and not ops.is_operator(node.id):
            self._load(node)
        if meaning is UNKNOWN:
            known = [*scope.all(), *words(), *ops.names(), *ops.offered(), *(self.symbols or ())]
            self.refuse(self._made_later(node) or unknown_name(node.id, known), node.span)

    def _load(self, node: spec.Name) -> None:
        """Load what a package offers; report it where it cannot be used."""
        try:
            ops.load(node.id)
        except Refusal as refusal:
            self.refuse(refusal, node.span)

    def meaning(self, name: str, scope: Scope) -> Meaning:
        """What a name means at this place."""
        if ops.is_operator(name):
            return OPERATOR
        if scope.partly:
            return DYNAMIC
        bound = scope.bound(name)
        if bound is not None:
            return bound
        kind = word(name)
        if kind is not None:
            return Meaning(kind)
        labelled = scope.labelled(name)
        if labelled is not None:
            return labelled
        if name[0].isupper() and (self.symbols is None or name in self.symbols):
            return DYNAMIC if self.symbols is None else Meaning("symbol")
        kind = late_word(name) or ("choice" if scope.is_choice(name) else None)
        if kind is not None:
            return Meaning(kind)
        return OPERATOR if name in ops.offered() else UNKNOWN

    def _made_later(self, node: spec.Name) -> Refusal | None:
        """The refusal of a name that a later statement gives, or that only a variant has."""
        if node.id in self.module.variants:
            help = "apply its network: a variant is a network with its arguments"
            return Refusal("E0201", f"`{node.id}` is a variant, and variants are not applied", help=help)
        for later in walk(self.around):
            if later.span.start > node.span.start and node.id in _made_by(later):
                line = f"it is made in line {later.span.line}: use it below"
                return Refusal("E0201", f"`{node.id}` is used before it is made", help=line)
        return None


def _made_by(node: spec.Syntax) -> tuple[str | None, ...]:
    if isinstance(node, spec.Let):
        return node.targets
    return (node.name,) if isinstance(node, spec.Target | spec.Share) else ()


def _merge(arms: list[Scope], scope: Scope) -> None:
    """What every arm of an ``if`` binds or labels is known behind it."""
    for name in set.intersection(*({*arm.names, *arm.labels} for arm in arms)):
        if all(name in arm.names for arm in arms):
            scope.names[name] = arms[0].names[name]
        elif all(name in arm.labels for arm in arms):
            scope.labels[name] = arms[0].labels[name]
        else:
            scope.names[name] = DYNAMIC


def _collect_indexed(body: spec.Body, scope: Scope) -> None:
    """Labels with an index are collected outside of the loops and conditions that they stand in."""
    for node in walk(body):
        label = label_of(node) if isinstance(node, spec.Statement) else None
        if label is not None and label.index is not None and label.name:
            scope.labels[label.name] = Meaning("label", label.span)


def hidden_by_choice(name: str, formal: str) -> Refusal:
    """The refusal of a name that is bound, and is also a choice of the argument for which it is given."""
    message = f"`{name}` is the name of a value here, and also a choice of `{formal}`"
    return Refusal("E0208", message, help="choose another name for the value, so that it is clear which is meant")
