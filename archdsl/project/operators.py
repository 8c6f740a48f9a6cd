"""The operators, archdsl's own and those of installed packages; their descriptions are read from their cards.

Beside them stand the combinators and the blocks of the standard library (:mod:`archdsl.project.blocks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.files import packaged
from archdsl.report.render import Printed

if TYPE_CHECKING:
    from archdsl.report.operators import OperatorsReport


class Operators(Printed):
    """One operator, or all of them. ``faults``: what packages offer and cannot be used.

    ``blocks``: combinators and blocks of the standard library, where one of these is asked for, or everything.
    """

    def __init__(
        self, records: Sequence[Mapping[str, object]], one: bool, faults: Sequence[Diagnostic],
        blocks: Sequence[Mapping[str, object]] = (),
    ) -> None:  # fmt: skip
        self.records = tuple(records)
        self.one = one
        self.faults = tuple(faults)
        self.blocks = tuple(blocks)

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(str(record["name"]) for record in self.records)

    def report(self) -> OperatorsReport:
        """The page of one operator, or a line for each."""
        from archdsl.report.operators import OperatorsReport

        return OperatorsReport(self.records, self.blocks, one=self.one)


def operators(name: str | None = None) -> Operators:
    """The operator called ``name`` (or combinator, or block of the standard library), or all of them; refuses (E0007) a
    name that none of them has.
    """
    from archdsl import ops, registry
    from archdsl.project.blocks import blocks, combinators

    known = sorted({*ops.names(), *ops.offered()})
    if name is not None and name not in known:
        others = [*combinators(), *blocks()]
        found = [one for one in others if one["name"] == name]
        if not found:
            from archdsl.modules.suggestions import unknown_name

            help = unknown_name(name, [*known, *(str(one["name"]) for one in others)]).help
            raise Refusal("E0007", f"there is no operator `{name}`", help=help or "`archdsl ops` lists all operators")
        return Operators((), True, (), found)
    faults: list[Refusal] = []
    if name is not None:
        from archdsl.project.operator_costs import measured

        one = record(name, faults)
        records = [{**one, "cost": measured(one["examples"])}]
    else:
        faults = registry.faults()
        records = [record(other, []) for other in known if usable(other)]
    rest = [*combinators(), *blocks()] if name is None else ()
    return Operators(records, name is not None, [fault.diagnostic() for fault in faults], rest)


def usable(name: str) -> bool:
    """Whether the card of an operator can be loaded."""
    from archdsl import ops

    try:
        ops.load(name)
    except Refusal:
        return False
    return True


def record(name: str, faults: list[Refusal]) -> dict[str, Any]:
    """Everything about one operator, as plain data; what is wrong with backends and rules is added to ``faults``."""
    from archdsl import ops

    card = ops.load(name)
    doc = (card.__doc__ or "").strip().replace("``", "`")
    examples = [spelled(example) for example in card.examples]
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
        "examples": examples,
        "package": package(name),
        "targets": targets(name, faults),
        "types": types(name),
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


def package(name: str) -> str:
    """The package that the operator is from, with its version; empty for archdsl's own."""
    from archdsl import ops
    from archdsl.offers import OPERATORS, offers

    return "" if ops.is_operator(name) else offers(OPERATORS)[name][0].package


def types(name: str) -> dict[str, list[str]]:
    """The element types of one of archdsl's own operators by what writes them (``tools/type_table.py``)."""
    import json
    from importlib.resources import files

    text = packaged(files(__package__ or "").joinpath("operator_types.json"))
    return {sign: names.split() for sign, names in json.loads(text).get(name, {}).items()}


def targets(name: str, faults: list[Refusal]) -> list[str]:
    """The backends that can lower the operator; what is wrong with others is added to ``faults``."""
    from archdsl import ops, registry

    found = []
    for target in registry.names():
        try:
            if registry.backend(target).lowers(ops.load(name)):
                found.append(target)
        except Refusal as refusal:
            faults.append(refusal)
    return found
