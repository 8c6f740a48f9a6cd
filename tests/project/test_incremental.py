"""The incremental engine: whatever is edited, a round gives what a process that knows nothing gives, to the letter."""

import shutil
from pathlib import Path

import pytest
from edits import BLOCKS, FILES, MORE, NET, Project

import archdsl
from archdsl.diagnostics import DiagnosticError
from archdsl.driver import renewing
from archdsl.engine import Engine
from archdsl.modules import loader
from archdsl.project import costs, linting
from archdsl.project.checking import save_baseline
from archdsl.report.render import render


@pytest.fixture
def std(tmp_path, monkeypatch):
    """A copy of the standard library, to be edited."""
    folder = tmp_path / "std"
    shutil.copytree(loader.STD, folder)
    monkeypatch.setattr(loader, "STD", folder)
    monkeypatch.chdir(tmp_path)
    loader.packaged_modules.cache_clear()
    yield folder
    loader.LIBRARY.clear()
    loader.packaged_modules.cache_clear()


def everything(*targets):
    """All that is said of a project: findings, claims, and one network with its lines, costs and rules."""
    found = archdsl.check(*targets)
    told = [str(found), render(found.report(), "json")]
    for make in (_compared, _explored, _costs, _linted):
        try:
            told.append(make())
        except DiagnosticError as error:
            told.append(f"{make.__name__}: {error}")
    return told


def _compared():
    found = archdsl.check("specs", against="base.json")
    return f"{found}\n{render(found.report(), 'json')}"


def _explored():
    return archdsl.explorer("specs/net.arch:small").json


def _costs():
    return str(costs.cost("specs/more.arch", {"N": 2}))


def _linted():
    return str(linting.lint("specs"))


def fresh(*targets):
    loader.LIBRARY.clear()
    loader.packaged_modules.cache_clear()
    return everything(*targets)


def renewed(engine, *targets):
    with renewing(engine):
        return everything(*targets)


def follow(project, engine, edits):
    save_baseline(archdsl.check("specs"), "base.json")
    project.write("base.json", Path("base.json").read_text())
    for step in range(edits):
        done = project.edit()
        assert renewed(engine, "specs") == fresh("specs"), (step, done)


def counted(engine, **texts):
    """How many networks a round elaborates after files got other texts."""
    for name, text in texts.items():
        Path("specs", f"{name}.arch").write_text(text)
    with renewing(engine):
        archdsl.check("specs")
    return engine.elaborated


def test_only_networks_that_reach_a_change_are_elaborated(std, tmp_path):
    """By hand: `Wide` alone uses `wide`, everything uses `unit`; `Both` applies `Net`, and no variant needs a
    default of `head`.
    """
    Project(tmp_path, FILES, 0)
    engine = Engine()
    assert counted(engine) == 6  # small, large, other, wide_8, wide_9 and Both
    assert counted(engine) == 0
    assert counted(engine, blocks="# one\n\n" + BLOCKS, net="\n" + NET, more=MORE + "\n# end\n") == 0
    assert counted(engine, blocks=BLOCKS.replace("2 * c", "3 * c")) == 2  # wide_8 and wide_9
    assert counted(engine, blocks=BLOCKS.replace("fc:", "fc :")) == 3  # small, large and Both have a head
    assert counted(engine, net=NET.replace("Net()", "Net(n = 1)")) == 1  # one variant is another
    assert counted(engine, net=NET, blocks=BLOCKS) == 0  # undone
    assert counted(engine, blocks=BLOCKS.replace("relu", "relu ->")) == 6  # a mistake, which all of them reach
    assert counted(engine, blocks=BLOCKS) == 0  # mended


def test_what_is_kept_is_bounded(std, tmp_path):
    Project(tmp_path, FILES, 0)
    engine = Engine(most=60)
    assert counted(engine) == 6
    for _ in range(3):
        assert 0 < counted(engine) < 6  # a part is known, every time
        assert 0 < engine.size <= 60
    for _ in range(3):
        with renewing(engine):
            archdsl.check("specs/more.arch")
    assert engine.elaborated == 0  # the others were let go for it


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_edited_the_result_is_that_of_a_new_process(std, tmp_path, seed):
    project = Project(tmp_path, {**FILES, "std/cnn.arch": (std / "cnn.arch").read_text()}, seed)
    follow(project, Engine(), 30)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 120))
def test_whatever_is_edited_for_long(std, tmp_path, seed):
    project = Project(tmp_path, {**FILES, "std/cnn.arch": (std / "cnn.arch").read_text()}, seed)
    follow(project, Engine(most=2000), 150)
