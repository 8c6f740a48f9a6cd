"""The known faults, and whether a commit has them.

    python tools/faults.py                    # list: number, cause, siblings, tests
    python tools/faults.py --run              # … and run the tests on this checkout
    python tools/faults.py --run --at HEAD~9  # … on the package of another commit (its specs and grammar too)
    python tools/faults.py --run F01 N02      # … only these

The tests are those of ``tests/faults``; those that compare with PyTorch run where it is installed.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = (
    "archdsl", "backends", "grammars", "specs", "cli.py", "pyproject.toml", "action.yml", ".pre-commit-hooks.yaml",
)  # fmt: skip


class Known:
    """A plugin of pytest: the marks of the tests it collects, and how each test ended."""

    def __init__(self, wanted: set[str]) -> None:
        self.wanted = wanted
        self.causes: dict[str, str] = {}
        self.siblings: dict[str, str] = {}
        self.tests: dict[str, set[str]] = defaultdict(set)
        self.ends: dict[str, str] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept: list[pytest.Item] = []
        for item in items:
            for mark in item.iter_markers("fault"):
                number, cause, siblings = mark.args
                if self.wanted and number not in self.wanted:
                    continue
                self.causes[number] = self.causes.get(number) or cause
                self.siblings[number] = self.siblings.get(number) or siblings
                self.tests[number].add(item.nodeid)
                if item not in kept:
                    kept.append(item)
        items[:] = kept

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or not report.passed:
            self.ends[report.nodeid] = report.outcome


def _numbered(number: str) -> tuple[str, int]:
    letters = number.rstrip("0123456789")
    return letters, int(number[len(letters) :] or 0)


def _unpack(commit: str, folder: Path) -> None:
    """What the tests import and read, as the commit has it."""
    files = subprocess.run(["git", "archive", commit, *PACKAGE], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(folder, filter="data")


def main() -> int:
    """Exit status 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", metavar="NUMBER")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--at", metavar="COMMIT")
    options = parser.parse_args()
    if options.at:
        with tempfile.TemporaryDirectory() as folder:
            _unpack(options.at, Path(folder))
            arguments = [a for a in sys.argv[1:] if a != options.at and a != "--at" and a != f"--at={options.at}"]
            environment = {**os.environ, "PYTHONPATH": folder}
            return subprocess.run([sys.executable, "-P", __file__, *arguments], env=environment, check=False).returncode
    known = Known(set(options.numbers))
    quiet = ["--no-header", "--no-summary", "-p", "no:cacheprovider", "-m", "fault", "--tb=no", "-qq", "-n", "0"]
    pytest.main([str(ROOT / "tests" / "faults"), *quiet, *([] if options.run else ["--collect-only"])], plugins=[known])
    failed = 0
    print()
    for number in sorted(known.tests, key=_numbered):
        ends = [known.ends.get(test, "not run") for test in known.tests[number]]
        bad = sum(end == "failed" for end in ends)
        failed += bool(bad)
        verdict = f"{'FAILS' if bad else 'passes'} ({len(ends) - bad} of {len(ends)} tests)" if options.run else ""
        print(f"{number:4} {verdict:26} {known.causes[number]}".rstrip())
        if not options.run:
            print(f"     siblings: {known.siblings[number] or 'none'}")
            for test in sorted(known.tests[number]):
                print(f"     {test}")
    if options.run:
        print(f"{len(known.tests)} faults, {failed} of them there")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
