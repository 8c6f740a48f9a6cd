"""Random programs with planted faults: what must be told is known from the plan, and nothing else may be.

A program is a row of parts. Each part gives a name to a number or a tensor (``v3``, ``t5``), soundly or with a fault, and
then uses the name in several forms and positions; all of those merely follow from the fault. The same plan with all
faults left out is a sound program, which shows that the uses are right.

    python tests/support/planted.py --count 500 --seed 1
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import NamedTuple

import archdsl

NUMBERS: tuple[tuple[str, str], ...] = (
    ("E0201", "«nowhere#»"), ("E0212", "«3 // 0»"), ("E0205", "«[3][7]»"), ("E0205", "«sqrt(-9)»"),
    ("E0205", "«max([])»"), ("E0204", '«"a" + 3»'), ("E0204", "«len(3)»"), ("E0504", "«10 ** 10 ** 10»"),
    ("E0503", "«range(10 ** 9)»[0]"), ("E0211", "«x.channels»"), ("E0211", "«[1, 2].c»"), ("E0204", "(3 if «7» else 5)"),
    ("E0204", '(3 if «1 < "a"» else 5)'), ("E0204", "«[3][0.5]»"), ("E0204", "«relu + 3»"),
    ("E0216", "«abs(3, 4)»"), ("E0204", "«-[3]»"), ("E0204", "[k for k in «3»][0]"),
    ("E0205", "(3 + «divisible(3, 0)»)"), ("E0201", "max(3, «nowhere#» + 2)"), ("E0201", "[3, «nowhere#»][1]"),
    ("E0212", "«3 % 0» * 2"), ("E0205", "«\"abc\"[9]»"), ("E0204", "«zip([3], 4)»[0][0]"),
    ("E0205", "«zip([3], [4, 5])»[0][0]"), ("E0201", "[k + «nowhere#» for k in range(2)][1]"),
)  # fmt: skip
"""Faulty expressions where the number 3 is meant, with the place that must be told."""

STAGES: tuple[tuple[str, str], ...] = (
    ("E0206", "«conv(8, 4)»"), ("E0202", "conv(8, 3, «strid = 2»)"), ("E0305", "«conv(8, 3, groups = 5)»"),
    ("E0201", "«cnov#»(8, 3)"), ("E0201", "«relv#»"), ("E0203", "«max_pool»"), ("E0303", "«reshape([3, 3])»"),
    ("E0308", "«softmax(axis = 7)»"), ("E0304", "«residual» { conv(20, 3) }"), ("E0305", "«split(3)»"),
    ("E0205", "dropout(«1.5»)"), ("E0204", "conv(«0.5», 3)"), ("E0204", 'conv(8, «"a"»)'), ("E0205", "conv(8, «0»)"),
    ("E0201", "conv(8, «nowhere#»)"), ("E0201", "conv(«nowhere#», 3)"), ("E0212", "conv(8, 3, stride = «3 // 0»)"),
    ("E0203", "«parallel» { | relu | tanh }"), ("E0216", "relu(«3»)"), ("E0201", "conv(8, 3, pad = «sam#»)"),
    ("E0203", "«residual»"), ("E0302", "«max_pool(99)»"), ("E0301", "flatten -> «conv(8, 3)»"),
    ("E0201", "softmax(axis = «nowhere#»)"), ("E0201", "reduce_mean(axis = «nowhere#»)"), ("E0304",
    "«parallel(add)» { | relu | conv(4, 1) }"), ("E0303", "«parallel(concat)» { | relu | max_pool(2) }"),
    ("E0201", "seq { relu; «nowhere#»; tanh }"), ("E0201", "residual { «nowhere#» { relu } }"),
    ("E0206", "{ relu -> «conv(8, 2)» }"), ("E0201", "f(«nowhere#»)"), ("E0202", "f(8, «q = 1»)"), ("E0203", "«f»"),
    ("E0201", "g { «nowhere#» }"), ("E0206", "g { «conv(8, 4)» }"), ("E0216", "f(8, 5, «7»)"),
    ("E0201", "dense(2) { conv(8, «nowhere#») }"), ("E0204", "dense(«0.5») { relu }"), ("E0201", "frozen «nowhere#»"),
    ("E0201 E0212", "conv(«nowhere#», «3 // 0»)"), ("E0201 E0202 E0212", "conv(«nowhere#», «speed = 3», stride = «3 // 0»)"),
    ("E0206 E0202 E0305", "«conv(8, 4)» -> conv(8, 3, «strid = 2») -> «conv(8, 3, groups = 5)»"), ("E0201 E0206", "«nowhere#»(3) -> «conv(8, 4)»"),
    ("E0201 E0206", "residual { «nowhere#» -> «conv(8, 4)» }"),
    ("E0201 E0305", "parallel(concat) { | «nowhere#» | «conv(4, 1, groups = 5)» }"), ("E0212 E0201", "f(«3 // 0», «nowhere#»)"),
    ("E0201 E0206", "«nowhere#» { «conv(8, 4)» }"), ("E0201 E0206", "«nowhere#» { | relu | «conv(8, 4)» }"), ("E0201 E0206", "«nowhere#»(3) { x -> «conv(8, 4)» }"),
    ("E0201 E0202", "conv(8, 3, stride = «nowhere#») -> conv(8, 3, «strid = 2»)"), ("E0205 E0305", "dropout(«1.5») -> «conv(8, 3, groups = 3)»"),
    ("E0212 E0305", "conv(8, 3, stride = «3 // 0») -> «conv(8, 3, groups = 3)»"), ("E0205 E0308", "softmax(axis = «[1][3]») -> «softmax(axis = 7)»"),
    ("E0304 E0305", "«residual» { conv(12, 3) } -> conv(8, 1) -> «conv(8, 3, groups = 3)»"), ("E0201 E0201", "parallel(«nowhere#») { | relu | «elsewhere#» }"),
    ("E0313 E0305", "seq { conv(8, 1) :: «[N, 9, …]»; «conv(8, 3, groups = 3)» }"),
    ("E0201 E0305", "residual(shortcut = «nowhere#») { «conv(8, 3, groups = 3)» }"), ("E0201 E0206", "h(«nowhere#») -> «conv(8, 4)»"),
    ("E0201 E0212", "frozen conv(«nowhere#», 3) -> conv(8, «3 // 0»)"), ("E0201 E0212", "{ let q = «nowhere#»; conv(q, 3); conv(8, «3 // 0») }"),
    ("E0309", "«add(whole)»"), ("E0313", "relu  :: «[N, 9, …]»"), ("E0201", "relu  :: [N, «nowhere#», …]"),
)  # fmt: skip
"""Faulty stages where ``conv(8, 3)`` is meant."""

OF_NUMBER: tuple[str, ...] = (
    "x -> conv(@, 3)", "x -> conv(8, @)", "x -> conv(8, 3, stride = @)", "x -> conv(8, [@, 3])",
    "x -> conv(8 if @ > 2 else 16, 3)", "repeat @ { relu }", "repeat @ as i { conv(8 + i, 3) }",
    "for i in [1, @] { conv(i, 1) }", "for i in range(@) as k { conv(i + k + 1, 1) }", "for i, j in zip([1], [@]) { conv(i * j, 1) }",
    "let #a = @ * 2 + 1\nx -> conv(#a, 1)", "let #a = -@\nx -> conv(-#a, 1)", "let #a, #b = [@, 5]\nx -> conv(#a, #b)",
    "if @ > 2 and true { let #a = 8 } else { let #a = 16 }\nx -> conv(#a, 3)",
    "if @ == 3 { #a: conv(8, 3) } else { #a: conv(8, 3) }\n#a -> relu",
    "if @ > 2 { #a[0]: conv(8, 3) }\n#a[0] -> relu", "if [@, 1] == [3, 1] { relu }",
    "repeat @ as i { #a[i]: conv(8, 3) }\n#a -> concat", "repeat 3 as i { #a[i * @ // 3]: conv(8, 3) }\n(#a[0], #a[2]) -> add",
    '"#a{@}": x -> conv(8, 3)', '"#a": seq { conv(@, 1); relu }', "x -> f(@)", "x -> f(c = @)", "x -> f(3, @)",
    "x -> f(3, k = [@, 1][1])", "x -> h(@)", "x -> g { conv(@ * 3 - 1, 1) }", "for table {\n  c  k\n  8  @\n} { conv(c, k) }",
    "with conv(stride = @) { x -> conv(8, 3) }", 'assert @ == 3, "three"', 'assert 3 == 3, "n = {@}"',
    "x -> conv(8, 3)  :: [N, 8, @ * 8, _]", "x -> conv(max(@, 3), 1)", "x -> conv(len([@, 1]), 1)",
    "x -> conv(sum([@, 1]), 1)", "x -> conv([k * @ for k in range(1, 3)][1], 1)", "x -> conv([k for k in range(9) if k == @][0], 1)",
    "x -> conv(range(9)[@], 1)", "x -> conv([1, 2, 3, 4][@:][0], 1)", "assert contains([1, @], 1)", "assert not @ < 2 or false",
    "x -> conv(@ // 1, 1) -> conv(@ * 2, 1) -> relu", "x * param([@ // 3, 1, 1], init = ones)", "x * @ + 1", "x + @ - x.c",
    "x -> residual(scale = @) { conv(8, 3) }", "x -> residual { conv(8, @) } -> relu", "x -> dense(@) { conv(4, @) }",
    "x -> parallel(concat) { | conv(@, 1) | relu }", "x -> parallel(add) { repeat @ { | conv(8, 3) } }",
    "x -> reshape([N, 8, @ * 192])", "x -> permute([0, 1, 2, @])", "x -> softmax(axis = @)", "x -> select(axis = @, index = 0)",
    "x -> slice(2, 0, @)", "x -> split(@ - 1) -> add", "let #a, #b = x -> split(@ - 1)\n(#a, #b) -> concat",
    "x -> reduce_mean(axis = @) -> relu", "softmax(x, axis = @) * 2", "reduce_sum(x, axis = @) + 1", "share #a = conv(8, @)\nx -> #a -> #a",
    "frozen conv(@, 3)\nrelu", "let #a = { conv(@, 1) -> relu }\nx -> #a", "let #a = conv(@, 1)\nx -> #a -> relu",
    "x -> max_pool(@) -> relu", "x -> resize(scale = @ - 1) -> relu", "x -> crop([@, 3])", "x -> dropout(@ / 10)",
    "x -> clip(-@, @)", "x -> batch_norm(eps = @ / 1e6)", "output #a = x -> conv(@, 1)", "output #a[@] = x -> relu",
    "expect params >= 0 * @", "budget { macs >= 0 * @; params >= 3 - @ }", "x -> global_avg_pool -> flatten -> linear(@)",
    "(x -> conv(@, 1)) + (x -> conv(@, 1))", "x -> pad_axes(@, axis = 2)", "x -> conv(8, 3, groups = 4 if @ == 3 else 2)",
    "let #a = table {\n  c  k\n  8  @\n}\nfor #a as k2 { conv(c, k) }\nx -> conv(#a.k[0], 1)", "x -> conv(8, 3, bias = @ == 3)",
    "x -> Inner(@)", "x + ones([@ // 3, 1, 1])", "x * constant([@])", "x -> deep(@)",
    'let #a = "k{@}"\nassert len(#a) == 2', "let #a = range(@)\nfor i in #a { conv(8 + i, 1) }", "x -> tile([1, @, 1, 1]) -> relu",
    "x -> conv(min(8, @), 3) -> conv(divisible(@, 8), 3)", "x -> parallel(concat) { if @ > 2 { | relu } else { | tanh } }",
    "x -> conv(ceil(@ / 2) + floor(@) + abs(@), 1)", "#a: repeat 2 { conv(8, @) -> relu }\n#a -> tanh", "assert any([@ == 3]) and all([@ > 1])",
)  # fmt: skip
"""Uses of a number (@); # is a name of their own."""

