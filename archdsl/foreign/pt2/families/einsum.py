"""``einsum`` of two tensors, as the product of matrices that it is."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.dims import Dim, product
from archdsl.foreign.pt2.arguments import Args, Results, rule
from archdsl.graph import Value


@rule("einsum")
def _einsum(args: Args) -> Results:
    equation = str(args.get("equation")).replace(" ", "")
    values = args.values("tensors")
    sides, arrow, result = equation.partition("->")
    inputs = sides.split(",")
    letters = [*inputs, result]
    if not arrow or len(values) != 2 or len(inputs) != 2 or not all(one.isalpha() and _once(one) for one in letters):
        return None
    if any(len(one) != value.type.rank for one, value in zip(inputs, values)):
        return None
    left, right = inputs
    batch = [one for one in result if one in left and one in right]
    summed = [one for one in left if one in right and one not in result]
    rows = [one for one in result if one in left and one not in right]
    columns = [one for one in result if one in right and one not in left]
    if {*left} != {*batch, *summed, *rows} or {*right} != {*batch, *summed, *columns} or not summed:
        return None
    sizes = {name: size for one, value in zip(inputs, values) for name, size in zip(one, value.type.shape)}
    a = _grouped(args, values[0], left, (batch, rows, summed), sizes, "left")
    b = _grouped(args, values[1], right, (batch, summed, columns), sizes, "right")
    made = args.one("matmul", a, b, part="matmul")
    made = args.shaped(made, [sizes[one] for one in (*batch, *rows, *columns)], part="apart")
    order = [[*batch, *rows, *columns].index(one) for one in result]
    return made if order == sorted(order) else args.one("permute", made, order=order)


def _once(letters: str) -> bool:
    return len({*letters}) == len(letters)


def _grouped(
    args: Args, value: Value, letters: str, groups: Sequence[list[str]], sizes: dict[str, Dim], part: str
) -> Value:
    """The tensor as [batch…, rows, columns]: axes in the order of the groups, those of the last two as one each."""
    order = [letters.index(one) for group in groups for one in group]
    if order != sorted(order):
        value = args.one("permute", value, part=part, order=order)
    batch, *pair = groups
    shape = [*(sizes[one] for one in batch), *(product([sizes[one] for one in group]) for group in pair)]
    return args.shaped(value, shape, part=f"{part}_shape")
