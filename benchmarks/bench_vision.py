"""Networks for pictures in ONNX Runtime: archdsl's file against the best that ``torch.onnx.export`` makes of them.

As ``bench_sequences.py`` compares: torchvision's and timm's networks, those for segmentation and video too, and
the heads of detectors. What is behind heads, suppression above all, is left out on both sides.

Promise: the median ratio of all networks is at most 1.02. Those of single ones, of loading and of memory are shown.
"""

from __future__ import annotations

from statistics import median

from bench_sequences import arguments, measured, missing
from measure import verdict

NEEDED = ("torch", "onnxscript", "torchvision", "timm", "safetensors")
MEDIAN = 1.02


def main() -> None:
    options = arguments(__doc__)
    if missing(NEEDED):
        return
    found, broken = measured(options, "vision_networks", "MobileNetV4")
    broken = [one for one in broken if "outputs differ" in one]
    if median(found) > MEDIAN and not options.smoke:
        broken.append(f"the median ratio is {median(found):.3f}, not {MEDIAN}")
    verdict(broken)


if __name__ == "__main__":
    main()
