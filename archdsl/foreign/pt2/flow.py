"""A program's calls, one after another, as nodes of our operators."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, evaluate, symbols
from archdsl.foreign.importer import MISFITS, Importer, misfit
from archdsl.foreign.known import Known
from archdsl.foreign.pt2.arguments import RULES, Args
from archdsl.foreign.pt2.complex import computed, touches
from archdsl.foreign.pt2.constants import evaluated
from archdsl.foreign.pt2.control import CONTROL, inlined, inputs
from archdsl.foreign.pt2.memory import Complex, Item, Memory, Tensor
from archdsl.foreign.pt2.program import Body, Call, Ref
from archdsl.foreign.pt2.scopes import Scopes
from archdsl.graph import Value
from archdsl.shapes import TensorType


class Flow:
    """The names of one program while its calls are read."""

    def __init__(self, importer: Importer, scopes: Scopes) -> None:
        self.importer = importer
        self.scopes = scopes
        self.memory = Memory(importer)

    def run(self, body: Body) -> None:
        """Read all calls of a graph."""
        for call in body.calls():
            with self.importer.at(_line, call, _notes):
                self._call(body, call)

    def _call(self, body: Body, call: Call) -> None:
        if not any(call.outputs):
            return  # an assertion, or a size, which is declared as an expression
        args = Args(self.memory, self.scopes, body, call)
        control = CONTROL.get(call.operator)
        results: Sequence[Item | None] | None = None
        if control is not inlined and touches(args):
            results = computed(args)
        elif control is not None:
            results = control(self, call)
        if results is None:
            found = evaluated(args) or self._made(args)
            results = [found] if isinstance(found, Value | Known) else list(found)
        for name, one in zip(call.outputs, results):
            if name is not None and one is not None:
                if name in self.memory.env:
                    raise Refusal("E1001", f"two values are called `{name[:80]}`")
                self.memory.env[name] = self._as_declared(body, name, one)
        self.memory.note(call)

    def _made(self, args: Args) -> Tensor | Sequence[Tensor | None]:
        made = RULES.get(args.call.operator)
        try:
            found = made(args) if made is not None else None
        except MISFITS as error:
            raise misfit(args.call.target, error, "`torch.export.load`") from error
        return self._opaque(args) if found is None else found

    def _opaque(self, args: Args) -> Sequence[Tensor]:
        """A call that no operator of ours says: its types are declared, and its cost is not known."""
        from archdsl.ops.opaque import Opaque

        call = args.call
        types = [args.body.declared(name) if name else None for name in call.outputs]
        library, _, rest = call.target.partition(".")
        if not all(types):
            raise Refusal(
                "E1003", f"`{call.target}` has no operator here, and gives something of a type that is not known",
            )  # fmt: skip
        plain = {
            name: value for name, value in call.arguments.items() if isinstance(value, bool | int | float | str | tuple)
        }
        op = Opaque.of(library, rest, [one for one in types if one is not None], plain)
        return args.apply(op, [args.materialised(one) for one in args.tensors()], base=call.operator)

    def applied(self, body: Body, refs: Sequence[Ref]) -> list[Item | None]:
        """The results of a graph inside of the program, of tensors by their names. Its own names are its own.

        Refuses (E1003) a graph that writes into what it is given: what else shows that memory is not known inside.
        """
        given = [self.memory.item(one) for one in refs]
        memory = Memory(self.importer)
        found = self.results(body, given, memory)
        names = inputs(body)
        for name, one in zip(names, given):
            if name in memory.written or memory.env.get(name) is not one:
                raise Refusal(
                    "E1003", f"a graph inside of the program writes into `{name}`, which it is given",
                    help="export without such writes: `torch.export.export(…).run_decompositions({})`",
                )  # fmt: skip
        return found

    def results(self, body: Body, given: Sequence[Item], memory: Memory | None = None) -> list[Item | None]:
        """The results of a graph inside of the program, whose names are kept in a memory of its own."""
        outer, self.memory = self.memory, memory or Memory(self.importer)
        self.memory.env = dict(zip(inputs(body), given))
        try:
            self.run(body)
            return [self.memory.env.get(one.name) for one in body.results()]
        finally:
            self.memory = outer

    def _as_declared(self, body: Body, name: str, value: Item) -> Item:
        """The value with the declared element type; refuses (E1001) what is declared with another shape."""
        if isinstance(value, Complex):
            return value
        declared = body.declared(name)
        made = value.type if isinstance(value, Value) else TensorType(value.dtype, value.shape)
        if declared is None or declared == made:
            return value
        if not _agree(made.shape, declared.shape, body.sizes.hints):
            raise Refusal(
                "E1001", f"the file says that `{name}` is {declared}, and its operator gives {made}",
                help="the file contradicts itself: export the model again",
            )  # fmt: skip
        if declared.dtype != made.dtype and isinstance(value, Value):
            (value,) = self.importer.apply("cast", [value], f"{value.name}.cast", dtype=declared.dtype)
        return value


def _agree(made: Sequence[Dim], declared: Sequence[Dim], hints: dict[str, int]) -> bool:
    """Whether two shapes are one, as far as can be told: symbolic sizes are compared at the sizes of the export."""
    if len(made) != len(declared):
        return False
    for ours, theirs in zip(made, declared):
        difference = evaluate(ours - theirs, hints)
        if isinstance(difference, int) and difference != 0:
            return False
        if not isinstance(difference, int) and not symbols(difference) - hints.keys():
            return False
    return True


def _line(call: Call) -> str:
    inputs = ", ".join(one.name for one in call.refs())
    scope = f"  in {call.scope}" if call.scope else ""
    return f"{call.name} = {call.target}({inputs[:200]}){scope}"


def _notes(call: Call) -> tuple[str, ...]:
    return (f"from {call.source}",) if call.source else ()
