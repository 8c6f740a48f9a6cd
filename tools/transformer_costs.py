"""Computes the tables and charts of docs/transformer_costs.md from the specs: `python tools/transformer_costs.py`.

``--check`` tells what is not current. Tables stand in the page between ``<!-- NAME: … -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import ceil, floor, isqrt, log, log2
from pathlib import Path
from typing import Any, NamedTuple

import archdsl
from archdsl import dims, reading
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.cost import CostTable
from archdsl.graph import Graph
from archdsl.report.chart import FAINT, Chart, Scale, byte_unit, count_unit, in_unit

PAGE = Path(__file__).parents[1] / "docs" / "transformer_costs.md"
PICTURES = PAGE.parent / "pictures"

READERS = (
    "transformer_base", "bert_base", "bert_large", "gpt2", "gpt2_medium", "gpt2_large", "gpt2_xl", "t5_small",
    "t5_base", "qwen2_5_0_5b", "llama_3_2_1b", "gemma_2b", "phi_2", "mistral_7b", "llama_3_1_8b", "mixtral_8x7b",
    "llama_3_1_70b", "vit_b_16", "whisper_tiny", "mamba_130m",
)  # fmt: skip
"""Of two sequences both have T positions; those of a picture are its patches and one more."""
WRITERS = (
    "gpt2", "gpt2_medium", "gpt2_large", "gpt2_xl", "qwen2_5_0_5b", "llama_3_2_1b", "gemma_2b", "phi_2", "llama_3_1_8b",
    "llama_3_1_8b, kv = 32", "mixtral_8x7b", "llama_3_1_70b", "llama_3_1_70b, kv = 64",
)  # fmt: skip
"""Networks that write word by word."""
CALL = 512
"""Words in front of one that is written, and words that are read at once."""
MEMORY = {"bert_base": (128, 512), "gpt2": (256, 1024), "llama_3_2_1b": (1024, 8192), "llama_3_1_8b": (1024, 8192)}
TYPES = ("f32", "f16", "i8")


class Polynomial(NamedTuple):
    """``square`` T² + ``linear`` T + ``constant``."""

    constant: Fraction
    linear: Fraction
    square: Fraction

    @classmethod
    def through(cls, found: Callable[[int], int], at: tuple[int, int, int, int]) -> Polynomial:
        """The one that has the values at three points, and at a fourth, so that it is no accident."""
        (a, fa), (b, fb), (c, fc) = [(x, Fraction(found(x))) for x in at[:3]]
        square = ((fc - fa) / (c - a) - (fb - fa) / (b - a)) / (c - b)
        linear = (fb - fa) / (b - a) - square * (a + b)
        it = cls(fa - linear * a - square * a * a, linear, square)
        if it(at[3]) != found(at[3]):
            raise ValueError(f"{it} is not {found(at[3])} at {at[3]}")
        return it

    def __call__(self, t: int) -> Fraction:
        return self.constant + self.linear * t + self.square * t * t

    @property
    def crossing(self) -> int | None:
        """The nearest T at which the square is all of the others; ``None``: at none."""
        if self.square <= 0:
            return None
        root = isqrt(int(self.linear**2 + 4 * self.square * self.constant))
        return round((self.linear + root) / (2 * self.square))

    def __str__(self) -> str:
        terms = [f"{int(n):,}{x}" for n, x in zip(reversed(self), (" T²", " T", "")) if n]
        return " + ".join(terms).replace("+ -", "- ") or "0"


@cache
def graph(name: str, cached: bool = False) -> Graph:
    """A network of the zoo; ``name, kv = 32``: with another argument."""
    name, _, argument = name.partition(", ")
    settings: dict[str, Any] = {"cached": True} if cached else {}
    if argument:
        settings[argument.partition(" ")[0]] = int(argument.rpartition(" ")[2])
    return archdsl.load(reading.zoo_names()[name]).graph(name, **settings)


@cache
def polynomials(name: str, cached: bool = False) -> CostTable:
    """Its costs as polynomials."""
    return archdsl.cost(graph(name, cached), symbolic=True)


def over_positions(name: str, quantity: str) -> Polynomial:
    """A quantity of one example of T positions."""
    if "T" not in {str(symbol) for symbol in graph(name).symbols()}:
        return Polynomial.through(lambda t: of_picture(name, t, quantity), (50, 197, 442, 785))
    value = polynomials(name).total(quantity)
    return Polynomial.through(lambda t: number(value, S=t, T=t), (1, 2, 3, 4))


def of_picture(name: str, t: int, quantity: str) -> int:
    """The same of a picture of t - 1 patches of 16 x 16, and one position for the class."""
    made = archdsl.load(reading.zoo_names()[name]).graph(name, res=16 * isqrt(t - 1))
    found = archdsl.cost(made).total(quantity)
    assert isinstance(found, int)
    return found


def number(value: Any, **sizes: int) -> int:
    """A polynomial for one example."""
    found = dims.evaluate(value, {"N": 1, **sizes})
    assert isinstance(found, int), value
    return found


def longest(name: str) -> int | None:
    """Positions that a network has, at most."""
    return next((symbol.most for symbol in graph(name).symbols() if str(symbol) == "T"), None)


# Tables


def work() -> list[tuple[str, ...]]:
    """Parameters and MACs, and where the square overtakes."""
    rows: list[tuple[str, ...]] = [("network", "parameters", "MACs", "T² overtakes at", "positions at most")]
    for name in READERS:
        found, most = over_positions(name, "macs"), longest(name)
        params = f"{number(polynomials(name).total('params')):,}"
        crossing = "never" if found.crossing is None else f"{found.crossing:,}"
        rows.append((f"`{name}`", params, str(found), crossing, f"{most:,}" if most else ""))
    return rows


def memory() -> list[tuple[str, ...]]:
    """Weights, what all operators write, and what lives at once."""
    rows: list[tuple[str, ...]] = [
        ("network", "T", "weights", "all activations, in bytes", "peak", "peak with scores in memory")
    ]
    for name, lengths in MEMORY.items():
        for t in lengths:
            found = archdsl.memory(graph(name), {"T": t})
            written = str(over_positions(name, "activations"))
            rows.append((f"`{name}`", f"{t:,}", size(found.figures.weights), written, size(found.figures.peak),
                         size(found.kept)))  # fmt: skip
    return rows


def writing() -> list[tuple[str, ...]]:
    """One word after the other, with a cache."""
    rows: list[tuple[str, ...]] = [
        ("network", "heads", "of keys", "cache a word, f32", "MACs of a word", "for each word before it",
         f"FLOP/byte, {CALL} words at once", "FLOP/byte, one word")
    ]  # fmt: skip
    for name in WRITERS:
        costs = polynomials(name, cached=True)
        macs = [number(costs.total("macs"), P=p, T=1) for p in (0, 1)]
        attend = next(node for node in costs.graph.all_nodes() if node.op.name == "attend")
        heads = [str(value.type.shape[1]) for value in attend.inputs[:2]]
        both = [archdsl.cost(graph(name, cached=True), {"P": p, "T": t}) for p, t in ((0, CALL), (CALL, 1))]
        intensity = [f"{float(one.total('intensity')):.3g}" for one in both]  # type: ignore[arg-type]
        rows.append((f"`{name}`", *heads, f"{number(costs.total('states'), P=1, T=1):,}", f"{macs[0]:,}",
                     f"{macs[1] - macs[0]:,}", *intensity))  # fmt: skip
    return rows


def types() -> list[tuple[str, ...]]:
    """Weights and caches by element type."""
    heads = [f"{what}, {dtype}" for what in ("weights", "cache") for dtype in TYPES]
    rows: list[tuple[str, ...]] = [("network", "words", *heads)]
    for name in WRITERS:
        words = longest(name) or 8192
        weights = [number(archdsl.cost(graph(name)).total("params")) * per for per in (4, 2, 1)]
        rows.append((f"`{name}`", f"{words:,}", *map(size, weights), *(size(cached(name, words, d)) for d in TYPES)))
    return rows


def cached(name: str, words: int, dtype: str) -> int:
    """Bytes of the cache behind some words; the words themselves stay integers of 8 bytes."""
    return number(states(name, dtype), P=words, T=1)


@cache
def states(name: str, dtype: str) -> Any:
    """The same as a polynomial."""
    made = graph(name, cached=True)
    bound = Bound(made, symbolic=True, dtype=dtype)
    return sum(bound.bytes[value] for value in made.inputs if value.name in made.states)


def size(value: int) -> str:
    """Three figures of bytes: ``4.73 GiB``."""
    unit = byte_unit(value)
    shown = value / unit[0]
    return f"{shown:,.{max(0, 3 - len(str(int(shown))))}f} {unit[1]}"


def markdown(rows: list[tuple[str, ...]]) -> str:
    """A table whose columns are numbers but for the first."""
    lines = [rows[0], ("---", *["--:"] * (len(rows[0]) - 1)), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# Charts

COLORS = ("#0f5ea8", "#b4500f", "#1a7f4b", "#8a3fa0", "#a8262f", "#59636e")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 470, 84, 176, 92, 414


class Line(NamedTuple):
    """A figure over positions; ``mark``: a place that is a point."""

    name: str
    points: list[tuple[int, int]]
    mark: tuple[int, int] | None = None


def chart(title: str, told: str, up: str, along: str, lines: list[Line], bytes: bool) -> str:
    """Lines over powers of two; upwards, a step is ten times as much, of bytes four times."""
    drawing, base = Chart(WIDTH, HEIGHT, title, (told,)), 4 if bytes else 10
    across, heights = ([one for line in lines for one in list(zip(*line.points))[axis]] for axis in (0, 1))
    x = Scale(floor(log2(min(across))), ceil(log2(max(across))), LEFT, WIDTH - RIGHT)
    y = Scale(floor(log(min(heights), base) + 1e-9), ceil(log(max(heights), base) - 1e-9), BOTTOM, TOP)
    for power in range(int(x.low), int(x.high) + 1):
        drawing.line([(x(power), TOP), (x(power), BOTTOM)])
        drawing.text(x(power), BOTTOM + 18, f"{2**power:,}", size=11, color=FAINT, anchor="middle")
    for power in range(int(y.low), int(y.high) + 1):
        unit = (byte_unit if bytes else count_unit)(base**power)
        drawing.line([(LEFT, y(power)), (WIDTH - RIGHT, y(power))])
        drawing.text(LEFT - 8, y(power) + 4, in_unit(base**power, unit), color=FAINT, anchor="end")
    drawing.text(16, TOP - 14, up, color=FAINT)
    drawing.text(WIDTH - RIGHT, BOTTOM + 40, along, color=FAINT, anchor="end")
    placed = [[(x(log2(t)), y(log(n, base))) for t, n in line.points] for line in lines]
    names = apart([points[-1][1] for points in placed])
    for line, points, height, color in zip(lines, placed, names, COLORS):
        drawing.line(points, color, 2)
        drawing.text(points[-1][0] + 9, height + 4, line.name, color=color)
        if line.mark is not None:
            drawing.dot(
                x(log2(line.mark[0])), y(log(line.mark[1], base)), 4.5, color, "#ffffff", f"T = {line.mark[0]:,}"
            )
    return drawing.svg()


def apart(heights: list[float], least: float = 15) -> list[float]:
    """The same from above to below, moved so that names do not meet."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    found = list(heights)
    for above, below in pairwise(order):
        found[below] = max(found[below], found[above] + least)
    return found


