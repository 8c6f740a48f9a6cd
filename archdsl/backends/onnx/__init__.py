"""The ONNX backend: ``archdsl.graph.Graph`` -> an ONNX model, without importing ``onnx``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from archdsl.backends.onnx import external, lower as lowering, stream
from archdsl.backends.onnx.lower import IR_VERSION, Lowered, refuse
from archdsl.backends.onnx.opsets import OPSETS
from archdsl.backends.onnx.options import WEIGHTS, OnnxOptions, WriteReport
from archdsl.graph import Graph, Parameter
from archdsl.ops.base import Op
from archdsl.weights.tensor import Loaded
from archdsl.writing import Unfinished, check_writable, exclusive, not_written

__all__ = ["IR_VERSION", "OPSETS", "OnnxBackend", "OnnxOptions", "WriteReport", "backend"]

PROTOBUF_LIMIT = (1 << 31) - 1
"""No protobuf message can be larger."""


class OnnxBackend:
    """What the entry point ``archdsl.backends`` gives for ``onnx``."""

    name = "onnx"
    suffix = ".onnx"
    mark = r"\x12\x07archdsl"
    """The producer, as protobuf writes it."""
    options = OnnxOptions

    def lowers(self, op: type[Op]) -> bool:
        """Whether there is a rule for the operator."""
        return lowering.rule_for(op) is not None

    def opset(self, graph: Graph) -> int:
        """The oldest operator set that can express the graph. Raises ``DiagnosticError``."""
        return lowering.lower(graph, OnnxOptions()).opset

    def lower(self, graph: Graph, options: OnnxOptions | None = None) -> bytes:
        """The whole model in memory. Raises ``DiagnosticError``."""
        options = options or OnnxOptions()
        lowered, parameters = _prepare(graph, options)
        parts = _model(lowered, graph, options, _inside(parameters, options))
        if stream.size(parts) > PROTOBUF_LIMIT:
            refuse(
                "E0602",
                "the model is larger than 2 GB and does not fit into one protobuf message",
                "write it to a file",
            )
        return stream.join(parts)

    def write(self, graph: Graph, path: str | Path, options: OnnxOptions | None = None) -> WriteReport:
        """Write the model, whole or not at all. Raises ``DiagnosticError``."""
        options = _labelled(options or OnnxOptions())
        target = Path(path)
        check_writable(target)
        target = target.resolve()
        lowered, parameters = _prepare(graph, options)
        try:
            if options.external_data:
                return _write_external(lowered, graph, target, options, parameters)
            shared = _checkpoint(parameters, target, options)
            if shared:
                report = _write_referring(lowered, graph, target, options, parameters, shared)
                return report.replace(path=str(path))
            parts = _model(lowered, graph, options, _inside(parameters, options))
            if stream.size(parts) > PROTOBUF_LIMIT:
                if options.external_data is False:
                    refuse(
                        "E0602", "the model is larger than 2 GB", "use external data: leave out `--no-external-data`"
                    )
                return _write_external(lowered, graph, target, options, parameters)
            return _write_alone(parts, lowered, target, options, parameters).replace(path=str(path))
        except OSError as error:
            raise not_written(Path(path), error) from None


def _labelled(options: OnnxOptions) -> OnnxOptions:
    """A file without weights says so in its metadata."""
    if options.weights != "none":
        return options
    return options.replace(metadata={**options.metadata, "archdsl.weights": "none"})


def _prepare(graph: Graph, options: OnnxOptions) -> tuple[Lowered, list[Parameter]]:
    """Check the options, lower the graph; with the parameters whose values will be in the file."""
    if options.weights not in WEIGHTS:
        refuse("E0603", f"the weights must be {' or '.join(WEIGHTS)}, not `{options.weights}`")
    if options.weights == "none":
        return lowering.lower(graph, options), []
    from archdsl.backends.onnx import initialisers

    if options.init != OnnxOptions.init:  # NumPy is not loaded for the sake of the default
        from archdsl.backends.onnx.init import check_scheme

        check_scheme(options.init)
    lowered = lowering.lower(graph, options)
    initialisers.check_limit(lowered.parameters, options.max_bytes)
    return lowered, lowered.parameters


def _inside(parameters: list[Parameter], options: OnnxOptions) -> list[stream.Part]:
    if not parameters:
        return []
    from archdsl.backends.onnx import initialisers

    return initialisers.inside(parameters, options)


def _checkpoint(parameters: list[Parameter], target: Path, options: OnnxOptions) -> Mapping[str, tuple[str, int]]:
    """The files of a checkpoint that already have all weights, unless the options put them inside the model."""
    if options.external_data is False or not any(isinstance(p.init, Loaded) for p in parameters):
        return {}
    from archdsl.backends.onnx import initialisers

    places = initialisers.beside(parameters, target)
    return places if initialisers.whole_checkpoint(parameters, places) else {}


def _model(lowered: Lowered, graph: Graph, options: OnnxOptions, initialisers: list[stream.Part]) -> list[stream.Part]:
    begin, tail, end = lowering.around(lowered, graph, options, stream.size(initialisers))
    return [begin, *initialisers, tail, end]


def _write_alone(
    parts: list[stream.Part], lowered: Lowered, target: Path, options: OnnxOptions, parameters: list[Parameter]
) -> WriteReport:
    """The model, with no file of data of its own."""
    with Unfinished(target) as file:
        stream.write(file, parts, _threads(options))
        with exclusive(target.parent):
            file.finish()
            external.remove_unnamed(target)
    return WriteReport(str(target), stream.size(parts), len(parameters), len(lowered.nodes), lowered.opset)


def _write_referring(
    lowered: Lowered, graph: Graph, target: Path, options: OnnxOptions, parameters: list[Parameter],
    places: Mapping[str, tuple[str, int]],
) -> WriteReport:  # fmt: skip
    """The model, with references to files of others that have its weights."""
    from archdsl.backends.onnx import initialisers

    options = external.recorded(options, target, places)
    parts = _model(lowered, graph, options, initialisers.referring(parameters, options, places))
    return _write_alone(parts, lowered, target, options, parameters)


def _write_external(
    lowered: Lowered, graph: Graph, target: Path, options: OnnxOptions, parameters: list[Parameter]
) -> WriteReport:
    """The data file first, under a name with a hash of its contents; then the model that refers to it.

    Weights that lie unchanged in a file in the folder are not copied: the model refers to that file.
    """
    from archdsl.backends.onnx import initialisers

    shared = initialisers.beside(parameters, target)
    data, offsets = initialisers.outside([one for one in parameters if one.path not in shared], options)
    if shared and not offsets:
        return _write_referring(lowered, graph, target, options, parameters, shared)
    try:
        with Unfinished(target.with_name(target.name + ".data")) as file:
            digest = stream.write(file, data, _threads(options), digest=True).hex()[:16]
            beside = external.data_file(target, digest)
            options = external.recorded(options, target, shared)
            places = {**shared, **{path: (beside.name, offset) for path, offset in offsets.items()}}
            parts = _model(lowered, graph, options, initialisers.referring(parameters, options, places))
            if stream.size(parts) > PROTOBUF_LIMIT:
                refuse("E0602", "the model is larger than 2 GB even without its weights")
            with Unfinished(target) as model, exclusive(target.parent):  # else another might remove the data meanwhile
                stream.write(model, parts, 1)
                file.finish(beside)
                model.finish()
                external.remove_unnamed(target)
    except BaseException:  # the data of a model that did not come to be
        with suppress(OSError), exclusive(target.parent):
            external.remove_unnamed(target)
        raise
    total = stream.size(parts) + stream.size(data)
    return WriteReport(str(target), total, len(parameters), len(lowered.nodes), lowered.opset, str(beside))


def _threads(options: OnnxOptions) -> int:
    return options.threads or min(os.cpu_count() or 1, 8)


backend = OnnxBackend()
