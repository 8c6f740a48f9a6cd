"""Gates of a check against a baseline do not open silently. The states are real repositories."""

from pathlib import Path

import pytest
from console import run
from faults import again, fault
from repository import commit, git, repository, write

FREE = "arch 1\nnetwork Net(c = 9) {{\n  input x: f32[N, 3, {size}]\n  conv(c, 3)\n  conv(8, 1)\n  output y\n}}\nvariant net = Net({c})\n"
GROWTH = '[[budget]]\nspec = "**.arch"\nmax_increase = { macs = "2 %", params = "2 %" }\n'
NET = FREE.format(size="8, 8", c=9)
WIDE = FREE.format(size="8, 8", c=900)


def check(folder: Path, line: str) -> tuple[int, str]:
    """Status and output."""
    done = run(f"archdsl check {line}", folder)
    return done.status, done.output


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path / "project", archdsl__toml=GROWTH, specs__net__arch=NET)


@fault(
    "C1",
    "a growth bound without a number before it was taken for met; what had no earlier self was left out; a pattern was "
    "looked at only until its first file",
    "polynomials, fields per axis, figures that were refused; networks renamed, moved, deleted, new, covered by a new "
    "variant; files of the same name elsewhere; a variant behind a pattern; budgets taken back in the spec, in "
    "archdsl.toml, by level, by `with`",
)
@pytest.mark.parametrize("allowed", ['"2 %"', "10", '"1000 %"'])
def test_polynomials_are_compared(tmp_path: Path, allowed: str) -> None:
    """27 c H W + 8 c H W multiplications: c = 9 -> 900 is a hundred times as many at all sizes, c = 9 -> 90 ten."""
    config = GROWTH.replace('macs = "2 %", params = "2 %"', f"macs = {allowed}")
    folder = repository(tmp_path, archdsl__toml=config, net__arch=FREE.format(size="H, W", c=9))
    write(folder, net__arch=FREE.format(size="H, W", c=900))
    status, output = check(folder, "net.arch --against HEAD --format concise")
    if allowed == "10":  # 35 * 891 H W more than before: at any size more than 10
        assert status == 1 and "[E0404]" in output
    else:
        assert status == 1 and "[E0404]: macs of `net` grew from 315*H*W to 31500*H*W" in output.replace(" * ", "*")
    write(folder, net__arch=FREE.format(size="H, W", c=90))
    status, output = check(folder, "net.arch --against HEAD")
    assert (status, "E0404" in output) == ((0, False) if allowed == '"1000 %"' else (1, True)), output


@again("C1")
def test_what_depends_on_a_size_is_said_to_be_undecided(tmp_path: Path) -> None:
    """35 H W more, where 5M are allowed: that depends on the size, so the gate stays closed."""
    config = GROWTH.replace('macs = "2 %", params = "2 %"', 'macs = "5M"')
    folder = repository(tmp_path, archdsl__toml=config, net__arch=FREE.format(size="H, W", c=9))
    write(folder, net__arch=FREE.format(size="H, W", c=10))
    status, output = check(folder, "net.arch --against HEAD --format concise")
    assert status == 1 and "[E0307]" in output and "depends on `H`" in output


@again("C1")
def test_fields_per_axis_are_compared(tmp_path: Path) -> None:
    """Kernels (3, 1) and (3, 5): fields 3 x 1 and 3 x 5."""
    net = "arch 1\nnetwork Net() {{ input x: f32[N, 3, 16, 16]; conv(8, ({k})); output y }}\n"
    config = "[[budget]]\nmax_increase = { receptive_field = 0 }\n"
    folder = repository(tmp_path, archdsl__toml=config, net__arch=net.format(k="3, 1"))
    assert check(folder, "net.arch --against HEAD")[0] == 0
    write(folder, net__arch=net.format(k="3, 5"))
    status, output = check(folder, "net.arch --against HEAD --format concise")
    assert status == 1 and "[E0404]: receptive_field of `Net` grew from [3, 1] to [3, 5]" in output


def rename_file(folder: Path) -> None:
    git(folder, "mv", "specs/net.arch", "specs/other.arch")
    write(folder, specs__other__arch=WIDE)


