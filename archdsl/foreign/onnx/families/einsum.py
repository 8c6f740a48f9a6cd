"""Sums of products by letters: a matrix product between permutations."""

from __future__ import annotations

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, product
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value


@rule("Einsum")
def einsum(call: Call) -> Result:
    """Of one or two tensors; of more from the left."""
    values = [call.value(i) for i in range(len(call.inputs))]
    terms, result = _letters(call, values)
    value, letters = values[0], terms[0]
    for i, (other, its) in enumerate(zip(values[1:], terms[1:]), 2):
        later = set(result).union(*terms[i:])
        value, letters = _product(call, value, letters, other, its, later)
    return _arranged(call, *_summed(call, value, letters, set(result)), result)


def _letters(call: Call, values: list[Value]) -> tuple[list[str], str]:
    """The letters of each term, with those that stand for an ellipsis, and of the result."""
    text = str(call.attr("equation", "")).replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(values):
        raise Refusal("E1001", f"`Einsum` has {len(values)} tensors for `{text}`")
    spare = [chr(0x3B1 + i) for i in range(24)]
    most = max((v.type.rank - len(t.replace("...", "")) for t, v in zip(terms, values) if "..." in t), default=0)
    found = []
    for term, value in zip(terms, values):
        count = value.type.rank - len(term.replace("...", ""))
        found.append(term.replace("...", "".join(spare[most - count : most])))
        if len(found[-1]) != value.type.rank:
            raise Refusal("E1001", f"`Einsum` has `{term}` for {value.type}")
        if len({*found[-1]}) != len(found[-1]):
            call.not_supported("a letter that one tensor has twice")
    every = "".join(found)
    plain = "".join(sorted(letter for letter in {*every} if every.count(letter) == 1 and letter not in spare))
    return found, right.replace("...", "".join(spare[:most])) if arrow else "".join(spare[:most]) + plain


def _summed(call: Call, value: Value, letters: str, kept: set[str]) -> tuple[Value, str]:
    """Without axes that nobody needs."""
    axes = [i for i, letter in enumerate(letters) if letter not in kept]
    if not axes:
        return value, letters
    made = call.apply("reduce_sum", value, axis=axes if len(axes) > 1 else axes[0])
    return made, "".join(letter for letter in letters if letter in kept)


def _arranged(call: Call, value: Value, letters: str, wanted: str) -> Value:
    """Axes in the order of the letters."""
    order = [letters.index(letter) for letter in wanted]
    return value if order == list(range(len(order))) else call.apply("permute", value, order=order)


def _product(call: Call, a: Value, left: str, b: Value, right: str, later: set[str]) -> tuple[Value, str]:
    """Two tensors as one: letters that both have and nobody needs later are summed up."""
    a, left = _summed(call, a, left, later | {*right})
    b, right = _summed(call, b, right, later | {*left})
    batch = [letter for letter in left if letter in right and letter in later]
    shared = [letter for letter in left if letter in right and letter not in later]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    sizes: dict[str, Dim] = dict(zip(left, a.type.shape))
    for letter, size in zip(right, b.type.shape):
        sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    letters = "".join(batch + rows + columns)
    if not shared:
        a = _spread(call, a, left, letters)
        return call.apply("mul", a, _spread(call, b, right, letters)), letters
    a = _matrix(call, a, left, (batch, rows, shared), sizes)
    b = _matrix(call, b, right, (batch, shared, columns), sizes)
    made = call.apply("matmul", a, b)
    to = [sizes[letter] for letter in letters]
    return (made if made.type.shape == tuple(to) else call.apply("reshape", made, to=to)), letters


def _spread(call: Call, value: Value, letters: str, wanted: str) -> Value:
    """With an axis of one position for each letter that it lacks."""
    value = _arranged(call, value, letters, "".join(letter for letter in wanted if letter in letters))
    missing = [i for i, letter in enumerate(wanted) if letter not in letters]
    return call.apply("unsqueeze", value, axis=missing) if missing else value


def _matrix(call: Call, value: Value, letters: str, parts: tuple[list[str], ...], sizes: dict[str, Dim]) -> Value:
    """A batch of matrices."""
    batch, first, second = parts
    value = _arranged(call, value, letters, "".join([*batch, *first, *second]))
    own = dict(zip([*batch, *first, *second], value.type.shape))
    to = [own[letter] for letter in batch]
    to += [product([sizes[one] for one in first]), product([sizes[one] for one in second])]
    return value if value.type.shape == tuple(to) else call.apply("reshape", value, to=to)
