"""What commands say of foreign models: sizes that are free, attributes, budgets in folders, and networks side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import archdsl
from archdsl.dims import floordiv, symbol
from archdsl.foreign.known import shortest

FREE = ("batch", 3, "height", "width")


def model(path: Path, sizes: Sequence[object] = FREE, epsilon: float = 1e-12, name: str = "image") -> Path:
    """Three strided convolutions, a norm and a pooling, with weights of ones."""
    nodes, weights, below = [], [], 3
    at = name
    for i, channels in enumerate((16, 32, 64)):
        weights.append(numpy_helper.from_array(np.ones((channels, below, 3, 3), np.float32), f"c{i}"))
        nodes.append(helper.make_node("Conv", [at, f"c{i}"], [f"m{i}"], strides=[2, 2], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"m{i}"], [f"r{i}"]))
        at, below = f"r{i}", channels
    weights += [numpy_helper.from_array(np.ones(64, np.float32), n) for n in ("s", "b", "mean", "var")]
    nodes.append(helper.make_node("BatchNormalization", [at, "s", "b", "mean", "var"], ["n"], epsilon=epsilon))
    nodes.append(helper.make_node("GlobalAveragePool", ["n"], ["out"]))
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)], weights,
    )  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def refused(path: Path, **sizes: int) -> archdsl.DiagnosticError:
    with pytest.raises(archdsl.DiagnosticError) as caught:
        archdsl.cost(path, bind=sizes)
    return caught.value


# Sizes that are free


def test_long_polynomials_are_told_in_brief_and_the_data_has_them_whole(tmp_path: Path) -> None:
    costs = archdsl.cost(model(tmp_path / "net.onnx"))
    text = str(costs)
    assert max(map(len, text.splitlines())) < 220
    assert "f(height, width)" in text and "--bind height=64 --bind width=64" in text
    whole = json.dumps(costs.report().data()["totals"]["macs"])
    assert "18432 * ((height + 7) // 8) * ((width + 7) // 8)" in whole


def test_what_the_note_advises_gives_numbers(tmp_path: Path) -> None:
    text = str(archdsl.cost(model(tmp_path / "net.onnx"), bind={"height": 64, "width": 64}))
    assert "f(" not in text and f"{432 * 32**2 + 4608 * 16**2 + 18432 * 8**2:,}" in text


def test_terms_stand_in_one_order_however_they_were_added() -> None:
    h, w = symbol("H"), symbol("W")
    parts = [floordiv(h + n - 1, n) * floordiv(w + n - 1, n) for n in (2, 4, 8, 16)]
    assert str(parts[0] + parts[1] + parts[2] + parts[3]) == str(parts[3] + parts[2] + parts[1] + parts[0])


def test_a_size_of_nothing_is_refused_where_it_is_given(tmp_path: Path) -> None:
    (found,) = refused(model(tmp_path / "net.onnx"), batch=0).diagnostics
    assert (found.code, found.message) == ("E0007", "`batch` cannot be 0: a dimension is a positive integer")
    assert found.span is not None and found.span.text == "input image"


def test_helps_name_the_sizes_to_bind(tmp_path: Path) -> None:
    with pytest.raises(archdsl.DiagnosticError) as caught:
        archdsl.memory(model(tmp_path / "net.onnx"))
    assert "`--bind height=64 --bind width=64`" in caught.value.diagnostics[0].help


# Attributes


def test_attributes_have_the_fewest_digits_and_are_the_same_numbers(tmp_path: Path) -> None:
    path = model(tmp_path / "net.onnx")
    (norm,) = [node for node in archdsl.load(path).graph().nodes if node.op.name == "batch_norm"]
    assert norm.op.eps == 1e-12 and np.float32(norm.op.eps) == np.float32(1e-12)


def test_shortest_decimals_are_the_same_numbers_of_their_types() -> None:
    drawn = np.random.default_rng(0)
    for type, name in ((np.float32, "f32"), (np.float16, "f16")):
        values = [*(drawn.standard_normal(300) * 10.0 ** drawn.integers(-6, 4, 300)).astype(type), np.finfo(type).max]
        for value in (*values, np.finfo(type).tiny, type(np.inf), type(0)):
            found = shortest(float(value), name)
            assert type(found) == value and len(repr(found)) <= len(repr(float(value)))
    assert shortest(0.1 + 0.2, "f64") == 0.1 + 0.2


# Budgets


def test_check_finds_the_models_that_budgets_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model(tmp_path / "models" / "net.onnx")
    model(tmp_path / "other" / "net.onnx")
    (tmp_path / "archdsl.toml").write_text('[[budget]]\nspec = "models/*.onnx"\nparams = "<= 20_000"\n')
    found = archdsl.check(".")
    assert [one.target for one in found.targets if one.networks] == ["models/net.onnx"]
    assert [d.code for d in found.diagnostics] == ["E0402"]


def test_a_folder_of_models_alone_says_how_they_are_checked(tmp_path: Path) -> None:
    path = model(tmp_path / "net.onnx")
    with pytest.raises(archdsl.DiagnosticError) as caught:
        archdsl.check(tmp_path)
    assert caught.value.diagnostics[0].code == "E0001" and str(path) in caught.value.diagnostics[0].help


def test_rows_say_that_budgets_could_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model(tmp_path / "net.onnx")
    (tmp_path / "archdsl.toml").write_text('[[budget]]\nspec = "net.onnx"\nparam = "<= 20_000"\n')
    text = str(archdsl.check("."))
    assert (
        "E0013" in text and "not held to its budgets: archdsl.toml cannot be read" in text and "no claims" not in text
    )


def test_a_budget_gives_sizes_to_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model(tmp_path / "net.onnx")
    table = '[[budget]]\nspec = "net.onnx"\nwith = { height = 64, width = 64 }\nmacs = "<= 2.9M"\nmax_increase = { macs = 0 }\n'
    (tmp_path / "archdsl.toml").write_text(table)
    assert archdsl.check("net.onnx").ok  # 432 * 32**2 + 4608 * 16**2 + 18432 * 8**2 = 2,801,664
    (tmp_path / "archdsl.toml").write_text(table.replace("2.9M", "2.8M"))
    assert [d.code for d in archdsl.check("net.onnx").diagnostics] == ["E0402"]
    assert "2,801,664" in str(archdsl.check("net.onnx", against=str(tmp_path)))
    (tmp_path / "archdsl.toml").write_text(table.replace("wid", "wit"))
    (found,) = archdsl.check("net.onnx").diagnostics
    assert found.code == "E0007" and "`with`" not in found.message and found.span is not None


# Side by side


def test_a_file_beside_the_network_that_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model(tmp_path / "net.onnx", (1, 3, 64, 64))
    (tmp_path / "net.arch").write_text(
        "arch 1\nnetwork net() {\n  input x: f32[N, 3, 64, 64]\n"
        "  for c in [16, 32, 64] { conv(c, 3, stride = 2, bias = false) -> relu }\n"
        "  batch_norm(eps = 1e-12)\n  global_avg_pool\n  output y\n}\n"
    )
    found = archdsl.diff("net.onnx", "net.arch")
    text = str(found)
    assert text.startswith("net.onnx -> net") and "no operator changed" in text
    assert found.interface.verdict == "the same under other names" and not found.interface.weights
    assert "input `image` is called `x`" in text
    assert str(archdsl.which("net.onnx")).startswith("net.onnx is like no network of the zoo")


def test_a_file_and_a_spec_whose_pads_are_said_otherwise_are_equal(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text(
        "arch 1\nnetwork Net() {\n  input image: f32[1, 3, 8, 8]\n  a: conv(4, 3, pad = same)\n"
        "  b: batch_norm(eps = 1e-3)\n  output y\n}\n"
    )
    archdsl.compile(spec, tmp_path / "net.onnx")
    text = str(archdsl.diff(tmp_path / "net.onnx", spec))
    assert "same" not in text.replace("the same", "") and "changes" not in text


def test_inputs_of_other_sizes_are_told_beside_the_figures(tmp_path: Path) -> None:
    small, large = (model(tmp_path / f"{n}.onnx", (1, 3, n, n)) for n in (64, 128))
    assert "at inputs of other sizes: f32[1, 3, 64, 64] before, f32[1, 3, 128, 128] now" in str(
        archdsl.diff(small, large)
    )


SQUEEZED = """arch 1
network Net() {{
  input x: f32[1, 3, 8, 8]
  conv(8, 1)
  parallel(concat) {{ | {a} | {b} }}{behind}
  conv(4, 1)
  output y
}}
"""


def test_activations_in_front_of_a_concatenation_and_behind_it_are_the_same(tmp_path: Path) -> None:
    texts = {
        "front": SQUEEZED.format(a="conv(8, 1) -> relu", b="conv(8, 3) -> relu", behind=""),
        "behind": SQUEEZED.format(a="conv(8, 1)", b="conv(8, 3)", behind=" -> relu"),
        "sigmoid": SQUEEZED.format(a="conv(8, 1)", b="conv(8, 3)", behind=" -> sigmoid"),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.arch").write_text(text)
    archdsl.compile(tmp_path / "front.arch", tmp_path / "front.onnx")
    assert "no difference in structure" in str(archdsl.diff(tmp_path / "front.onnx", tmp_path / "behind.arch"))
    assert "no difference" not in str(archdsl.diff(tmp_path / "front.onnx", tmp_path / "sigmoid.arch"))


# What is asked for and is not there


def test_a_model_without_open_sizes_says_so(tmp_path: Path) -> None:
    (found,) = refused(model(tmp_path / "net.onnx", (1, 3, 64, 64)), N=2).diagnostics
    assert (found.code, found.message) == ("E0007", "no input has the symbol `N`")
    assert "all sizes are fixed: `image` is f32[1, 3, 64, 64]" in found.help


def test_a_model_has_no_variants(tmp_path: Path) -> None:
    path = model(tmp_path / "net.onnx")
    (found,) = archdsl.check(f"{path}:small").diagnostics
    assert (found.code, found.help) == ("E0007", f"write `{path}`")


def test_a_pointer_of_git_lfs_is_told(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n")
    (found,) = refused(path).diagnostics
    assert found.message == f"{path} is a pointer of Git LFS, not the file" and "git lfs pull" in found.help


def test_a_budget_that_is_broken_at_all_sizes_says_which_sizes_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model(tmp_path / "net.onnx")
    (tmp_path / "archdsl.toml").write_text('[[budget]]\nspec = "net.onnx"\nmacs = "<= 10"\n')
    (found,) = archdsl.check("net.onnx").diagnostics
    assert found.code == "E0402" and "--bind height=64 --bind width=64" in found.help
