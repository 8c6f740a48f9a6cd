"""Two ways to write a network are one network; and ten faults, planted where they would do most harm, are all seen."""

from __future__ import annotations

from collections.abc import Callable

import fuzz_pairs
import pytest

from archdsl import data
from archdsl.interpret import blocks, expressions, labels
from archdsl.modules.meanings import Scope
from archdsl.tape.builder import Builder
from archdsl.weights import candidates, convert, match

Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.slow
@pytest.mark.parametrize("kind", fuzz_pairs.KINDS)
def test_forty_pairs_of_each_kind(kind: str) -> None:
    judged, failures = fuzz_pairs.run(1, 40, [kind])
    assert not failures, "\n".join(failures)
    assert judged[kind] == 40


@pytest.mark.reference
def test_onnx_runtime_and_pytorch_agree_on_what_is_drawn() -> None:
    judged, failures = fuzz_pairs.run(2, 400, [*fuzz_pairs.KINDS], torch=True)
    assert not failures, "\n".join(failures)
    assert judged.total() == 400


@pytest.mark.nightly
def test_twenty_thousand_pairs() -> None:
    _, failures = fuzz_pairs.run(2024, 20_000, [*fuzz_pairs.KINDS])
    assert not failures, "\n".join(failures)


def _bound_wrongly(patch: pytest.MonkeyPatch) -> None:
    right = fuzz_pairs.bind
    patch.setattr(fuzz_pairs, "bind", lambda graph, sizes: right(graph, {**sizes, "W": sizes["W"] + 1}))


def _old_operator_set(patch: pytest.MonkeyPatch) -> None:
    right = fuzz_pairs.backend.lower

    def lower(graph, options):
        model = fuzz_pairs.onnx.ModelProto.FromString(right(graph, options))
        model.opset_import[0].version = 1
        return model.SerializeToString()

    patch.setattr(type(fuzz_pairs.backend), "lower", staticmethod(lower))


def _data_without_an_argument(patch: pytest.MonkeyPatch) -> None:
    right = data.to_json
    patch.setattr(data, "to_json", lambda graph: right(graph).replace('"bias": false', '"bias": true'))


def _builder_without_an_argument(patch: pytest.MonkeyPatch) -> None:
    right = Builder.apply_all

    def apply_all(self, op, *inputs, **arguments):
        arguments.pop("bias", None)
        return right(self, op, *inputs, **arguments)

    patch.setattr(Builder, "apply_all", apply_all)


def _computed_label_in_capitals(patch: pytest.MonkeyPatch) -> None:
    right = labels.Label.__init__

    def init(self, syntax, computed):
        right(self, syntax, computed and (lambda env: _capital(computed(env))))

    patch.setattr(labels.Label, "__init__", init)


def _capital(text: object) -> object:
    return text.replace("l", "L") if isinstance(text, str) else text


def _weights_anew(patch: pytest.MonkeyPatch) -> None:
    right = blocks.Place
    patch.setattr(blocks, "Place", lambda *given, **named: right(*given, **{**named, "shared": False}))


def _not_transposed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(match, "restored", lambda tensor, stored, parameter: convert._moved(tensor, parameter.type.shape, ()))


PLANTED: dict[str, tuple[str, Plant]] = {
    "sizes are bound to others": ("declared", _bound_wrongly),
    "the operator set is too old": ("types", _old_operator_set),
    "`with` gives nothing": (
        "with",
        lambda patch: patch.setattr(expressions, "with_defaults", lambda block, env: block),
    ),
    "`share` makes weights anew": ("share", _weights_anew),
    "a computed label is in capitals": ("computed", _computed_label_in_capitals),
    "a block hides its label": ("labels", lambda patch: patch.setattr(Scope, "nearest", Scope.bound)),
    "prefixes are not looked for": (
        "prefixes",
        lambda patch: patch.setattr(candidates, "prefixes", lambda ours, theirs: [("", "")]),
    ),
    "matrices are not transposed": ("maps", _not_transposed),
    "the data form loses an argument": ("with", _data_without_an_argument),
    "the builder loses an argument": ("with", _builder_without_an_argument),
}


@pytest.mark.parametrize(("kind", "plant"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found(kind: str, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    _, failures = fuzz_pairs.run(0, 60, [kind], stop_after=1)
    assert failures
