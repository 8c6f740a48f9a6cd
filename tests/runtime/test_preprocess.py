"""``with preprocess(…)`` and ``with labels(…)``: what they mean for a picture, that they travel, and what is refused."""

from __future__ import annotations

import json
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

import archdsl
from archdsl import data, reading
from archdsl.cli import main
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.interface import LABELS, PREPROCESS
from archdsl.project.compiling import with_weights
from archdsl.runtime.execute import execute
from archdsl.source import Source
from archdsl.syntax.format import format_file
from archdsl.syntax.parse import parse_file

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
IMAGENET = f"resize = 256, mean = {MEAN}, std = {DEVIATION}"
COLOURS = ["red", "green", "blue"]


def photo(path: Path, width: int, height: int, seed: int = 0, mode: str = "RGB") -> str:
    """A picture with coarse and fine structure in every channel."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (5, 7, 3)).repeat(-(-height // 5), 0).repeat(-(-width // 7), 1)[:height, :width]
    noisy = np.clip(coarse + draw.integers(-40, 40, coarse.shape), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).convert(mode).save(path)
    return str(path)


def spec(preprocess: str, shape: str = "N, 3, 24, 24", labels: str = "", head: str = "") -> str:
    """A network that gives its input back, and the mean of every channel."""
    return (
        f"arch 1\n{head}network Net() {{\n  input image: f32[{shape}] with {preprocess}\n"
        f"  scores: global_avg_pool -> flatten\n  output pixels = image * 1.0, scores = scores{labels}\n}}\n"
    )


def compiled(text: str, path: Path, **options: object) -> str:
    archdsl.compile(archdsl.load(text).graph(), path, **options)
    return str(path)


def said(model: str) -> dict[str, str]:
    return {p.key: p.value for p in onnx.load(model).metadata_props}


def resized(image: Image.Image, size: int | list[int] | None, kind: int) -> Image.Image:
    if size is None:
        return image
    if isinstance(size, list):
        return image.resize((size[1], size[0]), kind)
    w, h = image.size
    factor = size / min(w, h)
    return image.resize((size if w <= h else int(w * factor + 1e-9), size if h <= w else int(h * factor + 1e-9)), kind)


KINDS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}
"""Pillow's numbers of its filters."""


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (IMAGENET.replace("256", "30"), {"size": 30, "mean": MEAN, "std": DEVIATION}),
        ("resize = 24", {"size": 24}),
        ("crop = 24", {}),
        ("resize = [24, 31], interpolation = bicubic", {"size": [24, 31], "kind": "bicubic"}),
        ("resize = 29, interpolation = lanczos, crop = [24, 24]", {"size": 29, "kind": "lanczos"}),
        ("resize = 50, interpolation = nearest", {"size": 50, "kind": "nearest"}),
        ("resize = 32, mean = 0.5, std = 0.5", {"size": 32, "mean": [0.5] * 3, "std": [0.5] * 3}),
        ("resize = 32, scale = 1, mean = [104, 117, 124], channels = bgr",
         {"size": 32, "scale": 1, "mean": [104, 117, 124], "bgr": True}),
        ("resize = 32, scale = 1 / 127.5, mean = 1", {"size": 32, "scale": 1 / 127.5, "mean": [1] * 3}),
        ("crop_pct = 0.75", {"size": 32}),
        ("crop_pct = 0.8, resize = 26", {"size": 26}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [(71, 50), (50, 71), (64, 64), (101, 33)])
