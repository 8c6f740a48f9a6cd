"""What enters a run: sizes and integers as the graph means them, so that networks that differ are told apart."""

import warnings

import numpy as np
import onnx
import pytest

import archdsl
from archdsl.diagnostics import Refusal
from archdsl.runtime.entering import bounds_in, boxes_in, chosen_sizes, declared_in, ends_in
from archdsl.runtime.inputs import random_inputs
from archdsl.runtime.model_inputs import Wanted
from archdsl.size_symbol import Symbol


def model(tmp_path, name, body):
    path = tmp_path / f"{name}.onnx"
    archdsl.compile(archdsl.load(f"arch 1\nnetwork {name}() {{\n{body}\n}}").graph(), path)
    return path


DECLARED = "input x: f32[N, T = 128, 8]"
TWINS = {
    "a causal mask": (
        f"{DECLARED}; softmax(x @ transpose(x) -> causal_mask) @ x; output y",
        f"{DECLARED}; softmax(x @ transpose(x)) @ x; output y",
    ),
    "a free length": (
        "input x: f32[N, T, 8]; softmax(x @ transpose(x) -> causal_mask) @ x; output y",
        "input x: f32[N, T, 8]; softmax(x @ transpose(x)) @ x; output y",
    ),
    "the order of steps": (
        "input x: f32[N, T, 8]; x -> reverse(axis = t); output y",
        "input x: f32[N, T, 8]; x -> relu -> sub(relu(-x)); output y",
    ),
    "samples that are mixed": (
        "input x: f32[N, 8]; x -> reverse(axis = 0); output y",
        "input x: f32[N, 8]; x -> relu -> sub(relu(-x)); output y",
    ),
    "a mask": (
        "input x: f32[N, T, 8]; input seen: bool[N, T]; where(seen -> unsqueeze(2), x, 0 * x); output y",
        "input x: f32[N, T, 8]; input seen: bool[N, T]; where(seen -> unsqueeze(2), x, x); output y",
    ),
    "a mask the other way round": (
        "input x: f32[N, T, 8]; input seen: bool[N, T]; where(seen -> unsqueeze(2), x, 0 * x); output y",
        "input x: f32[N, T, 8]; input seen: bool[N, T]; where(seen -> unsqueeze(2), 0 * x, x); output y",
    ),
    "lengths": (
        "input x: f32[N, T = 16, 8]; input lengths: i64[N]; let at = ones([x.shape[1]], dtype = i64) -> cumsum(0)"
        "\nx * ((at <= (lengths -> unsqueeze(1))) -> unsqueeze(2) -> cast(f32)); output y",
        "input x: f32[N, T = 16, 8]; input lengths: i64[N]; let at = ones([x.shape[1]], dtype = i64) -> cumsum(0)"
        "\nx * ((at <= 1 + 0 * (lengths -> unsqueeze(1))) -> unsqueeze(2) -> cast(f32)); output y",
    ),
    "positions that are taken": (
        "input x: f32[N, T = 16, 8]; input at: i64[3]; take(x, at, axis = 1); output y",
        "input x: f32[N, T = 16, 8]; input at: i64[3]; take(x, min(at, 1 + 0 * at), axis = 1); output y",
    ),
}


@pytest.mark.parametrize("twins", TWINS)
def test_networks_that_differ_are_told_apart(twins, tmp_path):
    one, other = (model(tmp_path, name, body) for name, body in zip("AB", TWINS[twins]))
    assert archdsl.verify(one, one).same
    found = archdsl.verify(one, other)
    assert not found.same
    assert not found.note


