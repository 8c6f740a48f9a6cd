"""Programs of PyTorch are made by PyTorch: without it these files, all of them ``reference`` tests, cannot be collected."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = (
    []
    if find_spec("torch")
    else [
        "test_programs.py", "test_pt2.py", "test_pt2_complex.py", "test_pt2_control.py", "test_pt2_networks.py",
        "test_pt2_operators.py",
    ]
)  # fmt: skip