def test_a_picture_is_what_numpy_and_pillow_say(arguments, options, size, tmp_path) -> None:
    path = photo(tmp_path / "p.png", *size)
    image = resized(Image.open(path), options.get("size"), KINDS[options.get("kind", "bilinear")])
    pixels = np.asarray(image).astype(np.float64)
    top, left = round((pixels.shape[0] - 24) / 2), round((pixels.shape[1] - 24) / 2)
    pixels = pixels[top : top + 24, left : left + 24, :: -1 if options.get("bgr") else 1]
    scaled = pixels * options.get("scale", 1 / 255)
    expected = (scaled - np.array(options.get("mean", [0] * 3))) / np.array(options.get("std", [1] * 3))
    model = compiled(spec(f"preprocess({arguments})"), tmp_path / "m.onnx")
    found = archdsl.run(model, path)["pixels"]
    assert found.shape == (1, 3, 24, 24) and found.std() > 0.05
    np.testing.assert_allclose(found[0], expected.transpose(2, 0, 1), rtol=1e-6, atol=1e-6)


def test_gray_pictures_channels_last_and_free_sizes(tmp_path) -> None:
    path = photo(tmp_path / "p.png", 40, 30)
    whole = np.asarray(Image.open(path))
    gray = np.asarray(Image.open(path).convert("L"))[3:27, 8:32] / 255
    model = compiled(spec("preprocess()", "N, 1, 24, 24"), tmp_path / "gray.onnx")
    np.testing.assert_allclose(archdsl.run(model, path)["pixels"][0, 0], gray, atol=1e-6)
    last = compiled(spec("preprocess(layout = nhwc)", "N, 24, 24, 3"), tmp_path / "last.onnx")
    np.testing.assert_allclose(archdsl.run(last, path)["pixels"][0], whole[3:27, 8:32] / 255, atol=1e-6)
    free = compiled(spec("preprocess()", "N, 3, H, W"), tmp_path / "free.onnx")
    assert json.loads(said(free)[PREPROCESS + "image"])["crop"] is None
    np.testing.assert_allclose(archdsl.run(free, path)["pixels"][0], whole.transpose(2, 0, 1) / 255, atol=1e-6)
    fixed = compiled(spec("preprocess()", "N, 3, H, W"), tmp_path / "fixed.onnx", bind={"H": 24, "W": 20})
    assert json.loads(said(fixed)[PREPROCESS + "image"])["crop"] == [24, 20]
    text = "arch 1\nnetwork Net() { input x: u8[N, 3, 24, 24] with preprocess(scale = 1); cast(i32); output y }\n"
    assert (archdsl.run(compiled(text, tmp_path / "u8.onnx"), path)["y"][0, 1] == whole[3:27, 8:32, 1]).all()


# It travels


def test_the_metadata_is_complete_versioned_and_the_same_every_time(tmp_path) -> None:
    text = spec(f"preprocess({IMAGENET})", "N, 3, 224, 224", ' with labels(["cat", "déjà vu", "dog"])')
    model = compiled(text, tmp_path / "m.onnx")
    assert said(model)[PREPROCESS + "image"] == (
        '{"version":1,"resize":256,"interpolation":"bilinear","crop":[224,224],"channels":"rgb",'
        '"scale":0.00392156862745098,"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225],"layout":"nchw"}'
    )
    assert said(model)[LABELS + "scores"] == '{"version":1,"names":["cat","déjà vu","dog"]}'
    again = compiled(text, tmp_path / "again.onnx")
    assert Path(again).read_bytes() == Path(model).read_bytes()


def test_it_survives_data_formatting_deployment_and_weights(tmp_path) -> None:
    text = spec(f"preprocess({IMAGENET}, interpolation = bicubic)", "N, 3, 224, 224", " with classes")
    text = text.replace("network", f"let classes = labels({json.dumps(COLOURS)})\nnetwork").replace("'", '"')
    graph = archdsl.load(text).graph()
    formatted = format_file(parse_file(Source("net.arch", text)))
    assert archdsl.load(formatted).graph().preprocess == graph.preprocess
    assert format_file(parse_file(Source("net.arch", formatted))) == formatted
    for written, name in ((data.to_json(graph), "g.arch.json"), (data.to_yaml(graph), "g.arch.yaml")):
        back = data.read(Source(name, written))
        assert (back.preprocess, back.labels) == (graph.preprocess, graph.labels) and graph.labels
    expected = {k: v for k, v in said(compiled(text, tmp_path / "m.onnx")).items() if "image" in k or "scores" in k}
    assert len(expected) == 2
    for options in ({"deploy": True}, {"weights": "none"}, {"bind": {"N": 1}}, {"external_data": True}):
        assert expected.items() <= said(compiled(text, tmp_path / "o.onnx", **options)).items(), options


