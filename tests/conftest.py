"""Says, at the end of a run, which tests were left out by default and how to run them."""

from __future__ import annotations

from collections import Counter

import pytest

LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        found = next((m for m in ("reference", "nightly") if item.get_closest_marker(m)), "other")
        item.config.stash[LEFT_OUT][found] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # a worker of pytest-xdist: hand the count to the controller
        output["left_out"] = dict(session.config.stash[LEFT_OUT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    # Every worker collects, and so deselects, the same tests.
    node.config.stash[LEFT_OUT] = Counter(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash[LEFT_OUT]
    for marker in ("reference", "nightly"):
        if counts[marker]:
            how = f"run them with `pytest -m {marker}`"
            terminalreporter.write_line(f"left out: {counts[marker]} {marker} tests ({how})")
