"""Views, joins, indexing: what moves elements. The file declares the shape of every result, which is what is made."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dim_order import at_least
from archdsl.dims import Dim
from archdsl.foreign.known import Known
from archdsl.foreign.pt2.arguments import Args, Results, rule
from archdsl.foreign.pt2.memory import Tensor
from archdsl.foreign.pt2.program import Ref
from archdsl.graph import Value

_LARGEST = (1 << 62) - 1


@rule("contiguous", "alias", "detach", "clone", "lift_fresh_copy", "lift_fresh", "positive")
def _same(args: Args) -> Results:
    return _self(args)


@rule("dropout", "feature_dropout", "alpha_dropout", "dropout_", "native_dropout")
def _dropout(args: Args) -> Results:
    x = _self(args)
    p = float(args.get("p", 0.5))
    if not args.get("train", True) or p == 0:
        return x
    return args.one("dropout", args.materialised(x), p=p)


def _self(args: Args) -> Tensor:
    found = args.tensor("self" if "self" in args.call.arguments else "input")
    if found is None:
        raise Refusal("E1001", f"`{args.call.target}` has no input")
    return found


@rule("to", "_to_copy", "type_as", "float", "half", "double", "long", "int", "bool")
def _to(args: Args) -> Results:
    x, wanted = _self(args), args.declared.dtype
    made = x.type.dtype if isinstance(x, Value) else x.dtype
    return x if wanted == made else args.one("cast", args.materialised(x), dtype=wanted)


@rule("view", "reshape", "_unsafe_view", "unflatten", "reshape_as", "view_as", "_reshape_alias")
def _reshape(args: Args) -> Results:
    return args.shaped(args.value(), args.declared.shape)


@rule("flatten")
def _flatten(args: Args) -> Results:
    x = args.value()
    whole = args.get("start_dim", 0) == 1 and args.get("end_dim", -1) in (-1, x.type.rank - 1)
    return args.one("flatten", x) if whole and x.type.rank > 2 else args.shaped(x, args.declared.shape)


@rule("permute")
def _permute(args: Args) -> Results:
    return _permuted(args, [axis % len(args.get("dims")) for axis in args.get("dims")])


@rule("transpose", "swapaxes", "swapdims")
def _transpose(args: Args) -> Results:
    first, second = ("dim0", "dim1") if "dim0" in args.call.arguments else ("axis0", "axis1")
    rank = _rank(args)
    order = list(range(rank))
    one, other = args.axis(first, rank=rank), args.axis(second, rank=rank)
    order[one], order[other] = order[other], order[one]
    return _permuted(args, order)


@rule("t", "numpy_T", "mT", "adjoint")
def _turn(args: Args) -> Results:
    rank = _rank(args)
    if rank < 2:
        return _self(args)
    return _permuted(args, [*range(rank - 2), rank - 1, rank - 2])


def _rank(args: Args) -> int:
    x = _self(args)
    return x.type.rank if isinstance(x, Value) else len(x.shape)


def _permuted(args: Args, order: list[int]) -> Tensor:
    """The tensor with its axes in another order. A weight of two axes stays one: a layer may own it as it is."""
    x = _self(args)
    if order == list(range(len(order))):
        return x
    if isinstance(x, Known) and x.weight and order == [1, 0]:
        return _turned(x)
    return args.one("permute", args.materialised(x), order=order)


def _turned(known: Known) -> Known:
    if "t" not in known.turned:
        made = Known(
            known.dtype, known.shape[::-1], name=known.name, weight=True, load=lambda: known.array().T,
        )  # fmt: skip
        known.turned["t"], made.turned["t"] = made, known
    return known.turned["t"]


@rule("unsqueeze")
def _unsqueeze(args: Args) -> Results:
    x = args.value()
    return args.one("unsqueeze", x, axis=args.axis(rank=x.type.rank + 1))


@rule("squeeze")
def _squeeze(args: Args) -> Results:
    x = args.value()
    axes = [axis for axis in args.axes() if x.type.shape[axis] == 1]
    return args.one("squeeze", x, axis=axes) if axes else x


@rule("expand", "expand_as", "broadcast_to")
def _expand(args: Args) -> Results:
    x, shape = _self(args), args.declared.shape
    if isinstance(x, Known) and x.fill is not None:
        return Known(x.dtype, shape, fill=x.fill)
    value = args.materialised(x)
    return value if value.type.shape == shape else args.one("broadcast_to", value, to=list(shape))


@rule("repeat", "tile")
def _repeat(args: Args) -> Results:
    x = args.value()
    counts = args.get("repeats" if "repeats" in args.call.arguments else "dims")
    missing = len(counts) - x.type.rank
    x = args.shaped(x, (*[1] * missing, *x.type.shape), part="axes")
    counts = (*[1] * -missing, *counts)
    return args.one("tile", x, counts=list(counts)) if any(one != 1 for one in counts) else x


@rule("select")
def _select(args: Args) -> Results:
    return args.one("select", args.value(), axis=args.axis(), index=args.get("index"))


@rule("slice", "narrow")
def _slice(args: Args) -> Results:
    x = _self(args)
    rank = _rank(args)
    axis = args.axis(default=0, rank=rank)
    size = (x.type.shape if isinstance(x, Value) else x.shape)[axis]
    start, end = args.get("start", 0), args.get("end")
    if args.call.operator == "narrow":
        end = start + args.get("length")
    start = 0 if start is None else start
    whole = end is None or (isinstance(end, int) and (end >= _LARGEST or (isinstance(size, int) and end >= size)))
    step = args.get("step", 1)
    if start == 0 and step == 1 and (whole or end == size):
        return x
    if isinstance(start, int) and start < 0:
        start = max(size + start, 0) if isinstance(size, int) else start
    stop = None if whole or end == size else end
    last = size if stop is None else stop
    name = args.call.outputs[0]
    if name is not None and step == 1 and isinstance(start, int) and isinstance(last, int) and start <= last:
        args.memory.slices[name] = (axis, start, last)
    return args.one("slice", args.materialised(x), axis=axis, start=start, stop=stop, step=step)


@rule("cat", "concat", "concatenate")
def _cat(args: Args) -> Results:
    values = args.values("tensors")
    values = [one for one in values if one.type.shape != (0,)] or values
    axis = args.axis(default=0, rank=values[0].type.rank)
    return args.one("concat", *values, axis=axis) if len(values) > 1 else values[0]


@rule("stack")
def _stack(args: Args) -> Results:
    values = args.values("tensors")
    return args.one("stack", *values, axis=args.axis(default=0, rank=values[0].type.rank + 1))


@rule("split", "split_with_sizes", "chunk", "tensor_split", "unsafe_split", "unsafe_chunk")
def _split(args: Args) -> Results:
    x = args.value()
    axis = args.axis(default=0, rank=x.type.rank)
    types = [args.body.declared(name) for name in args.call.outputs if name]
    sizes = [one.shape[axis] for one in types if one is not None]
    if len(sizes) != len(args.call.outputs) or not all(isinstance(size, int) for size in sizes):
        return _sliced(args, x, axis, sizes)
    if len(sizes) == 1:
        return [x]
    return args.apply("split", [x], parts=len(sizes) if len({*sizes}) == 1 else sizes, axis=axis)


def _sliced(args: Args, x: Value, axis: int, sizes: list[Dim]) -> Results:
    if len(sizes) != len(args.call.outputs):
        return None
    found, begin = [], 0
    for size in sizes:
        end = begin + size
        found.append(args.one("slice", x, axis=axis, start=begin, stop=end))
        begin = end  # type: ignore[assignment]
    return found


@rule("unbind")
def _unbind(args: Args) -> Results:
    x = args.value()
    axis = args.axis(default=0)
    return [args.one("select", x, axis=axis, index=number) for number in range(len(args.call.outputs))]


@rule("roll")
def _roll(args: Args) -> Results:
    x = args.value()
    shifts, axes = args.get("shifts"), args.get("dims", ())
    if len(axes) != len(shifts):
        return None
    for shift, axis in zip(shifts, axes):
        size = x.type.shape[axis]
        if isinstance(size, int):
            shift %= size
            if not shift:
                continue
        behind = args.one("slice", x, part="end", axis=axis, start=-shift)
        front = args.one("slice", x, part="begin", axis=axis, stop=-shift)
        x = args.one("concat", behind, front, axis=axis)
    return x


@rule("flip")
def _flip(args: Args) -> Results:
    return args.one("reverse", args.value(), axis=args.axes("dims"))


@rule("index_select")
def _index_select(args: Args) -> Results:
    return args.one("take", args.value(), args.value("index"), axis=args.axis())


@rule("gather")
def _gather(args: Args) -> Results:
    x = args.value()
    return args.one("gather_elements", x, args.value("index"), axis=args.axis(rank=x.type.rank))


@rule("index", "_unsafe_index")
def _index(args: Args) -> Results:
    """Tensors of positions: of one axis, or of the first axes together."""
    given: list[Ref | None] = args.call.arguments.get("indices") or []
    used = [(axis, args.memory.tensor(one)) for axis, one in enumerate(given) if one is not None]
    if any((one.type.dtype if isinstance(one, Value) else one.dtype) not in ("i64", "i32") for _, one in used):
        return None
    x = args.value()
    if len(used) == 1:
        axis, one = used[0]
        return args.one("take", x, args.materialised(one), axis=axis)
    axes = [axis for axis, _ in used]
    if axes != list(range(axes[0], axes[0] + len(axes))) or axes[0] > 1:
        return None
    positions = [args.materialised(one) for _, one in used]
    if axes[0]:  # what is in front of the axes comes last for a moment
        order = [*axes, *(axis for axis in range(x.type.rank) if axis not in axes)]
        x = args.one("permute", x, part="axes", order=order)
    rank = args.declared.rank - x.type.rank + len(axes)
    shape = args.declared.shape[axes[0] : axes[0] + rank]
    wide = [
        one if one.type.shape == shape else args.one("broadcast_to", one, part="positions", to=list(shape))
        for one in positions
    ]
    made = args.one("gather_nd", x, args.one("stack", *wide, part="stack", axis=rank))
    if axes[0]:
        made = args.one("permute", made, part="back", order=[rank, *range(rank), *range(rank + 1, made.type.rank)])
    return made


@rule("arange")
def _arange(args: Args) -> Results:
    start, end, step = args.get("start", 0), args.get("end"), args.get("step", 1)
    size = args.declared.shape[0]
    if not isinstance(step, int | float):
        return None
    del end
    return args.one("positions", size=size, start=start, step=float(step), dtype=args.declared.dtype)


@rule("zeros", "zero_", "new_zeros", "zeros_like", "empty", "new_empty", "empty_like")
def _zeros(args: Args) -> Results:
    return _filled(args, 0)


@rule("ones", "new_ones", "ones_like")
def _ones(args: Args) -> Results:
    return _filled(args, 1)


@rule("full", "fill", "fill_", "new_full", "full_like", "scalar_tensor")
def _full(args: Args) -> Results:
    name = next(one for one in ("s", "fill_value", "value") if one in args.call.arguments)
    known = args.known(name)
    if known is not None and not known.weight and known.elements == 1:
        return _filled(args, known.array().item())
    return _filled(args, args.get(name))


@rule("copy_", "copy")
def _copy(args: Args) -> Results:
    source, shape = args.value("src"), args.declared.shape
    source = args.cast(source, args.declared.dtype)
    return source if source.type.shape == shape else args.one("broadcast_to", source, to=list(shape))


def _filled(args: Args, value: Any) -> Known:
    declared = args.declared
    return Known(declared.dtype, declared.shape, fill=value)


@rule("one_hot")
def _one_hot(args: Args) -> Results:
    return args.one("one_hot", args.value(), depth=args.get("num_classes"), dtype="i64")


@rule("channel_shuffle")
def _channel_shuffle(args: Args) -> Results:
    x, groups = args.value(), args.get("groups")
    n, c, *rest = x.type.shape
    if not isinstance(c, int) or not isinstance(groups, int) or groups < 1 or at_least(c, groups) is False:
        return None
    apart = args.one("reshape", x, part="apart", to=[n, groups, c // groups, *rest])
    turned = args.one("permute", apart, part="permute", order=[0, 2, 1, *range(3, apart.type.rank)])
    return args.one("reshape", turned, to=[n, c, *rest])
