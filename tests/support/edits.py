"""A project of a few files, and edits of it as a person makes them: lines, numbers, names, damage, undoing, files."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from fuzz_mutate import mutate

BLOCKS = """arch 1
use std.cnn (conv_bn)

let deep = 2

## A unit.
block unit(c, stride = 1) {
  conv: conv(c, 3, stride = stride)
  batch_norm -> relu
}

block head(classes) { global_avg_pool -> flatten; fc: linear(classes) }

block wide(c) = unit(2 * c) -> conv_bn(c, 1)
"""
NET = """arch 1
use "blocks.arch" (unit, head, deep)
use std.image (imagenet)

let widths = [8, 16]
let twice(n) = 2 * n

## A small network.
network Net(n = deep, classes = 4) {
  input x: f32[N, 3, 16, 16] with imagenet
  for c in widths as i { "stage{i}": repeat n { unit(c) } }
  head(classes)
  output y with labels("classes.txt")
  weights other { "stage{i}.{j}" -> "layers.{i}.{j}" { "conv" -> "c" }; "head.fc" -> "last" }
}

# below, the variants
variant small = Net() {
  expect params == 4_460
  budget { macs <= 9M; receptive_field >= 9 }
}
variant large = Net(n = twice(2)) { budget { params <= 20K } }

network Other(c: int) { input x: f32[N, 3, H = 16 >= 8, W = 16]; unit(c, 2) -> unit(c); output z }
variant other = Other(8) { budget { params <= 900 } }
"""
MORE = """arch 1
use "blocks.arch" (wide)
use "net.arch" (Net)
use zoo.squeezenet (fire)
network Wide(c = 8) { input x: f32[N, 3, 8, 8]; trunk: wide(c); fire(4, 8); output y }
network Both() { input x: f32[N, 3, 16, 16]; Net(1); output y }
variant wide_8 = Wide()
variant wide_9 = Wide(c = 9) { budget { params at trunk <= 1000 } }
"""
CONFIG = """[[budget]]
spec = "specs/*.arch"
params = 30_000

[[budget]]
spec = "specs/net.arch:small"
macs = "8M"
"""
FILES = {
    "specs/blocks.arch": BLOCKS, "specs/net.arch": NET, "specs/more.arch": MORE, "specs/classes.txt": "a\nb\nc\nd\n",
    "archdsl.toml": CONFIG,
}  # fmt: skip


class Project:
    """Files in a folder, and what each was before every edit."""

    def __init__(self, folder: Path, files: dict[str, str], seed: int) -> None:
        self.folder = folder
        self.random = Random(seed)
        self.was: dict[str, list[str | None]] = {}
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str | None) -> None:
        """Give a file a text; ``None``: there is none."""
        path = self.folder / name
        self.was.setdefault(name, []).append(text)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def edit(self) -> str:
        """One edit; what it was, to be told."""
        random = self.random
        name = random.choice(sorted(self.was))
        text = self.was[name][-1]
        if text is None or random.random() < 0.35:
            before = random.choice([self.was[name][0], *self.was[name][-3:-1]])
            self.write(name, before)
            return f"{name} as it was"
        make = random.choice(EDITS)
        changed = make(text, random)
        self.write(name, changed)
        return f"{name}: {make.__name__}"


def comment(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(
        random.randrange(len(lines) + 1), random.choice(["# a remark\n", "## a remark\n", "\n", "\n\n# on two\n"])
    )
    return "".join(lines)


def line_on_top(text: str, random: Random) -> str:
    return random.choice(["# on top\n", "\n", "\n\n\n"]) + text


def number(text: str, random: Random) -> str:
    found = list(re.finditer(r"\b\d+\b", text))
    if not found:
        return text
    one = random.choice(found)
    return text[: one.start()] + str(int(one[0]) + random.choice([-1, 1, 7])) + text[one.end() :]


def name(text: str, random: Random) -> str:
    word = random.choice(re.findall(r"\b[a-z]{3,}\w*", text) or ["x"])
    return re.sub(rf"\b{word}\b", f"{word}_2", text, count=random.choice([0, 0, 1]))


def line_away(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[random.randrange(len(lines))]
    return "".join(lines)


def lines_swapped(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    random.shuffle(lines) if random.random() < 0.1 else lines.append(random.choice(lines) if lines else "")
    return "".join(lines)


def part_moved(text: str, random: Random) -> str:
    parts = text.split("\n\n")
    parts.insert(random.randrange(len(parts) + 1), parts.pop(random.randrange(len(parts))))
    return "\n\n".join(parts)


def damage(text: str, random: Random) -> str:
    return mutate(text, random, text)


def gone(text: str, random: Random) -> None:
    return None


EDITS = (
    comment,
    comment,
    line_on_top,
    number,
    number,
    number,
    name,
    name,
    line_away,
    lines_swapped,
    part_moved,
    damage,
    gone,
)