def test_python_says_the_same(tmp_path) -> None:
    net = archdsl.Builder("Net")
    x = net.input("image", "f32", ["N", 3, 24, 24], resize=[30, 40], mean=0.5)
    scores = net.apply("flatten", net.apply("global_avg_pool", x))
    net.labels("scores", scores, COLOURS)
    graph = net.graph(scores=scores)
    text = archdsl.load(
        spec("preprocess(resize = [30, 40], mean = 0.5)", labels=f" with labels({json.dumps(COLOURS)})")
    )
    assert (graph.preprocess, graph.labels) == (text.graph().preprocess, text.graph().labels)
    for wrong in ({"resize": 7}, {"size": 30}, {"std": 0}):
        with pytest.raises(DiagnosticError):
            net.input("other", "f32", ["N", 3, 24, 24], **wrong)
    with pytest.raises(DiagnosticError, match="2 labels for 3 classes"):
        net.labels("scores", scores, COLOURS[:2])


def test_what_is_shown(tmp_path) -> None:
    from archdsl.report.drawing import as_text

    graph = archdsl.load(spec(f"preprocess({IMAGENET})", "N, 3, 224, 224", ' with labels(["a", "b", "c"])')).graph()
    shown = f"image: preprocess(resize = 256, crop = 224, mean = {MEAN}, std = {DEVIATION})"
    assert as_text(graph).startswith(f"# {shown}\n# scores: a, b, c\ngraph Net(")
    archdsl.compile(graph, tmp_path / "net.py", backend="torch")
    docstring = (tmp_path / "net.py").read_text().split('"""')[1]
    assert " ".join(docstring.split()).endswith(shown)


def test_a_preset_is_completed_and_a_network_used_as_a_block_keeps_none() -> None:
    text = """arch 1
use std.image (imagenet)
with preprocess(interpolation = lanczos)
network Inner() { input image: f32[N, 3, 24, 24] with preprocess(std = 2); relu; output y with labels(["never"]) }
network Outer() { input photo: f32[N, 3, 24, 24] with imagenet(mean = 0.5); Inner; output y }
"""
    program = archdsl.load(text)
    outer = program.graph("Outer")
    (how,) = outer.preprocess.values()
    assert (outer.preprocess.keys(), outer.labels) == ({"photo"}, {})
    assert (how.resize, how.crop, how.mean, how.std) == (27, (24, 24), (0.5,) * 3, tuple(DEVIATION))
    with pytest.raises(DiagnosticError, match="E0303"):
        program.graph("Inner")


# A photo gets its label


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """A classifier by the mean of the channels, and a reddish photo."""
    monkeypatch.chdir(tmp_path)
    Path("colours.txt").write_text("\n".join(COLOURS) + "\n")
    pixels = np.full((40, 60, 3), (150, 120, 90), np.uint8)
    pixels[:, :8] = pixels[:, -8:] = (0, 0, 255)  # outside of the crop
    Image.fromarray(pixels).save("photo.png")
    np.savez("weights.npz", **{"fc.weight": np.eye(3, dtype=np.float32), "fc.bias": np.zeros(3, np.float32)})

    def model(preprocess: str) -> str:
        text = f"""arch 1
network Colours() {{
  input image: f32[N, 3, 16, 16] with preprocess({preprocess})
  global_avg_pool -> flatten
  fc: linear(3)
  output logits with labels("colours.txt")
}}
"""
        Path("colours.arch").write_text(text)
        graph, _ = with_weights(archdsl.load("colours.arch").graph(), "weights.npz")
        archdsl.compile(graph, "colours.onnx")
        return "colours.onnx"

    return model