OF_TENSOR: tuple[str, ...] = (
    "@ -> conv(4, 3) -> relu", "@ + x", "x * @ - 1", "-@", "2 / @", "@ ** 2", "concat(@, x)", "x -> concat(@)", "(@, x) -> concat -> conv(4, 1)",
    "softmax(@, axis = 1) * 2", "reduce_mean(@, axis = 1) + 1", "matmul(@, x)", "matmul(x, transpose(@))", "where(@ > 0, @, x)",
    "x -> conv(@.c, 1)", "x -> conv(@.shape[1], 1)", "let #a, #b = @ -> split(2)\n#a * #b", "let #a = @ -> relu\n#a -> tanh",
    "for u in (@, x) { relu }", "for u in (@, x) as k { #a[k]: u -> conv(4, 1) }\n#a -> concat", "x -> joined(@)", "x -> joined(other = @)",
    "x -> residual(shortcut = { @ }) { conv(8, 3) }", "x -> parallel(add) { | relu | { @ } }",
    "tanh(@) + abs(@)", "max(@, x)", "min(x, @, x)", "sqrt(abs(@)) * 2", "sigmoid(@) * tanh(x)", "@ -> relu  :: [N, 8, …]", "output #a = @",
    "output #a = @ + x, #b = x", "if @.c == 8 { let #a = 8 } else { let #a = 8 }\nx -> conv(#a, 3)", "assert @.c == 8", "assert @.rank == 4",
    "repeat @.c // 4 { relu }", "@ -> g { conv(8, 3) }", "@ -> f(3)", "(@, x)[0] -> relu",
    "add(@, x)", "mul(@, @)", "x -> mul(@)", "@ -> cast(f16) -> cast(f32)", "(x, @) -> parallel(add) { | relu | tanh }",
    "let #a = (@, x)\n#a[1] -> relu", "let #a = (x, @)\n#a -> concat", "assert len((@, x)) == 2", "@ * param([@.c, 1, 1])",
    "@ -> reshape([@.shape[0], @.c * @.h * @.w]) -> linear(3)", "@ -> batch_norm -> relu", "(x + @) * (x - @)",
    "x -> resize(like = @)", "x -> crop(like = @)", "x * (@ -> global_avg_pool)", "x -> gated(@)", "share #a = conv(8, 3)\n@ -> #a\nx -> #a",
    "x == @", "logical_not(@ > x)", "1 - sigmoid(@)", "#a: @ -> residual { relu }\n#a -> relu", "@ -> flatten -> linear(3)", "train output #a = @",
    "(@ -> relu) + (x -> tanh)", "stack(@, x)", "average(@, x)", "@ -> transpose", "@ -> permute([0, 2, 3, 1])", "@ -> dense(2) { conv(4, 1) }",
)  # fmt: skip
"""Uses of a tensor (@) like the input."""

