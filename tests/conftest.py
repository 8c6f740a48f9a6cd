"""``--fast``; and at the end of a run, which tests were left out and how to run them."""

from __future__ import annotations

import os
from collections import Counter

import pytest

KINDS = {
    "reference": "run them with `pytest -m reference`",
    "nightly": "run them with `pytest -m nightly`",
    "layout": "run them with `pytest -m layout`",
    "browser": "run them with `pytest -m browser`",
    "compiled": "run them with `pytest -m compiled`, beside PyTorch and torchvision of one build",
    "slow": "run them without `--fast`",
}
"""Markers of what is left out by default or by ``--fast``, and how it is run."""

LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast",
        action="store_true",
        help="leave out the tests marked slow as well; `-m` stays free for a choice of yours",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()
    if hasattr(config, "workerinput"):  # beside other workers, PyTorch's threads wait for cores that it does not have
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """An option of its own, because a second ``-m`` would replace the one in pyproject.toml. What is nightly as well as
    ``reference`` runs where ``-m`` speaks of nights (or is empty): `pytest -m reference` is what every change passes.
    So it is with ``browser``: `pytest -m "nightly and browser"` runs what needs both.
    """
    left_out = list(KINDS) if config.getoption("--fast") else []
    chosen = config.getoption("-m")
    left_out += [kind for kind in ("nightly", "browser") if chosen and kind not in chosen]
    out = [item for item in items if any(item.get_closest_marker(kind) for kind in left_out)]
    if out:
        items[:] = [item for item in items if not any(item.get_closest_marker(kind) for kind in left_out)]
        config.hook.pytest_deselected(items=out)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        kinds = [kind for kind in KINDS if kind != "slow" or item.config.getoption("--fast")]
        found = next((kind for kind in kinds if item.get_closest_marker(kind)), "other")
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
    for kind, how in KINDS.items():
        if counts[kind]:
            terminalreporter.write_line(f"left out: {counts[kind]} {kind} tests ({how})")
