"""The laws of ``scan`` and ``map`` on random bodies, by the numbers that ONNX Runtime computes.

Initial weights are a function of the path, so that what is written in two ways has the same weights under one label.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import archdsl

RUNS = 5
laws = settings(max_examples=12, deadline=None, derandomize=True)
Arrays = dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]


def _expressions(*leaves: str) -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            inner.map(lambda e: f"tanh({e})"),
            inner.map(lambda e: f"({e} -> linear(6))"),
            inner.map(lambda e: f"({e} -> layer_norm)"),
            st.tuples(inner, inner).map(lambda es: f"({es[0]} + {es[1]})"),
            st.tuples(inner, inner).map(lambda es: f"sigmoid({es[0]}) * {es[1]}"),
            st.tuples(inner, inner).map(lambda es: f"(({es[0]}, {es[1]}) -> concat -> linear(6))"),
        ),
        max_leaves=5,
    )


CELLS = _expressions("in[0]", "in[1]").map(lambda e: f"let y = {e}\n y -> linear(6) -> tanh")
"""From a slice and a state, both [N, 6], to the state for the next run."""
BODIES = _expressions("in").map(lambda e: f"let y = {e}\n y -> linear(5)")


def computed(statements: str, arrays: Arrays, inputs: str = "input x: f32[N, T, 6]") -> list[np.ndarray]:  # type: ignore[type-arg]
    """The outputs of a network with these statements."""
    graph = archdsl.load(f"arch 1\nnetwork Net() {{\n{inputs}\n{statements}\n}}\n").graph()
    return list(archdsl.run(graph, arrays).outputs.values())


def drawn(*shape: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def scan(cell: str, options: str = "axis = t") -> str:
    return f"""cell: scan({options}) {{
  state h = zeros([in.shape[0], 6])
  let h1 = (in, h) -> {{ {cell} }}
  next h = h1
  h1 * in
}}"""


def close(a: list[np.ndarray], b: list[np.ndarray]) -> None:  # type: ignore[type-arg]
    assert len(a) == len(b)
    for x, y in zip(a, b):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=0, atol=2e-5 * max(1.0, float(np.abs(x).max())))


@laws
@given(CELLS)
def test_a_scan_is_its_runs_written_out(cell: str) -> None:
    steps = "\n".join(
        f"let x{i} = x -> select(t, {i})\nlet h{i + 1} = (x{i}, h{i}) -> cell" for i in range(RUNS)
    )  # fmt: skip
    unrolled = f"""share cell = {{ {cell} }}
let h0 = zeros([x.shape[0], 6])
{steps}
stack({", ".join(f"h{i + 1} * x{i}" for i in range(RUNS))}, axis = 1)
output y"""
    x = drawn(2, RUNS, 6)
    fixed = f"input x: f32[N, {RUNS}, 6]"
    close(computed(f"{scan(cell)}\noutput y", {"x": x}), computed(unrolled, {"x": x}, fixed))


@laws
@given(BODIES)
def test_map_is_scan_without_a_state(body: str) -> None:
    x = drawn(2, RUNS, 6)
    close(*(computed(f"each: {word}(axis = t) {{ {body} }}\noutput y", {"x": x}) for word in ("map", "scan")))


@laws
@given(BODIES)
def test_map_along_the_last_axis_is_scan_as_well(body: str) -> None:
    x = drawn(2, 6, RUNS)
    inputs = "input x: f32[N, 6, T]"
    close(*(computed(f"each: {word}(axis = 2) {{ {body} }}\noutput y", {"x": x}, inputs) for word in ("map", "scan")))


@laws
@given(CELLS)
def test_reversing_twice_is_not_reversing(cell: str) -> None:
    twice = f"reverse(t) -> {{\n{scan(cell, 'axis = t, reverse = true')}\n}} -> reverse(t)\noutput y"
    x = drawn(3, RUNS, 6)
    plain, back = (computed(text, {"x": x}) for text in (f"{scan(cell)}\noutput y", twice))
    close(plain, back)


@laws
@given(CELLS)
def test_several_inputs_are_one_that_is_taken_apart(cell: str) -> None:
    """A tuple that is cut is the joined tensor that is cut, its slices taken apart again."""
    inputs = "input a: f32[N, T, 6]\ninput b: f32[N, T, 6]"
    arrays = {"a": drawn(2, RUNS, 6), "b": drawn(2, RUNS, 6, seed=1)}
    forms = ["(a, b) -> scan(axis = t)", "concat(a, b, axis = 2) -> scan(axis = t)"]
    slices = ["in", "in -> split(2, axis = f)"]
    apart, joined = (
        f"{form} {{\nstate h = zeros([a.shape[0], 6])\nlet x, y = {taken}\n"
        f"let h1 = (x * y, h) -> {{ {cell} }}\nnext h = h1\nh1 + y }}\noutput z"
        for form, taken in zip(forms, slices)
    )
    close(computed(apart, arrays, inputs), computed(joined, arrays, inputs))


@settings(max_examples=4, deadline=None, derandomize=True)
@given(CELLS)
def test_in_chunks_is_at_once_at_every_cut(cell: str) -> None:
    """The states after a part are those before the rest."""
    import onnxruntime

    text = f"""arch 1
network Net() {{
  input x: f32[N, T, 6]
  input start: f32[N, 6]
  let y, last = x -> scan(axis = t, final = true) {{
    state h = start
    let h1 = (in, h) -> {{ {cell} }}
    next h = h1
    h1 - in
  }}
  output y, last
}}
"""
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        archdsl.compile(archdsl.load(text).graph(), str(path))
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        x, start = drawn(2, RUNS, 6), drawn(2, 6, seed=1)
        whole = session.run(None, {"x": x, "start": start})
        for cut in range(1, RUNS):
            first, after = session.run(None, {"x": x[:, :cut], "start": start})
            rest, last = session.run(None, {"x": x[:, cut:], "start": after})
            close(whole, [np.concatenate([first, rest], axis=1), last])


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_scan_in_a_scan_is_the_sum_over_both_axes(length: int) -> None:
    """Running sums over words and then over sentences are NumPy's."""
    text = """
scan(axis = 1) {
  state all = zeros([in.shape[0], 3])
  let words, sum = in -> scan(axis = 1, final = true) {
    state s = all
    next s = s + in
    s + in
  }
  next all = sum
  words
}
output y"""
    x = drawn(2, 3, length, 3)
    (found,) = computed(text, {"x": x}, "input x: f32[N, P, T, 3]")
    np.testing.assert_allclose(found, x.reshape(2, -1, 3).cumsum(axis=1).reshape(x.shape), rtol=1e-5, atol=1e-5)