def test_two_tables_that_differ_behind_the_second_row_are_told_apart(tmp_path):
    path = model(tmp_path, "E", "input tokens: i64[N, T = 16]; embedding(1000, 8); linear(4); output y")
    changed = onnx.load(path)
    (table,) = (one for one in changed.graph.initializer if one.name == "embedding.weight")
    values = onnx.numpy_helper.to_array(table).copy()
    values[2:] = 7
    table.CopyFrom(onnx.numpy_helper.from_array(values, "embedding.weight"))
    onnx.save(changed, tmp_path / "other.onnx")
    assert not archdsl.verify(path, tmp_path / "other.onnx").same


RANGES = {
    "a table": ("input a: i64[N, T]; a -> embedding(1000, 8); output y", "0 .. 999"),
    "the narrower of two": ("input a: i64[N, T]; embedding(9, 8)(a) + embedding(7, 8)(a); output y", "0 .. 6"),
    "one of 5": ("input a: i64[N]; a -> one_hot(5); output y", "0 .. 4"),
    "behind other operators": (
        "input a: i64[N, T]; a + 1 -> slice(1, 1) -> reshape([-1, 1]) -> one_hot(5); output y", "-1 .. 3"
    ),
    "a smaller number first": ("input a: i64[N, T]; a - 2 -> cast(i32) -> embedding(5, 4); output y", "2 .. 6"),
    "an axis": ("input x: f32[N, T]; input a: i64[3]; take(x, a, axis = 1); output y", "0 .. T - 1"),
    "a length": (
        "input x: f32[N, T]; input a: i64[N]; let at = ones([x.shape[1]], dtype = i64) -> cumsum(0)\n"
        "x * (at < (a -> unsqueeze(1)) -> cast(f32)); output y", "1 .. T"
    ),
    "nothing": ("input a: i64[N, T]; a -> cast(f32) -> relu; output y", None),
}  # fmt: skip


@pytest.mark.parametrize("what", RANGES)
def test_the_model_says_which_integers_it_takes(what, tmp_path):
    body, ends = RANGES[what]
    properties = {p.key: p.value for p in onnx.load(model(tmp_path, "R", body)).metadata_props}
    assert properties.get("archdsl.range.a") == ends


ROI = "input x: f32[N, 4, H = 32, W = 40]; input a: f32[K = 6, 4]; input of: i64[K]; "
BOXES = {
    "corners on a map": (ROI + "x -> roi_align(a, of, 3, scale = 0.25, samples = 2); output y", "corners 4 * W x 4 * H"),
    "a part of the boxes": (ROI + "x -> roi_pool(a -> gather([0], axis = 0) -> identity, of -> gather([0], axis = 0), 3); output y", "corners W x H"),
    "of any scale": ("input a: f32[N, K = 9, 4]; input s: f32[N, 2, K]; non_max_suppression(a, s, 3); output y", "corners 1 x 1"),
    "centres": (
        "input a: f32[N, K = 9, 4]; input s: f32[N, 2, K]; non_max_suppression(a, s, 3, center = true); output y",
        "centres 1 x 1",
    ),
    "none": ("input a: f32[N, K = 9, 4]; a -> linear(4); output y", None),
}  # fmt: skip


@pytest.mark.parametrize("what", BOXES)
def test_the_model_says_which_boxes_it_takes(what, tmp_path):
    body, said = BOXES[what]
    path = model(tmp_path, "R", body)
    properties = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert properties.get("archdsl.boxes.a") == said
    assert archdsl.verify(path, path).same


def test_boxes_are_drawn_as_boxes():
    one = Wanted("a", "float32", ("N", 200, 4), boxes=(False, 640, 480))
    (drawn,) = random_inputs([one], 0, {"N": 4}).values()
    low, high = drawn[..., :2], drawn[..., 2:]
    assert (low >= 0).all() and (high <= [640, 480]).all() and (high - low >= [63, 47]).all()
    assert high[..., 0].max() > 600 and high[..., 1].max() > 450
    (drawn,) = random_inputs([one.replace(boxes=(True, 640, 480))], 0, {"N": 4}).values()
    middle, size = drawn[..., :2], drawn[..., 2:]
    assert (middle - size / 2 >= -0.01).all() and (middle + size / 2 <= [640.01, 480.01]).all() and (size > 0).all()