def drawn() -> dict[str, str]:
    """The charts by name of file."""
    powers = [2**k for k in range(7, 18)]
    of_a_word = []
    for name in ("bert_base", "gpt2", "llama_3_2_1b", "llama_3_1_8b", "llama_3_1_70b"):
        found = over_positions(name, "macs")
        crossing = found.crossing or 1
        points = [(t, int(found(t) / t)) for t in sorted([*powers, crossing])]
        of_a_word.append(Line(name, points, (crossing, int(found(crossing) / crossing))))
    caches = [
        Line(name, [(p, cached(name, p, "f16")) for p in powers])
        for name in ("llama_3_2_1b", "llama_3_1_8b", "llama_3_1_8b, kv = 32", "llama_3_1_70b", "llama_3_1_70b, kv = 64")
    ]
    plans = [(t, archdsl.memory(graph("llama_3_1_8b"), {"T": t})) for t in powers[:8]]
    memories = [
        Line("weights", [(t, found.figures.weights) for t, found in plans]),
        Line("peak", [(t, found.figures.peak) for t, found in plans]),
        Line("peak, with scores", [(t, found.kept) for t, found in plans]),
        Line("cache", [(t, cached("llama_3_1_8b", t, "f32")) for t, _ in plans]),
    ]
    return {
        "transformer_work.svg": chart(
            "The work of a position",
            "points: products of positions are half of all; BERT has 512 positions at most, GPT-2 1,024",
            "MACs of one position", "positions T", of_a_word, False),
        "transformer_memory.svg": chart(
            "The memory of Llama 3.1-8B", "all as f32, batch 1, T words read at once", "bytes", "positions T", memories,
            True),
        "transformer_cache.svg": chart(
            "The cache", "keys and values as f16, of one text; kv: heads of keys and values where they are not shared",
            "bytes", "words in front", caches, True),
    }  # fmt: skip


TABLES = {"work": work, "memory": memory, "writing": writing, "types": types}


def page(text: str) -> str:
    """The page with the tables of today."""
    for name, made in TABLES.items():
        head = f"<!-- {name}: written by tools/transformer_costs.py -->\n"
        before, found, rest = text.partition(head)
        if not found:
            raise SystemExit(f"{PAGE.name} has no place for the table `{name}`")
        text = before + head + "\n" + markdown(made()) + "\n<!-- end -->" + rest.partition("<!-- end -->")[2]
    return text


def main(check: bool = False) -> int:
    """Write them, or tell which ones are not current."""
    files = {PICTURES / name: text for name, text in drawn().items()} | {PAGE: page(PAGE.read_text(encoding="utf-8"))}
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check:
        print("\n".join(f"not current: {path.name}" for path in stale) or "page and charts are current")
        return bool(stale)
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    from options import given

    sys.exit(main(given(__doc__, check="write nothing; exit 1 if a file is not current").check))
