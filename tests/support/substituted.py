"""Sound programs with one expression replaced by a fault: that fault must be told, at its place, and nothing else.

    python tests/support/substituted.py --count 20 --seed 1

Every expression of a program of ``planted.py`` is replaced in turn, by an unknown name and by a division by zero. Where
the place may hold no such expression (the callee of a call is a name), the parser's word is taken and the place is left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import planted

from archdsl.source import Source
from archdsl.syntax import spec
from archdsl.syntax.parse import parse_file
from archdsl.syntax.walk import walk

FAULTS = (("E0201", "nowhere"), ("E0212", "(1 // 0)"))


def places(text: str) -> list[tuple[int, int]]:
    """Where the expressions of a text stand, each place once."""
    tree = parse_file(Source("substituted.arch", text))
    return sorted({(node.span.start, node.span.end) for node in walk(tree) if isinstance(node, spec.Expr)})


def mutants(text: str) -> Iterator[planted.Planted]:
    """The text with one expression replaced, and the fault that must be told. A string may be a label, and a name in its
    place would be another label.
    """
    for start, end in places(text):
        for code, wrong in FAULTS:
            if text[start] != '"' or code != "E0201":
                yield planted.Planted(text[:start] + wrong + text[end:], [(code, start, start + len(wrong))])


def experiment(seed: int, number: int, folder: Path, most: int = 4, share: float = 1.0) -> tuple[int, list[str]]:
    """How many mutants of one program were tried (a ``share`` of them), and what went wrong."""
    random = Random(f"{seed}:{number}")
    sound = planted.program(planted.parts(random, random.randint(1, most)), frozenset())
    tried, wrong = 0, []
    for mutant in mutants(sound.text):
        if random.random() >= share:
            continue
        found = planted.told(mutant.text, folder)
        may_idle = mutant.faults[0][0] == "E0212" and mutant.faults[0][1] < sound.text.index("network Net")
        if any(code.startswith("E01") for code, _, _ in found) or (may_idle and not found):
            continue  # no expression may stand here; or the block, the default or the file's `let` is not needed
        tried += 1
        if found != mutant.faults:
            code, start, end = mutant.faults[0]
            line = mutant.text.count("\n", 0, start)
            told = [f"{c} {mutant.text[s:e]!r}" for c, s, e in found]
            wrong.append(
                f"{number}: {mutant.text.splitlines()[line]!r}: {code} {mutant.text[start:end]!r}, told {told}"
            )
    return tried, wrong


def main() -> int:
    """Print what went wrong; 1 where anything did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tried, wrong = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            some, faults = experiment(options.seed, number, Path(folder))
            tried, wrong = tried + some, wrong + len(faults)
            print(*faults, sep="\n", end="\n" if faults else "")
    print(f"{wrong} of {tried} mutants are not told as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