BLOCKS = """\
block f(c, k = 3) = conv(c, k)
block g(body: block) { residual { body } -> relu }
block h(c, twice = c * 2, list: [int] = [c, twice]) { conv(c, 1) -> conv(list[1], 1) }
block deep(n) { let m = n + 1; repeat n { residual { conv(8, 3) -> conv(8, n) } }; "d{m}": relu }
block joined(other: tensor) = in -> conv(8, 1) -> concat(other)
block gated(t: tensor) { let a = sigmoid(t); a * in }
network Inner(c = 4) { input y: f32[N, 8, H, W]; conv(c, 1) -> relu; output z }
"""


class Planted(NamedTuple):
    """A program, and what must be told: codes with the places that they mark, in the order of the text."""

    text: str
    faults: list[tuple[str, int, int]]


class Part(NamedTuple):
    """One name, what it is given where it is sound and where it is not, and the uses of it."""

    code: str
    sound: str
    faulty: str
    uses: tuple[str, ...]
    where: str


def parts(random: Random, count: int) -> list[Part]:
    """A plan of so many parts."""
    return [_part(random, number) for number in range(count)]


def _part(random: Random, number: int) -> Part:
    if random.random() < 0.6:
        code, faulty = random.choice(NUMBERS)
        where = random.choice(["let", "let", "file", "default", "argument", "loop"])
        if where != "let" and ("x." in faulty or "«x" in faulty):
            where = "let"
        uses = random.choices(OF_NUMBER, k=random.randint(1, 4))
        name = f"v{number}"
    else:
        code, faulty = random.choice(STAGES)
        where = random.choice(["label", "label", "let", "flow"]) if "::" not in faulty else "label"
        uses = random.choices(OF_TENSOR, k=random.randint(1, 4))
        name = f"t{number}"
    sound = "3" if name[0] == "v" else "conv(8, 3)"
    if where in ("argument", "default"):
        uses = [use for use in uses if not use.startswith(("output", "expect", "budget", "train"))]
    if where == "loop":
        uses = [use for use in uses if not use.startswith(("output", "expect", "budget", "train", "assert 3"))]
    uses = [use.replace("@", name).replace("#", f"n{number}_{i}_") for i, use in enumerate(uses)]
    return Part(code, sound, faulty.replace("#", str(number)), tuple(uses), where)


