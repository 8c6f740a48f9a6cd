"""Every operator card against its examples, against enumeration, and symbolic against concrete."""

from __future__ import annotations

import random
from importlib import import_module
from itertools import pairwise
from math import floor
from pkgutil import iter_modules

import pytest
from op_examples import Example, all_examples, parse_example, parse_type

from archdsl import dims, ops
from archdsl.diagnostics import Refusal
from archdsl.ops.base import Op, Work
from archdsl.ops.pointwise import Pointwise
from archdsl.ops.pool_global import adaptive_bins

EXAMPLES = all_examples()
SYMBOLIC = [example for example in EXAMPLES if example.symbols]
COLUMNS = ("mac", "add", "mul", "cmp", "special")


def described(example: Example) -> str:
    return example.text


def static_work(work: Work | None, binding: dict[str, int]) -> tuple[object, ...] | None:
    return None if work is None else tuple(dims.evaluate(getattr(work, column), binding) for column in COLUMNS)


@pytest.mark.parametrize("example", EXAMPLES, ids=described)
def test_example(example: Example) -> None:
    outs = example.op.shape(*example.input_types)
    assert outs == example.output_types
    assert len(outs) == example.op.results or example.op.results == -1
    least, most = example.op.accepts
    assert least <= len(example.input_types) and (most is None or len(example.input_types) <= most)
    slots = [weight.slot for weight in example.op.weights(*example.input_types)]
    assert len(set(slots)) == len(slots)
    assert len(example.op.window(example.input_types, outs)) == outs[0].rank


@pytest.mark.parametrize("example", SYMBOLIC, ids=described)
@pytest.mark.parametrize("seed", range(3))
def test_symbols_mean_integers(example: Example, seed: int) -> None:
    """Binding the symbols before or after the rule gives the same shape, weights and work."""
    draw = random.Random(seed)
    binding = {name: draw.randint(12, 60) for name in example.symbols}
    bound = example.bound(binding)
    outs = bound.op.shape(*bound.input_types)
    assert outs == tuple(type.bind(binding) for type in example.op.shape(*example.input_types)) == bound.output_types
    assert bound.op.weights(*bound.input_types) == example.op.weights(*example.input_types)
    symbolic = example.op.work(example.input_types, example.output_types)
    if symbolic is None and example.op.name in ops.FAMILIES["fourier"]:  # a logarithm of the size
        return
    assert static_work(symbolic, binding) == static_work(bound.op.work(bound.input_types, outs), {})


@pytest.mark.parametrize("name", ops.names())
def test_every_card_is_documented(name: str) -> None:
    card = ops.load(name)
    assert card.__doc__ and card.sources and card.examples
    assert all(declared.doc for declared in card.signature.values())
    assert len({example.partition(" : ")[0].partition("[")[0] for example in card.examples} | {name}) == 1
    assert not card.signature or any("[" in example.partition(" : ")[0] for example in card.examples), "no argument"


@pytest.mark.parametrize("name", ops.names())
def test_every_card_says_its_work_and_its_role(name: str) -> None:
    """What passes would otherwise take for granted without a word: no arithmetic, no role, no layout to fold into."""
    card = ops.load(name)
    assert card.work is not Op.work or card.moves_data or card.role in ("view", "source"), "define `work`"
    assert not card.pointwise or card.work is not Pointwise.work or hasattr(card, "cost"), "define `cost`"
    shown = map(parse_example, card.examples)
    owns = any(example.op.weights(*example.input_types) for example in shown)
    assert card.role or not owns, "what owns parameters has a `role`"
    assert card.role != "layer" or card.channel_layout is not Op.channel_layout, "define `channel_layout`"


@pytest.mark.parametrize("module", sorted({*ops.FAMILIES, *(found.name for found in iter_modules(ops.__path__))}))
def test_the_index_lists_every_card(module: str) -> None:
    """``FAMILIES`` of ``archdsl/ops/__init__.py`` has each file with cards, and each card in it."""
    defined = vars(import_module(f"archdsl.ops.{module}")).values()
    cards = [c for c in defined if isinstance(c, type) and issubclass(c, Op) and c.__module__.endswith(f".{module}")]
    assert {c.__dict__["name"] for c in cards if "name" in c.__dict__} == {
        *ops.FAMILIES.get(module, ()),
        *(name for name, holder in ops.WITHOUT_WORD.items() if holder == module),
    }


