"""Prints where the code names an operator as text outside of the operators' own rooms, and why it may.

    python tools/operator_names.py              # of this checkout
    python tools/operator_names.py --repo DIR   # of another one
    python tools/operator_names.py --count      # the number alone

A fact about an operator belongs to its card, where it cannot be forgotten when the operator changes. So what is counted
is every string constant that equals an operator's name (docstrings and ``__slots__`` left out) in ``archdsl/`` but for

- ``ops/``, where the operators are;
- the backends' rules: the modules of a backend that are called like a family of operators;
- ``foreign/``, the rules by which operators of other tools become ours;
- ``analyses/other_counters.py``, which says how other tools count each operator.

Classes of operators in ``isinstance`` are no text and are not counted: a class that is renamed or gone is an error.
Many names are words of other things as well: ``step`` and ``min`` are keys of JSON, ``round`` is a function of numbers.
The text does not tell which is meant, so all are counted, and :data:`ALLOWED` gives the reason for each.
"""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

ALLOWED: dict[tuple[str, str], str] = {
    ("archdsl/backends/onnx/init.py", "zeros"): "a scheme of `--init`",
    ("archdsl/backends/onnx/options.py", "fold"): "an option",
    ("archdsl/report/folding.py", "fold"): "how long cells are broken",
    ("archdsl/cli/lint.py", "select"): "an option",
    ("archdsl/project/linting.py", "select"): "an option",
    ("archdsl/data/form.py", "constant"): "a way to begin a parameter, in the data form",
    ("archdsl/data/form.py", "ones"): "a way to begin a parameter, in the data form",
    ("archdsl/data/form.py", "zeros"): "a way to begin a parameter, in the data form",
    ("archdsl/interface.py", "crop"): "an argument of `preprocess`",
    ("archdsl/interface.py", "resize"): "an argument of `preprocess`",
    ("archdsl/interpret/combinators.py", "add"): "the language: what `residual` joins by unless it is told",
    ("archdsl/interpret/combinators.py", "concat"): "the language: what `dense` joins by unless it is told",
    ("archdsl/interpret/combinators.py", "drop_path"): "the language: an argument of `residual`, and what it applies",
    ("archdsl/interpret/combinators.py", "mul"): "the language: the argument `scale` of `residual`",
    ("archdsl/interpret/scans.py", "reverse"): "the language: an argument of `scan`",
    ("archdsl/modules/suggestions.py", "ceil"): "an argument of our poolings",
    ("archdsl/modules/suggestions.py", "dropout"): "another framework's argument",
    ("archdsl/modules/suggestions.py", "reverse"): "an argument of our recurrent layers",
    ("archdsl/modules/words.py", "abs"): "a function of numbers",
    ("archdsl/modules/words.py", "ceil"): "a function of numbers",
    ("archdsl/modules/words.py", "cos"): "a function of numbers",
    ("archdsl/modules/words.py", "exp"): "a function of numbers",
    ("archdsl/modules/words.py", "floor"): "a function of numbers",
    ("archdsl/modules/words.py", "log"): "a function of numbers",
    ("archdsl/modules/words.py", "max"): "a function of numbers",
    ("archdsl/modules/words.py", "min"): "a function of numbers",
    ("archdsl/modules/words.py", "round"): "a function of numbers",
    ("archdsl/modules/words.py", "sin"): "a function of numbers",
    ("archdsl/modules/words.py", "sqrt"): "a function of numbers",
    ("archdsl/report/costs.py", "step"): "a key of JSON",
    ("archdsl/report/diff.py", "where"): "a key of JSON, and a column",
    ("archdsl/report/memory.py", "step"): "a key of JSON, and a column",
    ("archdsl/runtime/doctor.py", "relu"): "the model that runtimes are tried with",
    ("archdsl/runtime/outputs.py", "max"): "a key of JSON",
    ("archdsl/runtime/outputs.py", "min"): "a key of JSON",
    (
        "archdsl/syntax/name_rules.py",
        "flatten",
    ): "the language: a conversion in a rule for names",
    (
        "archdsl/syntax/name_rules.py",
        "permute",
    ): "the language: a conversion in a rule for names",
    (
        "archdsl/syntax/name_rules.py",
        "reshape",
    ): "the language: a conversion in a rule for names",
    (
        "archdsl/syntax/name_rules.py",
        "squeeze",
    ): "the language: a conversion in a rule for names",
    (
        "archdsl/syntax/name_rules.py",
        "transpose",
    ): "the language: a conversion in a rule for names",
    (
        "archdsl/syntax/name_rules.py",
        "unsqueeze",
    ): "the language: a conversion in a rule for names",
}
"""(File, name) -> why it stands there."""

CONVENTIONS = (("analyses", "other_counters.py"), ("passes", "tools.py"))
"""The conventions of other tools, today and in older checkouts."""
OLD_RULES = frozenset({"layers", "functions", "spatial"})
"""Where the PyTorch backend's rules stood in older checkouts."""


class Mention(NamedTuple):
    """An operator's name as text."""

    file: str
    line: int
    name: str


def mentions(repo: Path = ROOT) -> list[Mention]:
    """Every operator's name that stands as a string constant outside of the operators' rooms, in order."""
    families = _families(repo)
    names = {name for operators in families.values() for name in operators}
    found = []
    for path in _files(repo, frozenset(families)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        no_text = set(map(id, _no_text(tree)))
        found += [
            Mention(path.relative_to(repo).as_posix(), node.lineno, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value in names and id(node) not in no_text
        ]
    return sorted(found)


def _families(repo: Path) -> dict[str, tuple[str, ...]]:
    """``FAMILIES`` of another checkout, which may not be importable."""
    tree = ast.parse((repo / "archdsl" / "ops" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FAMILIES" and node.value is not None:
            found: dict[str, tuple[str, ...]] = ast.literal_eval(node.value)
            return found
    raise SystemExit(f"{repo}: archdsl/ops/__init__.py has no FAMILIES")


def _files(repo: Path, families: frozenset[str]) -> Iterator[Path]:
    for folder in ("archdsl", "backends"):
        for path in sorted((repo / folder).rglob("*.py")) if not (repo / folder).is_symlink() else ():
            parts = path.relative_to(repo).parts
            if parts[:2] in (("archdsl", "ops"), ("archdsl", "foreign")) or parts[-2:] in CONVENTIONS:
                continue
            if "backends" not in parts or path.stem not in families | OLD_RULES:
                yield path


def _no_text(tree: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, and the names of attributes in ``__slots__``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__":
            yield from ast.walk(node.value)


def main() -> None:
    """Print a line for each file and name."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repo", type=Path, default=ROOT, help="the checkout to look at")
    parser.add_argument("--count", action="store_true", help="print the number alone")
    given = parser.parse_args()
    found = mentions(given.repo.resolve())
    if given.count:
        print(len(found))
        return
    for (file, name), count in Counter((m.file, m.name) for m in found).items():
        times = f" ({count} times)" if count > 1 else ""
        print(f"{file}: {name}{times}: {ALLOWED.get((file, name), 'NO REASON GIVEN')}")
    print(f"{len(found)} in all")


if __name__ == "__main__":
    main()
