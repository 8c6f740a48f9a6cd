"""The other side of ``bench_check.py``: build torchvision networks on the meta device and count them, in one process.

``count_torch.py NAME…`` prints the seconds of all, imports left out, and the multiply-accumulates of each.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

WITHOUT = {"googlenet": {"init_weights": False}, "inception_v3": {"init_weights": False}}
"""The initialisation that these two would do by themselves, with SciPy."""
SIDE = {
    "inception_v3": 299, "efficientnet_b1": 240, "efficientnet_b2": 260, "efficientnet_b3": 300, "efficientnet_b4": 380,
    "efficientnet_b5": 456, "efficientnet_b6": 528, "efficientnet_b7": 600,
}  # fmt: skip
"""Input sizes other than 224."""


def main() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from torch_models import torchvision_models

    models = torchvision_models()
    start = time.process_time()
    macs = {}
    for name in sys.argv[1:]:
        side = SIDE.get(name, 224)
        with torch.device("meta"):
            network = getattr(models, name)(weights=None, **WITHOUT.get(name, {})).eval()
            image = torch.empty(1, 3, side, side)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(image)
        macs[name] = counter.get_total_flops() // 2
    print(json.dumps({"seconds": time.process_time() - start, "macs": macs}))


if __name__ == "__main__":
    main()
