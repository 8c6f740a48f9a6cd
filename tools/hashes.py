"""Writes ``tests/data/hashes.json``: what every variant of the zoo compiles to, as hashes ("replay before refactor").

    python tools/hashes.py            # write
    python tools/hashes.py --check    # say which variants moved; exit 1 if any did

A change that should change no result moves no hash. Two hashes a variant: of the printed graph, and of the bytes of the
ONNX structure without version, metadata and documentation, so that a release or a comment moves none.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import archdsl
from archdsl.backends.onnx import OnnxOptions, backend
from archdsl.graph import Graph
from archdsl.reading import zoo_files

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "tests" / "data" / "hashes.json"
Hashes = dict[str, dict[str, str]]


def graphs() -> Iterator[tuple[str, Graph]]:
    """Every variant in ``specs/`` and its graph, sorted by file."""
    for path in zoo_files():
        program = archdsl.load(path)
        yield from ((variant, program.graph(variant)) for variant in program.variants)


def hashes_of(graph: Graph) -> dict[str, str]:
    """The hashes of one graph."""
    bare = Graph(graph.name, graph.inputs, graph.nodes, graph.outputs)
    structure = backend.lower(bare, OnnxOptions(weights="none"))
    return {"graph": _hash(str(bare).encode()), "onnx": _hash(structure)}


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def current() -> Hashes:
    """The hashes of the zoo as it compiles now."""
    return {variant: hashes_of(graph) for variant, graph in graphs()}


def kept() -> Hashes:
    """The hashes in the file."""
    found: Hashes = json.loads(TARGET.read_text(encoding="utf-8"))
    return found


def document(hashes: Hashes) -> str:
    """The text of the file: a line for each variant, sorted."""
    lines = [f"  {json.dumps(name)}: {json.dumps(hashes[name])}" for name in sorted(hashes)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def moved(old: Hashes, new: Hashes) -> list[str]:
    """A line for every variant that is new, gone or different."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            found.append(f"{name}: {'new' if name in new else 'gone'}")
        elif parts := [part for part in old[name] if old[name][part] != new[name][part]]:
            found.append(f"{name}: {' and '.join(parts)} moved")
    return found


def main(check: bool) -> int:
    """Write the file, or tell what moved."""
    new = current()
    if not check:
        TARGET.write_text(document(new), encoding="utf-8")
        return 0
    found = moved(kept(), new)
    sys.stdout.writelines(f"{line}\n" for line in found)
    return bool(found)


if __name__ == "__main__":
    from options import given

    sys.exit(main(given(__doc__, check="say which variants moved; exit 1 if any did").check))
