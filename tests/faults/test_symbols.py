"""Symbols: dimensions that are products and sums, symbols in PyTorch, grids of free sizes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from faults import again, archdsl, fault, network

import archdsl as api

FREE = "f32[N, 3, H, W]"

# F29: dimensions that are products and sums

UNET = """e1: conv(8, 3) -> relu
max_pool(2)
conv(8, 3) -> relu
resize(like = e1, mode = bilinear) -> concat(e1)
max_pool(16)"""


@fault(
    "F29",
    "a dimension of an input was a number or a name, and an argument of padding a number",
    "products, sums, H * W beside W, sizes for them, networks in networks, the data form, run, verify; %, ceilings",
)
def test_multiples_are_dimensions(tmp_path: Path) -> None:
    text = network(UNET, "f32[N, 3, 16 * H, 16 * W]")
    assert archdsl(tmp_path, "check net.arch", net__arch=text).status == 0
    shown = archdsl(tmp_path, "show net.arch --bind W=2 --bind N=1").output
    assert "%x: f32[1, 3, 16 * H, 32]" in shown
    assert "%max_pool_2: f32[1, 16, H, 2]" in shown
    fixed = network(UNET, "f32[1, 3, 64, 32]")
    bound = archdsl(tmp_path, "cost net.arch --bind H=4 --bind W=2").output
    assert bound == archdsl(tmp_path, "cost net.arch", net__arch=fixed).output
    sized = network(UNET, "f32[N, 3, 16 * H = 64, 16 * W = 32]")
    assert archdsl(tmp_path, "cost net.arch", net__arch=sized).output == bound
    assert archdsl(tmp_path, "fmt --check net.arch").status == 0
    done = archdsl(tmp_path, "show net.arch --format json > net.json && archdsl cost net.json")
    assert done.output.partition("\n")[2] == bound.partition("\n")[2]


@again("F29")
def test_what_is_no_multiple_is_not_run(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    text = network(UNET, "f32[N, 3, 16 * H, 16 * W = 32]")
    assert archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=text).status == 0
    np.save(tmp_path / "bad.npy", np.zeros((1, 3, 40, 32), "float32"))
    np.save(tmp_path / "good.npy", np.zeros((1, 3, 48, 32), "float32"))
    done = archdsl(tmp_path, "run net.onnx --input bad.npy")
    assert "E0704" in done.output
    assert "40 is not 16 * H" in done.output
    assert "[1, 16, 3, 2]" in archdsl(tmp_path, "run net.onnx --input good.npy").output
    assert "[1, 16, 5, 7]" in archdsl(tmp_path, "run net.onnx --bind H=5 --bind W=7").output
    assert "[1, 16, 3, 2]" in archdsl(tmp_path, "run net.arch").output  # a size above 1, and the declared one


@again("F29")
@pytest.mark.parametrize(
    "dims, code",
    [("16 * H = 225", "E0205"), ("H * W", "E0307"), ("H ** 2", "E0307"), ("H = 4, H = 5", "E0205"), ("h * 2", "E0201"),
     ("H - 4 = 0", "E0204"), ("H * W = 12", "E0205"), ("0 * H", "E0205")],
)  # fmt: skip
def test_dimensions_that_bind_nothing_are_told(tmp_path: Path, dims: str, code: str) -> None:
    done = archdsl(tmp_path, "check net.arch", net__arch=network("relu", f"f32[N, {dims}]"))
    assert code in done.output
    assert done.status == 1


@again("F29")
@pytest.mark.parametrize(
    "dims, sizes", [("H + 4, H", {"H": 3}), ("H * W, W", {"H": 3, "W": 5}), ("2 * H + W, W", {"H": 3, "W": 5})]
)
def test_sums_and_products_are_bound_by_arrays(tmp_path: Path, dims: str, sizes: dict[str, int]) -> None:
    np = pytest.importorskip("numpy")
    shape = [eval(dim, {}, sizes) for dim in dims.split(", ")]
    text = network("y: relu\noutput y, z = ones([" + ", ".join(sizes) + "])", f"f32[{dims}]")
    assert archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=text).status == 0
    np.save(tmp_path / "x.npy", np.zeros(shape, "float32"))
    done = archdsl(tmp_path, "run net.onnx --input x.npy")
    assert f"z: float32{list(sizes.values())}" in done.output, done.output


@again("F29")
def test_a_network_inside_another_binds_its_symbols(tmp_path: Path) -> None:
    inner = "network In() {\n  input x: f32[N, 3, 2 * H = 8, W]\n  conv(4, 3) :: [N, 4, 2 * H, W]\n}\n"
    good = network("-> In", "f32[N, 3, 16 * H, H]", inner).replace("-> In", "In")
    assert archdsl(tmp_path, "check net.arch:Net", net__arch=good).status == 0
    assert "%x: f32[N, 3, 16 * H, H]" in archdsl(tmp_path, "show net.arch:Net").output
    bad = network("In", "f32[N, 3, 3 * H, H]", inner)
    done = archdsl(tmp_path, "check net.arch:Net", net__arch=bad)
    assert re.findall(r"error\[(\w+)\]", done.output) == ["E0303"], done.output


@again("F29")
@pytest.mark.parametrize("h", [31, 32, 33, 64])
def test_padding_to_a_multiple(tmp_path: Path, h: int) -> None:
    body = "pad_axes([0, 0, (32 - x.h % 32) % 32, 0])\nmax_pool([32, 1])"
    assert archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=network(body, FREE)).status == 0
    done = archdsl(tmp_path, f"run net.onnx --bind H={h} --bind W=2")
    assert f"float32[1, 3, {-(-h // 32)}, 2]" in done.output, done.output


# B8: symbols in PyTorch

HANDED = {
    "ones of the input's size": ("x * ones([N, 8, T])", "f32[N, 8, T]", {"N": 2, "T": 7}),
    "a part that depends on a symbol": ("split([T - 4, 4], axis = 2)", "f32[N, 8, T]", {"N": 2, "T": 7}),
    "a slice from the end": ("slice(2, 0, -6)", "f32[N, 8, T]", {"N": 2, "T": 9}),
    "sizes of multiples": ("resize(size = [H, W])", "f32[N, 3, 16 * H, 8 * W + 4]", {"N": 1, "H": 2, "W": 3}),
    "sizes of products": ("reshape([N, H, W, W])", "f32[N, H * W, W]", {"N": 2, "H": 2, "W": 3}),
    "padding to a multiple": ("pad_axes([0, 0, (32 - H % 32) % 32, 0])", "f32[N, 3, H, W]", {"N": 1, "H": 33, "W": 5}),
    "padding by the border": ("pad_axes([0, 0, (4 - H % 4) % 4, 0], mode = edge)", "f32[N, 3, H, 2]", {"N": 1, "H": 3}),
    "a class token": (
        "stem: linear(8)\ntoken: param([1, 1, 8]) -> broadcast_to([N, 1, 8])\noutput y = concat(token, stem, axis = 1)",
        "f32[N, T, 4]", {"N": 3, "T": 4},
    ),
    "a zero state": ("let h = zeros([N, 8])\noutput y = (x -> linear(8)) + h", "f32[N, 4]", {"N": 3}),
    "a crop": ("crop([H - 2, 3], offset = [1, 0])", "f32[N, 3, H, W]", {"N": 1, "H": 7, "W": 4}),
    "two inputs": ("input z: f32[N, 2, 4 * T]\nz * ones([N, 2, 4 * T]) + x * zeros([N, 2, 1])", "f32[N, 2, 1]", {"N": 2, "T": 3}),
    "in blocks, with a symbol F": ("unit(4) -> unit(8)", "f32[F, 3, H, W]", {"F": 2, "H": 7, "W": 4}),
}  # fmt: skip
UNIT = "block unit(c) {\n  conv(c, 3) -> relu\n  y: conv(c, 3)\n  y * ones([F, c, H, 1])\n}\n"


def handed(name: str) -> str:
    body, x, _ = HANDED[name]
    return network(body, x, UNIT if "unit" in body else "")


@fault(
    "B8",
    "a module could read sizes from its own inputs only; symbols were handed to nobody",
    "zeros, ones, split, slice, crop, pad_axes, resize, reshape, broadcast_to, max_unpool; multiples and products",
)
@pytest.mark.parametrize("name", HANDED)
def test_symbols_are_handed_to_pytorch(tmp_path: Path, name: str) -> None:
    done = archdsl(tmp_path, "compile net.arch --backend torch -o net.py", net__arch=handed(name))
    assert done.status == 0, done.output


@again("B8")
@pytest.mark.reference
@pytest.mark.parametrize("name", HANDED)
def test_pytorch_computes_what_onnx_runtime_does(tmp_path: Path, name: str) -> None:
    import onnx
    import torch
    from onnx import numpy_helper

    np = pytest.importorskip("numpy")
    _, _, sizes = HANDED[name]
    line = "compile net.arch --backend torch -o net.py && archdsl compile net.arch -o net.onnx"
    done = archdsl(tmp_path, line, net__arch=handed(name))
    assert done.status == 0, done.output
    bound = api.load(handed(name)).graph(bind=sizes)
    rng = np.random.default_rng(0)
    arrays = {value.name: rng.standard_normal(value.type.shape).astype("float32") for value in bound.inputs}
    module: dict[str, object] = {}
    exec((tmp_path / "net.py").read_text(), module)
    net = module[module["__all__"][0]]().eval()  # type: ignore[operator,index]
    state = {i.name: numpy_helper.to_array(i) for i in onnx.load(tmp_path / "net.onnx").graph.initializer}
    net.load_state_dict({path: torch.tensor(state[path]) for path in net.state_dict()})
    theirs = net(*map(torch.from_numpy, arrays.values()))
    theirs = list(theirs.values()) if isinstance(theirs, dict) else [theirs]
    ours = api.run(tmp_path / "net.onnx", arrays)
    for a, b in zip(ours.values(), theirs, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-5, atol=1e-5)


# B9: grids

ANCHORS = """let gx = positions(x.w // 8, start = 4, step = 8)
let gy = positions(x.h // 8, start = 4, step = 8)
let row = broadcast_to(gx, [x.h // 8, x.w // 8])
let column = broadcast_to(unsqueeze(gy, 1), [x.h // 8, x.w // 8])
output anchors = reshape(stack(row, column, axis = -1), [-1, 2]), y = relu(x)"""


@fault(
    "B9",
    "a grid could only be a list of numbers, and the work of lists is bounded",
    "grids, anchors, rows of positions at free sizes",
)
@pytest.mark.parametrize("size", ["H, W", "8 * H, 8 * W", "1280, 1280"])
def test_grids_are_made_where_the_model_runs(tmp_path: Path, size: str) -> None:
    np = pytest.importorskip("numpy")
    text = network(ANCHORS, f"f32[N, 3, {size}]")
    assert archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=text).status == 0
    h, w = (1280, 1280) if size[0] == "1" else (64, 96)
    found = api.run(tmp_path / "net.onnx", {"x": np.zeros((1, 3, h, w), "float32")})["anchors"]
    rows, columns = np.mgrid[4 : h + 4 : 8, 4 : w + 4 : 8]
    np.testing.assert_array_equal(found, np.stack([columns, rows], -1).reshape(-1, 2))


def built(shape: list[int | str]) -> object:
    net = api.Builder("net")
    x = net.input("x", "f32", shape)
    y = net.apply("conv", x, channels=8, kernel=7, pad="valid")
    return net.graph(y=net.apply("resize", y, scale=0.5))


@again("F29")
def test_the_builder_takes_the_dimensions_of_a_text(tmp_path: Path) -> None:
    body = "conv(8, 7, pad = valid) -> resize(scale = 0.5)\noutput y"
    for dims in (["N", 3, "16 * H", "W"], ["N", 3, "H = 64", "16 * W = 32"], ["N", 3, "H", "H + 4"]):
        text = api.load(network(body, f"f32[{', '.join(map(str, dims))}]")).graph()
        assert str(built(dims)).partition("\n")[2] == str(text).partition("\n")[2]
        for bind in ({}, {"N": 2, "H": 20} if "16 * H" not in dims else {"H": 2}):
            if bind or "H = 64" in dims:
                assert api.cost(built(dims), bind).total("params") == api.cost(text, bind).total("params")


@again("F29")
@pytest.mark.parametrize(
    "shape, code",
    [(["N", 3, "H = 4", 9], "E0302"), (["N", 3, 0, 9], "E0205"), (["N", 3, -4, 9], "E0205"), (["N", 3, "H * K", 9], "E0307"),
     (["N", 3, "16 * H = 17", 9], "E0205"), (["N", 3, "H //", 9], "E0802"), (["N", 3, "H = 9", "H = 8"], "E0205")],
)  # fmt: skip
def test_the_builder_refuses_what_a_text_is_refused_for(shape: list[int | str], code: str) -> None:
    with pytest.raises(api.DiagnosticError, match=code):
        built(shape)


@again("F29")
@pytest.mark.parametrize("size", [-4, "H * W"])
def test_documents_are_refused_too(tmp_path: Path, size: int | str) -> None:
    """A size of 0 is that of a cache bound to be empty, which a document may hold."""
    document = json.loads(api.show(api.load(network("relu", "f32[N, 5, 7]")).graph(), "json"))
    document["inputs"][0]["shape"][1] = size
    document["nodes"][0].pop("outputs")
    done = archdsl(tmp_path, "check net.json", net__json=json.dumps(document))
    assert done.status == 1, done.output
    assert "Traceback" not in done.output


@again("F29")
def test_weights_are_matched_at_bound_sizes(tmp_path: Path) -> None:
    text = network("if x.h > 7 { max_pool(2) }\nconv(8, 3)", FREE)
    fixed = text.replace("f32[N, 3, H, W]", "f32[N, 3, 16, 16]")
    done = archdsl(tmp_path, "compile fixed.arch -o net.onnx", fixed__arch=fixed, net__arch=text)
    assert done.status == 0, done.output
    assert "E0307" in archdsl(tmp_path, "weights map net.arch net.onnx").output
    done = archdsl(tmp_path, "weights map net.arch net.onnx --bind H=16 --bind W=16")
    assert done.status == 0, done.output
