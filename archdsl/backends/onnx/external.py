"""Files of weights beside their models: what they are called, and those that no model names any more.

The name has a hash of the contents, so that a model and its weights fit at every moment while both are replaced. Files
that others wrote have names of their own: of these the model has length and digest, so that a change is noticed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from archdsl.backends.onnx.options import OnnxOptions
from archdsl.files import digest_of, open_file
from archdsl.interface import REFERRED
from archdsl.writing import remove_file


def data_file(model: Path, digest: str) -> Path:
    """The file of a model's weights, by a hash of them (16 hexadecimal digits)."""
    return model.with_name(f"{model.stem}.{digest}.onnx.data")


def recorded(options: OnnxOptions, target: Path, places: Mapping[str, tuple[str, int]]) -> OnnxOptions:
    """The options with what the model says of the files that it refers to: the bytes and the digest of each."""
    names = sorted({name for name, _ in places.values()})
    if not names:
        return options
    files = {name: [(target.parent / name).stat().st_size, digest_of(target.parent / name)] for name in names}
    return options.replace(metadata={**options.metadata, REFERRED: json.dumps(files, ensure_ascii=False)})


def remove_unnamed(model: Path) -> None:
    """Remove earlier weights of a model that no model in the folder names."""
    ours = re.compile(re.escape(model.stem) + r"\.[0-9a-f]{16}\.onnx\.data")
    names = os.listdir(model.parent)  # noqa: PTH208 - of names there may be many
    old = [model.with_name(name) for name in names if ours.fullmatch(name)]
    if not old:
        return
    models = [model.with_name(name) for name in names if name.endswith(model.suffix)]
    for file in _unnamed(old, [model, *models]):
        remove_file(file)


def _unnamed(files: list[Path], models: list[Path]) -> list[Path]:
    """The files whose names occur in none of the models."""
    import mmap

    left = files
    for model in models:
        if not left or not model.is_file() or not model.stat().st_size:
            continue
        with open_file(model) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            left = [one for one in left if content.find(one.name.encode("utf-8", "surrogateescape")) < 0]
    return left
