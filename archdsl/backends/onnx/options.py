"""The options of an ONNX file, and the report on a written one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from archdsl import registry
from archdsl.pipeline import Pipeline

WEIGHTS = ("initial", "none")


class OnnxOptions(registry.Options):
    """Options of the ONNX backend."""

    opset: int | None = None
    """The operator set; ``None``: the oldest at which no operator is emulated at a cost (:mod:`.opsets`)."""
    weights: str = "initial"
    """``initial``: values of ``init`` and ``seed``; ``none``: structure only, parameters become inputs without data."""
    init: str = "kaiming"
    """The scheme for parameters that are scaled by their fans (``init.SCHEMES``)."""
    seed: int = 0
    deploy: bool = False
    """For inference only: norms are folded, parallel linear branches merged, and what reaches no output dropped."""
    fold: bool | None = None
    """Fold batch norms into layers, and merge parallel linear branches; ``None``: as ``deploy``."""
    native: bool = False
    """Keep every operator in its own element type, also where ONNX Runtime has no kernel for it on the CPU."""
    external_data: bool | None = None
    """Weights outside of the model: in files of the folder that have them already, else in one of its own; ``None``:
    only if the model exceeds 2 GB, or a checkpoint in the folder has all of them."""
    max_bytes: int = 16 << 30
    """Refuse a model with more bytes of weights than this."""
    threads: int | None = None
    """Threads that compute weights (``None``: one per core, at most 8); the result does not depend on it."""
    doc: str = ""
    """The model's ``doc_string``; empty: the graph's."""

    def pipeline(self) -> Pipeline:
        """The running variances that go with the initial weights; the graph for inference where it was asked for."""
        return Pipeline(
            drop_dead=self.deploy,
            settle=self.init if self.weights != "none" else None,
            fold=self.deploy if self.fold is None else self.fold,
        )

    help: ClassVar[Mapping[str, str]] = {
        "init": "the scheme of the initial weights: kaiming, xavier, zeros, …",
        "seed": "seed of the initial weights",
        "deploy": "for inference: fold norms, merge linear branches, drop what only training needs",
        "fold": "fold batch norms into convolutions, merge parallel ones",
        "opset": "the operator set; default: the oldest without a cost",
        "native": "element types as they are, also where ONNX Runtime has no kernel on the CPU",
        "external_data": "weights in a separate file, or never; default: only beyond 2 GB",
    }


class WriteReport(registry.WriteReport):
    """What was written; the size is that of the model with its data file."""

    nodes: int = 0
    """ONNX nodes."""
    opset: int = 0
    data_path: str | None = None
    """The file of external data, if there is one."""