def positions_by_enumeration(n: int, k: int, s: int, d: int, begin: int, end: int, ceil: bool) -> int:
    """Windows placed one by one on the padded axis; in ceil mode the last may overhang the end."""
    starts, reach = 0, d * (k - 1) + 1
    while True:
        start = starts * s
        fits = start + reach <= n + begin + end
        previous_end = start - s + reach  # ceil mode: one more window where the previous left something over
        overhangs = ceil and start < n + begin and starts > 0 and previous_end < n + begin + end
        first_overhangs = ceil and starts == 0 and reach - s < n + begin + end and start < n + begin
        if not (fits or overhangs or first_overhangs):
            return starts
        starts += 1


def test_window_positions_by_enumeration() -> None:
    draw = random.Random(7)
    for _ in range(1500):
        n, k, s, d = draw.randint(1, 20), draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
        reach, ceil = d * (k - 1) + 1, draw.random() < 0.5
        begin, end = draw.randint(0, reach - 1), draw.randint(0, reach - 1)
        expected = positions_by_enumeration(n, k, s, d, begin, end, ceil)
        op = ops.load("max_pool").create(kernel=k, stride=s, dilation=d, pad=(begin, end), ceil=ceil)
        if expected == 0:
            with pytest.raises(Refusal) as refusal:
                op.shape(parse_type(f"f32[1,1,{n}]"))
            assert refusal.value.code == "E0302"
            continue
        assert op.shape(parse_type(f"f32[1,1,{n}]"))[0].shape[2] == expected, (n, k, s, d, begin, end, ceil)
        (symbolic,) = op.shape(parse_type("f32[1,1,H]"))
        assert dims.evaluate(symbolic.shape[2], {"H": n}) == expected


