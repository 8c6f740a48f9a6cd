"""Suggestions, warnings of what is misread, files of other tools, help and completion."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from console import run
from faults import again, archdsl, fault, network

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def told(folder: Path, body: str, x: str = "f32[N, 8, 16, 16]", before: str = "") -> str:
    return archdsl(folder, "check net.arch", net__arch=network(body, x, before)).output


@fault(
    "N03",
    "what is legal and hardly ever meant was not told",
    "no batch axis, channels last (any picture's channels; symbols as sides; u8), linear on maps behind convolution, pooling, "
    "norm and activation, on a picture itself and on [N, C, T]; sizes that are factors",
)
@pytest.mark.parametrize(
    ("x", "body", "warns"),
    [
        ("f32[3, 224, 224]", "relu", True),
        ("f32[1, H, W]", "relu", True),
        ("u8[3, 64, 64]", "cast(f32)", True),
        ("f32[N, 224, 224, 3]", "relu", True),
        ("f32[N, H, W, 1]", "relu", True),
        ("f32[N, 3, 224, 224]", "relu", False),
        ("f32[N, 12, 64]", "linear(3)", False),
        ("f32[3, 8]", "linear(3)", False),
        ("i64[3, 64, 64]", "cast(f32)", False),
        ("f32[N, 3, 32, 32]", "linear(10)", True),
        ("f32[N, 8, 32, 32]", "conv(8, 3) -> batch_norm -> relu -> linear(10)", True),
        ("f32[N, 8, 32, 32]", "conv(8, 3) -> global_avg_pool -> linear(10)", True),
        ("f32[N, 8, 32]", "conv(8, 3) -> linear(10)", True),
        ("f32[N, 8, 32, 32]", "conv(8, 3) -> global_avg_pool -> flatten -> linear(10)", False),
        ("f32[N, 8, 32, 32]", "conv(8, 3) -> permute([0, 2, 3, 1]) -> linear(10)", False),
        ("f32[N, 8, 16, 16]", "resize(2)", True),
        ("f32[N, 8, H, W]", "resize(2, mode = bilinear)", True),
        ("f32[N, 8, 16, 16]", "resize(scale = 2)", False),
        ("f32[N, 8, 1, 1]", "resize(4)", False),
    ],
)
def test_what_is_probably_misread_is_told_by_check(x: str, body: str, warns: bool, tmp_path: Path) -> None:
    output = told(tmp_path, body, x)
    assert ("warning[W021" in output) is warns, output
    assert "error" not in output


@fault(
    "N11",
    "suggestions looked at the spelling, and showed examples instead of what was written",
    "linear, norms by first or last size; pool, norm; combinators and std blocks in ops; files beside; for over a list; "
    "depthwise; dense(10); block * 3; fmt's summary; init's own lint warnings",
)
@pytest.mark.parametrize(
    ("body", "help"),
    [
        ("flatten; linear(3072, 512); linear(512, 10)", "write `linear(512)`"),
        ("flatten; linear(3072, 512); linear(512, 10)", "write `linear(10)`"),
        ("group_norm(4, 8)", "write `group_norm(4)`"),
        ("pool(2)", "`max_pool(2)` or `avg_pool(2)`"),
        ("for [6, 12] as i { conv(i, 3) }", "`for i in [6, 12] { … }`"),
        ("depthwise_conv(3)", "`conv(64, 3, groups = 64)`"),
        ("conv(8, 3) * 3", "`repeat 3 { conv(…) }`"),
        ("conv2d(8, 3)", "`conv(64, 3, pad = valid)`"),
    ],
)
def test_help_is_what_can_be_written(body: str, help: str, tmp_path: Path) -> None:
    assert help in told(tmp_path, body)


@again("N11")
def test_files_and_names_that_are_near(tmp_path: Path) -> None:
    assert "did you mean `mynet.arch`?" in archdsl(tmp_path, "cost mynet", mynet__arch=network("relu")).output
    assert "residual(" in archdsl(tmp_path, "ops residual").output
    assert "already formatted" not in archdsl(tmp_path, "fmt broken.arch", broken__arch="arch 1\nnetwork N() {").output
    assert archdsl(tmp_path, "fmt ''").status == 2
    archdsl(tmp_path, "init mine.arch")
    assert "no findings" in archdsl(tmp_path, "lint mine.arch").output


@fault(
    "T5",
    "the word of another framework stood for an operator whose defaults differ",
    "every word on a card (see below)",
)
def test_pixel_shuffle_is_named_with_pytorchs_order(tmp_path: Path) -> None:
    assert "`depth_to_space(2, mode = crd)`" in told(tmp_path, "pixel_shuffle(2)")
    assert "mode = reflect" in told(tmp_path, "conv(8, 3, padding_mode = reflect)")


@again("T5")
@pytest.mark.reference
@pytest.mark.parametrize(
    ("word", "torch_name", "arguments"),
    [
        ("pixel_shuffle", "PixelShuffle", (2,)),
        ("PixelUnshuffle", "PixelUnshuffle", (2,)),
        ("upsample", "Upsample", (None, 2)),
        ("InstanceNorm2d", "InstanceNorm2d", (8,)),
        ("PReLU", "PReLU", ()),
        ("Swish", "SiLU", ()),
        ("gap", "AdaptiveAvgPool2d", (1,)),
    ],
)
def test_what_help_names_computes_the_same(word: str, torch_name: str, arguments: tuple, tmp_path: Path) -> None:
    """The help is followed to the letter, and the network gives what PyTorch's layer gives."""
    import torch

    import archdsl as package

    help = re.search(
        r"`([^`]*)`(?: here)?(?:\?|$|: `([^`]*)`)", told(tmp_path, f"{word}(2)").split("help: ")[1].splitlines()[0]
    )
    assert help is not None
    (tmp_path / "same.arch").write_text(network(help[2] or help[1]))
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype("float32")
    if torch_name == "InstanceNorm2d":
        arguments = (3,)
    if torch_name == "PixelShuffle":
        x = np.concatenate([x, x[:, :1] * 2], 1)
        (tmp_path / "same.arch").write_text(network(help[2] or help[1], "f32[N, 4, 32, 32]"))
    wanted = getattr(torch.nn, torch_name)(*arguments)(torch.from_numpy(x)).detach().numpy()
    found = package.run(str(tmp_path / "same.arch"), x)["output"]
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@fault(
    "B10",
    "the strided 1x1 beside a strided 3x3 was told to leave out positions",
    "norms between; the bare residual shortcut stays told",
)
def test_a_branch_beside_a_larger_window_leaves_nothing_out(tmp_path: Path) -> None:
    def lint(body: str) -> str:
        return archdsl(tmp_path, "lint net.arch --select W0402", net__arch=network(body)).output

    one, three = "conv(8, 1, stride = 2) -> batch_norm", "conv(8, 3, stride = 2) -> batch_norm"
    assert "W0402" not in lint(f"parallel(add) {{ | {three} | {one} }}")
    assert "W0402" in lint(f"parallel(add) {{ | {three} -> relu -> conv(8, 3) | {one} }}")
    assert "W0402" in lint(one)


