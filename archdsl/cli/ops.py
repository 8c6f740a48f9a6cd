"""``archdsl ops``: the operators, as a table or one page each; all of it read from their cards."""

from __future__ import annotations

from typing import Annotated, Any

from archdsl.cli.options import choose
from archdsl.cli.output import show
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal, did_you_mean


def command(
    name: Annotated[str | None, Arg("an operator; without one, all are listed")] = None,
    format: Annotated[str, opt("--format", help="text or json")] = "text",
) -> None:
    """List the operators, or print the page of one."""
    choose(format, "--format", ("text", "json"))
    from archdsl import ops

    if name is not None and not ops.is_operator(name):
        help = did_you_mean(name, ops.names(), "`archdsl ops` lists all operators")
        raise Refusal("E0007", f"there is no operator `{name}`", help=help)
    records = [record(one) for one in ([name] if name else ops.names())]
    from archdsl.report.operators import OperatorsReport

    show(OperatorsReport(records, one=name is not None), format)


def record(name: str) -> dict[str, Any]:
    """Everything about one operator, as plain data."""
    from archdsl import ops

    card = ops.load(name)
    doc = (card.__doc__ or "").strip().replace("``", "`")
    arguments = [
        {"name": key, "kind": one.kind.text, "required": required(one), "default": written(one), "doc": one.doc}
        for key, one in card.signature.items()
    ]
    return {
        "name": name,
        "signature": signature(name),
        "summary": doc.partition("\n")[0],
        "doc": "\n".join(line.strip() for line in doc.split("\n")[1:]).strip(),
        "arguments": arguments,
        "inputs": list(card.arity),
        "results": card.results,
        "sources": card.sources,
        "examples": [spelled(example) for example in card.examples],
        "targets": targets(name),
    }


def required(argument: Any) -> bool:
    """Whether an argument has no default."""
    from archdsl.ops.base import REQUIRED

    return argument.default is REQUIRED


def written(argument: Any) -> str | None:
    """A default as a spec would write it; ``None`` for none."""
    from archdsl.ops.base import literal

    return None if required(argument) else literal(argument.default)


def signature(name: str) -> str:
    """``conv(channels, kernel, stride = 1, …)``."""
    from archdsl import ops

    parts = [key if required(one) else f"{key} = {written(one)}" for key, one in ops.load(name).signature.items()]
    return f"{name}({', '.join(parts)})" if parts else name


def spelled(example: str) -> str:
    """``conv[64, 3, stride=2] : …`` of a card as a spec writes it: ``conv(64, 3, stride = 2) : …``."""
    call, colon, types = example.partition(" : ")
    name, bracket, arguments = call.partition("[")
    if bracket:
        call = f"{name}({arguments.removesuffix(']').replace('=', ' = ')})"
    return call + colon + types


def targets(name: str) -> list[str]:
    """The backends that can lower the operator."""
    from archdsl import ops, registry

    return [backend for backend in registry.names() if registry.backend(backend).lowers(ops.load(name))]