def test_the_right_label_comes_first_and_the_mean_decides(colours, capsys) -> None:
    def first(preprocess: str) -> str:
        with pytest.raises(SystemExit) as end:
            sys.argv = ["archdsl", "run", colours(preprocess), "--input", "photo.png"]
            main()
        printed = capsys.readouterr()
        assert end.value.code == 0 and "does not say" not in printed.err
        return printed.out.splitlines()[1]

    scores = {name: value / 255 for name, value in zip(COLOURS, (150, 120, 90))}
    assert first("resize = 20") == "  top: " + "  ".join(f"{n} ({v:.4f})" for n, v in scores.items())
    assert first("resize = 20, mean = [0.5, 0, 0]").startswith("  top: green (")
    assert first("resize = 20, std = [1, 1, 0.1]").startswith("  top: blue (")
    assert first("resize = 20, channels = bgr").startswith("  top: blue (0.5882)")
    assert first("resize = 16, crop = 16").startswith("  top: red (")


def test_the_record_has_labels_and_without_metadata_it_is_said(colours, capsys, tmp_path) -> None:
    sys.argv = ["archdsl", "run", colours("resize = 20"), "--input", "photo.png", "--format", "json"]
    with pytest.raises(SystemExit):
        main()
    top = json.loads(capsys.readouterr().out)["outputs"][0]["top"][0]
    assert [(one["class"], one["label"]) for one in top] == list(enumerate(COLOURS))
    text = spec("preprocess()").replace(" with preprocess()", "")
    sys.argv = ["archdsl", "run", compiled(text, tmp_path / "plain.onnx"), "--input", "photo.png"]
    with pytest.raises(SystemExit):
        main()
    shown = f"preprocess(resize = 24, crop = 24, mean = {MEAN}, std = {DEVIATION})"
    assert f"image: the model does not say how to prepare pictures; archdsl uses {shown}\n" in capsys.readouterr().err


def test_python_takes_paths_too(colours) -> None:
    model = colours("resize = 20")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs = [
            archdsl.run(model, given)["logits"] for given in ("photo.png", Path("photo.png"), {"image": "photo.png"})
        ]
    np.testing.assert_allclose(runs[0], [[150 / 255, 120 / 255, 90 / 255]], atol=1e-6)
    assert all(np.array_equal(run, runs[0]) for run in runs)
    np.save("x.npy", np.ones((2, 3, 16, 16), np.float32))
    np.testing.assert_allclose(archdsl.run(model, "x.npy")["logits"], np.ones((2, 3)), atol=1e-6)
    plain = compiled(spec("preprocess()").replace(" with preprocess()", ""), Path("plain.onnx"))
    with pytest.warns(UserWarning, match="does not say how to prepare pictures"):
        archdsl.run(plain, "photo.png")
    with pytest.raises(DiagnosticError, match="no input `other`"):
        archdsl.run(model, {"other": "x.npy"})


# Refused


BAD = {
    "resize = 0": "E0205", "resize = [1, 2, 3]": "E0204", "resize = 2.5": "E0204", "resize = 10**9": "E0205",
    "resize = 20": "E0303", "resize = [30, 20]": "E0303", "crop = 20": "E0303", "crop = [24, 20]": "E0303",
    "mean = [0.5]": "E0303", "mean = [1, 2, 3, 4]": "E0303", 'mean = "x"': "E0204", "std = 0": "E0205",
    "std = [1, 1, -1]": "E0205", "scale = 0": "E0205", "scale = -1": "E0205", "std = 1e-300": "E0205",
    "channels = gray": "E0303", "layout = nhwc": "E0303", "interpolation = bilinea": "E0201",
    "size = 3": "E0202", "crop_pct = 0": "E0205", "crop_pct = 2": "E0205", "mean = [[1]]": "E0204",
    "resize = in": "E0217", "mean = 1e400": "E0102",
}  # fmt: skip


