"""Configurations and baselines that were damaged, and what becomes of them.

``python tests/support/mutate_config.py COUNT SEED`` checks that many, each in this process, and prints the codes that
were found, the longest time in processor seconds, and the greatest memory in MiB. What is neither clean nor a finding
with a code is an error.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SPEC = """arch 1
network Net(c = 8) {
  input x: f32[N, 3, H = 16, W = 16]
  stem: conv(c, 3) -> relu
  conv(8, 1)
  output y
}
variant net = Net() { budget { macs <= 1M } }
"""
CONFIG = """[[budget]]
spec = "*.arch"
macs = "300M"
receptive_field = ">= 1"
"params of stem" = 1_000
max_increase = { params = "2 %", macs = "5M", "params of stem" = 0 }

[[budget]]
spec = "net.arch:net"
with = { c = 12 }
peak_activations = "8 MiB"
level = "warn"
"""
VALUES = [
    "1", "true", "-1", "0", "1e999", "nan", "inf", "[]", "{}", '""', "[[1], [2]]", "1979-05-27", "07:32:00", '"\\u0000"',
    "9" * 400, '"' + "x" * 2000 + '"', "'''a\nb'''", "0x10", "[1, [2, [3]]]", '{ a = { b = { c = 1 } } }', '"300 Q"',
    '">= -3"', '"50 %"', '"1e400 %"', '"../../../**/x*.arch"', '"/**"', '"[a-"', '"' + "*a" * 300 + '"', '"net.arch:"',
    '"..\\\\..\\\\x"', '"\\U0010ffff"', '"macs"', '"== 3"', "null",
]  # fmt: skip
JSON = [None, True, -1, 0, 1e308, "", "x", [], {}, [[]], {"a": 1}, "H * W", "(" * 60 + "H" + ")" * 60, "H ** 64",
        10**30, "9" * 5000, [None], ["x", 1], "\ud800", "- 3", "H // 0", "2 %", float("nan")]  # fmt: skip


def config(rng: random.Random) -> str:
    """A damaged ``archdsl.toml``."""
    text = CONFIG
    for _ in range(rng.randrange(1, 4)):
        lines = text.splitlines()
        at = rng.randrange(len(lines)) if lines else 0
        how = rng.randrange(9)
        if how == 0 and lines:
            lines[at] = re.sub(r"=.*", lambda _: f"= {rng.choice(VALUES)}", lines[at])
        elif how == 1 and lines:
            del lines[at]
        elif how == 2 and lines:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif how == 3:
            lines.insert(
                at,
                rng.choice(
                    ["[budget]", "[tool]", "[[budgets]]", "tool = 1", "budget = 1", "[a.b.c]", "]", "#", "with = 3"]
                ),
            )
        elif how == 4 and text:
            place = rng.randrange(len(text))
            lines = (text[:place] + rng.choice('"[]{}=\n\0\\#.,\u202e\xff') + text[place:]).splitlines()
        elif how == 5 and text:
            start = rng.randrange(len(text))
            lines = (text[:start] + text[start + rng.randrange(30) :]).splitlines()
        elif how == 6:
            lines.append(
                f"{rng.choice(['macs', 'x', 'spec', 'level', 'with', 'depth of a.b', 'params at ' + 'a' * 300])!r} = {rng.choice(VALUES)}"
            )
        elif how == 7:
            lines.append("a = " + "[" * rng.choice([3, 300, 30_000]))
        else:
            lines = [line.replace("params", rng.choice(["macs", "nodes", "stride", "p" * 500])) for line in lines]
        text = "\n".join(lines)
    return text


def places(data: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Every place of a document."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def baseline(rng: random.Random, text: str) -> str:
    """A damaged baseline."""
    if rng.random() < 0.3:
        start = rng.randrange(len(text))
        return text[:start] + rng.choice(["", "[", "}", '"', "1", "\0"]) + text[start + rng.randrange(60) :]
    data = json.loads(text)
    for _ in range(rng.randrange(1, 4)):
        path = rng.choice(list(places(data)))
        if not path:
            continue
        owner = data
        for key in path[:-1]:
            owner = owner[key]  # type: ignore[index]
        if rng.random() < 0.2:
            del owner[path[-1]]  # type: ignore[attr-defined]
        else:
            owner[path[-1]] = rng.choice(JSON)  # type: ignore[index]
    return json.dumps(data)


def main(count: int, seed: int) -> None:
    """Check ``count`` of them."""
    import memory
    from console import run

    rng = random.Random(seed)
    codes: Counter[str] = Counter()
    longest, bad = 0.0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.arch").write_text(SPEC)
        (folder / "archdsl.toml").write_text(CONFIG)
        done = run("archdsl check net.arch --save-baseline old.json", folder)
        assert done.status == 0, done.output
        whole = (folder / "old.json").read_text()
        for _ in range(count):
            against = rng.random() < 0.5
            (folder / "archdsl.toml").write_text(CONFIG if against else config(rng), errors="replace")
            (folder / "old.json").write_text(baseline(rng, whole) if against else whole, errors="replace")
            begin = time.process_time()
            done = run("archdsl check net.arch --against old.json --format concise", folder)
            longest = max(longest, time.process_time() - begin)
            found = re.findall(r"\b[EW]\d{4}\b", done.output)
            if (done.status and (not found or "E0014" in found)) or "Traceback" in done.output:
                bad += 1
                print(
                    (folder / ("old.json" if against else "archdsl.toml")).read_text()[:3000],
                    done.output[-1500:],
                    sep="\n---\n",
                )
            codes[",".join(sorted(set(found))) or "clean"] += 1
    told = {
        "count": count,
        "bad": bad,
        "longest": round(longest, 2),
        "memory": memory.peak(),
        "codes": codes.most_common(12),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
