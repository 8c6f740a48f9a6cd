"""Sweeps and fits, against closed forms and full enumeration."""

import json
from fractions import Fraction

import pytest
from console import run

from archdsl.project.family import values

SPEC = """arch 1

network Net(width = 8, depth = 2, scale = 1.0) {
  input x: f32[N, 3, 16, 16]
  repeat depth { conv(floor(width * scale), 3) -> relu }
  output y
}
variant net = Net()
"""


def macs(width, depth):
    """16 * 16 positions, 9 taps; the first layer has 3 channels in."""
    return 16 * 16 * 9 * (3 * width + (depth - 1) * width * width)


def params(width, depth):
    return 9 * (3 * width + (depth - 1) * width * width) + depth * width


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.arch").write_text(SPEC)
    return tmp_path


@pytest.mark.parametrize("bound", [1, 100_000, 500_000, 1_000_000, 3_333_333, 10_000_000])
@pytest.mark.parametrize("goal", ["params", "depth"])
def test_fit_finds_the_true_optimum(folder, bound, goal):
    command = f"archdsl fit net.arch --vary width=1..16 --vary depth=1..5 --budget 'macs<={bound}' --maximize {goal}"
    done = run(command + " --format json", folder)
    document = json.loads(done.output.partition("\ntried")[0])
    family = [(w, d) for w in range(1, 17) for d in range(1, 6)]
    inside = [(w, d) for w, d in family if macs(w, d) <= bound]
    assert document["tried"] == 80 and done.status == (0 if inside else 1)
    if not inside:
        assert document["best"] is None
        return
    value = params if goal == "params" else (lambda w, d: d)
    best = document["best"]
    assert best[goal] == max(value(w, d) for w, d in inside)
    chosen = best["settings"]["width"], best["settings"]["depth"]
    assert chosen in inside and value(*chosen) == best[goal] and best["measured"]["macs"] == macs(*chosen)


def test_minimize_with_a_bound_from_below(folder):
    done = run("archdsl fit net.arch --vary width=1..16 --budget 'params>=500' --minimize macs --format json", folder)
    best = json.loads(done.output.partition("\ntried")[0])["best"]
    assert best["settings"]["width"] == min(w for w in range(1, 17) if params(w, 2) >= 500)


def test_the_answer_is_a_variant_that_holds(folder):
    done = run(
        "archdsl fit net.arch --vary width=1..16 --budget 'macs<=1M' --budget 'peak_activations<=16 KiB'", folder
    )
    variant = done.output.partition("\n")[0]
    budget = " { budget { macs <= 1M; peak_activations <= 16 KiB } }\n"
    (folder / "net.arch").write_text(SPEC + variant + budget)
    assert variant.startswith("variant fitted = Net(") and run("archdsl check net.arch:fitted", folder).status == 0


def test_a_misspelt_quantity_is_named(folder):
    done = run("archdsl fit net.arch --vary width=1..2 --budget 'mac<=1M'", folder)
    assert done.status == 2 and "no quantity `mac`" in done.output and "did you mean `macs`?" in done.output


def test_a_sweep_has_every_combination(folder):
    done = run("archdsl cost net.arch --set width=4..12:4 --set depth=1..2 --format csv", folder)
    head, *lines = done.output.split()
    rows = [dict(zip(head.split(","), line.split(","))) for line in lines]
    expected = [(w, d) for w in (4, 8, 12) for d in (1, 2)]
    assert [(int(r["width"]), int(r["depth"])) for r in rows] == expected
    assert [int(r["macs"]) for r in rows] == [macs(w, d) for w, d in expected]
    assert [int(r["params"]) for r in rows] == [params(w, d) for w, d in expected]


