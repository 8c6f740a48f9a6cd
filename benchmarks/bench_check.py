"""Checking networks against building the same ones in PyTorch on the meta device and counting their operations.

One process for each side and round, CPU time; imports of the libraries are left out, parsing, elaboration, shapes and
every claim (parameters, multiply-accumulates, memory, receptive fields) are not. The multiply-accumulates of both sides
are equal, which is checked. Promise: at most an eighth of the time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.util import find_spec
from statistics import median
from typing import Any

from measure import ROOT, verdict

LIMIT = 1 / 8
NETWORKS = (
    "alexnet", "densenet121", "densenet161", "densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1",
    "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7",
    "googlenet", "inception_v3", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "vgg11", "vgg11_bn", "vgg13",
    "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "wide_resnet50_2", "wide_resnet101_2",
)  # fmt: skip
"""The networks that torchvision and the zoo have in common."""

OURS = """
import hashlib, json, sys, time
from importlib import import_module
from archdsl import driver, ops, reading
from archdsl.interpret import preprocess_and_labels as ends
from archdsl.process import collector_paused
from archdsl.analyses import arena, claims, measure
for family in ops.FAMILIES:
    import_module(f"archdsl.ops.{family}")
files = {}
for name, file in reading.zoo_names().items():
    if not sys.argv[1:] or name in sys.argv[1:]:
        files.setdefault(file, []).append(name)
start = time.process_time()
with collector_paused():
    found = [driver.open_program(file).report(names) for file, names in files.items()]
seconds = time.process_time() - start
assert not any(report.diagnostics for report in found)
graphs = {name: v.graph for report in found for name, v in report.variants.items()}
from archdsl.analyses.measure import Measures
macs = {name: Measures(graphs[name]).of("macs").value for name in sys.argv[1:]}
print(json.dumps({"seconds": seconds, "macs": macs, "networks": len(graphs),
                  "operators": sum(len(g.nodes) for g in graphs.values())}))
"""


def run(*command: str) -> Any:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="five networks, one round; judges nothing but the counts")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    names = ("resnet18", "resnet50", "mobilenet_v2", "vgg16", "squeezenet1_1") if options.smoke else NETWORKS
    sides = {"archdsl, the same networks": ("-c", OURS, *names), "archdsl, the whole zoo": ("-c", OURS)}
    if find_spec("torch") and find_spec("torchvision"):
        sides["torch.utils.flop_counter"] = ("benchmarks/count_torch.py", *names)
    rounds = [
        {side: run(*command) for side, command in sides.items()} for _ in range(1 if options.smoke else options.rounds)
    ]
    for side in sides:
        networks = rounds[0][side].get("networks", len(names))
        print(f"{median(r[side]['seconds'] for r in rounds):8.2f} s  {networks:4d} networks  {side}")
    if "torch.utils.flop_counter" not in sides:
        print("PyTorch or torchvision is not installed: nothing to compare with")
        verdict([])
    ours, theirs = rounds[0]["archdsl, the same networks"]["macs"], rounds[0]["torch.utils.flop_counter"]["macs"]
    failures = [
        f"{n}: {ours[n]:,} multiply-accumulates, PyTorch counts {theirs[n]:,}" for n in names if ours[n] != theirs[n]
    ]
    ratio = median(
        r["archdsl, the same networks"]["seconds"] / r["torch.utils.flop_counter"]["seconds"] for r in rounds
    )
    print(f"median ratio of {len(rounds)} rounds, the same networks: 1/{1 / ratio:.1f}")
    if ratio > LIMIT and not options.smoke:
        failures.append(f"checking takes 1/{1 / ratio:.1f} of the time, more than 1/{1 / LIMIT:.0f}")
    verdict(failures)


if __name__ == "__main__":
    main()
