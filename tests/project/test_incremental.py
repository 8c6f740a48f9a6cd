"""The incremental engine: whatever is edited, a round gives what a process that knows nothing gives, to the letter."""

import shutil

import pytest
from edits import FILES, Project

import archdsl
from archdsl.diagnostics import DiagnosticError
from archdsl.driver import renewing
from archdsl.engine import Engine
from archdsl.modules import loader
from archdsl.project import costs, linting
from archdsl.report.render import render


@pytest.fixture
def std(tmp_path, monkeypatch):
    """A copy of the standard library, to be edited."""
    folder = tmp_path / "std"
    shutil.copytree(loader.STD, folder)
    monkeypatch.setattr(loader, "STD", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def everything(*targets):
    """All that is said of a project: findings, claims, and one network with its lines, costs and rules."""
    found = archdsl.check(*targets)
    told = [str(found), render(found.report(), "json")]
    for make in (_explored, _costs, _linted):
        try:
            told.append(make())
        except DiagnosticError as error:
            told.append(f"{make.__name__}: {error}")
    return told


def _explored():
    return archdsl.explorer("specs/net.arch:small").json


def _costs():
    return str(costs.cost("specs/more.arch", {"N": 2}))


def _linted():
    return str(linting.lint("specs"))


def fresh(*targets):
    loader._LIBRARY.clear()
    return everything(*targets)


def renewed(engine, *targets):
    with renewing(engine):
        return everything(*targets)


def follow(project, engine, edits):
    for step in range(edits):
        done = project.edit()
        assert renewed(engine, "specs") == fresh("specs"), (step, done)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_edited_the_result_is_that_of_a_new_process(std, tmp_path, seed):
    project = Project(tmp_path, {**FILES, "std/cnn.arch": (std / "cnn.arch").read_text()}, seed)
    follow(project, Engine(), 30)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 120))
def test_whatever_is_edited_for_long(std, tmp_path, seed):
    project = Project(tmp_path, {**FILES, "std/cnn.arch": (std / "cnn.arch").read_text()}, seed)
    follow(project, Engine(most=2000), 150)
