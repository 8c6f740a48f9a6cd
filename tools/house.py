"""Prints the figures of the house: how far a path winds, and what hangs together in a circle.

    python tools/house.py                       # of this checkout
    python tools/house.py --repo ../old         # of another one, an old commit's as well
    python tools/house.py --json                # for a script

Four figures. **Run**: functions and files of the package that ``archdsl compile specs/mobilenet_v2.arch`` runs, the
parser's cache being warm. A function is a name in a file; the body of a class is one as well, that of a module is not.
**Depth**: calls on the stack, and files among them, when the same command makes its first operator. **Cycles**: modules
of the largest circle of imports at the head of modules, type-only ones counted; with those inside of functions,
separately. **Names**: operators named as text outside of their rooms (``tools/operator_names.py``, where there is one).

The commands run in processes of their own, in the interpreter that runs this script, from the folder of the checkout.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

Imports = dict[str, set[str]]
"""Module -> the modules of the package that it imports."""

COMMAND = ("compile", "specs/mobilenet_v2.arch")

PROBE = r"""
import json, os, sys, threading
repo, wanted, *arguments = sys.argv[1:]
sys.path.insert(0, repo)
rooms = tuple(os.path.realpath(os.path.join(repo, room)) + os.sep for room in ("archdsl", "backends"))
known, ran, stack = {}, set(), []

def ours(code):
    if code not in known:
        file = os.path.realpath(code.co_filename)
        known[code] = file if file.startswith(rooms) else None
    return known[code]

def count(frame, event, argument):
    if event == "call" and ours(frame.f_code):
        ran.add(frame.f_code)

def look(frame, event, argument):
    if event != "call" or frame.f_code.co_name != "__init__" or stack:
        return
    made = frame.f_locals.get(frame.f_code.co_varnames[0])
    if type(made).__name__ == "Node" and type(made).__module__ == "archdsl.graph":
        frame = frame.f_back  # who makes it, not the making
        while frame:
            file = ours(frame.f_code)
            if file:
                stack.append((file, frame.f_code.co_qualname, frame.f_lineno))
            frame = frame.f_back

class Ended(BaseException):
    pass

def end(*_):
    raise Ended

os._exit = end
watch = count if wanted == "run" else look
sys.argv = ["archdsl", *arguments]
threading.setprofile(watch)
sys.setprofile(watch)
try:
    from archdsl.cli import main
    main()
except Ended:
    pass
except SystemExit as ended:
    if ended.code:
        raise
finally:
    sys.setprofile(None)
home = os.path.dirname(os.path.realpath(sys.modules["archdsl"].__file__)) + os.sep
if home != rooms[0]:
    sys.exit(f"this interpreter imports archdsl from {home}, not from {rooms[0]}")
short = lambda file: os.path.relpath(file, os.path.realpath(repo))
if wanted == "run":
    found = {(short(known[c]), c.co_name): c.co_firstlineno for c in ran if c.co_name != "<module>"}
    found = sorted((file, line, name) for (file, name), line in found.items())
else:
    found = [(short(file), line, name) for file, name, line in stack]
