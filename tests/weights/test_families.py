"""Every family of the zoo: its maps lead there and back, and one tensor that is wrong is seen by ``verify``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import weight_files as make
from paths import spec
from zoo_models import SMALL, SMALL_MAPS, graph_of, made_small, program

import archdsl
from archdsl import weights
from archdsl.graph import Graph
from archdsl.reading import zoo_files

FAMILIES = sorted(path.stem for path in zoo_files())
LARGE = {
    "accuracy_booster", "alexnet", "amoebanet", "bam", "beit", "bit", "c3d", "cbam", "clip", "cmpe_se", "coatnet",
    "conformer", "cspnet", "dcn", "delugenet", "detr", "dit", "dla", "dpn", "eca_resnet", "faster_rcnn", "fcos", "hardnet",
    "inception_resnet", "inception_v3", "inception_v4", "maxvit", "mixer", "msdnet", "nasnet", "nf_resnet", "overfeat",
    "pnasnet", "polynet", "pyramidnet", "rcnn", "repvgg", "res2net", "residual_attention", "resmlp", "resnext", "retinanet",
    "rfcn", "sam", "se_resnet", "segformer", "senet", "siglip", "sknet", "spp_net", "stable_diffusion", "stylegan2", "swin",
    "swin_v2", "vgg", "video_resnet", "wav2vec2", "wide_resnet", "xception", "zfnet",
}  # fmt: skip
"""More than 14 million parameters, or long to run: for the night. By day their maps are read by the second sources."""
CASES = [
    *(pytest.param(n, True, id=n) for n in FAMILIES if n not in LARGE),
    *(pytest.param(n, False, id=f"{n}-native", marks=pytest.mark.nightly) for n in FAMILIES),
]
"""By day networks of sequences and pictures are small: maps are about names and layouts, which no width changes."""
PICTURES = (
    {"h": 12, "depth": 2, "p": 8, "res": 64}, {"width": 0.25, "depth": 0.1, "res": 64}, {"res": 64}, {"res": 139}, {"c": 8},
)  # fmt: skip
"""Arguments that make other networks small or their pictures, the first that a network takes."""
HUGE = 400_000_000
"""Parameters with which a model no longer fits into one file of 2 GB."""
JUMPS = {"perceptron", "adaline", "madaline"}
"""Networks whose outputs are steps: a change may well not be seen in them."""


def networks(family: str) -> dict[str, Graph]:
    """The smallest network of a family, and for each further set of maps the smallest that has it, by variant."""
    variants = (name for name in program(spec(family)).variants if name not in JUMPS)
    graphs = {name: graph for name in variants if kernels(graph := graph_of(name))}
    first: dict[tuple[str, ...], str] = {}
    for name, graph in sorted(graphs.items(), key=lambda item: size(item[1])):
        first.setdefault(tuple(graph.maps), name)
    return {name: graphs[name] for name in first.values()}


def small(variant: str, graph: Graph) -> Graph:
    """The same of fewer features, or of a smaller picture, where it can be."""
    for arguments in (made_small(variant),) if made_small(variant) else PICTURES:
        with suppress(archdsl.DiagnosticError):
            return graph_of(variant, **arguments)
    return graph


def kernels(graph: Graph) -> list[str]:
    """Weights with more than one value on two axes."""
    return [path for path, p in graph.parameters().items() if sum(n != 1 for n in p.type.shape) > 1]


def size(graph: Graph) -> int:
    return sum(p.type.elements for p in graph.parameters().values())


@pytest.mark.slow
@pytest.mark.parametrize(("family", "by_day"), CASES)
def test_maps_lead_there_and_back_and_a_wrong_tensor_is_seen(family: str, by_day: bool, tmp_path: Path) -> None:
    graphs = [small(*item) if by_day else item[1] for item in networks(family).items()]
    assert graphs
    if size(graphs[0]) > HUGE:
        pytest.skip("a small configuration of it is tried by day")
    assert family not in {**SMALL, **SMALL_MAPS} or not by_day or size(graphs[-1]) < 1_000_000
    for graph in graphs:
        archdsl.compile(graph, tmp_path / "a.onnx", external_data=False)
        found = weights.read(tmp_path / "a.onnx")
        tensors = {name: found[name].array() for name in graph.parameters()}
        there_and_back(graph, tensors, tmp_path)
        wrong = next(path for path in kernels(graph) if np.ptp(tensors[path]))  # positions begin with zeros
        tensors[wrong] = np.roll(tensors[wrong].reshape(-1), 1).reshape(tensors[wrong].shape)
        make.safetensors(tmp_path / "c.safetensors", tensors)
        archdsl.compile(graph, tmp_path / "c.onnx", weights=tmp_path / "c.safetensors", external_data=False)
        assert archdsl.verify(tmp_path / "a.onnx", against=tmp_path / "a.onnx").same
        assert not archdsl.verify(tmp_path / "a.onnx", against=tmp_path / "c.onnx").same


def there_and_back(graph: Graph, tensors: make.Arrays, folder: Path) -> None:
    """Written under every map, and loaded from there."""
    for names in graph.maps:
        file = folder / f"{names}.safetensors"
        archdsl.export_weights(folder / "a.onnx", file, network=graph, names=names)
        archdsl.compile(graph, folder / "b.onnx", weights=file, external_data=False)
        again = weights.read(folder / "b.onnx")
        for name, array in tensors.items():
            np.testing.assert_array_equal(again[name].array(), array, names)


def test_every_map_of_the_zoo_is_among_them() -> None:
    for family in FAMILIES:
        text = (spec(family)).read_text(encoding="utf-8")
        declared = {line.split()[1] for line in text.splitlines() if line.startswith("  weights ")}
        assert not declared or declared <= {name for graph in networks(family).values() for name in graph.maps}, family