def move_file(folder: Path) -> None:
    git(folder, "rm", "-q", "specs/net.arch")
    write(folder, specs__deep__net__arch=WIDE)


def rename_variant(folder: Path) -> None:
    write(folder, specs__net__arch=WIDE.replace("variant net", "variant better"))


def rename_and_move(folder: Path) -> None:
    git(folder, "rm", "-q", "specs/net.arch")
    write(folder, specs__new__arch=NET.replace("variant net", "variant better").replace("conv(8, 1)", "conv(9, 1)"))


def move_variant(folder: Path) -> None:
    write(folder, specs__net__arch=NET.replace("variant net = Net(9)\n", ""), specs__more__arch=WIDE)


@again("C1")
@pytest.mark.parametrize("change", [rename_file, move_file, rename_variant, rename_and_move, move_variant])
@pytest.mark.parametrize("saved", [False, True])
def test_a_network_that_has_another_name_or_place_is_held_to_what_it_was(project: Path, change, saved) -> None:
    assert check(project, "specs --save-baseline old.json")[0] == 0
    change(project)
    status, output = check(project, f"specs --against {'old.json' if saved else 'HEAD'}")
    assert status == 1 and output.count("[E0404]: params") == 1, output
    assert "specs/net.arch:net" in output and ("renamed from" in output or "moved from" in output), output
    status, output = check(project, f"specs --against {'old.json' if saved else 'HEAD'} --fail-on renamed")
    assert output.count("[E0405]") == 1 and "was `specs/net.arch:net`" in output, output


@again("C1")
def test_what_is_gone_and_what_is_new_is_told_and_can_fail(project: Path) -> None:
    write(project, specs__dense__arch="arch 1\nnetwork Dense() { input x: f32[N, 5]; linear(3) -> relu; output y }\n")
    git(project, "rm", "-q", "specs/net.arch")
    status, output = check(project, "specs --against HEAD")
    assert status == 0 and "specs/dense.arch:Dense  new" in output and "gone" in output
    for kinds, count in ("gone", 1), ("new", 1), ("new,gone", 2), ("breaking", 0):
        status, output = check(project, f"specs --against HEAD --fail-on {kinds} --format concise")
        assert (status, output.count("[E0405]")) == (int(count > 0), count), output


@again("C1")
def test_a_file_of_the_same_name_elsewhere_is_another_network(tmp_path: Path) -> None:
    folder = repository(tmp_path, archdsl__toml=GROWTH, net__arch=NET)
    write(folder, experiments__net__arch=WIDE)
    status, output = check(folder, "experiments/net.arch --against HEAD")
    assert status == 0 and "experiments/net.arch:net  new" in output, output
    status, output = check(folder, "experiments/net.arch net.arch --against HEAD --fail-on gone,renamed")
    assert status == 0 and "E0404" not in output, output


@again("C1")
@pytest.mark.parametrize("spec", ["specs/new*.arch:typo", "specs/*.arch:typo", "specs/net.arch:typo", "nowhere/*.arch"])
def test_a_pattern_or_variant_that_means_nothing_is_a_fault(project: Path, spec: str) -> None:
    write(
        project, archdsl__toml=f'[[budget]]\nspec = "{spec}"\nmacs = 1\n', specs__new1__arch=NET, specs__new2__arch=NET
    )
    for target in "specs", "specs/new1.arch":
        status, output = check(project, f"{target} --format concise")
        assert status == 2 and "archdsl.toml:2:1: error[E0013]" in output, output
    write(project, specs__new2__arch=NET.replace("variant net", "variant typo"))
    if "new*" in spec:  # now one file has it, also where another one is checked
        assert check(project, "specs/new1.arch")[0] == 0


