"""Numbers and names that could be read in two ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import again, archdsl, fault, network


@fault(
    "T7", "`round` of a number was half-up, while the operator `round`, ONNX and Python are half-to-even",
    "`round` in arithmetic, arguments, defaults, tables; the operator `round` on tensors keeps its one rule",
)  # fmt: skip
@pytest.mark.parametrize("value", [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 4503599627370497.0, 7, -7])
def test_halves_are_rounded_by_name(value: float, tmp_path: Path) -> None:
    """Half to even is Python's ``round``; half up is the least integer that is at least value - 1/2, in exact numbers."""
    from fractions import Fraction
    from math import floor

    even, up = round(value), floor(Fraction(value) + Fraction(1, 2))
    text = network(
        f"assert round_half_even({value!r}) == {even}\nassert round_half_up({value!r}) == {up}\nrelu -> round"
    )
    assert archdsl(tmp_path, "check a.arch", a__arch=text).status == 0


@again("T7")
def test_round_alone_says_which_rules_there_are(tmp_path: Path) -> None:
    done = archdsl(tmp_path, "check a.arch", a__arch=network("conv(round(2.5), 1)"))
    assert done.status == 1
    assert all(word in done.output for word in ("E0204", "round_half_even", "round_half_up"))


@fault(
    "T4", "a `let` in a loop that reads the name it hides silently computed the same in every iteration; no `let` that "
    "nothing reads was told",
    "repeat and for; in a body, an arm or a block in the loop; what is outside a let, a label, a parameter; unread lets in "
    "bodies, of a file, all of several names",
)  # fmt: skip
@pytest.mark.parametrize(
    "body",
    [
        "let c = 16\nrepeat 3 { conv(c, 3); let c = c * 2 }",
        "let c = 16\nfor k in [1, 2] { let c = c + k; conv(c, 3) }",
        "let c = 16\nrepeat 3 { seq { let c = 2 * c; conv(c, 3) } }",
        "let c = 16\nrepeat 3 { if true { let c = [c, 3][0]; conv(c, 3) } }",
        "t: conv(4, 3)\nrepeat 3 { let t = t -> conv(4, 3); t }",
    ],
)
def test_a_let_in_a_loop_does_not_read_what_it_hides(body: str, tmp_path: Path) -> None:
    done = archdsl(tmp_path, "check a.arch", a__arch=network(body))
    assert done.status == 1
    assert done.output.count("error[") == 1 and "E0219" in done.output


@again("T4")
@pytest.mark.parametrize(
    "body",
    [
        "for c in [1, 2] { let c = c + 1; conv(c, 3) }",
        "let c = 16\nrepeat 3 as i { let d = c * 2 ** i; conv(d, 3) }",
        "let c = 16\nseq { let c = c + 1; conv(c, 3) }\nconv(c, 1)",
        "let c = 2\nrepeat 3 { let d = [c for c in range(3)]; conv(d[c], 3) }",
    ],
)
def test_other_lets_are_as_ever(body: str, tmp_path: Path) -> None:
    done = archdsl(tmp_path, "check a.arch", a__arch=network(body))
    assert done.status == 0 and "warning" not in done.output, done.output


@again("T4")
def test_what_nothing_reads_is_told_once(tmp_path: Path) -> None:
    body = "let width = 8\nlet a, b = [1, 2]\nlet n, c = in.shape[:2]\nlet t = x -> relu\nconv(c, 3)"
    output = archdsl(
        tmp_path, "check a.arch", a__arch=network(body.replace("in.", "x."), before="let depth = 3")
    ).output
    assert output.count("W0208") == 3 and output.count("W0204") == 1
    assert all(f"nothing reads {names}" in output for names in ("`width`", "`a` and `b`", "`depth`"))


@fault(
    "B10", "`exp(0)` and `log(2)` of numbers were refused", "exp, log, sin, cos of numbers; pi; of tensors as before"
)
def test_functions_of_numbers(tmp_path: Path) -> None:
    from math import cos, exp, log, pi, sin, tan

    body = f"assert exp(0) == 1 and log(2) == {log(2)!r} and sin(2) == {sin(2)!r} and cos(2) == {cos(2)!r} and tan(2) == {tan(2)!r}\n"
    body += f"assert pi == {pi!r} and exp(-1.5) == {exp(-1.5)!r}\nlog(exp(x) + pi) * sin(x)"
    done = archdsl(tmp_path, "check a.arch", a__arch=network(body))
    assert done.status == 0, done.output
    for bad in ("log(0)", "log(-1)", "exp(1000)", "exp()", 'sin("a")', "cos(1, 2)"):
        assert archdsl(tmp_path, "check a.arch", a__arch=network(f"assert {bad} > 0\nrelu")).output.count("error[") == 1
