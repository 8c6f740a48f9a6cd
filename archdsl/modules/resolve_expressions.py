"""Names in expressions: what each one means, and the diagnostics of those that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl import ops
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.modules.meanings import DYNAMIC, OPERATOR, UNKNOWN, Meaning, Scope
from archdsl.modules.module import Module
from archdsl.modules.suggestions import unknown_name
from archdsl.modules.words import late_word, word, words
from archdsl.ops.base import Op
from archdsl.shapes import AXES
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.limits import LIMITS
from archdsl.syntax.walk import children, walk

_AXES = frozenset(AXES)
_STANDING = frozenset({"operator", "combinator", "local", "parameter", "import", "dynamic", "unknown"})
"""Meanings that no statement changes: nothing may hide them, or they are looked for while running."""
_BLOCKS = frozenset({"operator", "combinator", "local", "parameter", "definition", "import"})
"""Meanings that may be those of a block."""


class ExpressionResolver:
    """The part of the walk over a definition that looks into expressions; bodies and statements are for its heir."""

    parameters: frozenset[str] = frozenset()
    naming: frozenset[str] = frozenset()
    """What the ``let`` at work names."""
    around: spec.Definition
    """The definition at work."""

    def __init__(self, module: Module, symbols: frozenset[str] | None) -> None:
        self.module = module
        self.symbols = symbols
        self.found: list[Diagnostic] = []
        self._made: dict[str, list[Span]] | None = None
        self.uses: dict[str, Span] = {}
        """The file's definitions that are needed, each with one of the places: of blocks, those named under a condition
        are left out, so that a block may apply itself until its condition ends that.
        """
        self._conditions = 0

    def body(self, body: spec.Body, scope: Scope) -> None:
        """Settle the names of a body."""
        raise NotImplementedError

    def statement(self, statement: spec.Statement, scope: Scope) -> None:
        """Settle the names of a statement."""
        raise NotImplementedError

    def refuse(self, refusal: Refusal, span: Span) -> None:
        self.found.append(refusal.located(span).diagnostic())

    def bind(self, name: str, span: Span, scope: Scope, parameters: frozenset[str] | None = None) -> None:
        """A value gets a name: parameters and imports must not be hidden by it."""
        if name == "_":
            return
        hidden = self.parameters if parameters is None else parameters
        what = (
            "a parameter" if name in hidden
            else "an import" if name in self.module.imports
            else ""
        )  # fmt: skip
        if what:
            self.refuse(Refusal("E0208", f"`{name}` would hide {what} of that name", help="choose another name"), span)
        elif parameters is not None and name in scope.names:
            self.refuse(Refusal("E0207", f"two parameters are called `{name}`"), span)
            self.module.unusable.add(getattr(self.around, "name", ""))
        scope.names[name] = Meaning("local", span)

    def expression(self, node: spec.Syntax, scope: Scope) -> None:
        """Check every name below ``node`` (syntax is at most a few hundred levels deep)."""
        rule = _EXPRESSIONS.get(type(node))
        if rule is not None:
            rule(self, node, scope)
        elif isinstance(node, spec.Statement):
            self.statement(node, scope)
        else:
            for child in children(node):
                self.expression(child, scope)

    def _comprehension(self, node: spec.Comprehension, scope: Scope) -> None:
        seen: set[str] = set()
        for clause in node.clauses:
            self.expression(clause.iterable, scope)
            scope = Scope(scope, clause.targets)
            for name in clause.targets:
                if name in seen:
                    twice = Refusal("E0207", f"`{name}` is given twice in this comprehension")
                    self.refuse(twice, clause.span.word(name))
                seen |= {name} - {"_"}
            if clause.condition is not None:
                self.expression(clause.condition, scope)
        self.expression(node.element, scope)

    def _body(self, node: spec.Body, scope: Scope) -> None:
        self.body(node, Scope(scope))

    def _pipeline(self, node: spec.Pipeline, scope: Scope) -> None:
        self.head(node.stages[0], scope)
        for stage in node.stages[1:]:
            self.stage(stage, scope)

    def _with_body(self, node: spec.WithBody, scope: Scope) -> None:
        self.stage(node.head, scope)
        self.expression(node.body, scope)

    def under_condition(self, node: spec.Syntax, scope: Scope, settle: Callable[[Any, Scope], None]) -> None:
        """Settle the names of an arm of a condition."""
        self._conditions += 1
        settle(node, scope)
        self._conditions -= 1

    def _ends(self, name: str) -> bool:
        """Whether a condition can end that the block at work needs the block of that name, and this the other."""
        blocks = isinstance(self.around, spec.Block) and isinstance(self.module.definitions.get(name), spec.Block)
        return self._conditions > 0 and blocks

    def _conditional(self, node: spec.Conditional, scope: Scope) -> None:
        self.expression(node.condition, scope)
        for side in (node.value, node.otherwise):
            self.under_condition(side, scope, self.expression)

    def head(self, node: spec.Expr, scope: Scope) -> None:
        """What a line or a pipeline begins with: a tensor, or a block for the flow."""
        if isinstance(node, spec.Name):
            self.name(node, scope, head=True)
        elif isinstance(node, spec.Frozen | spec.Own):
            self.head(node.value, scope)
        elif isinstance(node, spec.Conditional):
            self.expression(node.condition, scope)
            self.under_condition(node.value, scope, self.head)
            self.under_condition(node.otherwise, scope, self.head)
        else:
            self.expression(node, scope)

    def stage(self, node: spec.Expr, scope: Scope) -> None:
        """What is applied: a block, and so no label."""
        if isinstance(node, spec.Name):
            self.name(node, scope, applied=True)
        elif isinstance(node, spec.Frozen | spec.Own):
            self.stage(node.value, scope)
        elif isinstance(node, spec.Conditional):
            self.expression(node.condition, scope)
            self.under_condition(node.value, scope, self.stage)
            self.under_condition(node.otherwise, scope, self.stage)
        elif isinstance(node, spec.Pipeline):
            for stage in node.stages:
                self.stage(stage, scope)
        else:
            self.expression(node, scope)

    def _call(self, node: spec.Call, scope: Scope) -> None:
        self.stage(node.callee, scope)
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
        if self.meaning(name, scope, applied=True) is not OPERATOR:
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

    def name(self, node: spec.Name, scope: Scope, *, applied: bool = False, head: bool = False) -> None:
        """Settle one name; report it where it means nothing, or could mean two things."""
        meaning = self.meaning(node.id, scope, applied=applied)
        self._unambiguous(node, meaning, scope, applied, head)
        anew = meaning.kind not in _STANDING and scope.rebound(node.id)
        self.module.meanings.settle(node, Meaning("dynamic", meaning.bound) if anew else meaning)
        if meaning.kind == "definition" and not self._ends(node.id):
            self.uses.setdefault(node.id, node.span)
        if meaning is OPERATOR and not ops.is_operator(node.id):
            self._load(node)
        if meaning is UNKNOWN and len(self.found) < LIMITS.faults:  # help is looked for among all names
            known = [*scope.all(), *words(), *ops.names(), *ops.offered(), *(self.symbols or ())]
            self.refuse(self._made_later(node) or unknown_name(node.id, known), node.span)

    def _unambiguous(self, node: spec.Name, meaning: Meaning, scope: Scope, applied: bool, head: bool) -> None:
        """Refuse (E0208) a name with a second reading."""
        name = node.id
        if meaning.kind == "label":
            other = self.meaning(name, scope, applied=True) if head else UNKNOWN
            if other.kind in _BLOCKS:
                what, where = _WHAT[other.kind], f" (line {meaning.bound.line})" if meaning.bound else ""
                help = f"give the label another name, or write `{name}()` for the block"
                self.refuse(
                    Refusal("E0208", f"`{name}` is a label{where} and {what}: either could be meant", help=help),
                    node.span,
                )
        elif meaning.kind in _BLOCKS and not applied and any(name in s.perhaps for s in scope.around()):
            message = f"`{name}` is {_WHAT[meaning.kind]}, and also a label in one arm of a condition above"
            self.refuse(Refusal("E0208", message, help="give the label another name"), node.span)
        elif self._is_block(name, meaning) and name not in self.naming and any(name in s.lets for s in scope.around()):
            message = f"`{name}` is {_WHAT[meaning.kind]} here, and this body gives the name to a value, too"
            self.refuse(Refusal("E0208", message, help="choose another name for the value"), node.span)

    def _is_block(self, name: str, meaning: Meaning) -> bool:
        if meaning.kind == "definition":
            return not isinstance(self.module.definitions.get(name), spec.LetDefinition)
        return meaning.kind in ("operator", "combinator")

    def _load(self, node: spec.Name) -> None:
        """Load what a package offers; report it where it cannot be used."""
        try:
            ops.load(node.id)
        except Refusal as refusal:
            self.refuse(refusal, node.span)

    def meaning(self, name: str, scope: Scope, *, applied: bool = False) -> Meaning:
        """What a name means at this place; ``applied``: a block is wanted."""
        if scope.partly:
            return DYNAMIC
        bound = scope.bound(name) if applied else scope.nearest(name)
        if bound is not None:
            return bound
        kind = word(name)
        if kind is not None:
            return Meaning(kind)
        if ops.is_operator(name):
            return OPERATOR
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
        """The refusal of a name that another statement gives, or that only a variant has."""
        if node.id in self.module.variants:
            help = "apply its network: a variant is a network with its arguments"
            return Refusal("E0201", f"`{node.id}` is a variant, and variants are not applied", help=help)
        later = next((span for span in self._makers().get(node.id, ()) if span.start > node.span.start), None)
        if later is not None:
            line = f"it is made on line {later.line}: use it after that line"
            return Refusal("E0201", f"`{node.id}` is used before it is made", help=line)
        if made := self._makers().get(node.id):
            help = (
                f"it is made on line {made[0].line}, in braces that end before this line; "
                "behind an `if`, a name stands where every arm makes it"
            )
            return Refusal("E0201", f"`{node.id}` is not defined here", help=help)
        return None

    def _makers(self) -> dict[str, list[Span]]:
        """Where the definition at work makes each of its names, in the order of the text; asked for messages only."""
        if self._made is None:
            self._made = {}
            for node in walk(self.around):
                for name in _made_by(node):
                    if name is not None:
                        self._made.setdefault(name, []).append(node.span)
        return self._made


_EXPRESSIONS: dict[type[spec.Syntax], Callable[[ExpressionResolver, Any, Scope], None]] = {
    spec.Name: ExpressionResolver.name, spec.Comprehension: ExpressionResolver._comprehension,
    spec.Body: ExpressionResolver._body, spec.Call: ExpressionResolver._call,
    spec.Pipeline: ExpressionResolver._pipeline, spec.WithBody: ExpressionResolver._with_body,
    spec.Conditional: ExpressionResolver._conditional,
}  # fmt: skip

_WHAT = {
    "operator": "an operator", "combinator": "a combinator", "local": "a value", "parameter": "a parameter",
    "definition": "a definition of this file", "import": "an import",
}  # fmt: skip


def _made_by(node: spec.Syntax) -> tuple[str | None, ...]:
    if isinstance(node, spec.Let):
        return node.targets
    return (node.name,) if isinstance(node, spec.Target | spec.Share | spec.State) else ()


def hidden_by_choice(name: str, formal: str) -> Refusal:
    """The refusal of a name that is bound, and is also a choice of the argument for which it is given."""
    message = f"`{name}` is the name of a value here, and also a choice of `{formal}`"
    return Refusal("E0208", message, help="choose another name for the value, so that it is clear which is meant")
