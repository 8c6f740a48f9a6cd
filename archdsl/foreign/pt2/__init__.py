"""Programs that ``torch.export`` made, read from their archive without PyTorch: zip and JSON, and never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from archdsl.diagnostics import Refusal
from archdsl.dims import symbols
from archdsl.element_types import FLOATS, INTEGERS
from archdsl.files import check_inside
from archdsl.foreign.importer import Importer
from archdsl.foreign.known import Known
from archdsl.foreign.pt2 import families as families  # registers the rules
from archdsl.foreign.pt2.constants import MAX_ELEMENTS
from archdsl.foreign.pt2.flow import Flow
from archdsl.foreign.pt2.memory import Complex
from archdsl.foreign.pt2.program import Body
from archdsl.foreign.pt2.scopes import Scopes
from archdsl.foreign.pt2.sizes import Sizes
from archdsl.graph import Graph, Parameter, Value
from archdsl.process import collector_paused
from archdsl.shapes import TensorType
from archdsl.tape.bindings import check_bound
from archdsl.weights.exported import Payload, Saved
from archdsl.weights.tensor import Tensor, malformed


class _Importer(Importer):
    """Makes parameters under PyTorch's own names; every learned tensor is one, also a single number."""

    def called(self, known: Known, made: Parameter) -> str:
        return known.name or made.path

    def _made(self, known: Known, path: str) -> Value:
        return (
            self._param(known, path, learned=True)
            if known.weight and known.dtype in FLOATS
            else super()._made(known, path)
        )


@collector_paused()
def read(path: Path, bind: Mapping[str, int] | None = None) -> Graph:
    """The network in an archive, with its symbolic sizes as in ``bind``.

    Raises ``DiagnosticError``: E0001 where there is no such file, E0902 for what is no archive of an exported program,
    E1001 for a program that contradicts itself, E0306 for what depends on a size, E1003 for what is not supported.
    """
    check_inside(path)
    return graph_of(Saved(path), bind or {})


def graph_of(saved: Saved, bind: Mapping[str, int]) -> Graph:
    """The network of an opened archive."""
    module = saved.program.get("graph_module")
    module = module if isinstance(module, dict) else {}
    sizes = Sizes(saved.program.get("range_constraints"), bind)
    body = Body(saved, sizes, module.get("graph"))
    importer = _Importer(str(saved.path))
    flow = Flow(importer, Scopes(body))
    signature = module.get("signature")
    signature = signature if isinstance(signature, dict) else {}
    _enter(saved, body, flow, _specs(signature, "input_specs"), bind)
    check_bound({name: size for name, size in bind.items() if name not in flow.importer.bound}, sizes.symbols.values())
    flow.run(body)
    outputs = _outputs(flow, _specs(signature, "output_specs"), _result_names(module))
    # a batch of 1, as for every other model; PyTorch cannot trace an open size at 1
    batch = {name for value in importer.inputs if value.type.shape for name in symbols(value.type.shape[0])}
    importer.defaults = {
        name: max(1, symbol.least) if name in batch else sizes.hints.get(name, 1)
        for name, symbol in sizes.symbols.items()
        if name not in bind
    }
    return importer.graph(saved.path.stem, outputs)


def _specs(signature: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    """What each input or output of the program is: ``("parameter", {…})``."""
    listed = signature.get(name)
    found = []
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and len(one) == 1:
            found += list(one.items())
    return found


def _enter(saved: Saved, body: Body, flow: Flow, specs: list[tuple[str, Any]], bind: Mapping[str, int]) -> None:
    """Give names to what enters: weights of the file, and inputs of the model."""
    tied: dict[tuple[object, ...], Known] = {}
    for kind, spec in specs:
        argument = spec.get("arg") if isinstance(spec, dict) else None
        if kind == "user_input":
            name = _tensor_name(argument)
            if name is not None:
                flow.memory.env[name] = _input(body, flow, name, bind)
        elif kind in _NAMED and isinstance(argument, dict):
            name, called = argument.get("name"), spec.get(_NAMED[kind])
            if isinstance(name, str) and isinstance(called, str):
                payload = saved.tensors.get(called) or saved.constants.get(called)
                if payload is not None and payload.complex and kind == "parameter":
                    help = "keep real numbers with a last axis of 2, and use `torch.view_as_complex` of them"
                    _refuse_complex(flow, kind, called, help)
                flow.memory.env[name] = _weight(saved, body, name, called, payload, tied, kind)


_NAMED = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}