sys.__stderr__.write("\n" + json.dumps(found))
"""


def probe(repo: Path, wanted: str) -> list[tuple[str, int, str]]:
    """(file, line, function) of what the command runs (``run``), or of the stack at the first operator (``depth``)."""
    with tempfile.TemporaryDirectory() as folder:
        target = ["-o", str(Path(folder) / "model.onnx")]
        command = [sys.executable, "-c", PROBE, str(repo), wanted, *COMMAND, *target]
        for _ in range(2):  # the first fills the caches
            done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return [(file, line, name) for file, line, name in json.loads(done.stderr.splitlines()[-1])]


# Cycles


def modules(repo: Path) -> dict[str, Path]:
    """Every module of the package and its file; backends that lie beside the package belong to it, too."""
    found: dict[str, Path] = {}
    for folder, package in ((repo / "archdsl", "archdsl"), (repo / "backends", "archdsl.backends")):
        if folder.is_symlink():
            continue
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


def imported(tree: ast.Module, name: str, package: bool, known: Iterable[str]) -> tuple[set[str], set[str]]:
    """What a module imports at its head, blocks for type checkers included, and inside of functions."""
    head: set[str] = set()
    inside: set[str] = set()
    for node, deep in _nodes(tree, False):
        for target in _targets(node, name, package, set(known)):
            (inside if deep else head).add(target)
    return head - {name}, inside - {name}


def _nodes(node: ast.AST, deep: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, deep
        yield from _nodes(child, deep or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def _targets(node: ast.AST, name: str, package: bool, known: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom):
        above = (
            name.split(".")[: None if package and node.level == 1 else -(node.level - package)] if node.level else []
        )
        base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            if inner in known:
                yield inner
            elif base in known:
                yield base


def imports(repo: Path) -> tuple[Imports, Imports]:
    """Imports at the head of every module; and all of them, those inside of functions included."""
    found = modules(repo)
    head: Imports = {}
    everything: Imports = {}
    for name, path in found.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        outside, inside = imported(tree, name, path.name == "__init__.py", found)
        head[name], everything[name] = outside, outside | inside
    return head, everything


def circles(imports: Imports) -> list[list[str]]:
    """Groups of modules each of which reaches all others, the largest first (Tarjan, without recursion)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    held: set[str] = set()
    found: list[list[str]] = []
    for root in imports:
        work = [(root, iter(sorted(imports[root])))] if root not in order else []
        while work:
            name, rest = work[-1]
            if name not in order:
                order[name] = low[name] = len(order)
                open_.append(name)
                held.add(name)
            for target in rest:
                if target not in order:
                    work.append((target, iter(sorted(imports[target]))))
                    break
                if target in held:
                    low[name] = min(low[name], order[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == order[name]:
                    cut = open_.index(name)
                    group, open_ = open_[cut:], open_[:cut]
                    held -= set(group)
                    if len(group) > 1:
                        found.append(sorted(group))
    return sorted(found, key=len, reverse=True)


# Everything


def figures(repo: Path) -> dict[str, object]:
    """All figures of a checkout."""
    ran, stack = probe(repo, "run"), probe(repo, "depth")
    head, everything = map(circles, imports(repo))
    return {
        "functions run": len(ran),
        "files run": len({file for file, _, _ in ran}),
        "calls to the first operator": len(stack),
        "files to the first operator": len({file for file, _, _ in stack}),
        "largest circle of imports": max(map(len, head), default=0),
        "with imports inside of functions": max(map(len, everything), default=0),
        "operator names elsewhere": operator_names(repo),
    }


def operator_names(repo: Path) -> int | None:
    """How many operators are named as text outside of their rooms; None where the checkout cannot say."""
    script = Path(__file__).parent / "operator_names.py"
    if not script.exists():
        return None
    done = subprocess.run(
        [sys.executable, script, "--repo", repo, "--count"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return int(done.stdout)


def main() -> None:
    """Print the figures, and with ``--why`` what they count."""
    parser = argparse.ArgumentParser(description="Prints the figures of the house.")
    parser.add_argument(
        "--repo", type=Path, default=Path(__file__).parent.parent, help="a checkout; this one by default"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--why", choices=["run", "depth", "cycles"], help="print what one of the figures counts")
    given = parser.parse_args()
    repo = given.repo.resolve()
    if given.why == "cycles":
        for group in circles(imports(repo)[0]):
            print(len(group), *group)
    elif given.why:
        for file, line, name in probe(repo, given.why):
            print(f"{file}:{line} {name}")
    elif given.json:
        print(json.dumps(figures(repo), indent=2))
    else:
        for name, value in figures(repo).items():
            print(f"{name:<34}{'not known' if value is None else f'{value:,}':>10}")


if __name__ == "__main__":
    main()
