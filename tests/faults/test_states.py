"""States of a repository are what git says they are. Git itself is the reference: real merges, clones and worktrees."""

import re
import subprocess
from pathlib import Path

import pytest
from console import run
from faults import again, fault
from repository import commit, git, repository, write


def net(c: int) -> str:
    """27 c + c parameters."""
    return f"arch 1\nnetwork Net() {{\n  input x: f32[N, 3, 8, 8]\n  conv({c}, 3)\n  output y\n}}\n"


def before(folder: Path, ref: str, target: str = "net.arch") -> str:
    """The parameters before, in what changed since a state; all other figures are as they were."""
    done = run(f"archdsl check {target} --against '{ref}'", folder)
    found = re.search(r"Net +params +([\d,]+)", done.output)
    return found[1] if found else done.output


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """``main``: 4, 8, then 16 channels; ``change``, left at 8: 100 and then 200. The tree has 300."""
    folder = repository(tmp_path / "project", net__arch=net(4))
    commit(folder, "second, eight channels", net__arch=net(8))
    git(folder, "tag", "v1")
    git(folder, "tag", "-a", "v1a", "-m", "annotated")
    git(folder, "checkout", "-qb", "change")
    commit(folder, "a hundred", net__arch=net(100))
    commit(folder, "two hundred", net__arch=net(200))
    git(folder, "checkout", "-q", "main")
    commit(folder, "sixteen", net__arch=net(16))
    git(folder, "checkout", "-q", "change")
    write(folder, net__arch=net(300))
    return folder


def channels(folder: Path, revision: str) -> int:
    """Of the file in a commit, as git shows it."""
    return int(re.search(r"conv\((\d+)", git(folder, "show", f"{revision}:net.arch"))[1])  # type: ignore[index]


REVISIONS = [
    "HEAD", "HEAD~1", "HEAD^", "HEAD~2", "@", "@~1", "v1", "v1a", "v1^{}", "tags/v1", "refs/tags/v1a", "HEAD^{commit}",
    ":/second", "HEAD^{/hundred}", "change@{0}", "@{1}", "v1^0", "HEAD~1^0", "main^", "main~1",
]  # fmt: skip


@fault(
    "N12",
    "`--against` had a grammar of its own, `.git#branch=…`, and `diff` took no state at all",
    "branches, remote branches, upstreams, tags, hashes, HEAD~1, @{…}, :/text; check and diff; collisions with files, "
    "folders and names of the zoo; from a subfolder, a worktree, another folder, a bare repository",
)
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_state_is_what_git_says(history: Path, revision: str) -> None:
    shown = f"{28 * channels(history, git(history, 'rev-parse', f'{revision}')):,}"
    assert before(history, revision) == shown


@again("N12")
def test_hashes_in_full_and_short(history: Path) -> None:
    full = git(history, "rev-parse", "HEAD~1")
    for text in full, full[:8], f".git#commit={full[:8]}":
        assert before(history, text) == "2,800"


@again("N12")
@pytest.mark.parametrize("text", ["nothing", "HEAD~99", "-x", "--all", "main..HEAD", "^main", "HEAD:net.arch", ":/x y z",
                                  "@{u}", "HEAD^{tree}", "a b", "\u202e", "*", "refs/heads/nope", "main:"])  # fmt: skip
def test_what_is_no_state_is_refused(history: Path, text: str) -> None:
    done = run(f"archdsl check net.arch --against='{text}'", history)
    assert done.status == 2 and "E0012" in done.output and "Traceback" not in done.output, done.output


@again("N12")
def test_what_is_a_file_and_a_state_is_refused_as_git_does(history: Path) -> None:
    (history / "main").mkdir()
    (history / "main" / "net.arch").write_text(net(7))
    with pytest.raises(subprocess.CalledProcessError) as error:
        git(history, "log", "main")
    assert "ambiguous argument" in error.value.stderr
    done = run("archdsl check net.arch --against main", history)
    assert done.status == 2 and "`./main`" in done.output and "`refs/heads/main`" in done.output
    assert before(history, "./main") == "196" and before(history, "refs/heads/main") == "224"
    assert before(history, "main/") == "196"
    (history / "v1").write_text("a file")
    done = run("archdsl diff v1 net.arch", history)
    assert done.status == 2 and "E0012" in done.output


@again("N12")
@pytest.mark.parametrize(
    ("line", "old", "new"),
    [("diff HEAD~1 net.arch", 100, 300), ("diff HEAD~1:net.arch net.arch", 100, 300), ("diff v1 net.arch:Net", 8, 300),
     ("diff HEAD~1:net.arch:Net HEAD:net.arch", 100, 200), ("diff net.arch main:net.arch", 300, 16),
     ("diff main net.arch", 16, 300), ("diff '.git#branch=main' net.arch", 16, 300)],
)  # fmt: skip
def test_diff_takes_states(history: Path, line: str, old: int, new: int) -> None:
    done = run(f"archdsl {line}", history)
    assert re.search(rf"params +{28 * old:,} +{28 * new:,} ", done.output), done.output


@again("N12")
def test_diff_says_which_file_a_state_does_not_have(history: Path) -> None:
    write(history, new__arch=net(1))
    for line in (
        "diff HEAD new.arch",
        "diff HEAD:new.arch net.arch",
        "diff HEAD resnet18",
        "diff nothing:net.arch net.arch",
    ):
        done = run(f"archdsl {line}", history)
        assert done.status == 2 and "E0012" in done.output, done.output