def _tensor_name(argument: object) -> str | None:
    inner = argument.get("as_tensor") if isinstance(argument, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None


def _input(body: Body, flow: Flow, name: str, bind: Mapping[str, int]) -> Value | Known:
    """An input of the model; a number where it is bound to one."""
    declared = body.declared(name)
    if body.is_complex(name):
        help = "export a model that takes real numbers, and uses `torch.view_as_complex` of them"
        _refuse_complex(flow, "input", name, help)
    if declared is None:
        raise Refusal("E1001", f"the file does not say what the input `{name[:80]}` is")
    if name in bind and declared.elements == 1 and declared.dtype in INTEGERS:
        flow.importer.bound.add(name)
        return Known(declared.dtype, declared.shape, fill=bind[name], name=name)
    return flow.importer.input(name, declared)


def _refuse_complex(flow: Flow, what: str, name: str, help: str) -> NoReturn:
    """Refuse (E1003) complex numbers where no call takes or gives them; a parameter would count twice as real ones."""
    with flow.importer.at(str, f"{what} {name[:80]}"):
        raise Refusal("E1003", f"the {what} `{name[:80]}` is of complex numbers, which is not supported", help=help)


def _weight(
    saved: Saved, body: Body, name: str, called: str, payload: Payload | None, tied: dict[tuple[object, ...], Known],
    kind: str,
) -> Known | Complex:  # fmt: skip
    """A parameter, buffer or constant of the file; tied ones are one."""
    declared = body.declared(name)
    if payload is None:
        if declared is None or not all(isinstance(size, int) for size in declared.shape):
            malformed(saved.path, f"the weight `{called[:80]}` is missing")
        shape = tuple([size for size in declared.shape if isinstance(size, int)])
        payload = Payload(called, declared.dtype, shape, "", 0, (), kind == "parameter")
    if declared is not None and declared != TensorType(payload.dtype, payload.shape):
        stored = f"{payload.dtype}{list(payload.shape)}"
        malformed(saved.path, f"`{called[:80]}` is {declared} in the program, and {stored} beside it")
    known = tied.get(payload.identity)
    if known is None:
        first = saved.firsts.get(payload.identity, called)
        known = tied[payload.identity] = _known(payload, saved.tensor(payload), first, kind)
    return Complex(None, [known], called) if payload.complex else known


def _known(payload: Payload, tensor: Tensor, name: str, kind: str) -> Known:
    """A tensor of the file. A number that was written in Python is a constant: what is computed of it is known, too."""
    if kind == "tensor_constant" and payload.member and tensor.elements <= MAX_ELEMENTS:
        return Known(payload.dtype, payload.shape, load=tensor.array, name=name)
    return Known(payload.dtype, payload.shape, file=tensor, name=name, weight=kind == "parameter")


def _outputs(flow: Flow, specs: list[tuple[str, Any]], names: list[str]) -> dict[str, Value]:
    """The results of the model by name: the keys of what its ``forward`` gives, or ``output``, ``output_1``."""
    found: dict[str, Value] = {}
    given = [_tensor_name(spec.get("arg")) for kind, spec in specs if kind == "user_output" and isinstance(spec, dict)]
    for number, name in enumerate(given):
        if name is None:
            continue
        tensor = flow.memory.env.get(name)
        if tensor is None:
            raise Refusal("E1001", f"nothing makes the output `{name[:80]}`")
        if isinstance(tensor, Complex):
            _refuse_complex(flow, "output", name, "export a model that gives `torch.view_as_real` of it")
        called = names[number] if len(names) == len(given) else f"output_{number}" if number else "output"
        value = tensor if isinstance(tensor, Value) else flow.importer.value(tensor, called)
        found[called] = value
    return found


def _result_names(module: Mapping[str, Any]) -> list[str]:
    """The keys of the results, where the model gives them by name."""
    import json

    graph = module.get("module_call_graph")
    first = graph[0] if isinstance(graph, list) and graph and isinstance(graph[0], dict) else {}
    signature = first.get("signature")
    text = signature.get("out_spec") if isinstance(signature, dict) else None
    try:
        tree = json.loads(text) if isinstance(text, str) and len(text) < 100_000 else None
        keys = json.loads(tree[1]["context"]) if tree and "dict" in str(tree[1]["type"]).lower() else []
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return []
    keys = [key for key in keys if isinstance(key, str) and key.isidentifier()] if isinstance(keys, list) else []
    return keys if len({*keys}) == len(keys) else []