@fault(
    "N16",
    "what is not a spec was read as one",
    ".pth old and new, .npz, .npy, pictures, archives, Caffe, Darknet, YAML, Python",
)
@pytest.mark.parametrize(
    ("name", "content", "what", "way"),
    [
        (
            "m.pth",
            b"PK\x03\x04" + bytes(26) + b"m/data.pkl\xff",
            "a PyTorch checkpoint",
            "archdsl weights inspect m.pth",
        ),
        ("m.pt", b"\x80\x02\x8a\nl\xfc\x9c", "a PyTorch checkpoint", "--weights m.pt"),
        ("m.h5", b"\x89HDF\r\n\x1a\n", "HDF5", "archdsl init"),
        ("m.png", PNG, "a picture", "--input m.png"),
        ("m.prototxt", b'name: "LeNet"\nlayer {\n}\n', "Caffe", "archdsl init"),
        ("yolo.cfg", b"[net]\nbatch=64\n", "Darknet", "archdsl init"),
        ("net.py", b"import torch\n", "Python source", "archdsl init"),
    ],
)
def test_files_of_other_tools_are_called_by_their_name(
    name: str, content: bytes, what: str, way: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    for command in ("check", "cost", "lint", "fmt"):
        done = archdsl(tmp_path, f"{command} ./{name}")
        assert what in done.output and way in done.output.replace("./", ""), (command, done.output)
        assert done.status in (1, 2)


@again("N16")
def test_yaml_of_other_tools_is_told_to_be_written_as_a_spec(tmp_path: Path) -> None:
    (tmp_path / "yolov8.yaml").write_text("nc: 80\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n")
    assert "archdsl init" in archdsl(tmp_path, "check yolov8.yaml").output


@fault("N13", "Python took paths where commands take targets", "file:variant; the text of every error has its help")
def test_load_takes_targets() -> None:
    import archdsl as package

    assert package.load("resnet50").graph().name == "resnet50"
    with pytest.raises(package.DiagnosticError, match="did you mean `resnet50`"):
        package.load("resnet5O")
    with pytest.raises(package.DiagnosticError):
        package.cost("lenet5").total("mac")


@fault(
    "N14",
    "the shell completed command names alone; help hid choices; colours and names were left out",
    "targets, variants, parameters, codes, choices; ops",
)
def test_completion_help_and_colour(tmp_path: Path) -> None:
    def completed(line: str) -> list[str]:
        words = f"archdsl {line}"
        asked = {"_ARCHDSL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        with patch.dict("os.environ", asked):
            return run("archdsl ", tmp_path).output.split()

    assert "resnet50" in completed("cost resnet5")
    assert completed("cost lenet5 --format m") == ["markdown"]
    assert completed("explain E0304") == ["E0304"]
    assert "torchinfo" in archdsl(tmp_path, "cost --help").output
    assert "Example: archdsl" in archdsl(tmp_path, "check --help").output
    assert "use std.cnn (conv_bn)" in archdsl(tmp_path, "ops conv_bn").output
    spec = network("conv(8, 3)\nbudget { params <= 5 }")
    with patch.dict("os.environ", {"FORCE_COLOR": "1"}):
        assert "\x1b[1;31mBROKEN" in archdsl(tmp_path, "check net.arch", net__arch=spec).output


@again("N14")
def test_run_calls_imagenets_classes_by_name(tmp_path: Path) -> None:
    assert re.search(r"top: [a-z]", archdsl(tmp_path, "run squeezenet1_1").output, re.IGNORECASE)


@fault(
    "N15",
    "pages promised what is not so",
    "sweeps.md: ends of ranges, the variant of fit; README: how long the tests take",
)
def test_a_range_ends_where_its_steps_reach(tmp_path: Path) -> None:
    """docs/sweeps.md and the command agree; the README says how long the tests take."""
    from paths import DOCS, ROOT

    done = archdsl(tmp_path, "cost mobilenet_v2 --set width=0.25..1 --format csv")
    assert len(done.output.strip().splitlines()) == 2 and "both ends" not in (DOCS / "sweeps.md").read_text()
    assert "minutes on two cores" in (ROOT / "README.md").read_text()
