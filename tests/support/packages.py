"""Packages that offer something to archdsl, as installers leave them behind, and archdsl run where they are installed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

from paths import ROOT

CARD = '''
from archdsl.ops.base import Work
from archdsl.ops.pointwise import Pointwise

class Twice(Pointwise):
    """``2 * x``."""

    name = "twice"
    cost = Work(mul=1)

    def function(self, x):
        return 2 * x
'''


def installed(folder: Path, package: str, points: dict[str, dict[str, str]], **modules: str) -> None:
    """What an installer leaves of a package: its metadata and its modules."""
    metadata = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"[{group}]\n" + "".join(f"{n} = {at}\n" for n, at in names.items()) for group, names in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


def archdsl(*arguments: str, packages: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in ``folder``, with what is installed in ``packages``."""
    program = "from archdsl.cli import main; main()"
    path = os.pathsep.join([str(ROOT), str(packages)])
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def forget() -> None:
    """Forget what was known of packages in this process."""
    from archdsl import offers, ops, registry
    from archdsl.interpret.operators import operator_block

    importlib.invalidate_caches()
    for known in (offers.offers, ops.offered, ops.load, registry._rule, operator_block):
        known.cache_clear()
