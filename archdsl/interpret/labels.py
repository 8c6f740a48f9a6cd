"""Labels in front of statements: the paths that they give, and what they are bound to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.env import Env
from archdsl.interpret.values import BlockValue, Indexed, describe
from archdsl.modules.structure import label_of, nested_bodies
from archdsl.source import shortened
from archdsl.syntax import spec
from archdsl.tape.paths import Labelled, PathScope, join
from archdsl.tape.poison import POISON, Flow

_LABEL = re.compile(r"(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")


def is_label(text: str) -> bool:
    """Whether a label can be so written."""
    return _LABEL.fullmatch(text) is not None


def poison_names(statement: spec.Statement, env: Env, loop: bool = False) -> None:
    """What a statement that was refused, or is not run, would have named is poison, so that its users stay silent.

    ``loop``: it stands in a loop, out of which only labels with an index are seen.
    """
    label = label_of(statement)
    if label is not None and label.name is not None and label.index is not None:
        leave_open(label.name, env)
    elif loop:
        pass
    elif isinstance(statement, spec.Let):
        env.poison(statement.targets, labels=False)
    elif isinstance(statement, spec.Share | spec.Input | spec.State | spec.ModelState):
        env.poison((statement.name,), labels=False)
    elif label is not None and label.name:
        env.poison((label.name,), labels=True)
    for body in nested_bodies(statement):
        for inner in body.statements:
            poison_names(inner, env, loop or isinstance(statement, spec.Repeat | spec.For))


def leave_open(name: str, env: Env) -> None:
    """A statement that would have set an index of ``name`` was refused, or its index is not known."""
    found = env.find_label(name)
    if not isinstance(found, Indexed):
        found = env.outside_loops().labels[name] = Indexed()
    found.incomplete = True


class Label:
    """A label as it is written: a name, a name with an index, or a computed text."""

    __slots__ = ("_computed", "syntax")

    def __init__(self, syntax: spec.Target, computed: Callable[[Env], Any] | None) -> None:
        self.syntax = syntax
        self._computed = computed
        """The code of the template's text, or of the index."""

    def enter(self, env: Env) -> tuple[Env, str, int | None] | None:
        """The scope of the labelled statement, the label's name and its index; ``None`` where they are not known."""
        name, index = self._evaluated(env)
        if self.syntax.name is not None:
            self._hides_nothing(self.syntax.name, env)
        if name is POISON:
            if self.syntax.index is not None and self.syntax.name is not None:
                leave_open(self.syntax.name, env)
            return None
        outer = env.place.scope
        return env.at(env.place.at(outer.child(self._path(outer, name, index)))), name, index

    def _hides_nothing(self, name: str, env: Env) -> None:
        """Refuse (E0208) a label that would hide a value: blocks alone are known by where they stand."""
        value = env.find(name)
        if value is Env.missing or value is POISON or isinstance(value, BlockValue):
            return
        raise Refusal(
            "E0208", f"`{name}` is {describe(value)} here, and the label would hide it",
            help="choose another label; `weights` says what it is called in a checkpoint",
        ).located(self.syntax.span)  # fmt: skip

    def _evaluated(self, env: Env) -> tuple[Any, int | None]:
        label = self.syntax
        if self._computed is None:
            return label.name, None
        value = self._computed(env)
        if label.template is not None:
            if value is not POISON and not _LABEL.fullmatch(value):
                what = f'"{shortened(value, 40)}" cannot be a label'
                help = "labels consist of letters, digits, `_`, `-` and `.`, at most 200 of them"
                raise Refusal("E0205", what, help=help).located(label.span)
            return value, None
        if value is POISON:
            return POISON, None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            message = f"the index of a label must be an integer, not {describe(value)}"
            raise Refusal("E0204", message).located(label.span)
        return label.name, value

    def _path(self, scope: PathScope, name: str, index: int | None) -> str:
        """The path name under the label: repeated by a loop it is counted, repeated by hand it is refused."""
        if index is not None:
            return f"{name}.{index}"
        if self.syntax.template is not None and name in scope.taken:
            message = f"the label `{join(scope.path, name)}` is given twice"
            raise Refusal("E0207", message).located(self.syntax.span)
        return scope.label(name)

    def bind(self, name: str, index: int | None, result: Flow, inner: Env, env: Env) -> None:
        """Give the result its name, in the scope ``env`` and among the paths."""
        scope, outer = inner.place.scope, env.place.scope
        value = Labelled(result, scope)
        if isinstance(result, Value):
            env.session.tape.taps[scope.path] = result
        if self.syntax.template is not None:
            outer.labels[name] = value
        elif index is None:
            outer.labels.setdefault(name, value)
            env.labels[name] = value
        else:
            self._collect(name, index, value, env)

    def _collect(self, name: str, index: int, value: Labelled, env: Env) -> None:
        found = env.find_label(name)
        if not isinstance(found, Indexed):
            found = env.outside_loops().labels[name] = Indexed()
        if index in found.items:
            raise Refusal("E0207", f"`{name}[{index}]` is labelled twice").located(self.syntax.span)
        found.items[index] = value
        collected = env.place.scope.labels.setdefault(name, {})
        if isinstance(collected, dict):
            collected[index] = value
