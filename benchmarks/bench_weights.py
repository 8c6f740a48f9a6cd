"""Weights that are not copied: a compile that refers to a checkpoint of 100 MB, against one of the structure alone.

Promises: the model file stays below 1 MB, and the compile takes less than twice as long as without weights.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measure import ARCHDSL, interleave, peak, process, seconds, verdict

LIMIT = 2.0
BYTES = 1_000_000
NET = "resnet50"
STRUCTURE, CHECKPOINT, COPY = "--weights none", "--weights FILE", "--weights FILE --no-external-data"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="few rounds, and a margin for a busy machine")
    options = parser.parse_args()
    rounds = 5 if options.smoke else 21
    with tempfile.TemporaryDirectory() as folder:
        model, checkpoint = Path(folder, "model.onnx"), Path(folder, f"{NET}.safetensors")
        process([*ARCHDSL, "compile", NET, "-o", str(model)])
        process([*ARCHDSL, "weights", "export", str(model), "-o", str(checkpoint)])
        compile_it = [*ARCHDSL, "compile", NET, "-o"]
        referring = Path(folder, "referring.onnx")
        samples = interleave(
            {
                STRUCTURE: [*compile_it, str(Path(folder, "structure.onnx")), "--weights", "none"],
                CHECKPOINT: [*compile_it, str(referring), "--weights", str(checkpoint)],
                COPY: [*compile_it, str(model), "--weights", str(checkpoint), "--no-external-data"],
            },
            rounds,
        )
        size, whole = referring.stat().st_size, checkpoint.stat().st_size
    base = seconds(samples[STRUCTURE])
    print(f"{NET}, a checkpoint of {whole / 1e6:.1f} MB; median of {rounds} interleaved runs, whole processes")
    for name, found in samples.items():
        print(f"{seconds(found) * 1000:8.1f} ms  {seconds(found) / base:5.2f}x  {peak(found):5.0f} MiB  {name}")
    print(f"the model that refers to the checkpoint has {size:,} bytes")
    limit = LIMIT * (1.25 if options.smoke else 1)
    ratio = seconds(samples[CHECKPOINT]) / base
    failures = [f"the model has {size:,} bytes"] if size >= BYTES else []
    failures += [f"it takes {ratio:.2f}x of the structure alone, more than {limit:.2f}x"] if ratio > limit else []
    verdict(failures)


if __name__ == "__main__":
    main()
