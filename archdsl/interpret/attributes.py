"""``value.name`` and ``value[index]``."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.graph import Value
from archdsl.interpret.blocks import SharedBlock
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, raw, rule
from archdsl.interpret.functions import elements, sequence
from archdsl.interpret.values import POISON, BlockValue, Indexed, Labelled, Table, describe, is_flow, shortened
from archdsl.modules.suggestions import attribute_help
from archdsl.ops import is_operator
from archdsl.source import Span
from archdsl.syntax import spec

_DIMENSIONS = {"c": 1, "t": 1, "f": -1, "h": -2, "w": -1}


@rule(spec.Attribute)
def _attribute(expr: spec.Attribute, env: Env) -> Any:
    value = raw(expr.value, env)
    name = expr.name
    if isinstance(value, BlockValue) and isinstance(expr.value, spec.Name):
        label = env.find_label(expr.value.id)
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
    if path in env.session.parameters:
        return env.session.weight_value(path, env.place, span)
    if value.result is POISON:
        return POISON
    owned = [p for p in env.session.parameters if p.startswith(f"{value.scope.weights}.") and p.endswith(f".{name}")]
    help = did_you_mean(name, [*value.scope.labels, *_TENSOR_ATTRIBUTES])
    if owned:
        help = f"it owns `{owned[0]}`: label that layer alone"
    raise Refusal("E0211", f"nothing called `{name}` is labelled or owned by `{value.scope.path}`", help=help)


_TENSOR_ATTRIBUTES = (*_DIMENSIONS, "rank", "shape", "dtype", "count")


def tensor_attribute(value: Any, name: str) -> Any:
    """``x.c x.h x.w x.t x.f x.rank x.shape x.dtype x.count``."""
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
    if name not in _DIMENSIONS:
        raise Refusal("E0211", f"a tensor has no `{name}`", help=attribute_help(name, _TENSOR_ATTRIBUTES))
    axis = _DIMENSIONS[name]
    if not -value.type.rank <= axis < value.type.rank:
        raise Refusal("E0308", f"{value.type} has no axis `{name}`")
    return value.type.shape[axis]


@rule(spec.Index)
def _index(expr: spec.Index, env: Env) -> Any:
    base = raw(expr.value, env)
    if isinstance(base, Labelled):
        base = base.result
    if isinstance(expr.index, spec.Slice):
        bounds = [None if b is None else evaluate(b, env) for b in (expr.index.start, expr.index.stop, expr.index.step)]
        if base is POISON or any(b is POISON for b in bounds):
            return POISON
        if any(b is not None and (isinstance(b, bool) or not isinstance(b, int)) for b in bounds) or bounds[2] == 0:
            raise Refusal("E0204", "the bounds of a slice must be integers, its step not 0")
        return env.session.made_list(sequence(base, env.session, "what is sliced")[slice(*bounds)])
    index = evaluate(expr.index, env)
    if base is POISON or index is POISON:
        return POISON
    if isinstance(index, bool) or not isinstance(index, int):
        raise Refusal("E0204", f"an index must be an integer, not {describe(index)}")
    if isinstance(base, Indexed):
        if index not in base.items and base.incomplete:
            return POISON
        if index not in base.items:
            known = shortened(f"set: {sorted(base.items)}", 80)
            raise Refusal("E0205", f"nothing is labelled with the index {index}", note=known)
        return base.items[index]
    if isinstance(base, Value):
        raise Refusal(
            "E0204", f"{describe(base)} is not a tuple and has no elements here",
            help="inside the model use `select(axis, index)` or `slice`",
        )  # fmt: skip
    items = base if isinstance(base, str) else elements(base, env.session, "what is indexed")
    if not -len(items) <= index < len(items):
        help = f"the first is 0, the last {len(items) - 1}" if items else ""
        raise Refusal("E0205", f"the index {index} is outside of a list of {len(items)}", help=help)
    return items[index]
