"""Files of other tools: what a file is that was given for a spec, and what can be done with it.

Only for messages, so it is loaded when something is wrong. What a file is, is read off its first bytes (the formats'
own magic numbers), and for text off its ending and first lines.
"""

from __future__ import annotations

import re

WEIGHTS = "for its weights: `archdsl weights inspect {name}`, or `archdsl compile SPEC --weights {name}`"
SPEC = "write the architecture as a spec: `archdsl init` makes a first one"
MODEL = "`archdsl run {name}` runs it, `archdsl weights inspect {name}` shows its weights"
RUN = "give it to a network: `archdsl run SPEC --input {name}`"

_MAGIC = (
    (rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP", "a picture", RUN),
    (rb"\x93NUMPY", "a NumPy array", RUN),
    (rb"\x89HDF", "an HDF5 file, as Keras writes them", "save the weights as .npz or .safetensors; " + SPEC),
    (rb".{4}TFL3", "a TensorFlow Lite model", SPEC),
    (rb"PK\x03\x04.{0,200}data\.pkl|\x80[\x02-\x05]", "a PyTorch checkpoint", WEIGHTS),
    (rb"PK\x03\x04.{0,200}\.npy", "a NumPy archive", WEIGHTS),
    (rb"PK\x03\x04", "a zip archive, perhaps a PyTorch checkpoint", WEIGHTS),
    (rb"[^\0]..\0{5}\{", "a safetensors file", WEIGHTS),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf", "a compressed file", "unpack it first"),
    (rb"\x7fELF|MZ|\xcf\xfa\xed\xfe|GGUF", "a binary file", SPEC),
)
"""The beginning of a file, what it is, and what can be done."""

_TEXT = (
    (r"\.prototxt", r"^\s*(name\s*:|layers?\s*\{|input\s*:)", "a network definition of Caffe", SPEC),
    (r"\.cfg", r"^\s*\[(net|network|convolutional)\]", "a network definition of Darknet", SPEC),
    (r"\.ya?ml", r"^(nc|backbone|head|model|depth_multiple)\s*:", "a YAML definition of another tool", SPEC),
    (r"\.py", r"^(import|from)\s+\w+|^\s*(class|def)\s+\w+.*:\s*$", "Python source", SPEC),
    (r"\.json", r"^\s*\{", "JSON", "a graph in the data form must be called .json"),
    (r"\.html?", r"^\s*<(!doctype|html)", "a web page", "was the raw file meant to be downloaded?"),
    (r"^$", r"^version https://git-lfs", "a pointer of Git LFS, not the file", "fetch the file: `git lfs pull`"),
)
"""The ending, a line of the text, what it is, and what can be done. Ending and line speak each for itself."""


def foreign(data: bytes, name: str) -> tuple[str, str] | None:
    """What a file of another tool is, and what can be done with it; ``None`` where nothing is known of it."""
    found = next(((what, help) for magic, what, help in _MAGIC if re.match(magic, data, re.DOTALL)), None)
    if found is None and (name.lower().endswith(".onnx") or (data[:1] == b"\x08" and b"\0" in data[:4096])):
        found = "an ONNX model", MODEL
    if (
        found is None
        and b"\0" not in data[:4096]
        and not re.search(rb"^(network|block|use)\s", data[:4096], re.MULTILINE)
    ):
        head = data[:4096].decode("utf-8", "replace")
        for ending, line, what, help in _TEXT:
            if re.search(ending + "$", name.lower()) or re.search(line, head, re.MULTILINE):
                found = what, help
                break
    return None if found is None else (found[0], found[1].format(name=name))
