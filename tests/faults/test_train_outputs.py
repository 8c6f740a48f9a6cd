"""What stands in a ``train output`` is part of the text, also where the graph for inference is made."""

from __future__ import annotations

from pathlib import Path

import planted
import pytest
from faults import again, archdsl, fault, network

AUX = "global_avg_pool -> flatten -> linear(3)"
USES = {
    "a label": f"f: conv(4, 3)\na: f -> conv(4, 1)\nf -> relu\ntrain output aux = a -> {AUX}\noutput y",
    "a name alone": "f: conv(4, 3)\na: f -> conv(4, 1)\nf -> relu\ntrain output a\noutput y",
    "a let": f"let a = x -> conv(4, 1)\nconv(3, 3)\ntrain output aux = a -> {AUX}\noutput y",
    "the flow": "conv(4, 3)\ntrain output aux\nx -> conv(5, 3)\noutput y",
    "a tuple": "a: conv(2, 1)\nb: x -> conv(2, 1)\ntrain output aux = (a, b)\nx -> relu\noutput y",
    "a block around it": f"a: conv(4, 1)\nlet head = {{ a -> {AUX} }}\nx -> conv(3, 3)\ntrain output aux = x -> head\noutput y",
}
INNER = """\
network Inner(c = 4) {{
  input x: f32[N, 3, 32, 32]
  f: conv(c, 3) -> relu
  a: f -> conv(4, 1)
  train output aux = a -> {aux}
  output y = f
}}"""


@fault(
    "B4",
    "a `train output` was not run at all unless compiled for training, so that nothing in it was used or wrong",
    "labels, lets, the flow, tuples, blocks around a label; networks inside of networks, whose train outputs are never "
    "made; faults inside of a train output, which `check` did not tell; `expect output aux :: […]`",
)
@pytest.mark.parametrize("name", USES)
def test_a_train_output_is_a_use(name: str, tmp_path: Path) -> None:
    done = archdsl(tmp_path, "check a.arch", a__arch=network(USES[name]))
    assert done.status == 0 and "W0204" not in done.output, done.output


@again("B4")
def test_so_it_is_in_a_network_that_is_used_as_a_block(tmp_path: Path) -> None:
    text = network("Inner(8) -> conv(4, 3)", before=INNER.format(aux=AUX))
    done = archdsl(tmp_path, "check a.arch", a__arch=text)
    assert done.status == 0 and "W0" not in done.output, done.output
    assert "aux" not in archdsl(tmp_path, "show a.arch:Net").output
    assert "aux" not in archdsl(tmp_path, "show a.arch:Inner").output
    assert "aux" in archdsl(tmp_path, "show a.arch:Inner --train").output


@again("B4")
def test_what_nothing_uses_is_still_told(tmp_path: Path) -> None:
    text = network(USES["a label"] + "\nx -> conv(7, 1) -> tanh")
    output = archdsl(tmp_path, "check a.arch", a__arch=text.replace("output y", "output y = f")).output
    assert output.count("W0204") == 2, output


@again("B4")
@pytest.mark.parametrize("value", ["f -> «conv(8, 4)»", "f -> conv(8, «nowhere»)", "«nowhere»"])
def test_faults_in_a_train_output_are_told(value: str, tmp_path: Path) -> None:
    text = network(f"f: conv(4, 3)\ntrain output aux = {value}\noutput y")
    wanted = [("E0206" if "conv(8, 4)" in value else "E0201", text.index("«"), text.index("»") - 1)]
    assert planted.told(text.replace("«", "").replace("»", ""), tmp_path) == wanted


@again("B4")
def test_the_shape_of_a_train_output_is_held(tmp_path: Path) -> None:
    body = "f: conv(4, 3)\ntrain output aux = f -> conv(5, 1)\noutput y = f\nexpect output aux :: [N, {c}, 32, 32]"
    assert archdsl(tmp_path, "check a.arch", a__arch=network(body.format(c=5))).status == 0
    done = archdsl(tmp_path, "check a.arch", a__arch=network(body.format(c=6)))
    assert done.status == 1 and "E0401" in done.output
