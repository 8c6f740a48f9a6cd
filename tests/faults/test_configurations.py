"""The project's file and its baselines: read from where they belong, bounded, and every fault of them located."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from console import run
from faults import again, fault
from repository import commit, git, repository, write

NET = "arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; conv(8, 3); output y }\n"


@fault(
    "C9",
    "budgets were looked for above the current folder, and patterns were held against names as they were typed",
    "root, subfolders, other folders; files, folders, variants, names of the zoo; nested files with budgets; pyproject.toml",
)
@pytest.mark.parametrize("here", [".", "team", "team/specs", "other"])
@pytest.mark.parametrize("how", ["file", "absolute", "folder"])
def test_budgets_come_from_the_file_nearest_to_the_spec(tmp_path: Path, here: str, how: str) -> None:
    """The team allows 500 parameters, the root 100: the network has 224."""
    repository(tmp_path, team__specs__net__arch=NET, net__arch=NET, other__x__arch=NET)
    write(tmp_path, archdsl__toml="[[budget]]\nparams = 100\n", team__archdsl__toml="[[budget]]\nparams = 500\n")

    def check(target: str) -> int:
        path = tmp_path / target
        text = str(path if how == "absolute" else os.path.relpath(path, tmp_path / here))
        text = f"{text}/" if how == "folder" and path.is_dir() else text
        return run(f"archdsl check {text}", tmp_path / here).status

    assert check("team/specs/net.arch" if how != "folder" else "team") == 0
    assert check("net.arch" if how != "folder" else "other") == 1
    (tmp_path / "team" / "archdsl.toml").unlink()
    assert check("team/specs/net.arch" if how != "folder" else "team") == 1


@again("C9")
def test_a_pattern_is_relative_to_its_file_wherever_one_stands(tmp_path: Path) -> None:
    repository(
        tmp_path, specs__net__arch=NET, net__arch=NET, archdsl__toml='[[budget]]\nspec = "net.arch"\nparams = 1\n'
    )
    assert run("archdsl check net.arch", tmp_path).status == 1
    assert run("archdsl check net.arch", tmp_path / "specs").status == 0
    assert run("archdsl check ../net.arch", tmp_path / "specs").status == 1


@again("C9")
def test_a_budget_of_a_file_that_is_not_the_nearest_is_a_fault(tmp_path: Path) -> None:
    repository(
        tmp_path, team__net__arch=NET, archdsl__toml='[[budget]]\nspec = "team/*.arch"\nparams = 500\n', a__arch=NET
    )
    assert run("archdsl check .", tmp_path).status == 0
    write(tmp_path, team__archdsl__toml="[[budget]]\nparams = 600\n")
    done = run("archdsl check .", tmp_path)
    assert done.status == 2 and "held to a file with budgets that is nearer" in done.output


WRONG = {
    "no table": ("pyproject.toml", "tool = 1 # tool.archdsl", 1), "no section": ("pyproject.toml", "[tool]\narchdsl = 1", 2),
    "a list": ("pyproject.toml", "[[tool.archdsl]]\na = 1", 1), "no TOML": ("archdsl.toml", "a = 1\nb = = 2", 2),
    "budget": ("archdsl.toml", "budget = 1", 1), "budgets": ("archdsl.toml", "x = 1\n[[budget]]\nmacs = 1", 1),
    "spec": ("archdsl.toml", "[[budget]]\nspec = 3\nmacs = 1", 2), "an empty spec": ("archdsl.toml", '[[budget]]\nspec = ""\nmacs = 1', 2),
    "level": ("archdsl.toml", "[[budget]]\nmacs = 1\nlevel = [1]", 3), "with": ("archdsl.toml", "[[budget]]\nmacs = 1\nwith = 1", 3),
    "in with": ("archdsl.toml", "[[budget]]\nmacs = 1\nwith = { c = 1979-05-27 }", 3),
    "a table in with": ("archdsl.toml", "[[budget]]\nmacs = 1\nwith = { c = { d = 1 } }", 3),
    "growth": ("archdsl.toml", "[[budget]]\nmax_increase = [1]", 2), "in growth": ("archdsl.toml", "[[budget]]\nmax_increase = { macs = [] }", 2),
    "a bound": ("archdsl.toml", "[[budget]]\nmacs = []", 2), "a date": ("archdsl.toml", "[[budget]]\nmacs = 07:32:00", 2),
    "digits": ("archdsl.toml", f"[[budget]]\nmacs = {'9' * 5000}", None), "depth": ("archdsl.toml", "a = " + "[" * 100_000, 1),
    "size": ("archdsl.toml", "# " + "x" * 2_000_000, 1),
}  # fmt: skip


@fault(
    "R7",
    "types were looked at where a value was used, or never",
    "every setting of archdsl.toml and pyproject.toml, every value of a baseline",
)
@pytest.mark.parametrize("how", WRONG)
def test_wrong_types_are_located(tmp_path: Path, how: str) -> None:
    name, text, line = WRONG[how]
    (tmp_path / name).write_text(text)
    (tmp_path / "net.arch").write_text(NET)
    done = run("archdsl check net.arch --format concise", tmp_path)
    assert done.status == 2 and "error[E0013]" in done.output, done.output
    assert line is None or f"{name}:{line}:" in done.output, done.output


@again("R7")
@pytest.mark.parametrize("name", ["bind", "self", "settings", "name"])
def test_parameters_may_be_called_like_arguments_of_ours(tmp_path: Path, name: str) -> None:
    net = NET.replace("Net()", f"Net({name} = 8)").replace("conv(8", f"conv({name}")
    write(tmp_path, net__arch=net, archdsl__toml=f"[[budget]]\nwith = {{ {name} = 9 }}\nparams = 252\n")
    done = run("archdsl check net.arch", tmp_path)
    assert done.status == 0 and f"Net({name} = 9)" in done.output, done.output


@again("R7")
def test_a_baseline_says_which_figures_are_none(tmp_path: Path) -> None:
    write(tmp_path, net__arch=NET, archdsl__toml="[[budget]]\nmax_increase = { macs = 0 }\n")
    assert run("archdsl check net.arch --save-baseline old.json", tmp_path).status == 0
    record = json.loads((tmp_path / "old.json").read_text())
    for value in ("x x", [[1]], True, {}, float("nan")):
        record["targets"]["net.arch"]["Net"]["quantities"]["macs"] = value
        (tmp_path / "old.json").write_text(json.dumps(record))
        done = run("archdsl check net.arch --against old.json", tmp_path)
        assert done.status == 2 and "E0011" in done.output and "Net" in done.output, done.output


MEASURED = """
import resource, sys
sys.path.insert(0, "{support}")
import memory
from archdsl.cli import main
sys.argv = ["archdsl", *sys.argv[1:]]
try:
    main()