def test_a_sweep_beside_fixed_settings_and_in_every_format(folder):
    sweep = "archdsl cost net.arch --set scale=0.5..1.5:0.5 --set depth=3"
    members = json.loads(run(f"{sweep} --format json", folder).output)["members"]
    assert [m["macs"] for m in members] == [macs(w, 3) for w in (4, 8, 12)]
    assert [m["settings"] for m in members] == [{"scale": s} for s in (0.5, 1.0, 1.5)]
    assert f"| 1.5 | {params(12, 3):,} | {macs(12, 3):,} |" in run(f"{sweep} --format markdown", folder).output
    assert f"{macs(12, 3):,}" in run(sweep, folder).output


def test_sizes_have_ranges_as_parameters_have_them(folder):
    (folder / "net.arch").write_text(SPEC.replace("3, 16, 16]", "3, H = 16, 16]"))
    sweep = "archdsl cost net.arch --set width=4..8:4 --bind H=8..32:8 --bind N=2 --format csv"
    head, *lines = run(sweep, folder).output.split()
    rows = [dict(zip(head.split(","), line.split(","))) for line in lines]
    expected = [(w, h, 2 * macs(w, 2) * h // 16) for w in (4, 8) for h in (8, 16, 24, 32)]
    assert [(int(r["width"]), int(r["H"]), int(r["macs"])) for r in rows] == expected and "states" not in head
    for wrong, told in {
        "--bind H=8..16 --bind H=8": "given twice", "--bind H=0.5..1:0.5": "cannot be 0.5",
        "--set H=1..2 --bind H=1..2": "as a parameter and as a size", "--bind W=1..2": "no input has the symbol `W`",
        "--bind H=1..x": "must be a positive integer", "--set width=4 --set width=4..8": "given twice",
    }.items():  # fmt: skip
        done = run(f"archdsl cost net.arch {wrong}", folder)
        assert done.status == 2 and told in done.output, (wrong, done.output)


def test_members_that_cannot_be_built(folder):
    (folder / "net.arch").write_text(
        SPEC.replace("floor(width * scale), 3", "8, 3, groups = width").replace("[N, 3", "[N, 8")
    )
    done = run("archdsl cost net.arch --set width=1..4", folder)
    assert [("refused: E0305" in line) for line in done.output.splitlines()[1:]] == [False, False, True, False]
    done = run("archdsl fit net.arch --vary width=1..4 --budget 'macs<=1G' --minimize macs", folder)
    assert "width = 4" in done.output and "1 of them refused" in done.output


def test_steps_are_exact():
    assert values("w", "0.1..0.7:0.1") == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert values("w", "1..10:4") == [1, 5, 9] and all(isinstance(v, int) for v in values("w", "1..3"))
    assert values("w", "-1..1:0.5") == [float(Fraction(i, 2)) for i in range(-2, 3)]


@pytest.mark.parametrize(
    "options",
    ["fit net.arch --vary width=1 --budget 'macs<=1M'", "fit net.arch --vary width=3..1 --budget 'macs<=1M'",
     "fit net.arch --vary width=1..9:0 --budget 'macs<=1M'", "fit net.arch --vary width=1..99999 --budget 'macs<=1M'",
     "fit net.arch --vary width=1..999 --vary depth=1..99 --budget 'macs<=1M'",
     "fit net.arch --vary width=1..3 --budget macs",
     "fit net.arch --vary width=1..3 --budget 'mcas<=1M'",
     "fit net.arch --vary width=1..3 --budget 'macs<=1M' --maximize nope",
     "fit net.arch --vary nope=1..3 --budget 'macs<=1M'", "fit nowhere.arch --vary width=1..3 --budget 'macs<=1M'",
     "fit net.arch --vary width=1..3 --budget 'macs<=1M' --maximize params --minimize macs",
     "cost net.arch --set width=1..3 --symbolic", "cost net.arch --set width=1..", "cost net.arch --set width=1..3:x"],
)  # fmt: skip
def test_faults(folder, options):
    done = run(f"archdsl {options}", folder)
    assert done.status in (1, 2) and "error[E0" in done.output and "Traceback" not in done.output, done.output
