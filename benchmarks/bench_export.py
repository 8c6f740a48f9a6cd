"""From a network's name to an ONNX file with initial weights: ``archdsl compile`` against PyTorch and its exporters.

Promises, for each network, whole process: at least 10 times as fast as ``torch.onnx.export``'s default exporter and 6
times as fast as its legacy one, at no more than a third of their memory; and in one process, the warm call of
``archdsl.compile`` is faster than the legacy exporter's warm call.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from measure import ARCHDSL, ROOT, interleave, peak, process, seconds, verdict

NETWORKS = {"resnet50": "resnet", "resnet152": "resnet", "densenet201": "densenet", "mobilenet_v2": "mobilenet_v2"}
"""Name, here and in torchvision, and the file in specs/."""
FASTER = {"default": 10.0, "legacy": 6.0}
MEMORY = 1 / 3

WARM = """
import sys, time, archdsl
network, spec, target = sys.argv[1:]
for _ in range(2):
    start = time.perf_counter()
    archdsl.compile(archdsl.load(spec).graph(network), target)
    elapsed = time.perf_counter() - start
print(elapsed)
"""


def whole_process(network: str, folder: Path, rounds: int, exporters: list[str]) -> list[str]:
    """Compare, print, and say what was not held."""
    commands = {"archdsl": [*ARCHDSL, "compile", network, "-o", str(folder / "ours.onnx")]}
    for exporter in exporters:
        script = str(ROOT / "benchmarks" / "export_torch.py")
        commands[exporter] = [sys.executable, script, network, exporter, str(folder / f"{exporter}.onnx")]
    samples = interleave(commands, rounds, warm=rounds > 1)
    ours, failures = samples["archdsl"], []
    for name, found in samples.items():
        faster, lighter = seconds(found) / seconds(ours), peak(ours) / peak(found)
        print(
            f"{network:14s} {name:8s} {seconds(found):8.2f} s {faster:6.1f}x {peak(found):8.0f} MiB {1 / lighter:5.1f}x"
        )
        if name in FASTER and faster < FASTER[name]:
            failures.append(f"{network}: only {faster:.1f}x faster than the {name} exporter, not {FASTER[name]:.0f}x")
        if name in FASTER and lighter > MEMORY:
            failures.append(f"{network}: {lighter:.2f} of the {name} exporter's memory, more than a third")
    return failures


def warm_calls(network: str, folder: Path) -> list[str]:
    """The second call in one process, against the legacy exporter's second call."""
    script = str(ROOT / "benchmarks" / "export_torch.py")
    ours = float(
        _output([sys.executable, "-c", WARM, network, f"specs/{NETWORKS[network]}.arch", str(folder / "ours.onnx")])
    )
    theirs = float(_output([sys.executable, script, network, "legacy", str(folder / "legacy.onnx"), "--warm"]))
    print(f"{network:14s} warm     {ours:8.3f} s against the legacy exporter's {theirs:.3f} s: {theirs / ours:.1f}x")
    return [f"{network}: a warm call takes {ours:.3f} s, the legacy exporter's {theirs:.3f} s"] if ours > theirs else []


def _output(command: list[str]) -> str:
    import subprocess

    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]


def installed() -> list[str]:
    """The exporters that can run here."""
    torch = bool(find_spec("torch") and find_spec("torchvision"))
    return [e for e, possible in (("default", torch and find_spec("onnxscript")), ("legacy", torch)) if possible]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", choices=[[], *NETWORKS], default=[])
    parser.add_argument("--smoke", action="store_true", help="one round of mobilenet_v2; prints, and judges nothing")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    networks = options.networks or (["mobilenet_v2"] if options.smoke else list(NETWORKS))
    exporters = installed()
    if len(exporters) < 2:
        print("PyTorch, torchvision or onnxscript is not installed: measuring", ", ".join(["archdsl", *exporters]))
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        process([*ARCHDSL, "check", networks[0]])
        for network in networks:
            failures += whole_process(network, Path(folder), 1 if options.smoke else options.rounds, exporters)
            if "legacy" in exporters:
                failures += warm_calls(network, Path(folder))
    verdict([] if options.smoke else failures)


if __name__ == "__main__":
    main()
