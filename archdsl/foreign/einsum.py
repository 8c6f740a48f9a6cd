"""Sums of products by letters: matrix products between permutations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, product
from archdsl.graph import Value

Apply = Callable[..., Value]
"""Makes a node: an operator, its inputs, and its arguments by name; gives its one result."""


def einsum(equation: str, values: Sequence[Value], apply: Apply) -> Value | None:
    """Of one or two tensors; of more from the left. ``None`` where a tensor has a letter twice, which ours cannot say.

    Refuses (E1001) an equation that is not for these tensors.
    """
    found = _letters(equation.replace(" ", ""), values)
    if found is None:
        return None
    terms, result = found
    value, letters = values[0], terms[0]
    for i, (other, its) in enumerate(zip(values[1:], terms[1:]), 2):
        later = set(result).union(*terms[i:])
        value, letters = _product(apply, value, letters, other, its, later)
    return _arranged(apply, *_summed(apply, value, letters, set(result)), result)


def _letters(text: str, values: Sequence[Value]) -> tuple[list[str], str] | None:
    """The letters of each term, with those that stand for an ellipsis, and of the result."""
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(values):
        raise Refusal("E1001", f"`einsum` has {len(values)} tensors for `{text}`")
    spare = [chr(0x3B1 + i) for i in range(24)]
    most = max((v.type.rank - len(t.replace("...", "")) for t, v in zip(terms, values) if "..." in t), default=0)
    found = []
    for term, value in zip(terms, values):
        count = value.type.rank - len(term.replace("...", ""))
        found.append(term.replace("...", "".join(spare[most - count : most])))
        if len(found[-1]) != value.type.rank:
            raise Refusal("E1001", f"`einsum` has `{term}` for {value.type}")
        if len({*found[-1]}) != len(found[-1]):
            return None
    every = "".join(found)
    plain = "".join(sorted(letter for letter in {*every} if every.count(letter) == 1 and letter not in spare))
    return found, right.replace("...", "".join(spare[:most])) if arrow else "".join(spare[:most]) + plain


def _summed(apply: Apply, value: Value, letters: str, kept: set[str]) -> tuple[Value, str]:
    """Without axes that nobody needs."""
    axes = [i for i, letter in enumerate(letters) if letter not in kept]
    if not axes:
        return value, letters
    made = apply("reduce_sum", value, axis=axes if len(axes) > 1 else axes[0])
    return made, "".join(letter for letter in letters if letter in kept)


def _arranged(apply: Apply, value: Value, letters: str, wanted: str) -> Value:
    """Axes in the order of the letters."""
    order = [letters.index(letter) for letter in wanted]
    return value if order == list(range(len(order))) else apply("permute", value, order=order)


def _product(apply: Apply, a: Value, left: str, b: Value, right: str, later: set[str]) -> tuple[Value, str]:
    """Two tensors as one: letters that both have and nobody needs later are summed up."""
    a, left = _summed(apply, a, left, later | {*right})
    b, right = _summed(apply, b, right, later | {*left})
    batch = [letter for letter in left if letter in right and letter in later]
    shared = [letter for letter in left if letter in right and letter not in later]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    sizes: dict[str, Dim] = dict(zip(left, a.type.shape))
    for letter, size in zip(right, b.type.shape):
        sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    letters = "".join(batch + rows + columns)
    if not shared:
        a = _spread(apply, a, left, letters)
        return apply("mul", a, _spread(apply, b, right, letters)), letters
    a = _matrix(apply, a, left, (batch, rows, shared), sizes)
    b = _matrix(apply, b, right, (batch, shared, columns), sizes)
    made = apply("matmul", a, b)
    to = [sizes[letter] for letter in letters]
    return (made if made.type.shape == tuple(to) else apply("reshape", made, to=to)), letters


def _spread(apply: Apply, value: Value, letters: str, wanted: str) -> Value:
    """With an axis of one position for each letter that it lacks."""
    value = _arranged(apply, value, letters, "".join(letter for letter in wanted if letter in letters))
    missing = [i for i, letter in enumerate(wanted) if letter not in letters]
    return apply("unsqueeze", value, axis=missing) if missing else value


def _matrix(apply: Apply, value: Value, letters: str, parts: tuple[list[str], ...], sizes: dict[str, Dim]) -> Value:
    """A batch of matrices."""
    batch, first, second = parts
    value = _arranged(apply, value, letters, "".join([*batch, *first, *second]))
    own = dict(zip([*batch, *first, *second], value.type.shape))
    to = [own[letter] for letter in batch]
    to += [product([sizes[one] for one in first]), product([sizes[one] for one in second])]
    return value if value.type.shape == tuple(to) else apply("reshape", value, to=to)