def test_transposed_convolution_is_the_inverse_of_the_shape_rule() -> None:
    """The transposed output is a size that the convolution with the same geometry maps back to the input."""
    draw = random.Random(8)
    for _ in range(500):
        n, k, s, d = draw.randint(1, 12), draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
        p = draw.randint(0, d * (k - 1) // 2)
        extra = draw.randint(0, s - 1)
        geometry = {"channels": 2, "kernel": k, "stride": s, "dilation": d, "pad": p}
        up = ops.load("conv_transpose").create(**geometry, output_pad=extra)
        try:
            (large,) = up.shape(parse_type(f"f32[1,3,{n}]"))
        except Refusal as refusal:
            assert refusal.code == "E0302" and (n - 1) * s + d * (k - 1) + 1 + extra - 2 * p < 1
            continue
        (back,) = ops.load("conv").create(**geometry).shape(large)
        assert back.shape[2] == n
        (symbolic,) = up.shape(parse_type("f32[1,3,H]"))
        assert dims.evaluate(symbolic.shape[2], {"H": n}) == large.shape[2]


@pytest.mark.parametrize("pad", ["same_upper", "same_lower"])
def test_tensorflow_same(pad: str) -> None:
    """Down: ceil(n / s), with just enough padding that the last window ends at the end; up: n * s."""
    draw = random.Random(9)
    for _ in range(300):
        n, k, s, d = draw.randint(1, 20), draw.randint(1, 6), draw.randint(1, 4), draw.randint(1, 3)
        x = parse_type(f"f32[1,2,{n}]")
        down = ops.load("conv").create(channels=2, kernel=k, stride=s, dilation=d, pad=pad)
        size = down.shape(x)[0].shape[2]
        assert size == -(-n // s)
        ((begin, end),) = down.pads(x)
        reach = d * (k - 1) + 1
        needed = (size - 1) * s + reach - n
        assert begin + end == max(needed, 0)
        assert (end - begin if pad == "same_upper" else begin - end) in (0, 1)
        up = ops.load("conv_transpose").create(channels=2, kernel=k, stride=s, dilation=d, pad=pad)
        assert up.shape(x)[0].shape[2] == n * s


def test_adaptive_bins_cover_and_are_counted() -> None:
    """Bins cover the input in order; the closed forms for work and width agree with the bins themselves."""
    for n in range(1, 24):
        for count in range(1, 24):
            bins = adaptive_bins(n, count)
            assert bins[0][0] == 0 and bins[-1][1] == n and all(a < b for a, b in bins)
            assert all(left[1] >= right[0] for left, right in pairwise(bins))
            op = ops.load("adaptive_avg_pool").create(size=count)
            x = parse_type(f"f32[1,1,{n}]")
            work = op.work([x], op.shape(x))
            assert work is not None and work.add == sum(b - a for a, b in bins) - count and work.mul == count
            axis = op.window([x], op.shape(x))[2]
            assert (axis is None) == (count == 1)
            assert axis is None or floor(axis.extent) == max(b - a for a, b in bins) - 1


REFUSED = [
    ("conv[8, 3] : f32[2,4] -> f32[2,8]", "E0301"),
    ("conv[8, 3, pad=valid] : f32[2,4,2,9] -> f32[]", "E0302"),
    ("conv[8, 4] : f32[2,4,9,9] -> f32[]", "E0206"),
    ("conv[8, 3, groups=4] : f32[2,6,9,9] -> f32[]", "E0305"),
    ("conv[8, 3, groups=3] : f32[2,6,9,9] -> f32[]", "E0305"),
    ("conv[8, 3] : f32[2,C,9,9] -> f32[]", "E0306"),
    ("conv[8, 3] : i64[2,4,9,9] -> f32[]", "E0309"),
    ("conv[8, [3, 3, 3]] : f32[2,4,9,9] -> f32[]", "E0205"),
    ("conv[8, 2.5] : f32[2,4,9,9] -> f32[]", "E0204"),
    ("conv_transpose[8, 3, stride=2, output_pad=2] : f32[2,4,5,5] -> f32[]", "E0205"),
    ("conv_transpose[8, 3, stride=2, pad=same_upper, output_pad=1] : f32[2,4,5,5] -> f32[]", "E0205"),
    ("conv_transpose[8, 3, pad=2] : f32[2,4,2,2] -> f32[]", "E0302"),
    ("conv_transpose[8, 3, groups=3] : f32[2,6,5,5] -> f32[]", "E0305"),
    ("max_pool[3] : f32[2,4,2,9] -> f32[]", "E0302"),
    ("max_pool[2, pad=2] : f32[2,4,9,9] -> f32[]", "E0205"),
    ("avg_pool[2] : f32[2,4] -> f32[]", "E0301"),
    ("max_unpool[2] : f32[2,4,3,3], f32[2,4,3,3] -> f32[]", "E0309"),
    ("max_unpool[2] : f32[2,4,3,3], i64[2,4,3,4] -> f32[]", "E0303"),
    ("max_unpool[2, like=f32[2,4,9,9]] : f32[2,4,3,3], i64[2,4,3,3] -> f32[]", "E0303"),
    ("adaptive_avg_pool[7] : f32[2,4,H,W] -> f32[]", "E0306"),
    ("global_avg_pool : f32[2,4] -> f32[]", "E0301"),
    ("batch_norm : f32[2] -> f32[]", "E0301"),
    ("batch_norm : f32[2,C,4] -> f32[]", "E0306"),
    ("group_norm[4] : f32[2,6,5] -> f32[]", "E0305"),
    ("layer_norm[axes=3] : f32[2,6,5] -> f32[]", "E0308"),
    ("layer_norm[axes=[]] : f32[2,6,5] -> f32[]", "E0205"),
    ("layer_norm : f32[2,T] -> f32[]", "E0306"),
    ("l2_norm[axis=2] : f32[2,6] -> f32[]", "E0308"),
    ("linear[8] : f32[6] -> f32[]", "E0301"),
    ("linear[8] : f32[2,F] -> f32[]", "E0306"),
    ("linear[8] : i64[2,3] -> f32[]", "E0309"),
    ("matmul : f32[2,3], f32[4,5] -> f32[]", "E0303"),
    ("matmul : f32[2,T], f32[4,5] -> f32[]", "E0307"),
    ("matmul : f32[2,3], f16[3,5] -> f32[]", "E0309"),
    ("embedding[10, 4] : f32[2,3] -> f32[]", "E0309"),
    ("embedding[10, 4, dtype=i64] : i64[2,3] -> f32[]", "E0205"),
]


@pytest.mark.parametrize(("line", "code"), REFUSED, ids=[line for line, _ in REFUSED])
def test_refused(line: str, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        example = parse_example(line)
        example.op.shape(*example.input_types)
    assert refusal.value.code == code