def _lines(part: Part, number: int, value: str) -> tuple[list[str], list[str]]:
    """The definitions and the statements of a part whose name is given ``value``."""
    uses = [line for use in part.uses for line in ("x", *use.split("\n"))]
    name = f"v{number}"
    if part.where == "let" and part.sound == "3":
        return [], [f"let {name} = {value}", *uses]
    if part.where == "file":
        return [f"let {name} = {value}"], uses
    if part.where == "default":
        return [f"block p{number}({name} = {value}) {{", "let x = in", *uses, "}"], [f"x -> p{number}"]
    if part.where == "argument":
        return [f"block p{number}({name}) {{", "let x = in", *uses, "}"], [f"x -> p{number}({value})"]
    if part.where == "loop":
        return [], [f"for {name} in [{value}] {{", *uses, "}"]
    name = f"t{number}"
    if part.where == "flow":
        return [], [f"x -> {value}", f"{name}: identity", *uses]
    return [], [f"let {name} = x -> {value}" if part.where == "let" else f"{name}: x -> {value}", *uses]


def program(plan: list[Part], wrong: frozenset[int]) -> Planted:
    """The program of a plan, with faults in the parts ``wrong``."""
    above, body = [BLOCKS], []
    for number, part in enumerate(plan):
        definitions, statements = _lines(part, number, part.faulty if number in wrong else part.sound)
        above += definitions
        body += statements
    top = ["arch 1", *above, "network Net() {", "input x: f32[N, 8, 24, 24]", "input whole: i64[N, 8, 24, 24]"]
    bodies = "\n".join([*top, *body, "x", "}", ""])
    return _marked(bodies, " ".join(plan[number].code for number in _order(plan, wrong)).split())