@pytest.mark.parametrize("arguments", BAD)
def test_wrong_arguments_are_refused_where_they_stand(arguments) -> None:
    text = spec(f"preprocess({arguments})")
    with pytest.raises(DiagnosticError) as error:
        archdsl.load(text).graph()
    (found,) = error.value.diagnostics
    assert found.code == BAD[arguments], found.message
    assert found.span is not None and found.span.line == 3


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("input image: f32[N, 5, 8, 8] with preprocess()", "E0303"),
        ("input image: f32[N, C, 8, 8] with preprocess()", "E0303"),
        ("input image: f32[N, 8, 8, 3] with preprocess()", "E0303"),
        ("input image: f32[N, 3] with preprocess()", "E0301"),
        ("input image: i64[N, 3, 8, 8] with preprocess()", "E0309"),
        ("input image: i8[N, 3, 8, 8] with preprocess(scale = 1)", "E0309"),
        ("input image: f16[N, 3, 8, 8] with preprocess(std = 0.00001)", "E0205"),
        ("input image: f32[N, 3, H, W] with preprocess(crop_pct = 0.5)", "E0306"),
        ("input image: f32[N, 3, 8, 8] with relu", "E0204"),
        ("input image: f32[N, 3, 8, 8] with labels([1])", "E0204"),
        ("input image: f32[N, 3, 8, 8] with 3", "E0204"),
        ("input image: f32[N, 3, 8, 8] with preproces()", "E0201"),
        ("input image: f32[N, 3, 8, 8]; preprocess()", "E0217"),
        ("input image: f32[N, 3, 8, 8]; image -> labels([\"a\"])", "E0217"),
        ("input image: f32[N, 3]; output y with labels", "E0203"),
        ("input image: f32[N, 3]; output y with preprocess()", "E0204"),
        ("input image: f32[N, 3]; output y with labels([\"a\", \"b\"])", "E0303"),
        ("input image: f32[N, 3]; output y with labels([\"a\", \"b\", 3])", "E0204"),
        ("input image: f32[N, 3]; output y with labels([\"a\", \" \", \"c\"])", "E0205"),
        ("input image: f32[N, 3]; output y with labels([\"a\", \"b\\n\", \"c\"])", "E0205"),
        ("input image: f32[N, 3]; split(3); output y with labels([\"a\"])", "E0204"),
        ("input image: f32[N, 3]; output y with labels(\"classes.txt\")", "E0214"),
        ("input image: f32[N, K]; output y with labels([\"a\"] * 10**6)", "E0503"),
    ],
)  # fmt: skip
def test_wrong_places_are_refused(line, code) -> None:
    with pytest.raises(DiagnosticError) as error:
        archdsl.load(f"arch 1\nnetwork Net() {{\n{line}\n}}\n").graph()
    assert [d.code for d in error.value.diagnostics] == [code], error.value
    assert error.value.diagnostics[0].span.line == 3


def test_a_fault_behind_with_is_the_only_one() -> None:
    text = spec("preprocess(resize = 1)", labels=" with labels([1])").replace(
        "global_avg_pool", "conv(8, 99, pad = valid)"
    )
    with pytest.raises(DiagnosticError) as error:
        archdsl.load(text).graph()
    assert [d.code for d in error.value.diagnostics] == ["E0303", "E0302", "E0204"]


