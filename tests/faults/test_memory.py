"""Memory and time of a run grow with what it looks at, and no faster."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import again, fault
from memory import measured

NETWORK = "network N{}() {{ input x: f32[N, 8]; relu; linear(4); output y; budget {{ params <= 1K }} }}\n"


@fault(
    "R5", "every elaboration made and kept a scope of all definitions of its file, and diagnostics kept their networks",
    "check, lint; networks, variants and blocks of a file; findings with frames; running totals of a file",
)  # fmt: skip
@pytest.mark.parametrize("command", ["check", "lint"])
def test_many_networks_in_a_file(command: str, tmp_path: Path) -> None:
    for count in (500, 2000):
        (tmp_path / f"{count}.arch").write_text("arch 1\n" + "".join(NETWORK.format(i) for i in range(count)))
    few, many = (measured(tmp_path, command, f"{count}.arch") for count in (500, 2000))
    assert many[1] < 150, (few, many)  # MiB; 1,769 before
    assert many[0] < 6 * few[0], (few, many)


@again("R5")
def test_linted_networks_are_let_go(tmp_path: Path) -> None:
    """Each has findings, whose frames must not keep it."""
    text = Path(__file__).parents[2].joinpath("specs", "mobilenet_v2.arch").read_text()
    names = [f"net{i}.arch" for i in range(60)]
    for name in names:
        (tmp_path / name).write_text(text)
    few, many = measured(tmp_path, "lint", *names[:10]), measured(tmp_path, "lint", *names)
    assert many[1] < few[1] + 25, (few, many)
