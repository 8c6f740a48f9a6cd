"""Run the other cost tools on torchvision's networks and write what they say to ``tests/data/tool_counts.csv``.

    python -m venv tools
    tools/bin/pip install torch torchvision onnx onnxscript torchinfo==1.8.0 fvcore==0.1.5.post20221221 \\
        ptflops==0.7.5 thop==0.1.1.post2209072238 onnx-tool==1.0.1
    tools/bin/python tests/reference/count_tools.py > tests/data/tool_counts.csv

Batch 1, 224 x 224, untrained weights, evaluation mode.
"""

from __future__ import annotations

import csv
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import torch  # noqa: E402
from torch_models import torchvision_models  # noqa: E402

NETWORKS = ("resnet50", "mobilenet_v2", "densenet121", "vgg16_bn", "squeezenet1_1")


def by_torchinfo(model: Any, image: Any) -> int:
    import torchinfo

    return int(torchinfo.summary(model, input_data=image, verbose=0).total_mult_adds)


def by_fvcore(model: Any, image: Any) -> int:
    from fvcore.nn import FlopCountAnalysis

    return int(FlopCountAnalysis(model, image).total())


def by_ptflops(backend: str) -> Callable[[Any, Any], int]:
    def count(model: Any, image: Any) -> int:
        from ptflops import get_model_complexity_info

        shape = tuple(image.shape[1:])
        options = {"as_strings": False, "print_per_layer_stat": False, "backend": backend}
        return int(get_model_complexity_info(model, shape, **options)[0])

    return count


def by_thop(model: Any, image: Any) -> int:
    import thop

    return int(thop.profile(model, inputs=(image,), verbose=False)[0])


def by_onnx_tool(model: Any, image: Any) -> int:
    import onnx_tool

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        torch.onnx.export(model, (image,), path, dynamo=True, verbose=False)
        found = onnx_tool.Model(path, {})
        found.graph.shape_infer()
        found.graph.profile()
    return int(found.graph.macs[0])


TOOLS: dict[str, Callable[[Any, Any], int]] = {
    "torchinfo": by_torchinfo,
    "fvcore": by_fvcore,
    "ptflops-pytorch": by_ptflops("pytorch"),
    "ptflops-aten": by_ptflops("aten"),
    "thop": by_thop,
    "onnx-tool": by_onnx_tool,
}


def main() -> None:
    models = torchvision_models()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["network", "tool", "count"])
    image = torch.zeros(1, 3, 224, 224)
    for network in NETWORKS:
        for tool, count in TOOLS.items():
            torch.manual_seed(0)
            model = getattr(models, network)(init_weights=True) if network == "vgg16_bn" else getattr(models, network)()
            stdout, sys.stdout = sys.stdout, sys.stderr
            try:
                number = count(model.eval(), image)
            finally:
                sys.stdout = stdout
            writer.writerow([network, tool, number])


if __name__ == "__main__":
    main()
