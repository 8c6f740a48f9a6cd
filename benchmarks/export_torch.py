"""The other side of ``bench_export.py``: build a torchvision network and export it, in one process.

``export_torch.py NAME default|legacy FILE [--warm]``; with ``--warm`` the export runs twice and the second call's
seconds are printed. Everything else is torch.onnx.export's default: a fixed batch of 1, which is its fastest case.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))


def main() -> None:
    name, exporter, target, *flags = sys.argv[1:]
    warnings.simplefilter("ignore")
    import torch
    from torch_models import torchvision_models

    model = getattr(torchvision_models(), name)(weights=None).eval()
    image = torch.zeros(1, 3, 224, 224)
    for _ in range(2 if "--warm" in flags else 1):
        start = time.perf_counter()
        torch.onnx.export(model, (image,), target, dynamo=exporter == "default")
        elapsed = time.perf_counter() - start
    print(f"{elapsed:.6f}")


if __name__ == "__main__":
    main()
