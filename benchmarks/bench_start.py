"""Cold start: a whole ``archdsl check`` against the bare import of the libraries a compiler like it stands on.

Promise: at most 1.8 times as long.
"""

from __future__ import annotations

import argparse
import sys

from measure import ARCHDSL, interleave, seconds, verdict

LIMIT = 1.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="few rounds, and a margin for a busy machine")
    parser.add_argument("--rounds", type=int, default=0)
    options = parser.parse_args()
    rounds = options.rounds or (5 if options.smoke else 31)
    samples = interleave(
        {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import lark, pydantic, typer, rich": [sys.executable, "-c", "import lark, pydantic, typer, rich"],
            "archdsl check specs/mobilenet_v2.arch": [*ARCHDSL, "check", "specs/mobilenet_v2.arch"],
        },
        rounds,
    )
    base = seconds(samples["import lark, pydantic, typer, rich"])
    print(f"median of {rounds} interleaved runs, whole processes")
    for name, found in samples.items():
        print(f"{seconds(found) * 1000:8.1f} ms  {seconds(found) / base:5.2f}x  {name}")
    ratio = seconds(samples["archdsl check specs/mobilenet_v2.arch"]) / base
    limit = LIMIT * (1.25 if options.smoke else 1)
    verdict([f"check takes {ratio:.2f}x of the imports, more than {limit:.2f}x"] if ratio > limit else [])


if __name__ == "__main__":
    main()
