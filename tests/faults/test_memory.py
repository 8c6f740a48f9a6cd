"""Memory and time of a run grow with what it looks at, and no faster."""

from __future__ import annotations

from pathlib import Path

import pytest
from effort import seconds_of
from faults import again, fault
from memory import measured

pytestmark = pytest.mark.slow

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


@fault(
    "R6", "every input of a join compared the types of all of its inputs", "cost, lint and diff of wide joins; found by doubling "
    "labels, fans, dense connections, shortcuts, outputs, blocks in check, lint, cost, memory, diff, compile and show",
)  # fmt: skip
def test_a_wide_join_is_linear() -> None:
    import archdsl

    def seconds(width: int, repeats: int) -> float:
        branches = "".join(f"  l{i}: x -> conv(8, 3)\n" for i in range(width))
        names = ", ".join(f"l{i}" for i in range(width))
        text = (
            "arch 1\nnetwork Net() {\n  input x: f32[N, 8, 16, 16]\n"
            + branches
            + f"  ({names}) -> concat\n  output y\n}}\n"
        )
        graph = archdsl.load(text).graph()
        return seconds_of(lambda: str(archdsl.cost(graph)), repeats)

    assert seconds(2000, 2) < 7 * seconds(500, 4)  # four times as much; 13 times before