LOOSER = {
    "in the spec": ("specs__net__arch", "macs <= 30K", "macs <= 40K", "`macs <= 30,000` is `macs <= 40,000` now"),
    "out of the spec": ("specs__net__arch", "budget { macs <= 30K }", "", "the budget `macs <= 30,000` is gone"),
    "expected no more": ("specs__net__arch", "expect params == 332", "", "the expectation `params == 332` is gone"),
    "in the project": ("archdsl__toml", "macs = 25_000", "macs = 26_000", "`macs <= 25,000` is `macs <= 26,000` now"),
    "from below": ("archdsl__toml", '">= 3"', '">= 2"', "`receptive_field >= 3` is `receptive_field >= 2` now"),
    "a warning": ("archdsl__toml", "macs = 25_000", 'level = "warn"\nmacs = 25_000', "as a warning now"),
    "growth": ("archdsl__toml", '"2 %"', '"50 %"', "`params may grow by 2 %` is `params may grow by 50 %` now"),
    "for others": ("archdsl__toml", '"specs/*.arch"', '"specs/n.arch"', "`macs <= 25,000` is gone"),
    "with parameters": ("archdsl__toml", "c = 12", "c = 11", "`params <= 500` is gone"),
    "the file": ("archdsl__toml", None, "", "`macs <= 25,000` is gone"),
}  # fmt: skip
HELD = """[[budget]]
spec = "specs/*.arch"
macs = 25_000
receptive_field = ">= 3"
max_increase = { params = "2 %" }
[[budget]]
spec = "specs/net.arch"
with = { c = 12 }
params = 500
"""


@again("C1")
@pytest.mark.parametrize("how", LOOSER)
@pytest.mark.parametrize("saved", [False, True])
def test_budgets_that_the_change_itself_loosens_are_told(tmp_path: Path, how: str, saved: bool) -> None:
    spec = NET.replace("Net(9)", "Net() { budget { macs <= 30K }; expect params == 332 }")
    folder = repository(tmp_path, archdsl__toml=HELD, specs__net__arch=spec, specs__n__arch=NET)
    assert check(folder, "specs --save-baseline old.json")[0] == 0
    name, was, now, told = LOOSER[how]
    texts = {"archdsl__toml": HELD, "specs__net__arch": spec}
    write(folder, **{name: texts[name].replace(was, now) if was else ""})
    ref = "old.json" if saved else "HEAD"
    status, output = check(folder, f"specs --against {ref}")
    assert status == 0 and told in output and "budgets that this change loosens" in output, output
    status, output = check(folder, f"specs --against {ref} --fail-on loosened")
    assert status == 1 and "E0405" in output, output
    write(folder, **texts)
    status, output = check(folder, f"specs --against {ref} --fail-on loosened")
    assert status == 0 and "loosens" not in output, output


@again("C1")
def test_tighter_budgets_are_not_told(tmp_path: Path) -> None:
    folder = repository(tmp_path, archdsl__toml=HELD, specs__net__arch=NET, specs__n__arch=NET)
    tighter = HELD.replace("25_000", '"== 20_160"').replace('"2 %"', '"1 %"').replace("500", "450")
    write(folder, archdsl__toml=tighter)
    status, output = check(folder, "specs --against HEAD --fail-on loosened")
    assert status == 0 and "loosens" not in output, output


@fault(
    "C2",
    "a breaking change of the interface was a row of a table and nothing else",
    "inputs, outputs, their types and order, operator sets; in every kind of baseline, and by the action",
)
@pytest.mark.parametrize(
    ("was", "now"),
    [("conv(8, 1)", "conv(10, 1)"), ("input x", "input z"), ("f32[N, 3, 8, 8]", "f32[1, 3, 8, 8]"),
     ("output y", "output z"), ("f32", "f64")],
)  # fmt: skip
def test_breaking_changes_can_fail(project: Path, was: str, now: str) -> None:
    write(project, archdsl__toml="", specs__net__arch=NET.replace(was, now))
    assert check(project, "specs --against main")[0] == 0
    status, output = check(project, "specs --against main --fail-on breaking --format concise")
    assert status == 1 and "[E0405]: `net` breaks its users" in output


@again("C2")
def test_what_fail_on_can_and_cannot_be(project: Path) -> None:
    status, output = check(project, "specs --against main --fail-on braking")
    assert status == 2 and "did you mean `breaking`?" in output
    status, output = check(project, "specs --fail-on breaking")
    assert status == 2 and "--against" in output
    commit(project, "the network does something else", specs__net__arch=NET.replace("conv(8, 1)", "relu"))
    assert check(project, "specs --against main --fail-on breaking,gone,new,renamed,loosened")[0] == 0
