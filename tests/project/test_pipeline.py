"""The pipeline of rewrites: in one order, checked behind every stage."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.driver import resolve_target
from archdsl.graph import Graph
from archdsl.invariants import BrokenGraphError, check
from archdsl.pipeline import Pipeline
from archdsl.rewrites import merge

ALL = Pipeline(bind={"N": 2}, drop_dead=True, settle="kaiming", fold=True)


def graph(name: str) -> Graph:
    program, variant = resolve_target(name)
    return program.graph(variant)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "googlenet", "densenet121", "lenet5"])
def test_every_stage_keeps_the_invariants(name: str) -> None:
    found = ALL.run(graph(name))
    assert check(found) and str(found.inputs[0].type.shape[0]) == "2"
    norms = [node.path for node in found.nodes if node.op.name == "batch_norm"]
    assert len(norms) < len([n for n in graph(name).nodes if n.op.name == "batch_norm"]) or not norms


def test_nothing_asked_for_is_nothing_done() -> None:
    given = graph("resnet18")
    assert Pipeline().run(given) is given


def test_a_rewrite_that_breaks_the_graph_is_found_where_it_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(given: Graph) -> Graph:
        return given.rewired(given.inputs, given.nodes[1:], given.outputs, given.taps)

    monkeypatch.setattr(merge, "deployed", wrong)
    with pytest.raises(BrokenGraphError):
        Pipeline(fold=True).run(graph("lenet5"))


def test_loaded_weights_are_not_settled(tmp_path) -> None:
    archdsl.compile("resnet18", tmp_path / "m.onnx")
    from archdsl.project.compiling import with_weights

    loaded, _ = with_weights(graph("resnet18"), tmp_path / "m.onnx")
    assert Pipeline(settle="kaiming").run(loaded) is loaded
