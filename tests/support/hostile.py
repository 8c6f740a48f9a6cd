"""Specs that mean harm, and what becomes of them: the code of the error, or ``None`` for what is legal.

``python tests/support/hostile.py GROUP`` checks a group in this process and prints one JSON line for each of its specs:
name, codes, whether all are located, processor seconds; at last the greatest memory in MiB.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Callable

import memory

Make = Callable[[], str]
"""Texts are made when they are needed: some are large."""


def net(body: str, above: str = "") -> str:
    return f"arch 1\n{above}\nnetwork Net() {{\n  input x: f32[N, 8, 8, 8]\n{body}\n}}\n"


def lets(first: str, step: str, count: int, last: str = "relu", above: str = "") -> str:
    """``let a0 = first``, then ``step`` (with ``#`` for the last index) for each of the following."""
    lines = [f"let a0 = {first}", *(f"let a{i + 1} = {step.replace('#', str(i))}" for i in range(count)), last]
    return net("\n".join(lines), above)


def defined(step: str, count: int, last: str) -> str:
    """The same as definitions of the file."""
    lines = "\n".join(step.replace("#+", str(i + 1)).replace("#", str(i)) for i in range(count))
    return f"arch 1\n{lines}\nnetwork Net() {{\n  input x: f32[N, 8, 8, 8]\n  {last}\n}}\n"


FEWER = 75_000
"""The bound on operators for the group of that name, of which each spec would take a quarter of a minute and a gigabyte
at the real one. ``chain.py`` goes to that.
"""
TAKES = "block f(p) { assert p != 1; relu }"
"""A block that takes anything."""
BODY = "block f(g: block) "

GROUPS: dict[str, dict[str, tuple[Make, str | None]]] = {
    "loops": {
        "empty loops": (lambda: net("repeat 10**6 { repeat 10**6 { if false { relu } } }"), "E0501"),
        "a long loop of nothing": (lambda: net("repeat 10**18 { }"), "E0501"),
        "a loop of nothing": (lambda: net("repeat 10**5 { }"), None),
        "loops over lists": (lambda: net("for a in range(10**5) { for b in range(10**5) { } }"), "E0501"),
        "a comprehension of comprehensions": (
            lambda: net("let a = [1 for i in range(10**5)]\nlet b = [[i for i in a] for j in a]\nrelu"), "E0501",
        ),
        "a comprehension of many clauses": (
            lambda: net("let a = [1" + "".join(f" for i{k} in [0, 1]" for k in range(100)) + " if i0 > 1]\nrelu"), "E0501",
        ),
        "functions that double": (
            lambda: "arch 1\nlet f0(n) = n\n"
            + "".join(f"let f{k}(n) = f{k - 1}(n) + f{k - 1}(n)\n" for k in range(1, 60))
            + "network Net() {\n  input x: f32[N, 3, 8, 8]\n  conv(f59(1), 1)\n}\n",
            "E0501",
        ),
        "functions within functions": (
            lambda: "arch 1\nlet f0(n) = n\n"
            + "".join(f"let f{k}(n) = f{k - 1}(n)\n" for k in range(1, 2000))
            + "network Net() {\n  input x: f32[N, 3, 8, 8]\n  conv(f1999(1), 1)\n}\n",
            "E0505",
        ),
        "dense without end": (lambda: net("dense(10**9) { conv(1, 1) }"), "E0501"),
        "dense of itself": (lambda: net("dense(10**5) { identity }"), "E0506"),
        "definitions that double": (lambda: defined("block a#+ { a#; a# }", 80, "a80").replace("\n", "\nblock a0 { }\n", 1), "E0501"),
        "a list of labels, again and again": (lambda: net("repeat 10**4 as i { enc[i]: relu\n let z = enc }"), "E0501"),
        "variants without end": (
            lambda: "arch 1\nnetwork Net(n) { input x: f32[N, 8]; repeat 10**5 { if n > 0 { } } }\n"
            + "\n".join(f"variant v{i} = Net({i})" for i in range(500)),
            "E0501",
        ),
    },
    "operators": {
        "many operators": (lambda: net("repeat 10**9 { conv(8, 3) -> batch_norm -> relu }"), "E0502"),
        "many operators in blocks": (lambda: net("repeat 10**9 { f(2) }", TAKES), "E0502"),
        "many branches": (lambda: net("parallel(add) { repeat 10**5 { | relu } }"), "E0502"),
        "blocks that double": (lambda: lets("relu -> relu", "a# -> a#", 80, "a80"), "E0502"),
        "many labels": (lambda: net("repeat 10**5 as i { enc[10**6 + i]: relu }"), "E0502"),
    },
    "numbers": {
        "a tower": (lambda: net("assert 10**10**10 > 0"), "E0504"),
        "products": (lambda: lets("2 ** 4000", "a# * a#", 50), "E0504"),
        "floats": (lambda: net("assert 1e300 ** 10 > 0"), "E0205"),
        "too large for floats": (
            lambda: net("assert sqrt(10**1000) > 1\nassert 10**1000 / 3 > 1\nassert sum([10**1000, 0.5]) > 1\ndropout(10**1000)"),
            "E0205",
        ),
        "integers that floats cannot hold": (
            lambda: net("assert divisible(10**1000, 8) > round_half_up(10**1000) - 8 and 10**1000 > 1.5 and log2(10**1000) > 1\nrelu"),
            None,
        ),
        "exponents": (lambda: net("assert 1e999999999 > 1\nassert 1e99999999K > 1"), "E0102"),
        "a long range": (lambda: net("let a = range(0, 10**400, 1)"), "E0503"),
        "a list many times": (lambda: net("let a = [1] * 10**20"), "E0503"),
        "a size of many bits": (lambda: net("repeat 10**4 { tile([1, 10**1000, 1, 1]) }"), "E0506"),
        "sizes that double": (lambda: net("repeat 10**4 { (in, in) -> concat }"), "E0506"),
        "an input of many bits": (lambda: net("relu").replace("N, 8", "N, 2 ** 4000"), "E0506"),
        "many axes": (lambda: net("repeat 10**5 { unsqueeze(0) }"), "E0506"),
        "many symbols": (lambda: net("reshape([-1])").replace("8, 8, 8", ", ".join(f"A{i}" for i in range(60))), "E0506"),
        "polynomials": (lambda: lets("N + 1", "a# * a#", 30), "E0506"),
        "powers of polynomials": (lambda: net("let p = ((N + 1) ** 16) ** 16\nrelu"), "E0506"),
        "divisions of sums": (lambda: lets("N + 1", "(a# + N) // 3 + N // 7", 5000), "E0506"),
        "quotients that share": (lambda: lets("N + 1", "a# // (a# + 1)", 100), "E0506"),
    },
    "lists": {
        "doubled": (lambda: lets("[1, 2]", "[a#, a#]", 80), "E0503"),
        "doubled by slices": (lambda: lets("[1, 2]", "[a#[:], a#[:]]", 80, "f(a80)", TAKES), "E0503"),
        "doubled by products": (lambda: lets("[1, 2]", "[a#] * 2", 80, "f(a80)", TAKES), "E0503"),
        "doubled by zip": (lambda: lets("[1, 2]", "zip(a#, a#)", 80, "f(a80)", TAKES), "E0503"),
        "doubled by enumerate": (lambda: lets("[1, 2]", "enumerate([a#, a#])", 80, "f(a80)", TAKES), "E0503"),
        "doubled in tables": (lambda: lets("[1, 2]", "[t, t] if # < 0 else [a#, a#]", 80, above="let t = table { a\n 1 }"), "E0503"),
        "nested": (lambda: lets("[1]", "[a#]", 9000, "f(a9000)", TAKES), "E0503"),
        "compared": (lambda: net("let a = range(10**5)\nlet b = [k for k in a]\nrepeat 10**5 { assert a == b }"), "E0501"),
        "searched": (lambda: net("let a = range(10**5)\nrepeat 10**5 { assert not contains(a, -1) }"), "E0501"),
        "handed on": (lambda: net("let a = range(10**5)\nrepeat 10**5 { g(a) }", "block g(p: [int]) { assert len(p) > 1 }"), "E0501"),
        "made constants": (
            lambda: net("let a = [1.0 for k in range(10**4)]\nrepeat 10**4 { let c = constant(a) }\nrelu"), "E0501",
        ),
        "shown": (
            lambda: lets("[1, 1, 1, 1, 1, 1, 1, 1]", "[a#, a#, a#, a#, a#, a#, a#, a#]", 5, 'assert len("{a5}") > 1\nrepeat 3 { f(a5) }', TAKES),
            None,
        ),
        "indexed": (lambda: net("let a = range(10**5)\nrepeat 5000 as i { assert a[i] == i }\nrelu"), None),
        "strings doubled": (lambda: lets('"xxxxxxxxxx"', '"{a#}{a#}"', 60), "E0503"),
        "strings added": (lambda: lets('"xxxxxxxxxx"', "a# + a#", 60), "E0503"),
        "labels of classes": (lambda: net("output y with labels([\"x\"] * 10**5 + [\"x\"])"), "E0503"),
        "strings as labels": (lambda: lets('"xxxxxxxxxx"', "a# + a#", 12, 'repeat 10**5 as i { "{a12}{i}": relu }'), "E0205"),
    },
    "depth": {
        "parentheses": (lambda: "arch 1\nlet x = " + "(" * 10000 + "1" + ")" * 10000, "E0511"),
        "open brackets": (lambda: "arch 1\nlet x = " + "[" * 10000, "E0511"),
        "open braces": (lambda: net("{" * 10000), "E0511"),
        "combinators": (lambda: net("residual { " * 99 + "relu" + " }" * 99), "E0511"),
        "conditions": (lambda: net("if false { " * 3000 + "relu" + " }" * 3000), "E0511"),
        "else if": (lambda: net("if false { relu }" + " else if false { relu }" * 5000 + " else { relu }"), None),
        "a if b else": (lambda: net("let a = " + " ".join(f"{i} if {i} == 5000 else" for i in range(5000)) + " 1"), "E0511"),
        "and": (lambda: net("assert " + " and ".join(["true"] * 20000)), "E0511"),
        "sums": (lambda: net("assert " + " + ".join(["1"] * 20000) + " > 0"), "E0511"),
        "arrows": (lambda: net(" -> ".join(["relu"] * 20000)), None),
        "signs": (lambda: net("let a = " + "-" * 20000 + "1"), "E0511"),
        "attributes": (lambda: net("x" + ".c" * 20000), "E0511"),
        "calls": (lambda: net("relu" + "()" * 20000), "E0511"),
        "indices": (lambda: net("x" + "[0]" * 20000), "E0511"),
        "a chain of values": (lambda: defined("let a# = a#+ + 1", 12000, "assert a0 > 5").replace("a12000 + 1", "1"), "E0505"),
        "a circle of values": (lambda: defined("let a# = a#+ + 1", 12000, "assert a0 > 5").replace("a12000", "a0"), "E0209"),
        "a chain of blocks": (lambda: defined("block a# = a#+", 12000, "a0").replace("= a12000", "= relu"), "E0505"),
        "a chain in a body": (lambda: lets("1", "a# + 1", 8000), None),
        "self-application": (lambda: net("f(f)", BODY + "= in -> g(g)"), "E0505"),
        "self-application, doubled": (lambda: net("f(f)", BODY + "= in -> g(g) -> g(g)"), "E0505"),
        "self-application in arguments": (lambda: net("f(f, 1)", "block f(g, n) { g(g, n + 1) }"), "E0505"),
        "self-application in parentheses": (
            lambda: net("f(f)", BODY + "{ let a = " + "(" * 45 + "(in -> g(g))" + " + 1)" * 45 + "\n a }"), "E0505",
        ),
        "deep expressions in deep blocks": (
            lambda: defined("block a# { let b = " + "relu(" * 40 + "in -> a#+" + ")" * 40 + "\n b }", 99, "a0").replace("a99)", "relu)"),
            "E0505",
        ),
    },
    "texts": {
        "ten megabytes": (lambda: "arch 1\n" + "# x\n" * 2_500_000, "E0510"),
        "a number of a megabyte": (lambda: "arch 1\nlet x = " + "1" * 900_000, "E0512"),
        "a name of a megabyte": (lambda: net("x" * 900_000), "E0512"),
        "a string of a megabyte": (lambda: net('assert "' + "x" * 900_000 + '" == "y"'), "E0503"),
        "a string of escapes": (lambda: net('assert "' + "\\n" * 400_000 + '" == "y"'), "E0503"),
        "a hundred thousand rows": (lambda: "arch 1\nlet t = table { a\n" + "1\n" * 100_000 + "}\n", "E0510"),
        "many rows": (lambda: net("for t { assert a == 1 }\nrelu", "let t = table { a\n" + "1\n" * 20_000 + "}"), None),
        "a hundred thousand definitions": (lambda: "arch 1\n" + "\n".join(f"let a{i} = 1" for i in range(10**5)), "E0510"),
        "unknown names": (lambda: defined("let a# = name_of_#", 10_000, "relu"), "E0201"),
        "an unknown name in a loop": (lambda: net("repeat 10**5 as i { foo(i) }"), "E0201"),
        "an unknown argument in a loop": (lambda: net("repeat 10**5 as i { conv(8, 3, strid = i) }"), "E0202"),
        "sides that differ in a loop": (lambda: net("repeat 10**5 { residual { max_pool(2) } }"), "E0304"),
        "many parameters": (
            lambda: net("f", "block f(a0 = 1, " + ", ".join(f"a{i + 1} = a{i}" for i in range(8000)) + ") = conv(a8000, 3)"), None,
        ),
        "many embedded expressions": (lambda: net("\n".join(f'"l{{1 + 1}}_{{2}}_{i}": relu' for i in range(4000))), "E0510"),
        "brackets that do not match": (lambda: net("([{)]}" * 5000), "E0104"),
        "brackets of two kinds": (
            lambda: "arch 1\nnetwork Net(c = 3[ {\n  input x: f32[N, c, 8, 8]\n  for table {\n c\n 4\n } { relu }\n  budget { macs <= 1 }\n}\n",
            "E0104",
        ),
        "strings without an end": (lambda: net('"\n' * 20_000), "E0103"),
        "odd characters": (lambda: net("\N{SNOWMAN}" * 100_000 + "\n" + "\N{SNOWMAN} " * 5000), "E0101"),
        "NUL": (lambda: "arch 1\n\0\n", "E0002"),
        "a byte order mark": (lambda: "\ufeff" + net("relu"), None),
        "a byte order mark inside": (lambda: net("\ufeffrelu"), "E0101"),
        "carriage returns and newlines": (lambda: net("relu").replace("\n", "\r\n"), None),
        "carriage returns": (lambda: net("relu").replace("\n", "\r"), "E0105"),
        "letters that look alike": (lambda: net("\u0441onv(8, 3)"), "E0101"),
        "text that runs backwards": (lambda: net('relu # "\u202e evil"'), "E0101"),
        "nothing": (lambda: "", "E0105"),
    },
}  # fmt: skip


def examine(text: str) -> dict[str, object]:
    """What the checker makes of a text, with the processor time that it took."""
    from archdsl.diagnostics import DiagnosticError
    from archdsl.driver import open_source
    from archdsl.reading import decode
    from archdsl.report.text import concise, render

    begin = time.process_time()
    try:
        found = open_source(decode(text.encode(), "hostile.arch"), None).check()
    except DiagnosticError as error:
        found = list(error.diagnostics)
    printed = sum(len(render(d)) + len(concise(d)) for d in found)
    seconds = time.process_time() - begin
    located = all(d.span is not None or d.code in ("E0002", "E0510") for d in found)
    return {"codes": [d.code for d in found], "located": located, "printed": printed, "seconds": seconds}


def main(group: str) -> None:
    if group == "operators":
        from archdsl.interpret.program import elaborate
        from archdsl.tape.limits import Limits

        defaults = inspect.unwrap(elaborate).__kwdefaults__
        assert defaults
        defaults["limits"] = Limits(nodes=FEWER)
    for name, (make, _) in GROUPS[group].items():
        print(json.dumps({"name": name, **examine(make())}), flush=True)
    print(json.dumps({"memory": memory.peak()}))


if __name__ == "__main__":
    main(sys.argv[1])
