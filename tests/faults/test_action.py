"""The GitHub action and the hooks in real repositories, as a runner and pre-commit run them."""

import re
from pathlib import Path

import pytest
from action import run_hook, run_step
from faults import again, fault
from repository import commit, git, repository, write


def net(c: int) -> str:
    """9 * 3 * c multiplications at 64 positions."""
    return f"arch 1\nnetwork Net() {{ input x: f32[N, 3, 8, 8]; conv({c}, 3); output y }}\n"


def macs(c: int) -> str:
    return f"{64 * 27 * c:,}"


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """``main`` had 4 channels and has 16; a pull request went from 4 to 100; ``pull`` merges it, as GitHub does."""
    folder = repository(tmp_path / "upstream", specs__net__arch=net(4), specs__other__arch=net(4))
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(folder, "checkout", "-qb", "change")
    commit(folder, "a hundred", specs__net__arch=net(100))
    git(folder, "checkout", "-q", "main")
    commit(folder, "sixteen", specs__other__arch=net(16))
    git(folder, "checkout", "-qb", "pull")
    git(folder, "merge", "-q", "--no-ff", "-m", "pull request", "change")
    return folder


def event(upstream: Path) -> dict[str, str]:
    """A pull request's."""
    shas = {name: git(upstream, "rev-parse", name) for name in ("main", "change")}
    return {
        "github.base_ref": "main", "github.event.pull_request.base.sha": shas["main"],
        "github.event.pull_request.head.sha": shas["change"],
    }  # fmt: skip


def compared(done) -> tuple[str, ...]:
    """The MACs before and after, of all networks that changed."""
    return tuple(pair for row in re.findall(r"Net +macs +([\d,]+) +([\d,]+)", done.stdout) for pair in row)


@fault(
    "C4",
    "one `git fetch --depth=1` of the base branch, whatever the clone was and whatever the event",
    "complete clones (they became shallow), no credentials (128), pull requests, forks, merge queues, heads instead of "
    "merges, pushes; `fail-on` as an input",
)
@pytest.mark.parametrize("depth", [1, 2, 0])
def test_a_pull_request_in_every_depth(upstream: Path, tmp_path: Path, depth: int) -> None:
    git(tmp_path, "clone", "-q", *([f"--depth={depth}"] if depth else []), "-b", "pull", f"file://{upstream}", "clone")
    clone = tmp_path / "clone"
    before = git(clone, "rev-parse", "--is-shallow-repository")
    done = run_step(clone, event(upstream))
    assert compared(done) == (macs(4), macs(100)), done.stdout + done.stderr
    assert done.returncode == 0 and git(clone, "rev-parse", "--is-shallow-repository") == before
    done = run_step(clone, event(upstream), fail_on="breaking")
    assert done.returncode == 1 and "E0405" in done.stdout


@again("C4")
def test_without_credentials(upstream: Path, tmp_path: Path) -> None:
    """What is there is enough; where it is not, every report says what is missing."""
    for depth in [], ["--depth=2"], ["--depth=1"]:
        name = "-".join(["clone", *depth])
        git(tmp_path, "clone", "-q", *depth, "-b", "pull", f"file://{upstream}", name)
        clone = tmp_path / name
        git(clone, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
        done = run_step(clone, event(upstream), sarif="out.sarif")
        if depth == ["--depth=1"]:
            assert done.returncode == 2 and "fetch-depth: 0" in done.stdout
            assert "::error" in done.stderr and "E0012" in (clone / "out.sarif").read_text()
            assert "E0012" in (tmp_path / "summary.md").read_text()
        else:
            assert (done.returncode, compared(done)) == (0, (macs(4), macs(100)))


@again("C4")
@pytest.mark.parametrize("depth", [1, 0])
def test_a_merge_queue(upstream: Path, tmp_path: Path, depth: int) -> None:
    git(tmp_path, "clone", "-q", *([f"--depth={depth}"] if depth else []), "-b", "pull", f"file://{upstream}", "clone")
    base = git(upstream, "rev-parse", "main")
    done = run_step(tmp_path / "clone", {"github.event.merge_group.base_sha": base})
    assert (done.returncode, compared(done)) == (0, (macs(4), macs(100))), done.stdout + done.stderr


@again("C4")
def test_the_head_of_a_pull_request_is_compared_from_where_it_left(upstream: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "-b", "change", f"file://{upstream}", "clone")
    done = run_step(tmp_path / "clone", event(upstream))
    assert compared(done) == (macs(4), macs(100)), done.stdout + done.stderr


@again("C4")
def test_a_push_and_no_repository_compare_with_nothing(upstream: Path, tmp_path: Path) -> None:
    assert compared(run_step(upstream, {})) == ()
    write(tmp_path / "plain", specs__net__arch=net(1))
    assert run_step(tmp_path / "plain", {}).returncode == 0
    assert run_step(tmp_path / "plain", event(upstream), against="none").returncode == 0
    done = run_step(tmp_path / "plain", event(upstream))
    assert done.returncode == 2 and "E0012" in done.stdout + done.stderr


SHARED = "arch 1\nblock unit(c) = conv(c, 3)\n"
USES = 'arch 1\nuse "blocks.arch" (unit)\nnetwork Net() { input x: f32[N, 3, 8, 8]; unit(8); output y }\n'
LABELS = 'arch 1\nnetwork Net() { input x: f32[N, 3]; linear(3); output y with labels("names.txt") }\n'


@fault(
    "C7",
    "the hook was given the changed files with the ending .arch, and nothing else was looked at",
    "shared blocks, their removal, files with labels, archdsl.toml, pyproject.toml; check and lint",
)
@pytest.mark.parametrize(
    ("name", "text"),
    [("blocks.arch", "arch 1\nblock unit(c) = conv(c, 30, pad = valid)\n"), ("blocks.arch", None),
     ("names.txt", "a\nb\n"), ("archdsl.toml", "[[budget]]\nparams = 1\n"),
     ("pyproject.toml", "[[tool.archdsl.budget]]\nparams = 1\n")],
)  # fmt: skip
def test_the_hook_sees_what_depends_on_a_change(tmp_path: Path, name: str, text: str | None) -> None:
    (tmp_path / "names.txt").write_text("a\nb\nc\n")
    write(tmp_path, blocks__arch=SHARED, uses__arch=USES, labels__arch=LABELS)
    assert run_hook(tmp_path, "archdsl-check", ["blocks.arch", "uses.arch"]) == 0
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    assert run_hook(tmp_path, "archdsl-check", [name]) != 0
    if name == "blocks.arch":
        assert run_hook(tmp_path, "archdsl-lint", [name]) != 0


@again("C7")
def test_the_hook_leaves_installed_packages_alone(tmp_path: Path) -> None:
    write(tmp_path, net__arch=net(4), env__lib__broken__arch="arch 2", env__pyvenv__cfg="")
    assert run_hook(tmp_path, "archdsl-check", ["net.arch"]) == 0
