"""Checking a folder again after one edit, while it is watched, against checking it for the first time.

One process, CPU time: ``check`` of a copy of the zoo in rounds of the engine that ``--watch`` uses. Each round finds
what a check finds that knows nothing. Promise: a comment elaborates nothing, an edit of one block only the networks
that reach it, and the check of the whole folder takes at most a tenth of the first one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

from measure import ROOT, verdict

from archdsl.driver import renewing
from archdsl.engine import Engine
from archdsl.project import checking
from archdsl.project.checked import Check

LIMIT = 1 / 10
SMALL = ("resnet.arch", "wide_resnet.arch", "alexnet.arch", "vgg.arch", "unet.arch", "lenet.arch")
EDITED = "resnet.arch"
BLOCK = "block plain(c, stride = 1) {"
"""Of the networks without shortcuts, which are three of its variants."""

NONE = ("nothing", "a comment line on top", "as it was", "and mended")
"""Edits that elaborate nothing."""


def edits(text: str) -> dict[str, str]:
    """What is done to the text, each for itself."""
    assert BLOCK in text
    return {
        "nothing": text,
        "a comment line on top": "# a remark\n" + text,
        "a line in a block": text.replace(BLOCK, f"{BLOCK}\n  relu", 1),
        "a number in the network": text.replace("classes = 1000", "classes = 1001", 1),
        "as it was": text,
        "a mistake": text.replace("global_avg_pool", "global_avg_pol", 1),
        "and mended": text,
    }


def checked(engine: Engine) -> tuple[Check, float]:
    start = time.process_time()
    with renewing(engine):
        found = checking.check("specs")
    return found, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a few families")
    smoke = parser.parse_args().smoke
    with tempfile.TemporaryDirectory() as folder:
        specs = Path(folder) / "specs"
        shutil.copytree(ROOT / "archdsl" / "specs", specs)
        if smoke:
            for file in [path for path in specs.rglob("*.arch") if path.name not in SMALL]:
                file.unlink()
        os.chdir(folder)
        engine = Engine()
        found, cold = checked(engine)
        everything = engine.elaborated
        print(f"{'the first round':28} {everything:4} networks elaborated  {cold:7.3f} s")
        kept = True
        edited = specs / EDITED
        worst = 0.0
        counts = {}
        for name, text in edits(edited.read_text()).items():
            edited.write_text(text)
            found, seconds = checked(engine)
            counts[name] = engine.elaborated
            kept &= str(found) == str(checking.check("specs"))
            worst = max(worst, seconds)
            print(f"{name:28} {counts[name]:4} networks elaborated  {seconds:7.3f} s  1/{cold / seconds:.0f}")
        os.chdir(ROOT)
    failures = [] if kept else ["a round says what a new process says"]
    failures += [f"{name}: nothing is elaborated" for name in NONE if counts[name]]
    if not 0 < counts["a line in a block"] < counts["a number in the network"] < everything:
        failures.append("what does not reach the block is not elaborated")
    if worst > (1.0 if smoke else LIMIT) * cold:
        failures.append(f"at most {LIMIT:.2f} of the first round: {worst:.3f} s of {cold:.3f} s")
    verdict(failures)


if __name__ == "__main__":
    main()
