"""W0201: a parameter that nothing reads is told, unless those who call the block decide what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import again, archdsl, fault, network

BLOCKS = """\
block plain(c, stride = 1) = conv(c, 1)
block fancy(c, stride = 1) = conv(c, 3, stride = stride)
block two(unit: block, c) { unit(c, stride = 1); unit(c, stride = 1) }
block def(c, unit = plain) { unit(c, stride = 1) }"""
GIVEN = {
    "an argument": "two(plain, 4)\ntwo(fancy, 4)\ndef(4)",
    "an argument by name": "two(unit = plain, c = 4)\ntwo(fancy, 4)\ndef(4, unit = fancy)",
    "a let": "let u = plain\nu(4, stride = 1)\ntwo(fancy, 4)\ndef(3, fancy)",
    "a condition": "two(plain if x.c == 3 else fancy, 4)\ndef(3)",
    "a list": "for u in [plain, fancy] { u(4, stride = 1) }\ntwo(fancy, 3)\ndef(3)",
    "a cell": "for table {\n  u  c\n  plain  3\n  fancy  4\n} { u(c, stride = 1) }\ntwo(fancy, 3)\ndef(3)",
    "with some arguments": "for u in [plain(4), fancy(4)] { u(stride = 1) }\ntwo(fancy, 3)\ndef(3)",
}


@fault(
    "B10",
    "each block was looked at alone, though a block that is given as a value must take what its callers give",
    "arguments by place and name, defaults, lets, conditions, lists, cells, blocks with some of their arguments",
)
@pytest.mark.parametrize("name", GIVEN)
def test_a_common_interface_is_no_mistake(name: str, tmp_path: Path) -> None:
    blocks = BLOCKS if name in ("an argument", "a default") else BLOCKS.replace("unit = plain", "unit = fancy")
    done = archdsl(tmp_path, "check a.arch", a__arch=network(GIVEN[name], before=blocks))
    assert done.status == 0 and "W0" not in done.output, done.output


@again("B10")
def test_a_forgotten_stride_is_still_told(tmp_path: Path) -> None:
    text = network("plain(4, stride = 2)\nx -> fancy(4) -> plain(3)", before="\n".join(BLOCKS.splitlines()[:2]))
    output = archdsl(tmp_path, "check a.arch", a__arch=text).output
    assert output.count("W0201") == 1 and "`stride` of `plain`" in output