@again("N12")
def test_a_name_of_the_zoo_is_that_in_diff(history: Path) -> None:
    git(history, "branch", "resnet18")
    assert run("archdsl diff resnet18 resnet34", history).output.startswith("resnet18 -> resnet34 (ResNet")


@again("N12")
def test_from_a_subfolder_and_a_worktree(history: Path, tmp_path: Path) -> None:
    commit(history, "moved", net__arch="", specs__net__arch=net(300))
    write(history, specs__net__arch=net(400))
    assert before(history / "specs", "HEAD") == "8,400"
    done = run("archdsl diff HEAD net.arch", history / "specs")
    assert "8,400" in done.output and "11,200" in done.output
    assert "8,400" in run("archdsl diff HEAD:./net.arch net.arch", history / "specs").output
    git(history, "worktree", "add", "-q", str(tmp_path / "tree"), "main")
    write(tmp_path / "tree", net__arch=net(5))
    assert before(tmp_path / "tree", "HEAD") == "448" and before(tmp_path / "tree", "HEAD~1") == "224"


@again("N12")
def test_upstreams_and_bare_repositories(history: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(history), "remote.git")
    git(tmp_path, "clone", "-q", "remote.git", "clone")
    clone = tmp_path / "clone"
    write(clone, net__arch=net(1))
    assert before(clone, "@{u}") == "5,600" and before(clone, "@{upstream}~1") == "2,800"
    assert before(clone, "origin/change") == "5,600" and before(clone, "origin") == "5,600"
    assert before(clone, "../remote.git#branch=change") == "5,600"


@fault(
    "C3",
    "a branch stood for its tip, so what others changed there counted as a change of this one",
    "local and remote branches, upstreams; merges into the branch and from it; shallow clones, merge commits of them",
)
@pytest.mark.parametrize("ref", ["main", ".git#branch=main", "heads/main", "refs/heads/main"])
def test_a_branch_is_compared_from_where_it_was_left(history: Path, ref: str) -> None:
    base = git(history, "merge-base", "HEAD", "main")
    assert channels(history, base) == 8 and before(history, ref) == f"{28 * 8}"
    done = run(f"archdsl check net.arch --against '{ref}'", history)
    assert f"compared with {base[:10]}, where `HEAD` left `main`" in done.output
    assert before(history, f".git#commit={git(history, 'rev-parse', 'main')}") == f"{28 * 16}"


@again("C3")
def test_after_a_merge_of_main_the_base_is_that_merge(history: Path) -> None:
    git(history, "checkout", "-q", "--", "net.arch")
    git(history, "merge", "-q", "-s", "ours", "-m", "merge main", "main")
    write(history, net__arch=net(300))
    assert channels(history, git(history, "merge-base", "HEAD", "main")) == 16
    assert before(history, "main") == f"{28 * 16}"


@again("C3")
def test_a_bound_does_not_hide_behind_what_others_added(history: Path) -> None:
    """Main doubled since; the change adds half of what was there before, which its budget forbids."""
    write(history, net__arch=net(12), archdsl__toml='[[budget]]\nmax_increase = { params = "10 %" }\n')
    done = run("archdsl check net.arch --against main", history)
    assert done.status == 1 and "[E0404]: params of `Net` grew from 224 to 336" in done.output


@again("C3")
def test_shallow_clones(history: Path, tmp_path: Path) -> None:
    """The merge of a pull request alone is enough, since it names its parents; else it is said what is missing."""
    git(history, "checkout", "-q", "--", "net.arch")
    git(history, "checkout", "-q", "-b", "pull", "main")
    git(history, "merge", "-q", "-s", "recursive", "-X", "theirs", "-m", "pull request", "change")
    url = f"file://{history}"
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "pull", url, "pull")
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "change", url, "change")
    for clone in tmp_path / "pull", tmp_path / "change":
        done = run("archdsl check net.arch --against main", clone)
        assert done.status == 2 and "E0012" in done.output
        done = run("archdsl check net.arch --against '.git#branch=main'", clone)
        assert done.status == 2 and "git fetch --unshallow origin main:refs/remotes/origin/main" in done.output
        git(clone, "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    assert before(tmp_path / "pull", "origin/main") == f"{28 * 16}"
    done = run("archdsl check net.arch --against origin/main", tmp_path / "change")
    assert (
        done.status == 2 and "this clone is shallow" in done.output and "`git fetch --unshallow origin`" in done.output
    )
    git(tmp_path / "change", "fetch", "-q", "--unshallow", "origin")
    assert before(tmp_path / "change", "origin/main") == f"{28 * 8}"


@again("C3")
def test_unrelated_histories_and_no_commit_at_all(history: Path, tmp_path: Path) -> None:
    git(history, "checkout", "-q", "--orphan", "other")
    commit(history, "alone", net__arch=net(9))
    done = run("archdsl check net.arch --against main", history)
    assert done.status == 0 and "no history in common" in done.output and "448" in done.output
    git(tmp_path, "init", "-q", "empty")
    write(tmp_path / "empty", net__arch=net(9))
    done = run("archdsl check net.arch --against HEAD", tmp_path / "empty")
    assert done.status == 2 and "E0012" in done.output
