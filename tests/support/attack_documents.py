"""Data documents that attack: the data form of networks, with values replaced, doubled and removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from attack_forms import Input, examples, given_of, name_of, spec_of
from attack_values import JSON, NO_DOCUMENTS, PUT_IN

from archdsl import data
from archdsl.diagnostics import DiagnosticError
from archdsl.driver import open_source
from archdsl.project.targets import graph_of
from archdsl.source import Source


@cache
def lenet() -> str:
    """The data form of a network of the zoo."""
    return data.to_json(graph_of("lenet5"))


def _small(r: Random) -> str:
    """The data form of one operator; of the zoo's network where it is refused."""
    example = r.choice(examples())
    text = spec_of(r, name_of(example), given_of(example), [str(t) for t in example.input_types])
    try:
        return data.to_json(open_source(Source("case.arch", text), None).graph())
    except DiagnosticError:
        return lenet()


def document(r: Random) -> Input:
    """The data form, with values replaced, doubled and removed; as JSON or YAML."""
    tree = json.loads(_small(r) if r.random() < 0.75 else lenet())
    for _ in range(r.choice([1, 1, 2, 3, 6])):
        places = list(_places(tree))
        if not places:
            break
        holder, key = r.choice(places)
        how = r.randrange(8)
        if how < 4:
            holder[key] = deepcopy(r.choice(JSON))
        elif how == 4:
            del holder[key]
        elif how == 5:
            other, place = r.choice(places)
            holder[key] = deepcopy(other[place]) if held(other, place) else 3
        elif isinstance(holder, list):
            holder.insert(r.randrange(len(holder) + 1), deepcopy(holder[key]))
        else:
            holder[r.choice(["x", "", "op", "shape", str(key) + "s", "format_version"])] = json.loads(
                json.dumps(holder[key])
            )
    text = json.dumps(tree, indent=r.choice([None, 1]))
    if r.random() < 0.25:
        at = r.randrange(len(text))
        text = text[:at] + r.choice(PUT_IN) + text[at + r.choice([0, 1, 30]) :]
    if r.random() < 0.03:
        text = r.choice(NO_DOCUMENTS)
    return Input(text, r.choice([".json", ".json", ".yaml"]))


def held(holder: Any, key: Any) -> bool:
    """Whether a place of the tree is still there."""
    return key < len(holder) if isinstance(holder, list) else key in holder


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, dict):
        for key in tree:
            yield tree, key
            yield from _places(tree[key])
    elif isinstance(tree, list):
        for i, one in enumerate(tree):
            yield tree, i
            yield from _places(one)