def _order(plan: list[Part], wrong: frozenset[int]) -> list[int]:
    """The faulty parts in the order in which their faults stand in the text."""
    return sorted(wrong, key=lambda number: (plan[number].where not in ("file", "default"), number))


def _marked(text: str, codes: list[str]) -> Planted:
    """The text without its marks, and what they say."""
    plain, start, faults = "", 0, []
    for character in text:
        if character == "«":
            start = len(plain)
        elif character == "»":
            faults.append((codes[len(faults)], start, len(plain)))
        else:
            plain += character
    return Planted(plain, faults)


def told(text: str, folder: Path) -> list[tuple[str, int, int]]:
    """The errors that are told of a text, in order."""
    path = folder / "planted.arch"
    path.write_text(text, encoding="utf-8")
    found = archdsl.check(path).diagnostics
    return [(d.code, d.span.start, d.span.end) if d.span else (d.code, -1, -1) for d in found if d.severity == "error"]


def experiment(seed: int, number: int, folder: Path, most: int = 8) -> str:
    """Plant k faults in one program; what went wrong, or an empty string."""
    random = Random(f"{seed}:{number}")
    plan = parts(random, random.randint(1, most))
    sound = told(program(plan, frozenset()).text, folder)
    if sound:
        return _shown("told of a sound program", program(plan, frozenset()), sound)
    k = random.randint(1, len(plan))
    planted = program(plan, frozenset(random.sample(range(len(plan)), k)))
    found = told(planted.text, folder)
    return "" if found == planted.faults else _shown("not what was planted", planted, found)


def _shown(what: str, planted: Planted, found: list[tuple[str, int, int]]) -> str:
    def line(fault: tuple[str, int, int]) -> str:
        code, start, end = fault
        return f"  {planted.text.count(chr(10), 0, start) + 1}: {code} {planted.text[start:end]!r}"

    missed = [line(fault) for fault in planted.faults if fault not in found]
    false = [line(fault) for fault in found if fault not in planted.faults]
    return "\n".join(
        [what, "missed:", *missed, "false:", *false, "order" if not missed and not false else "", planted.text]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count) if options.only is None else [options.only]:
            failure = experiment(options.seed, number, Path(folder))
            if failure:
                failures += 1
                print(f"==== --seed {options.seed} --only {number}: {failure}")
    print(f"{failures} of {options.count} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
