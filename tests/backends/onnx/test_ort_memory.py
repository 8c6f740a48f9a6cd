"""``peak_activations`` against what ONNX Runtime allocates (``support/ort_memory.py`` says how that is read)."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import pytest
from ort_memory import Allocated, allocated
from paths import SUPPORT

import archdsl
from archdsl import driver, reading
from archdsl.analyses.memory_plan import Memory
from archdsl.graph import Graph

CLOSE = 0.15
NETWORKS = (
    "autoencoder_mnist", "nin_cifar10", "squeezenet1_0", "googlenet", "resnet18", "wrn_16_8", "xception",
    "inception_v3", "bam_resnet50", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mnasnet1_0",
)  # fmt: skip
"""Chains, inceptions, residual and separable nets, gates; benchmarks/bench_memory.py has more."""


@cache
def graph(name: str) -> Graph:
    return driver.open_program(reading.zoo_names()[name]).graph(name)


@cache
def predicted(name: str) -> int:
    return archdsl.cost(graph(name)).total("peak_activations")


@cache
def measured(name: str) -> Allocated:
    return allocated(graph(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_prediction_is_close(name: str) -> None:
    assert abs(predicted(name) / measured(name).peak - 1) <= CLOSE, f"{predicted(name):,} {measured(name)}"


def test_networks_are_in_the_predicted_order() -> None:
    pairs = [(a, b) if predicted(a) < predicted(b) else (b, a) for a, b in combinations(NETWORKS, 2)]
    wrong = [(a, b) for a, b in pairs if predicted(a) < predicted(b) and measured(a).peak >= measured(b).peak]
    assert wrong == []
    assert len({predicted(name) for name in NETWORKS}) >= 10


def test_the_published_peak_is_what_is_allocated() -> None:
    """MobileNetV2: 96 maps of 112 x 112 and of 56 x 56 (5.74 MiB), behind the first expansion."""
    found = measured("mobilenet_v2")
    assert found.peak == predicted("mobilenet_v2") == 4 * 96 * (112 * 112 + 56 * 56)
    assert found.at.startswith("features.2.conv.1")


@pytest.mark.parametrize("name", ["densenet121", "seresnet50"])
def test_where_the_planner_shares_buffers_it_needs_more(name: str) -> None:
    """A buffer that is kept for a later tensor of the same shape; without that the prediction is close."""
    apart = allocated(graph(name), share=False)
    assert measured(name).peak > apart.peak
    assert abs(predicted(name) / apart.peak - 1) <= CLOSE


def test_where_a_convolution_adds_onto_the_other_branch() -> None:
    """ResNet-50's peak is then in layer2.0: its input, the first convolution's and the second's result. Level full has
    the body's and the projection's result beside each other, at layer1.0.
    """
    assert predicted("resnet50") == 4 * 56 * 56 * (64 + 256 + 256)
    assert measured("resnet50").peak == 4 * (256 * 56 * 56 + 128 * 56 * 56 + 128 * 28 * 28)


def test_what_is_multiplied_with_its_gate_has_a_result_of_its_own() -> None:
    """EfficientNet-B0: x and x * sigmoid(x), 96 maps of 112 x 112 each."""
    assert predicted("efficientnet_b0") == 4 * 96 * (112 * 112 + 112 * 112)
    assert measured("efficientnet_b0").peak == pytest.approx(predicted("efficientnet_b0"), rel=0.001)


SEQUENCES = {
    "Bert": None, "Gpt": None, "Vit": None, "Mixer": None, "Llama": None, "EncoderDecoder": None, "Tcn": None,
    "LanguageModel": 2 * 4 * 35 * 1000, "Bidirectional": 3 * 4 * 200 * 256, "Gated": None,
}  # fmt: skip
"""Transformers and recurrent networks (``support/sequences.arch``), with a closed form where there is a cause to
differ: an output of `linear` with a bias is copied (``Reshape``); an LSTM in both directions turns its result, which the
planner keeps."""


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_with_buffers_that_are_kept(name: str) -> None:
    """Eight of ten within 15 % with ONNX Runtime's defaults, and the others to 3 % by their closed form."""
    net = archdsl.load(SUPPORT / "sequences.arch").graph(name)
    found, form = allocated(net).peak, SEQUENCES[name]
    assert abs((form or Memory(net).kept) / found - 1) <= (0.03 if form else CLOSE), found


@pytest.mark.parametrize("name", ["Bert", "Vit", "Mixer", "Llama", "EncoderDecoder", "Bidirectional"])
def test_the_peak_of_sequences_is_exact_without_sharing(name: str) -> None:
    net = archdsl.load(SUPPORT / "sequences.arch").graph(name)
    assert archdsl.cost(net).total("peak_activations") == allocated(net, share=False).peak
