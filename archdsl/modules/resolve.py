"""What can be said about a file without running it: names, shadowing, recursion, what is never used."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl import ops
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.interpret.combinators import COMBINATORS, LATER
from archdsl.interpret.functions import FUNCTIONS
from archdsl.modules.module import Module, definition_span
from archdsl.modules.structure import nested_bodies
from archdsl.modules.suggestions import unknown_name
from archdsl.modules.words import CHOICE_WORDS, ENDS
from archdsl.ops.base import Op
from archdsl.shapes import AXES
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.limits import LIMITS
from archdsl.syntax.walk import children, walk

_WORDS = frozenset({"tuple", "none", "uniform", "normal", *CHOICE_WORDS, *ENDS, *LATER, *FUNCTIONS, *COMBINATORS})


def resolve(module: Module) -> list[Diagnostic]:
    """Diagnostics of one module: unknown names, duplicates, shadowing, recursion, and unused things (warnings)."""
    symbols = _symbols(module)
    found = [*_duplicates(module, symbols or frozenset())]
    uses: dict[str, dict[str, Span]] = {}
    top = _Names(None, [*module.definitions, *module.imports, *module.missing])
    for definition in module.file.definitions:
        resolver = _Resolver(module, symbols, top)
        found += resolver.definition(definition)
        uses.setdefault(getattr(definition, "name", ""), resolver.uses)
        if len(found) >= LIMITS.faults:
            break
    return [*found, *_recursion(module, uses), *_unused(module)]


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


def _duplicates(module: Module, symbols: frozenset[str]) -> Iterable[Diagnostic]:
    seen: dict[str, Span] = {}
    for definition in module.file.definitions:
        if isinstance(definition, spec.Use):
            for imported in definition.names:
                yield from _definable(imported.name, imported.span, seen)
            continue
        name = getattr(definition, "name", None)
        if name is not None:
            yield from _definable(name, _name_span(definition, name), seen)
            if name in symbols:
                yield Refusal(
                    "E0208", f"`{name}` is also a symbol of an input's shape", help="choose another name"
                ).located(_name_span(definition, name)).diagnostic()  # fmt: skip


def _definable(name: str, span: Span, seen: dict[str, Span]) -> Iterable[Diagnostic]:
    if ops.is_operator(name) or name in COMBINATORS:
        yield (
            Refusal("E0208", f"`{name}` is already an operator", help="choose another name").located(span).diagnostic()
        )
    elif name in seen:
        yield Refusal(
            "E0207", f"`{name}` is defined twice", notes=[f"first at line {seen[name].line}"]
        ).located(span).diagnostic()  # fmt: skip
    else:
        seen[name] = span


def _name_span(definition: spec.Definition, name: str) -> Span:
    """Where the name stands in its definition."""
    return definition_span(definition).word(name)


def _mentioned(definition: spec.Syntax) -> set[str]:
    """All names in a definition, those in its unreadable statements included."""
    found: set[str] = set()
    for node in walk(definition):
        if isinstance(node, spec.Name):
            found.add(node.id)
        elif isinstance(node, spec.Let):  # what hides a parameter is told already
            found.update(node.targets)
        elif isinstance(node, spec.Missing):
            found |= node.names
    return found


def _recursion(module: Module, uses: dict[str, dict[str, Span]]) -> Iterable[Diagnostic]:
    """Definitions that need themselves, each of them told once; ``uses`` are the definitions that each one names."""
    done: set[str] = set()
    for start in [name for name in uses if name in module.definitions]:
        path: dict[str, int] = {start: 0}
        stack = [(start, iter(uses[start]))] if start not in done else []
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                done.add(name)
                stack.pop()
                del path[name]
            elif following in path:
                if name not in module.unusable:
                    cycle = list(path)[path[following] :]
                    module.unusable.update(cycle)
                    yield _cycle([*cycle, following]).located(uses[name][following]).diagnostic()
            elif following not in done and following in uses:
                path[following] = len(path)
                stack.append((following, iter(uses[following])))


def _cycle(names: list[str]) -> Refusal:
    shown = names if len(names) <= 8 else [*names[:6], "…", names[-1]]
    return Refusal(
        "E0209", f"`{names[-1]}` is defined by itself: {' -> '.join(shown)}",
        help="use `repeat`, or pass the inner block as an argument",
    )  # fmt: skip


def _unused(module: Module) -> Iterable[Diagnostic]:
    """Warnings: parameters, imports and (in files with a network) blocks that nothing refers to."""
    used: set[str] = set()
    for definition in module.file.definitions:
        names = _mentioned(definition)
        used |= names - {getattr(definition, "name", "")}
        for parameter in getattr(definition, "parameters", ()):
            if parameter.name not in names and definition.name not in module.unusable:  # type: ignore[attr-defined]
                yield (
                    Refusal(
                        "W0201",
                        f"the parameter `{parameter.name}` of `{definition.name}` is never used",  # type: ignore[attr-defined]
                    )
                    .located(parameter.span)
                    .diagnostic()
                )
    for name, (_, imported) in module.imports.items():
        if name not in used:
            yield Refusal("W0203", f"`{name}` is imported but never used").located(imported.span).diagnostic()
    if module.networks:
        for name, definition in module.definitions.items():
            if isinstance(definition, spec.Block) and name not in used and not ops.is_operator(name):
                yield Refusal(
                    "W0202", f"the block `{name}` is never used", help="leave it out, or move it to a file of blocks"
                ).located(_name_span(definition, name)).diagnostic()  # fmt: skip


class _Names:
    """Names in scope while walking; ``partly`` where not all are known (a table's header)."""

    def __init__(self, parent: _Names | None = None, names: Iterable[str] = (), *, partly: bool = False) -> None:
        self.parent = parent
        self.names = set(names)
        self.partly: bool = partly or (parent is not None and parent.partly)

    def __contains__(self, name: str) -> bool:
        return name in self.names or (self.parent is not None and name in self.parent)

    def at_top(self, name: str) -> bool:
        """Whether the name means what the file defines: nothing nearer has it."""
        return self.parent is None or (name not in self.names and self.parent.at_top(name))

    def all(self) -> set[str]:
        return self.names | (self.parent.all() if self.parent else set())


class _Resolver:
    """The walk over one definition."""

    def __init__(self, module: Module, symbols: frozenset[str] | None, top: _Names) -> None:
        self.module = module
        self.top = top
        self.symbols = symbols
        self.found: list[Diagnostic] = []
        self.uses: dict[str, Span] = {}
        """The file's definitions that are named, each with one of the places."""

    def definition(self, definition: spec.Definition) -> list[Diagnostic]:
        self.around = definition
        top = self.top
        if isinstance(definition, spec.Block | spec.Network):
            self._callable(definition, top)
        elif isinstance(definition, spec.LetDefinition):
            self.expression(definition.value, top)
        elif isinstance(definition, spec.Variant):
            self.expression(definition.network, top)
            self.statements(definition.claims, _Names(top))
        return self.found

    def _callable(self, definition: spec.Block | spec.Network, top: _Names) -> None:
        names = _Names(top)
        for parameter in definition.parameters:
            if parameter.default is not None:
                self.expression(parameter.default, names)
            self.bind(parameter.name, parameter.span, names, parameters=frozenset())
        self.parameters = frozenset(p.name for p in definition.parameters)
        for call in definition.defaults:
            self.expression(call, names)
        if isinstance(definition, spec.Block) and definition.value is not None:
            self.expression(definition.value, names)
        elif definition.body is not None:
            if isinstance(definition, spec.Network):
                self._inputs(definition)
            self.body(definition.body, names)
        for stage in getattr(definition, "then", ()):
            self.expression(stage, names)

    parameters: frozenset[str] = frozenset()
    around: spec.Definition
    """The definition at work."""

    def _inputs(self, definition: spec.Network) -> None:
        if not any(isinstance(s, spec.Input | spec.Missing) for s in definition.body.statements):
            self.refuse(
                Refusal(
                    "E0217", f"the network `{definition.name}` declares no input", help="begin with `input x: f32[…]`"
                ),
                _name_span(definition, definition.name),
            )

    def refuse(self, refusal: Refusal, span: Span) -> None:
        self.found.append(refusal.located(span).diagnostic())

    def bind(self, name: str, span: Span, names: _Names, parameters: frozenset[str] | None = None) -> None:
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
        elif parameters is not None and name in names.names:
            self.refuse(Refusal("E0207", f"two parameters are called `{name}`"), span)
            self.module.unusable.add(getattr(self.around, "name", ""))
        names.names.add(name)

    # Statements

    def body(self, body: spec.Body, names: _Names) -> None:
        self.labels(body)
        self.statements(body.statements, names)

    def labels(self, body: spec.Body) -> None:
        """Labels written twice in one body."""
        seen: set[str] = set()
        for statement in body.statements:
            label: spec.Target | None = getattr(statement, "label", None)
            if label is None or label.name is None or label.index is not None:
                continue
            if label.name in seen:
                self.refuse(Refusal("E0207", f"the label `{label.name}` is given twice in this body"), label.span)
            seen.add(label.name)

    def statements(self, statements: Iterable[spec.Statement], names: _Names) -> None:
        for statement in statements:
            self.statement(statement, names)

    def statement(self, statement: spec.Statement, names: _Names) -> None:
        if isinstance(statement, spec.Let):
            self.expression(statement.value, names)
            for target in statement.targets:
                self.bind(target, statement.span.word(target), names)
        elif isinstance(statement, spec.Share):
            self.expression(statement.value, names)
            self.bind(statement.name, statement.span.word(statement.name), names)
        elif isinstance(statement, spec.Input):
            for dim in statement.type.dims:
                if not (isinstance(dim, spec.Name) and dim.id[0].isupper()):
                    self.expression(dim, names)
            if statement.preprocess is not None:
                self.expression(statement.preprocess, names)
            self.bind(statement.name, statement.span.word(statement.name), names)
        elif isinstance(statement, spec.Repeat | spec.For):
            self._loop(statement, names)
        elif isinstance(statement, spec.If):
            self._if(statement, names)
        elif isinstance(statement, spec.Missing):
            names.names |= statement.names
        elif isinstance(statement, spec.Weights):
            self._rules(statement.rules, names, frozenset())
        elif isinstance(statement, spec.With):
            for call in statement.calls:
                self.expression(call, names)
            self.body(statement.body, names)
        else:
            for child in children(statement):
                if not isinstance(child, spec.Target):
                    self.expression(child, names)
            self._label(statement, names)

    def _rules(self, rules: Iterable[spec.NameRule], names: _Names, captured: frozenset[str]) -> None:
        """The names that a rule captures are known on its right side, and to its own rules."""
        for rule in rules:
            inner, within = _Names(names), captured
            for part in rule.pattern.parts:
                if isinstance(part, spec.Name):
                    if part.id in within:
                        self.refuse(Refusal("E0207", f"`{part.id}` is captured twice"), part.span)
                    self.bind(part.id, part.span, inner)
                    within |= {part.id}
            self.expression(rule.stored, inner)
            self._rules(rule.rules, inner, within)

    def _if(self, statement: spec.If, names: _Names) -> None:
        """`if` opens no scope, but behind it only those names are known that every arm binds."""
        arms: list[_Names] = []
        for condition, arm in statement.arms:
            self.expression(condition, names)
            arms.append(_Names(names))
            self.body(arm, arms[-1])
        if statement.otherwise is not None:
            arms.append(_Names(names))
            self.body(statement.otherwise, arms[-1])
            names.names |= set.intersection(*(arm.names for arm in arms))
        for arm in nested_bodies(statement):
            names.names |= {label.name for label in _indexed_labels(arm) if label.name}
        self._rest(statement, names)

    def _loop(self, statement: spec.Repeat | spec.For, names: _Names) -> None:
        unknown = False
        bound: list[str] = []
        if isinstance(statement, spec.For):
            self.expression(statement.iterable, names)
            bound += statement.targets
            if not statement.targets and isinstance(statement.iterable, spec.TableExpr):
                bound += statement.iterable.header
            unknown = not bound
        else:
            self.expression(statement.count, names)
        inner = _Names(names, partly=unknown)
        for name in (*bound, *([statement.index] if statement.index else [])):
            self.bind(name, statement.span.word(name), inner)
        self.body(statement.body, inner)
        names.names |= {n.name for n in _indexed_labels(statement.body) if n.name}
        self._rest(statement, names)

    def _rest(self, statement: spec.Repeat | spec.For | spec.If, names: _Names) -> None:
        for stage in statement.then:
            self.expression(stage, names)
        if statement.shape is not None:
            self.expression(statement.shape, names)
        self._label(statement, names)

    def _label(self, statement: spec.Statement, names: _Names) -> None:
        label: spec.Target | None = getattr(statement, "label", None)
        if label is None:
            return
        for part in (label.index, label.template):
            if part is not None:
                self.expression(part, names)
        if label.name is not None:
            names.names.add(label.name)

    # Expressions

    def expression(self, node: spec.Syntax, names: _Names) -> None:
        """Check every name below ``node`` (syntax is at most a few hundred levels deep)."""
        if isinstance(node, spec.Name):
            self.name(node, names)
        elif isinstance(node, spec.Comprehension):
            self.expression(node.iterable, names)
            inner = _Names(names, node.targets)
            for part in (node.condition, node.element):
                if part is not None:
                    self.expression(part, inner)
        elif isinstance(node, spec.Body):
            self.body(node, _Names(names))
        elif isinstance(node, spec.Statement):
            self.statement(node, names)
        elif isinstance(node, spec.Call):
            self._call(node, names)
        else:
            for child in children(node):
                self.expression(child, names)

    def _call(self, node: spec.Call, names: _Names) -> None:
        self.expression(node.callee, names)
        choices = set(AXES)
        card = self._card(node.callee.id, names) if isinstance(node.callee, spec.Name) else None
        if card is not None:
            for declared in card.signature.values():
                choices |= set(declared.kind.choices)
        for argument in node.arguments:
            inner = _Names(names, choices)
            self.expression(argument.value, inner)

    def _card(self, name: str, names: _Names) -> type[Op] | None:
        """The operator that a call's name means: another package's where it means nothing else."""
        if not ops.is_operator(name) and (name in names or names.partly or name in _WORDS or name not in ops.offered()):
            return None
        try:
            return ops.load(name)
        except Refusal:  # told at its name
            return None

    def name(self, node: spec.Name, names: _Names) -> None:
        name = node.id
        if name in self.module.definitions and names.at_top(name):
            self.uses.setdefault(name, node.span)
        if name in names or names.partly or name in _WORDS or ops.is_operator(name):
            return
        if name[0].isupper() and (self.symbols is None or name in self.symbols):
            return
        if name in ops.offered():
            try:
                ops.load(name)
            except Refusal as refusal:
                self.refuse(refusal, node.span)
            return
        known = [*names.all(), *_WORDS, *ops.names(), *ops.offered(), *(self.symbols or ())]
        self.refuse(self._made_later(node) or unknown_name(name, known), node.span)

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


def _indexed_labels(body: spec.Body) -> Iterable[spec.Target]:
    for node in walk(body):
        label = getattr(node, "label", None)
        if isinstance(label, spec.Target) and label.index is not None:
            yield label
