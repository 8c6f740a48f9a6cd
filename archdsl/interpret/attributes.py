"""Attributes and elements: ``value.name`` and ``value[index]``."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.graph import Value
from archdsl.interpret.blocks import SharedBlock
from archdsl.interpret.code import Code, Context, compiled, expression, raw
from archdsl.interpret.env import Env
from archdsl.interpret.functions import elements, sequence
from archdsl.interpret.values import BlockValue, Indexed, Table, describe, is_flow
from archdsl.modules.suggestions import attribute_help
from archdsl.ops import is_operator
from archdsl.shapes import AXES
from archdsl.source import Span, shortened
from archdsl.syntax import spec
from archdsl.tape.paths import Labelled
from archdsl.tape.poison import POISON


@expression(spec.Attribute)
def _attribute(expr: spec.Attribute, context: Context) -> Code:
    owner, name = raw(expr.value, context), expr.name
    hidden = expr.value.id if isinstance(expr.value, spec.Name) else ""

    def attribute(env: Env) -> Any:
        value = owner(env)
        if isinstance(value, BlockValue) and hidden:
            label = env.find_label(hidden)
            value = value if label is Env.missing else label
        if isinstance(value, Labelled):
            found = _label_attribute(value, name, env, expr.span)
            if found is not Env.missing:
                return found
            value = value.result
        if isinstance(value, SharedBlock):
            return value.weight(name, env.place, expr.span)
        if value is POISON:
            return POISON
        if isinstance(value, Table) and name in value.header:
            return value.column(name)
        if is_flow(value):
            return tensor_attribute(value, name)
        raise _no_attribute(value, name)

    return attribute


def _no_attribute(value: Any, name: str) -> Refusal:
    if isinstance(value, Table):
        help = did_you_mean(name, value.header, f"columns: {', '.join(value.header)}")
        return Refusal("E0211", f"the table has no column `{name}`", help=help)
    help = f"blocks are chained with `->`: `… -> {name}`" if isinstance(value, BlockValue) and is_operator(name) else ""
    return Refusal("E0211", f"{describe(value)} has no `{name}`", help=help)


def _label_attribute(value: Labelled, name: str, env: Env, span: Span) -> Any:
    if is_flow(value.result) and name in _TENSOR_ATTRIBUTES:
        return Env.missing
    if name in value.scope.labels:
        found = value.scope.labels[name]
        if isinstance(found, dict):
            collected = Indexed()
            collected.items.update(found)
            return collected
        return found
    path = f"{value.scope.weights}.{name}"
    if path in env.session.tape.parameters:
        return env.session.tape.weight_value(path, env.place, span)
    if value.result is POISON:
        return POISON
    owned = [
        p for p in env.session.tape.parameters if p.startswith(f"{value.scope.weights}.") and p.endswith(f".{name}")
    ]
    help = did_you_mean(name, [*value.scope.labels, *_TENSOR_ATTRIBUTES])
    if owned:
        help = f"it has the parameter `{owned[0]}`: label that layer by itself"
    raise Refusal("E0211", f"`{value.scope.path}` has no label or parameter `{name}`", help=help)


_TENSOR_ATTRIBUTES = (*AXES, "rank", "shape", "dtype", "count")


def tensor_attribute(value: Any, name: str) -> Any:
    """``x.n x.c x.h x.w x.t x.f x.rank x.shape x.dtype x.count``."""
    if name == "count":
        return len(value) if isinstance(value, tuple) else 1
    if isinstance(value, tuple):
        raise Refusal("E0211", f"a tuple of {len(value)} tensors has no `{name}`", help=f"choose one: `x[0].{name}`")
    if name == "rank":
        return value.type.rank
    if name == "shape":
        return value.type.shape
    if name == "dtype":
        return value.type.dtype
    if name not in AXES:
        raise Refusal("E0211", f"a tensor has no `{name}`", help=attribute_help(name, _TENSOR_ATTRIBUTES))
    axis = AXES[name]
    if not -value.type.rank <= axis < value.type.rank:
        raise Refusal("E0308", f"{value.type} has no axis `{name}`")
    return value.type.shape[axis]


@expression(spec.Index)
def _index(expr: spec.Index, context: Context) -> Code:
    owner = raw(expr.value, context)
    if isinstance(expr.index, spec.Slice):
        return _slice(owner, expr.index, context)
    position = compiled(expr.index, context)
    if isinstance(expr.value, spec.Attribute) and expr.value.name == "shape":
        position = _not_the_folded(position)

    def indexed(env: Env) -> Any:
        base = owner(env)
        if isinstance(base, Labelled):
            base = base.result
        index = position(env)
        if base is POISON or index is POISON:
            return POISON
        if isinstance(index, bool) or not isinstance(index, int):
            raise Refusal("E0204", f"an index must be an integer, not {describe(index)}")
        return _element(base, index, env)

    return indexed


def _not_the_folded(position: Code) -> Code:
    """An index into a shape: in the text of a ``map``, axis 0 is the batch and the axis that is folded into it."""

    def index(env: Env) -> Any:
        found = position(env)
        if found == 0 and env.folds():
            raise Refusal(
                "E0222", "in the body of `map` the batch has the axis folded into it, and another size",
                help="what `x.shape[0]` is for may be a block of its own, which gets a batch; or use `scan`",
            )  # fmt: skip
        return found

    return index


def _slice(owner: Code, bounds: spec.Slice, context: Context) -> Code:
    codes = [None if b is None else compiled(b, context) for b in (bounds.start, bounds.stop, bounds.step)]

    def sliced(env: Env) -> Any:
        base = owner(env)
        if isinstance(base, Labelled):
            base = base.result
        values = [None if code is None else code(env) for code in codes]
        if base is POISON or any(v is POISON for v in values):
            return POISON
        if any(v is not None and (isinstance(v, bool) or not isinstance(v, int)) for v in values) or values[2] == 0:
            raise Refusal("E0204", "the bounds of a slice must be integers, and its step must not be 0")
        return env.session.lists.made(sequence(base, env.session, "the sliced value")[slice(*values)])

    return sliced


def _element(base: Any, index: int, env: Env) -> Any:
    if isinstance(base, Indexed):
        if index not in base.items and base.incomplete:
            return POISON
        if index not in base.items:
            known = shortened(f"set: {sorted(base.items)}", 80)
            raise Refusal("E0205", f"no label has the index {index}", note=known)
        return base.items[index]
    if isinstance(base, Value):
        raise Refusal(
            "E0204", f"{describe(base)} is not a tuple and has no elements here",
            help="inside the model use `select(axis, index)` or `slice`",
        )  # fmt: skip
    items = base if isinstance(base, str) else elements(base, env.session, "the indexed value")
    if not -len(items) <= index < len(items):
        help = f"the indices go from 0 to {len(items) - 1}" if items else ""
        raise Refusal("E0205", f"the index {index} is out of range for a list of {len(items)}", help=help)
    return items[index]
