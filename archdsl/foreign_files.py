"""Files of other tools: what a file is that was given for a spec, and what can be done with it.

Only for messages, so it is loaded when something is wrong. What a file is, is read off its first bytes (the formats'
own magic numbers), and for text off its ending and first lines.
"""

from __future__ import annotations

import re

WEIGHTS = "for its weights: `archdsl weights inspect {name}`, or `archdsl compile SPEC --weights {name}`"
SPEC = "write the architecture as a spec: `archdsl init` makes a first one"
MODEL = "its name has to end in `.onnx`: rename it"
RUN = "give it to a network: `archdsl run SPEC --input {name}`"
EXPORT = (
    'in Python: `torch.export.save(torch.export.export(model, (inputs,)), "model.pt2")`, then `archdsl cost model.pt2`'
)
ONNX = "models are read as .onnx and .pt2: {way}; or " + SPEC

_MAGIC = (
    (rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP", "a picture", RUN),
    (rb"\x93NUMPY", "a NumPy array", RUN),
    (
        rb"\x89HDF",
        "an HDF5 file, as Keras writes them",
        ONNX.replace("{way}", "`tf2onnx.convert.from_keras(model)`; save weights alone as .npz or .safetensors"),
    ),
    (
        rb".{4}TFL3",
        "a TensorFlow Lite model",
        ONNX.replace("{way}", "`python -m tf2onnx.convert --tflite {name} --output model.onnx`"),
    ),
    (rb"\x80[\x02-\x05]", "a PyTorch checkpoint", WEIGHTS),
    (rb"[^\0]..\0{5}\{", "a safetensors file", WEIGHTS),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf", "a compressed file", "unpack it first"),
    (rb"GGUF", "a GGUF file, which holds weights and no graph", "export the model that it was made of: " + EXPORT),
    (rb"\x7fELF|MZ|\xcf\xfa\xed\xfe", "a binary file", SPEC),
)
"""The beginning of a file, what it is, and what can be done."""

_ZIPS = (
    (
        rb"models/[^/]{1,200}\.json|/data/weights/weight_\d", "an exported program of PyTorch",
        "its name has to end in `.pt2`: rename it",
    ),
    (
        rb"PK\x03\x04.{26}[^/]{1,200}/(constants\.pkl|code/)", "a TorchScript program",
        "export the module that it was made of: " + EXPORT,
    ),
    (
        rb"PK\x03\x04.{26}(model\.weights\.h5|config\.json|metadata\.json)", "a Keras model",
        ONNX.replace("{way}", "`keras.saving.load_model(\"{name}\").export(\"model.onnx\", format=\"onnx\")`"),
    ),
    (
        rb"data\.pkl.{0,120}?\x80\x02c(?!collections\nOrderedDict|torch\._utils)", "a pickled object of PyTorch",
        "a module in it is not opened: load it in Python and give it to `archdsl.load(module, inputs)`; " + WEIGHTS,
    ),
    (rb"data\.pkl", "a PyTorch checkpoint", WEIGHTS),
    (rb"PK\x03\x04.{26}[^\n]{1,200}\.npy", "a NumPy archive", WEIGHTS),
    (rb"", "a zip archive, perhaps a PyTorch checkpoint", WEIGHTS),
)  # fmt: skip
"""What is somewhere in a zip archive, what that is, and what can be done; the first that holds."""

_TEXT = (
    (r"\.prototxt", r"^\s*(name\s*:|layers?\s*\{|input\s*:)", "a network definition of Caffe", SPEC),
    (r"\.cfg", r"^\s*\[(net|network|convolutional)\]", "a network definition of Darknet", SPEC),
    (
        r"^$",
        r"^(backbone|head|depth_multiple|scales)\s*:",
        "a model of Ultralytics, in YAML",
        ONNX.replace("{way}", "`yolo export model={name} format=onnx`"),
    ),
    (r"^$", r"^(nc|model)\s*:", "a YAML definition of another tool", SPEC),
    (
        r"^$",
        r"^<net\s[^>]*version=",
        "a model of OpenVINO",
        ONNX.replace("{way}", "give the model that it was converted from"),
    ),
    (r"\.py", r"^(import|from)\s+\w+|^\s*(class|def)\s+\w+.*:\s*$", "Python source", SPEC),
    (r"\.json", r"^\s*\{", "JSON", "a graph in the data form must be called .json"),
    (r"\.html?", r"^\s*<(!doctype|html)", "a web page", "was the raw file meant to be downloaded?"),
    (r"^$", r"^version https://git-lfs", "a pointer of Git LFS, not the file", "fetch the file: `git lfs pull`"),
)
"""The ending, a line of the text, what it is, and what can be done. Ending and line speak each for itself."""


_NAMES = (
    (r"\.(mlmodel|mlpackage|mlmodelc)$", "a model of Core ML", "give the model that it was converted from"),
    (r"\.(caffemodel)$", "a trained model of Caffe", "convert it to ONNX"),
    (r"\.(pdmodel|pdiparams)$", "a model of Paddle", "`paddle2onnx --model_dir . --save_file model.onnx`"),
    (r"\.(pb|ckpt\.meta)$", "a TensorFlow graph", "`python -m tf2onnx.convert --input {name} --output model.onnx`"),
)
"""The ending of a file without magic numbers, what it is, and how it becomes one that is read."""


def foreign(data: bytes, name: str) -> tuple[str, str] | None:
    """What a file of another tool is, and what can be done with it; ``None`` where nothing is known of it."""
    found = _by_bytes(data) or _by_name(data, name)
    if found is None and b"\0" not in data[:4096] and not re.search(_OURS, data[:4096]):
        found = _by_text(data, name)
    if found is None:
        return None
    what, help = found
    named = re.search(r"has to end in `(\.\w+)`", help)
    if named is not None and name.lower().endswith(named[1]):  # by this name it is read, but not by every command
        help = "this command takes specs; `archdsl cost {name}`, `check`, `show` and others take models"
    return what, help.replace("{name}", name)


_OURS = re.compile(rb"^(network|block|use)\s", re.MULTILINE)
LOOKED_AT = 1 << 22
"""Bytes in which members of an archive are looked for."""


def _by_bytes(data: bytes) -> tuple[str, str] | None:
    if data[:4] == b"PK\x03\x04":
        inside = data[:LOOKED_AT]
        return next((what, help) for part, what, help in _ZIPS if re.search(part, inside, re.DOTALL))
    return next(((what, help) for magic, what, help in _MAGIC if re.match(magic, data, re.DOTALL)), None)


def _by_name(data: bytes, name: str) -> tuple[str, str] | None:
    for ending, what, way in _NAMES:
        if re.search(ending, name.lower()):
            return what, ONNX.replace("{way}", way)
    if name.lower().endswith(".onnx") or (data[:1] == b"\x08" and b"\0" in data[:4096]):
        return "an ONNX model", MODEL
    return None


def _by_text(data: bytes, name: str) -> tuple[str, str] | None:
    head = data[:4096].decode("utf-8", "replace")
    for ending, line, what, help in _TEXT:
        if re.search(ending + "$", name.lower()) or re.search(line, head, re.MULTILINE):
            return what, help
    return None
