"""A small spec that compiles, as a start."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.writing import write_file

STARTER = """arch 1

## A small residual network for 32 x 32 images (arXiv:1603.05027): change it and run `archdsl check`.

block unit(c, stride = 1) = residual(shortcut = project(c, stride)) {
  batch_norm -> relu -> conv(c, 3, stride = stride, bias = false)
  batch_norm -> relu -> conv(c, 3, bias = false)
}

block project(c, stride = 1) {
  if in.c == c and stride == 1 { identity } else { avg_pool(stride) -> conv(c, 1, bias = false) }
}

block stage(c, stride = 1, n = 2) {
  repeat n as i { unit(c, stride = stride if i == 0 else 1) }
}

network SmallNet(width = 16, classes = 10) {
  input image: f32[N, 3, 32, 32]

  stem: conv(width, 3, bias = false)
  layer1: stage(width)
  layer2: stage(2 * width, stride = 2)
  layer3: stage(4 * width, stride = 2) :: [N, _, 8, 8]
  batch_norm -> relu -> global_avg_pool -> flatten
  classifier: linear(classes)

  output logits
}

variant small_net = SmallNet() {
  budget { params <= 200K; macs <= 30M }
}
variant small_net_wide = SmallNet(width = 64)
"""


def init(path: str | Path = "model.arch", *, force: bool = False) -> Path:
    """Write a starter spec to a file, or into a folder as ``model.arch``; the file.

    Refuses (E0006) to replace a file unless ``force`` says so, and (E0007) another ending.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "model.arch"
    if path.suffix != ".arch":
        raise Refusal("E0007", f"`{path}` must end in .arch")
    if path.exists() and not force:
        raise Refusal("E0006", f"`{path}` already exists", help="choose another name, or replace it with `--force`")
    write_file(path, STARTER)
    return path
