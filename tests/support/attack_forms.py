"""Networks to attack with, before they are damaged."""

from __future__ import annotations

import re
from functools import cache
from random import Random
from typing import Any, NamedTuple

from op_examples import Example, all_examples

from archdsl.reading import zoo_files


class Input(NamedTuple):
    """A file to be attacked with: the ending of its name, its text, the text beside it, and options of commands."""

    text: str
    ending: str = ".arch"
    options: tuple[str, ...] = ()
    beside: str = ""


@cache
def examples() -> list[Example]:
    return all_examples()


@cache
def zoo() -> tuple[str, ...]:
    """The shorter texts of the zoo."""
    files = (path.read_text(encoding="utf-8") for path in zoo_files())
    return tuple(text for text in files if len(text) < 3000)


def written(value: Any) -> str:
    """An argument as the language writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(written, value))}]"
    return repr(value) if isinstance(value, float) else str(value)


def spec_of(r: Random, name: str, given: dict[str, str], types: list[str], before: str = "", after: str = "") -> str:
    """A network that applies one operator to its inputs."""
    lines = [f"  input x{i}: {type}" for i, type in enumerate(types)]
    call = ", ".join(f"{key} = {value}" for key, value in given.items())
    flow = "x0" if len(types) == 1 else f"({', '.join(f'x{i}' for i in range(len(types)))})"
    named = ", ".join([*(f"x{i}" for i in range(len(types))), *([call] if call else [])])
    style = r.randrange(3)
    stage = f"{flow} -> {name}({call})" if style else f"{name}({named})"
    if not types:
        stage = f"{name}({call})"
    head = f"arch 1\n{before}\nnetwork Net(p = 1) {{\n"
    return head + "\n".join(lines) + f"\n  y: {stage}\n{after}\n  output y\n}}\n"


def name_of(example: Example) -> str:
    """The operator's name."""
    return re.match(r"\w+", example.text)[0]  # type: ignore[index]


def given_of(example: Example) -> dict[str, str]:
    """The arguments that differ from their defaults, as the language writes them."""
    signature = type(example.op).signature
    return {
        name: written(getattr(example.op, name))
        for name, argument in signature.items()
        if getattr(example.op, name, None) != argument.default
    }


def plain(body: str, before: str = "", after: str = "", x: str = "f32[N, 8, 8, 8]") -> str:
    lines = "\n".join(f"  {line}" for line in body.split("\n"))
    return f"arch 1\n{before}\nnetwork Net(p = 1) {{\n  input x0: {x}\n{lines}\n}}\n{after}\n"