def test_label_files_stay_inside_and_are_text(tmp_path) -> None:
    folder = tmp_path / "specs"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("a\nb\nc\n")
    files = {
        "three.txt": b"a\r\nb\r\nc\r\n", "bom.txt": b"\xef\xbb\xbfa\nb\nc", "binary.txt": b"\x00\x01\x02\na\nb",
        "latin.txt": b"caf\xe9\nb\nc", "huge.txt": b"a\n" * 3_000_000, "many.txt": b"a\n" * 150_000, "gap.txt": b"a\n\nc\n",
        "long.txt": b"a\nb\n" + b"c" * 600, "escape.txt": b"a\nb\n\x1b[31mc", "empty.txt": b"", "two.txt": b"a\nb\n",
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "sub" / "blocks.arch").write_text('arch 1\nlet classes = labels("own.txt")\n')
    (folder / "sub" / "own.txt").write_text("x\ny\nz\n")

    def labels(expression: str, use: str = "") -> tuple[str, ...] | str:
        (folder / "net.arch").write_text(spec("preprocess()", labels=f" with {expression}", head=use))
        try:
            return archdsl.load(folder / "net.arch").graph().labels["scores"]
        except DiagnosticError as error:
            (found,) = error.diagnostics
            assert found.span is not None and found.span.source.name.endswith("net.arch")
            return found.code

    assert (
        labels('labels("three.txt")')
        == labels('labels("bom.txt")')
        == labels('labels("sub/../three.txt")')
        == tuple("abc")
    )
    assert labels("classes", 'use "sub/blocks.arch" (classes)\n') == tuple("xyz")
    refused = {
        "missing.txt": "E0213", "../outside.txt": "E0214", str(tmp_path / "outside.txt"): "E0214", "link.txt": "E0214",
        "/dev/zero": "E0214", "sub": "E0213", "binary.txt": "E0002", "latin.txt": "E0002", "huge.txt": "E0510",
        "many.txt": "E0503", "gap.txt": "E0205", "long.txt": "E0205", "escape.txt": "E0205", "empty.txt": "E0205",
        "two.txt": "E0303", "": "E0213",
    }  # fmt: skip
    assert {name: labels(f'labels("{name}")') for name in refused} == refused


HOSTILE = [
    "", "{", "[]", "1", "null", '"x"', "{}", '{"version":2}', '{"version":true}', '{"version":1,"mean":[NaN,0,0]}',
    '{"version":1,"mean":[1e999,0,0]}', '{"version":1,"std":0}', '{"version":1,"resize":-1}', '{"version":1,"resize":1e9}',
    '{"version":1,"resize":99999999}', '{"version":1,"resize":[1,2,3]}', '{"version":1,"resize":"256"}',
    '{"version":1,"resize":true}', '{"version":1,"crop":[9,9]}', '{"version":1,"crop":"24"}', '{"version":1,"channels":"cmyk"}',
    '{"version":1,"channels":"gray"}', '{"version":1,"layout":"nhwc"}', '{"version":1,"interpolation":"os.system"}',
    '{"version":1,"interpolation":["bilinear"]}', '{"version":1,"mean":[1,2]}', '{"version":1,"mean":{"a":1}}',
    '{"version":1,"scale":"1"}', '{"version":1,"scale":null}', '{"version":1,"unheard":1}', '{"version":1,"std":[1,1,[1]]}',
    '{"version":1,"mean":' + "9" * 5000 + "}", '{"version":1,"mean":' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"version":1,"' + "x" * 1000 + '":1}', " " * (1 << 25) + "{}", '{"version":1,"scale":1e300,"std":1e-300}',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:50])
def test_hostile_metadata_is_refused(text, tmp_path) -> None:
    model = onnx.load(compiled(spec("preprocess()", labels=' with labels(["a", "b", "c"])'), tmp_path / "m.onnx"))
    for entry in model.metadata_props:
        if entry.key in (PREPROCESS + "image", LABELS + "scores"):
            entry.value = text
    onnx.save(model, tmp_path / "bad.onnx")
    path = photo(tmp_path / "p.png", 40, 40)
    with pytest.raises(Refusal) as refusal:
        execute(tmp_path / "bad.onnx", [path])
    assert refusal.value.code == "E0706" and "`image`" in refusal.value.message and len(refusal.value.message) < 300
    result = execute(tmp_path / "bad.onnx")
    from archdsl.runtime.outputs import describe_output

    with pytest.raises(Refusal, match="labels of `scores` cannot be used"):
        describe_output("scores", result.outputs["scores"], 5, result.metadata)