finally:
    sys.stderr.write(f"\\n{{memory.peak()}} MiB")
"""


def measured(folder: Path, *arguments: str) -> tuple[int, str, int, float]:
    """Status, output, greatest memory in MiB and processor seconds of a command in a process of its own."""
    script = MEASURED.format(support=Path(__file__).parents[1] / "support")
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    after = os.times()
    seconds = after.children_user - before.children_user + after.children_system - before.children_system
    return done.returncode, done.stdout + done.stderr, int(done.stderr.split()[-2]), seconds


@fault(
    "R8",
    "a pattern was walked from wherever it led, and git's answer was read whole before its size was looked at",
    "`..` and absolute patterns, links; one large file, many large files, a tree without end; files of saved figures",
)
@pytest.mark.parametrize(
    "spec", ["../../../**/x*.arch", "/**/x*.arch", "a/../../../x.arch", "*/../../*.arch", "/etc/*"]
)
def test_patterns_stay_inside(tmp_path: Path, spec: str) -> None:
    folder = repository(tmp_path / "a" / "b", net__arch=NET)
    (folder / "archdsl.toml").write_text(f'[[budget]]\nspec = "{spec}"\nmacs = 1\n')
    begin = time.process_time()
    done = run("archdsl check net.arch", folder)
    assert done.status == 2 and "E0013" in done.output and time.process_time() - begin < 2, done.output


@again("R8")
@pytest.mark.slow
def test_a_large_file_of_a_state_is_never_held(tmp_path: Path) -> None:
    """600 MB as an .arch file, which git packs into 600 KB."""
    folder = repository(tmp_path, net__arch=NET)
    with (folder / "large.arch").open("wb") as file:
        file.truncate(600_000_000)
    commit(folder, "large")
    (folder / "large.arch").unlink()
    status, output, most, _ = measured(folder, "check", "net.arch", "--against", "HEAD")
    assert status == 0 and most < 200, (output, most)
    (folder / "large.arch").write_text(NET)
    status, output, most, _ = measured(folder, "check", "large.arch", "--against", "HEAD")
    assert "E0510" in output and most < 200, (output, most)


@again("R8")
def test_a_large_baseline_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    write(tmp_path, net__arch=NET)
    (tmp_path / "old.json").write_bytes(b"[" + b"[]," * 12_000_000 + b"1]")
    status, output, most, _ = measured(tmp_path, "check", "net.arch", "--against", "old.json")
    assert status == 2 and "E0011" in output and most < 400, (output, most)


@fault(
    "R6",
    "every budget was held against every target, each time resolving paths, and every pattern walked the tree",
    "exact names, patterns, variants; budgets that hold for nothing; saved baselines; graphs that were kept to the end",
)
@pytest.mark.slow
def test_many_budgets_and_many_specs_are_linear(tmp_path: Path) -> None:
    """300 and 1,200 specs, each with a budget of its own: four times as much work, in not more memory."""
    seconds, memories = {}, {}
    for count in 300, 1200:
        folder = tmp_path / str(count)
        write(folder, **{f"specs__s{i}__arch": NET for i in range(count)})
        lines = [f'[[budget]]\nspec = "specs/s{i}{"*" * (i % 2)}.arch"\nparams = {300 + i}\n' for i in range(count)]
        write(folder, archdsl__toml="".join(lines))
        status, output, memories[count], seconds[count] = measured(folder, "check", "specs", "-q")
        assert status == 0 and f"checked {count:,} targets" in output, output
    assert seconds[1200] < 8 * seconds[300] and memories[1200] < 300 and memories[1200] < memories[300] + 40


@again("R6")
@pytest.mark.slow
def test_graphs_are_not_kept(tmp_path: Path) -> None:
    """80 networks of 400 operators against a baseline: not much more memory than ten of them take."""
    net = "arch 1\nnetwork Net() { input x: f32[N, 3, 8, 8]; repeat 200 { conv(4, 3) -> relu }; output y }\n"
    most = {}
    for count in 10, 80:
        folder = repository(tmp_path / str(count), **{f"s{i}__arch": net for i in range(count)})
        status, output, most[count], _ = measured(folder, "check", ".", "-q", "--against", "HEAD")
        assert status == 0, output
    assert most[80] < most[10] + 18, most  # what 70 graphs take alone is 23
    git(tmp_path / "10", "status")
