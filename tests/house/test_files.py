"""Everything that is opened, written or removed is in two modules."""

from __future__ import annotations

import ast
from pathlib import Path

from paths import ROOT

ALLOWED = {"files.py", "writing.py"}
CALLS = {
    "open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "rmdir", "mkdir", "makedirs", "touch", "rename",
    "symlink_to", "hardlink_to", "mkstemp", "mkdtemp", "remove", "rmtree", "fromfile", "tofile", "savez", "chmod",
    "link", "symlink", "truncate", "copyfile", "copy2", "move",
}  # fmt: skip
MODULES = {"tempfile"}
ELSEWHERE = {
    "cli/exit.py": "the null device in place of a closed pipe", "cli/__init__.py": "the null device for closed streams",
    "weights/archive.py": "a member of an archive that is open", "runtime/picture.py": "a picture in a file that is open",
    "runtime/execute.py": "an archive in memory",
    "runtime/arrays.py": "a member of an archive that is open", "cli/view.py": "the browser",
}  # fmt: skip


def ways(path: Path) -> list[str]:
    """Calls that open, write or remove, and modules that do."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CALLS and not (
                name == "remove" and isinstance(node.func, ast.Attribute) and _is_list(node.func)
            ):
                found.append(f"{name} at line {node.lineno}")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            found += [f"import {name}" for name in names if name in MODULES]
    return found


def _is_list(function: ast.Attribute) -> bool:
    """``some_list.remove(x)``, not ``os.remove(x)``."""
    return not (isinstance(function.value, ast.Name) and function.value.id == "os")


def test_files_are_opened_and_written_in_two_modules() -> None:
    package = ROOT / "archdsl"
    found = {path.relative_to(package).as_posix(): ways(path) for path in package.rglob("*.py")}
    used = {name for name, calls in found.items() if calls}
    assert {"files.py", "writing.py"} <= used
    others = {name: calls for name, calls in found.items() if calls and name not in ALLOWED | ELSEWHERE.keys()}
    assert not others, others
    assert ELSEWHERE.keys() <= used, "an exception that is none"