def test_a_network_of_boxes_is_told_from_another(tmp_path):
    """Random floats are boxes without an inside, of which every pooling gives zeros."""
    one, other = (
        model(
            tmp_path,
            name,
            f"{ROI}x -> roi_align(a, of, {bins}, scale = 0.25, samples = 2) -> reduce_mean([2, 3]); output y",
        )
        for name, bins in (("A", 3), ("B", 7))
    )
    found = archdsl.verify(one, other)
    assert not found.same and not found.note


def test_integers_are_drawn_over_the_whole_range_with_both_ends():
    (drawn,) = random_inputs([Wanted("a", "int64", ("N", 500), ends=(0, 999))], 0, {"N": 4}).values()
    assert (drawn.min(), drawn.max()) == (0, 999)
    assert len(np.unique(drawn)) > 700  # of 2,000 draws of 1,000: 865 are expected
    (drawn,) = random_inputs([Wanted("a", "int64", ("N",), ends=(1, 10))], 0, {"N": 1}).values()
    assert 1 <= drawn[0] <= 10


def test_a_row_of_a_mask_hides_something_and_shows_something():
    (mask,) = random_inputs([Wanted("m", "bool", ("N", "T"))], 0, {"N": 50, "T": 2}).values()
    assert mask.any(-1).all() and not mask.all(-1).any()


def test_sizes_are_given_declared_or_above_one():
    names = [Symbol.of("N"), Symbol.of("T"), Symbol.of("S"), Symbol.of("P", 0), Symbol.of("Q", 1, 2), Symbol.of("R", 9)]
    found = chosen_sizes(names, {"T": 5}, {"S": 128, "P": 0}, 2)
    assert found == {"N": 2, "P": 0, "Q": 2, "R": 9, "S": 128, "T": 5}


def test_a_run_takes_declared_sizes_and_one_sample(tmp_path):
    path = model(tmp_path, "D", "input x: f32[N, T = 128, 8]; relu; output y")
    assert archdsl.run(path)["y"].shape == (1, 128, 8)
    assert archdsl.run(path, bind={"N": 3, "T": 2})["y"].shape == (3, 2, 8)


def test_one_position_is_told_since_it_shows_little(tmp_path):
    path = model(tmp_path, "D", "input x: f32[N, T = 128, 8]; relu; output y")
    with pytest.warns(UserWarning, match="T = 1, which shows nothing"):
        archdsl.run(path, bind={"T": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what is given is meant
        archdsl.run(path, {"x": np.zeros((1, 1, 8), np.float32)})
    assert archdsl.verify(path, path, bind={"N": 1, "T": 1}).note.startswith("at N = 1 and T = 1")


def test_an_output_that_is_one_number_is_told_since_it_shows_little(tmp_path):
    path = model(tmp_path, "D", "input x: f32[N, 8]; let b = x * 0; output y = x, z = b")
    note = archdsl.verify(path, path).note
    assert note == "`z`: the same number everywhere, so that little is compared"


@pytest.mark.parametrize("metadata", [{"archdsl.size.T": "x"}, {"archdsl.size.T": "-1"}, {"archdsl.size.T": "9" * 30}])
def test_sizes_that_are_none_are_refused(metadata):
    with pytest.raises(Refusal) as error:
        declared_in(metadata)
    assert error.value.code == "E0706"


def test_bounds_and_ranges_that_are_none_are_refused():
    for function in (lambda: bounds_in({"archdsl.most.T": "∞"}), lambda: ends_in({"archdsl.range.x": "all"}, "x"),
                     lambda: boxes_in({"archdsl.boxes.x": "round 1 x 1"}, "x")):  # fmt: skip
        with pytest.raises(Refusal) as error:
            function()
        assert error.value.code == "E0706"
