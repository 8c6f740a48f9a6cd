"""Checks of the inputs of operators: element types, axes, sizes that agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal
from archdsl.dim_faults import depends
from archdsl.dim_solve import bound_for
from archdsl.dims import Dim
from archdsl.element_types import BOOLEANS, FLOATS, INTEGERS, NUMBERS, SIGNED, holds
from archdsl.ops.base import Types, Work
from archdsl.shapes import TensorType, resolve_axis, show_shape

_WORDS = {FLOATS: "floats", INTEGERS: "integers", NUMBERS: "numbers", SIGNED: "signed numbers", BOOLEANS: "bool"}


def need_dtype(name: str, type: TensorType, accepted: frozenset[str]) -> None:
    """Refuse an element type that ``name`` does not work on."""
    if type.dtype not in accepted:
        cast = {FLOATS: "f32", BOOLEANS: "bool", INTEGERS: "i64"}.get(accepted, "f32")
        raise Refusal(
            "E0309", f"`{name}` works on {_WORDS[accepted]}, not on {type}", help=f"convert it first: `cast({cast})`"
        )


def need_value(name: str, value: float, dtype: str) -> None:
    """Refuse a number that an element type cannot hold; floats may round it, but not to infinity."""
    if not holds(dtype, value):
        help = "give a whole number that fits, or `cast(f32)` first" if dtype not in FLOATS else "use a wider type"
        raise Refusal("E0309", f"`{name}` of {dtype} cannot hold {value:.12g}", help=help)


def same_dtype(name: str, ins: Types) -> str:
    """The one element type of all inputs; types are never mixed silently."""
    for other in ins[1:]:
        if other.dtype != ins[0].dtype:
            raise Refusal(
                "E0309", f"`{name}` of {ins[0]} and {other} mixes the element types {ins[0].dtype} and {other.dtype}",
                help=f"convert one of them: `cast({ins[0].dtype})`",
            )  # fmt: skip
    return ins[0].dtype


def resolve_axes(axis: int | str | Sequence[int | str], type: TensorType) -> tuple[int, ...]:
    """The non-negative indices of one axis or several; refuses an axis that is named twice."""
    wanted = [axis] if isinstance(axis, int | str) else list(axis)
    found = tuple(resolve_axis(a, type) for a in wanted)
    if len(set(found)) != len(found):
        raise Refusal("E0308", f"an axis of {type} is named twice: {', '.join(map(str, wanted))}")
    return found


def insertion(axis: int, rank: int, name: str) -> int:
    """The index of a new axis in a result of ``rank`` axes."""
    if not -rank <= axis < rank:
        raise Refusal("E0308", f"`{name}` cannot put an axis at {axis}: the result has {rank} axes")
    return axis % rank


def need_rank(name: str, type: TensorType, rank: int, layout: str) -> None:
    """Refuse a number of axes other than ``rank``."""
    if type.rank != rank:
        raise Refusal("E0301", f"`{name}` needs a tensor {layout}, not {type}")


def at_least_rank(name: str, type: TensorType, rank: int, layout: str) -> None:
    """Refuse fewer than ``rank`` axes."""
    if type.rank < rank:
        raise Refusal("E0301", f"`{name}` needs a tensor {layout}, not {type}")


def static_size(type: TensorType, axis: int, what: str) -> int:
    """The size of an axis that must be known while compiling."""
    size = type.shape[axis]
    if isinstance(size, int):
        return size
    names = ", ".join(f"`{name}`" for name in sorted(dims.symbols(size)))
    message = f"{what} of {type} must be known while compiling, but {size} depends on {names}"
    raise depends("E0306", message, [size], f"give {names} a fixed value in the input declaration, or with `--bind`")


def check_groups(groups: int, count: int, what: str) -> None:
    """Refuse ``groups`` that do not divide ``count`` channels."""
    if count % groups:
        found = [d for d in range(1, min(count, 4096) + 1) if count % d == 0]
        allowed = ", ".join(map(str, found if len(found) <= 8 else [*found[:7], "…", count]))
        raise Refusal(
            "E0305", f"{groups} groups do not divide {count} {what}", help=f"{count} channels allow groups of {allowed}"
        )


def undecided(question: str, sizes: Iterable[Dim], at_least: tuple[Dim, Dim] | None = None) -> Refusal:
    """The refusal of what depends on a symbol; ``at_least``: it is decided where the first is at least the second."""
    sizes = list(sizes)
    names = sorted(set().union(*(dims.symbols(size) for size in sizes)))
    shown = ", ".join(f"`{name}`" for name in names)
    bound = "" if at_least is None else bound_for(*at_least)
    help = f"declare a bound, `{bound}`, or bind {shown}" if bound else f"bind {shown}, or write the size out"
    return depends("E0307", f"{question} depends on {shown}", sizes, help)


def need_equal(what: str, a: Dim, b: Dim, shapes: Sequence[TensorType]) -> None:
    """Refuse two sizes that differ, or of which that cannot be decided."""
    answer = dim_order.equal(a, b)
    if answer:
        return
    shown = " and ".join(show_shape(t.shape) for t in shapes)
    if answer is None:
        raise undecided(f"whether {what} of {shown} agree ({a} and {b})", (a, b))
    raise Refusal("E0303", f"{what} of {shown} differ: {a} and {b}")


def need_positions(name: str, at: TensorType) -> None:
    """Refuse positions that are no ``i64`` or ``i32``."""
    if at.dtype not in ("i64", "i32"):
        raise Refusal(
            "E0309", f"the positions of `{name}` must be i64 or i32, not {at}", help="convert them: `cast(i64)`"
        )


def common(name: str, count: int, axis: int, x: TensorType, at: TensorType) -> None:
    """Refuse ``count`` first axes of ``x`` and its positions that are not the same, or reach beyond ``axis``."""
    if count > min(axis, at.rank):
        beyond = f"the axis {axis} of {x}" if count > axis else f"the positions {at}"
        raise Refusal("E0205", f"`batch` of `{name}` is {count}, which reaches beyond {beyond}")
    for i in range(count):
        need_equal(f"the batch axes {i} of `{name}`", x.shape[i], at.shape[i], (x, at))


def along_elements(name: str, axis: int, x: TensorType, at: TensorType) -> None:
    """Refuse positions of single elements that have another number of axes than ``x``, or others that are longer."""
    if at.rank != x.rank:
        help = "`take` and `scatter` move whole slices" if at.rank < x.rank else ""
        raise Refusal("E0301", f"the positions of `{name}` need as many axes as {x}, not {at}", help=help)
    for i, (size, count) in enumerate(zip(x.shape, at.shape)):
        enough = True if i == axis else dim_order.at_least(size, count)
        if enough is None:
            raise undecided(f"whether axis {i} of the positions {at} lies in {x}", (size, count))
        if not enough:
            raise Refusal("E0303", f"the positions {at} of `{name}` do not lie in {x}: axis {i} is longer")


def need_past(name: str, queries: Dim, keys: Dim, ins: Types) -> None:
    """Refuse fewer keys than queries: positions are aligned at their ends, so the first query would see nothing."""
    answer = dim_order.at_least(keys, queries)
    if answer is None:
        raise undecided(f"whether `{name}` has at least as many keys ({keys}) as queries ({queries})", (queries, keys))
    if not answer:
        shown = " and ".join(map(str, ins[:2]))
        raise Refusal("E0303", f"`{name}` of {shown} has fewer keys ({keys}) than queries ({queries})",
                      help="positions are aligned at their ends: the first queries would see nothing")  # fmt: skip


def divide(size: Dim, parts: int, what: str) -> Dim:
    """``size / parts``; refuses a remainder, or a size of which it is not known."""
    quotient = dims.floordiv(size, parts)
    if quotient * parts == size:
        return quotient
    if isinstance(size, int):
        raise Refusal("E0305", f"{parts} does not divide {size} {what}")
    raise undecided(f"whether {parts} divides {size} {what}", (size,))


def times(work: Work, count: Dim) -> Work:
    """The work of ``count`` repetitions."""
    columns = (work.mac, work.add, work.mul, work.cmp, work.special)
    return Work(*(column * count for column in columns))
