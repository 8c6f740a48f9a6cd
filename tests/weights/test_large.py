"""A checkpoint of 5 GB, Llama 3.2-1B in f32 with random values, is referred to, not read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from archdsl import driver, reading

BLOCK = 1 << 22
BYTES = 4 * 1_235_814_400
"""Hugging Face's card of meta-llama/Llama-3.2-1B: 1.23 B parameters; the table of rotations is no parameter."""


def checkpoint(path: Path) -> None:
    """The tensors of the network under its own names, the same random block again and again."""
    graph = driver.open_program(reading.zoo_names()["llama_3_2_1b"]).graph("llama_3_2_1b")
    head, end = {}, 0
    for name, parameter in graph.parameters().items():
        begin, end = end, end + int(str(parameter.type.bytes))
        shape = [int(str(size)) for size in parameter.type.shape]
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    assert end >= BYTES
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    block = np.random.default_rng(0).standard_normal(BLOCK, dtype=np.float32).tobytes()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for start in range(0, end, len(block)):
            file.write(block[: end - start])


@pytest.mark.nightly
def test_five_gigabytes_are_not_read(tmp_path: Path) -> None:
    """Below 10 s of processor time and 300 MB of resident memory, and the model points into the checkpoint."""
    if shutil.disk_usage(tmp_path).free < 8e9:
        pytest.skip("needs 8 GB on the disk")
    weights, model = tmp_path / "llama.safetensors", tmp_path / "llama.onnx"
    checkpoint(weights)
    try:
        command = ["compile", "llama_3_2_1b", "--weights", str(weights), "-o", str(model)]
        child = subprocess.Popen([sys.executable, "-m", "archdsl", *command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        assert usage.ru_utime + usage.ru_stime < 10
        assert usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) < 300e6
        assert model.stat().st_size < 1e6
        graph = onnx.load(model, load_external_data=False).graph
        entries = [{one.key: one.value for one in tensor.external_data} for tensor in graph.initializer]
        pointed = [entry for entry in entries if entry.get("location") == weights.name]
        assert sum(int(entry["length"]) for entry in pointed) >= BYTES
    finally:
        weights.unlink()