@pytest.mark.parametrize(
    "names",
    ['["a","b"]', '["a","b","c","d"]', '["a","b",3]', '["a","b","\\u001b[2J"]', '["a","b","\\ud800"]', '"abc"', "null"],
)
def test_hostile_labels_are_refused(names, tmp_path) -> None:
    from archdsl.interface import read_labels

    assert read_labels('{"version":1,"names":["a","b","c"]}', "y", (1, 3)) == ("a", "b", "c")
    with pytest.raises(Refusal, match="labels of `y` cannot be used") as refusal:
        read_labels(f'{{"version":1,"names":{names}}}', "y", (1, 3))
    assert refusal.value.code == "E0706"


def test_metadata_that_is_no_text_is_refused(tmp_path) -> None:
    model = Path(compiled(spec("preprocess()", labels=' with labels(["AAAA", "b", "c"])'), tmp_path / "m.onnx"))
    model.write_bytes(model.read_bytes().replace(b"AAAA", b"\xff\xfe\x80A"))
    with pytest.raises(Refusal, match="not UTF-8") as refusal:
        execute(model)
    assert refusal.value.code == "E0706"


def png(width: int, height: int) -> bytes:
    """A small file that says it holds a huge picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


def test_hostile_pictures_are_refused(tmp_path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000))
    (tmp_path / "large.png").write_bytes(png(10_000, 10_000))
    (tmp_path / "cut.png").write_bytes(png(100, 100)[:60])
    (tmp_path / "text.jpg").write_text("no picture")
    photo(tmp_path / "thin.png", 1, 60_000)
    photo(tmp_path / "small.png", 20, 60)
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(tmp_path / "script.eps")
    (tmp_path / "script.eps").rename(tmp_path / "script.png")  # read, it would run Ghostscript
    Image.fromarray(np.full((50, 50), 40_000, np.uint16)).save(tmp_path / "deep.png")
    model = compiled(spec("preprocess(resize = 30)"), tmp_path / "m.onnx")
    tall = compiled(spec("preprocess(resize = 3000)"), tmp_path / "tall.onnx")
    unresized = compiled(spec("preprocess()"), tmp_path / "unresized.onnx")
    expected = {
        ("bomb.png", model): "more than 89,478,485 pixels", ("large.png", model): "more than 89,478,485 pixels",
        ("script.png", model): "not a readable image", ("cut.png", model): "not a readable image", ("text.jpg", model): "not a readable image",
        ("thin.png", tall): "would be resized to 180,000,000 x 3,000", ("small.png", unresized): "60 x 20 pixels",
        ("deep.png", model): "do not go from 0 to 255", ("missing.png", model): "there is no file",
    }  # fmt: skip
    for (name, path), message in expected.items():
        with pytest.raises(Refusal) as refusal:
            execute(path, [str(tmp_path / name)])
        assert message in refusal.value.message and refusal.value.code in ("E0704", "E0001")


# The data form


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d["inputs"][0]["preprocess"].update(resize=3), "E0303"),
        (lambda d: d["inputs"][0]["preprocess"].update(std=[1, 1, 0]), "E0205"),
        (lambda d: d["inputs"][0]["preprocess"].update(size=3), "E0802"),
        (lambda d: d["inputs"][0]["preprocess"].update(layout="chwn"), "E0802"),
        (lambda d: d["labels"].update(scores=["a"]), "E0303"),
        (lambda d: d["labels"].update(scores=["a", "b", ""]), "E0205"),
        (lambda d: d["labels"].update(other=["a", "b", "c"]), "E0804"),
    ],
)
def test_a_document_is_checked_like_a_spec(change, code) -> None:
    graph = archdsl.load(spec("preprocess(resize = 30)", labels=' with labels(["a", "b", "c"])')).graph()
    document = json.loads(data.to_json(graph))
    change(document)
    with pytest.raises(DiagnosticError) as error:
        data.read(Source("g.arch.json", json.dumps(document, indent=1)))
    assert [d.code for d in error.value.diagnostics] == [code]
    assert error.value.diagnostics[0].span.line > 1


# torchvision and timm


@pytest.mark.reference
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize(
    "sizes", [(640, 480, 256, 224), (333, 500, 256, 224), (224, 224, 232, 224), (299, 1001, 342, 299)]
)
def test_a_picture_is_what_torchvision_makes_of_it(interpolation, sizes, tmp_path) -> None:
    from torch_models import torchvision_models

    torchvision_models()
    from torchvision import transforms

    width, height, resize, crop = sizes
    path = photo(tmp_path / "p.png", width, height, seed=width)
    steps = [
        transforms.Resize(resize, transforms.InterpolationMode(interpolation)), transforms.CenterCrop(crop),
        transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION),
    ]  # fmt: skip
    expected = transforms.Compose(steps)(Image.open(path).convert("RGB")).numpy()
    how = f"preprocess(resize = {resize}, interpolation = {interpolation}, mean = {MEAN}, std = {DEVIATION})"
    found = archdsl.run(compiled(spec(how, f"N, 3, {crop}, {crop}"), tmp_path / "m.onnx"), path)["pixels"][0]
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.reference
def test_the_zoo_says_what_published_weights_were_evaluated_with() -> None:
    """torchvision's first weights and timm's; where a network normalises once more inside, that is part of it."""
    import torch
    import torch_models

    models, timm = torch_models.torchvision_models(), torch_models.timm()
    ramp = np.arange(256)
    wrong, seen = [], 0
    theirs: dict[str, tuple] = {}
    for name in sorted(reading.zoo_names()):
        if name in models.list_models() and not name.startswith(
            ("convnext", "efficientnet", "vit")
        ):  # these are timm's
            how = next(iter(models.get_model_weights(name))).transforms()
            if type(how).__name__ != "ImageClassification":
                continue
            values = (ramp[None, :] / 255 - np.array(how.mean)[:, None]) / np.array(how.std)[:, None]
            if name in ("googlenet", "inception_v3"):
                net = models.get_model(name, weights=None, init_weights=False, transform_input=True)
                values = net._transform_input(torch.tensor(values)[None, :, :, None])[0, :, :, 0].numpy()
            theirs[name] = (how.resize_size[0], how.crop_size[0], how.interpolation.value, values)
    alike = {"seresnet50_v1": "legacy_seresnet50", "seresnet101_v1": "legacy_seresnet101", "xception": "legacy_xception",
             "seresnet152_v1": "legacy_seresnet152", "senet154": "legacy_senet154", "tf_efficientnet_b0": "tf_efficientnet_b0",
             "efficientnet_b0": "tf_efficientnet_b0", "vit_b_16": "vit_base_patch16_224", "vit_b_32": "vit_base_patch32_224",
             "vit_l_16": "vit_large_patch16_224"}  # fmt: skip
    same_names = (
        "inception_v4",
        "inception_resnet_v2",
        "dpn92",
        "dpn98",
        "nasnetalarge",
        "pnasnet5large",
        "resnext101_32x4d",
        *(f"convnext_{size}" for size in ("atto", "nano", "tiny", "small", "base", "large")),
    )
    for name, known in {**alike, **{name: name for name in same_names}}.items():
        cfg = timm.models.get_pretrained_cfg(known)
        values = (ramp[None, :] / 255 - np.array(cfg.mean)[:, None]) / np.array(cfg.std)[:, None]
        size = cfg.input_size[-1]
        theirs[name] = (int(size / cfg.crop_pct), size, cfg.interpolation, values)
    for name, (resize, crop, interpolation, values) in theirs.items():
        program, variant = archdsl.driver.resolve_target(name)
        how = program.graph(variant).preprocess["image"]
        ours = (ramp[None, :] * how.scale - np.array(how.mean)[:, None]) / np.array(how.std)[:, None]
        same = (how.resize, how.crop, how.interpolation, how.channels) == (resize, (crop, crop), interpolation, "rgb")
        seen += 1
        if not same or not np.allclose(ours, values, atol=1e-4):
            wrong.append((name, str(how), resize, crop, interpolation))
    assert not wrong and seen >= 50
