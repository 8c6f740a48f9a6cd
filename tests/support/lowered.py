"""A graph through the pipeline and the ONNX backend, in memory."""

from __future__ import annotations

from archdsl.backends.onnx import OnnxOptions, backend
from archdsl.graph import Graph


def lowered(graph: Graph, *, bind: dict[str, int] | None = None, **options: object) -> bytes:
    """The bytes of the model that ``archdsl.compile`` would write, but for the metadata."""
    chosen = OnnxOptions(**options)  # type: ignore[arg-type]
    return backend.lower(chosen.pipeline().replace(bind=bind or {}).run(graph), chosen)
