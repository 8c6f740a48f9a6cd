"""The tape: nodes in the order in which they are made. Types, parameters and paths are settled here and nowhere else.

The interpreter, :class:`~archdsl.tape.builder.Builder`, the data form and importers all make their nodes by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from archdsl.diagnostics import Refusal
from archdsl.dim_order import at_least
from archdsl.dims import Dim
from archdsl.graph import Node, Parameter, Value
from archdsl.ops.base import Op, Weight
from archdsl.ops.counted import Counted
from archdsl.shapes import TensorType
from archdsl.source import Frame, Origin, Span
from archdsl.tape.bound_axes import Named, with_indices
from archdsl.tape.empty import check_empty
from archdsl.tape.faults import Faults, without_unknowns
from archdsl.tape.limits import DEFAULT, SMALL, Bounds, Limits
from archdsl.tape.paths import Naming, PathScope, join
from archdsl.tape.poison import POISON, Flow, Poison
from archdsl.tape.provenance import derivations

_SIDES = ("first", "second", "third", "fourth")


class Tape:
    """The nodes, parameters and labelled values of one graph in the making, and what was found wrong with it."""

    __slots__ = (
        "_repeated", "bound_axes", "bounds", "empty", "faults", "held", "inside", "loops", "named_axes", "nodes",
        "parameters", "paths", "taps",
    )  # fmt: skip

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.bounds = Bounds(limits)
        self.faults = Faults(self.bounds)
        self.nodes: list[Node] = []
        self.paths: set[str] = set()
        """Paths of nodes, and names of inputs."""
        self.parameters: dict[str, Parameter] = {}
        self.taps: dict[str, Value] = {}
        """Labelled tensors by path."""
        self.named_axes = False
        """Whether some operator's axis was named so: it depends on more than the types show."""
        self.empty = False
        """Whether sizes may be 0: some symbol allows it."""
        self.bound_axes: Named = {}
        """Axes of inputs that are declared as a symbol with a bound size."""
        self.loops = 0
        """How many bodies are in the making, within one another."""
        self.held = 0
        """How many nodes bodies hold that are complete."""
        self.inside: dict[Value, str] = {}
        """The values of such bodies, with the path of what holds them."""
        self._repeated: dict[str, int] = {}

    @property
    def made(self) -> int:
        """How many nodes there are, those in bodies included."""
        return len(self.nodes) + self.held

    def node(self, op: Op, inputs: Sequence[Value | Poison], place: Place, base: str, span: Span | None) -> Flow:
        """Apply the operator to the inputs at the place; unlabelled, it is called ``base``.

        Poison among the inputs gives poison. Raises :class:`Refusal` without a place where the operator's rules refuse.
        """
        bounds = self.bounds
        bounds.step(len(inputs) or 1)
        for value in inputs:
            if type(value) is Poison:
                place.operator(base)
                return POISON
        live: Sequence[Value] = inputs  # type: ignore[assignment]
        if self.inside:
            self.check_outside(live)
        if self.bound_axes:
            named, op = op, with_indices(op, live, self.bound_axes)
            self.named_axes |= named is not op
        least, most = op.accepts
        if len(live) < least or (most is not None and len(live) > most):
            raise wrong_count(op, len(live))
        bounds.count_node(self.made, place.depth, self.faults.failed)
        path, prefix = place.operator(base)
        path = self.fresh(path)
        if isinstance(op, Counted) and op.symbol is not None:
            op = self._named(op, path, live)
        applied = self._applied(op, live, span)
        bounds.check_outputs(len(applied.types))
        if not applied.small:
            bounds.check_sizes(applied.types)
        params = {w.slot or "value": self._parameter(w, type, prefix, place) for w, type in applied.weights}
        node = Node(op, live, applied.types, path, params, Origin(span, place.frame))
        self.nodes.append(node)
        return node.outputs[0] if len(node.outputs) == 1 else node.outputs

    def _named(self, op: Counted, path: str, inputs: Sequence[Value]) -> Counted:
        """The operator with its size called after its path, so that no record of it fits elsewhere. Refuses (E0314) one
        in the body of a ``scan``.
        """
        self.named_axes = True
        if self.loops:
            raise Refusal(
                "E0314", f"`{op.name}` finds another number in every run of a `scan`: the results could not be stacked",
                help="put it behind the `scan`",
            )  # fmt: skip
        return op.named(path, [value.type for value in inputs])

    def check_outside(self, values: Iterable[Value]) -> None:
        """Refuse (E0223) values of a body that is complete."""
        for value in values:
            if value in self.inside:
                raise Refusal(
                    "E0223", f"`{value.name}` is made anew in every run of `{self.inside[value]}`, and means nothing"
                    " outside of it", help="end the body with it, `(a, b)`, to get what all runs made; with"
                    " `final = true` the states of the last run follow",
                )  # fmt: skip

    def _applied(self, op: Op, inputs: Sequence[Value], span: Span | None) -> Applied:
        """The operator's rules; where several inputs do not agree, the refusal shows where their sizes came from."""
        try:
            return apply(op, *[v.type for v in inputs], empty=self.empty)
        except Refusal as refusal:
            if refusal.code == "E0303" and 1 < len(inputs) <= 4 and not self.faults.told("E0303", span):
                refusal.notes = refusal.notes or tuple(map(without_unknowns, derivations(list(zip(_SIDES, inputs)))))
            raise

    @property
    def renamed(self) -> bool:
        """Whether some path was taken when it was needed, and a number added."""
        return bool(self._repeated)

    def fresh(self, path: str) -> str:
        """The path, with a number where a node has it: computed labels and repeated applications may meet."""
        fresh = path
        while fresh in self.paths:
            self._repeated[path] = self._repeated.get(path, 1) + 1
            fresh = f"{path}_{self._repeated[path]}"
        self.paths.add(fresh)
        return fresh

    def _parameter(self, weight: Weight, type: TensorType, prefix: str, place: Place) -> Parameter:
        path = join(prefix, weight.slot) if weight.slot else prefix
        made = Parameter(path, type, weight.init, weight.buffer, not weight.buffer and not place.frozen)
        known = self.parameters.get(path)
        if known is None:
            self.parameters[path] = made
            return made
        if not place.shared:
            raise Refusal(
                "E0207", f"two operators would both own the parameter `{path}`", help="give one of them another label"
            )
        if known.type != made.type:
            raise Refusal(
                "E0312", f"the shared `{path}` is {known.type} here, but {made.type} would be needed",
                help="a shared block needs inputs with equal numbers of channels; use `own` for what is not shared",
            )  # fmt: skip
        return known

    def weight_value(self, path: str, place: Place, span: Span | None) -> Value:
        """A parameter as a tensor, for ``label.weight``."""
        self.bounds.step()
        self.bounds.count_node(self.made)
        parameter = self.parameters[path]
        from archdsl.ops.constant import Param

        op = Param.create(size=parameter.type.shape, dtype=parameter.type.dtype)
        node = Node(
            op, (), (parameter.type,), self.fresh(join(place.scope.path, place.scope.unique(op.name))),
            {"value": parameter}, Origin(span, place.frame),
        )  # fmt: skip
        self.nodes.append(node)
        return node.outputs[0]


class Applied(NamedTuple):
    """What an operator gives and owns, applied to tensors of some types."""

    types: tuple[TensorType, ...]
    weights: tuple[tuple[Weight, TensorType], ...]
    small: bool
    """Whether no bound on sizes needs to be looked at."""


@lru_cache(maxsize=20_000)
def shapes(op: Op, *types: TensorType, empty: bool = False) -> tuple[TensorType, ...]:
    """The types that an operator gives; refuses (E0302) those without an element, unless something may be ``empty``:
    then those of operators that need an element.
    """
    outs = op.shape(*types)
    least = 0 if empty else 1
    for out in outs:
        for size in out.shape:
            if size < least if isinstance(size, int) else at_least(size, least) is False:
                raise _no_element(op, types, out, size)
    if empty:
        check_empty(op, types, outs)
    return outs


@lru_cache(maxsize=20_000)
def apply(op: Op, *types: TensorType, empty: bool = False) -> Applied:
    """An operator's rules: functions of the types alone, and networks repeat themselves and one another."""
    outs = shapes(op, *types, empty=empty)
    dtype = types[0].dtype if types else "f32"
    small = all(out.rank <= SMALL and all(map(_is_small, out.shape)) for out in outs)
    return Applied(outs, tuple([(w, TensorType(w.dtype or dtype, w.shape)) for w in op.weights(*types)]), small)


def _is_small(dim: Dim) -> bool:
    return dim < 2**31 if isinstance(dim, int) else dim.weight <= SMALL


def _no_element(op: Op, ins: Sequence[TensorType], out: TensorType, size: Dim) -> Refusal:
    of = f" of {' and '.join(map(str, ins))}" if ins else ""
    axis = out.shape.index(size)
    return Refusal("E0302", f"`{op.name}`{of} leaves nothing: axis {axis} of {out} has {size} positions")


def wrong_count(op: Op, count: int) -> Refusal:
    """The refusal (E0310) of another number of inputs than the operator takes."""
    least, most = op.accepts
    wanted = str(least) if least == most else f"{least} to {most}" if most else f"at least {least}"
    help = "join a tuple first (`concat`, `add`), or choose one tensor of it: `x[0]`" if count > 1 else ""
    if op.operands and most is not None and count > most:
        named = " and ".join(f"`{name} = …`" for name in op.operands)
        help = f"{help}; tensors that configure it are given by name: {named}"
    message = f"`{op.name}` takes {wanted} tensor{'s' if wanted != '1' else ''}, not {count}"
    return Refusal("E0310", message, help=help)


class Place:
    """Where nodes are made: the naming scope, the chain of applications, and whether weights are frozen or shared.

    ``naming`` is how the block that is applied here is named (see :mod:`archdsl.tape.paths`).
    """

    __slots__ = ("depth", "frame", "frozen", "naming", "scope", "shared", "tape")

    def __init__(
        self,
        tape: Tape,
        scope: PathScope,
        frame: Frame | None = None,
        frozen: bool = False,
        depth: int = 0,
        shared: bool = False,
        naming: Naming = "spliced",
    ) -> None:
        self.tape = tape
        self.scope = scope
        self.frame = frame
        self.frozen = frozen
        self.depth = depth
        self.shared = shared
        self.naming: Naming = naming

    def at(self, scope: PathScope, naming: Naming = "spliced") -> Place:
        """The same place with another naming scope."""
        if scope is self.scope and naming == self.naming:
            return self
        return Place(self.tape, scope, self.frame, self.frozen, self.depth, self.shared, naming)

    def inside(self, scope: PathScope, frame: Frame | None) -> Place:
        """The place inside a block application."""
        return Place(self.tape, scope, frame, self.frozen, self.depth + 1, self.shared)

    def as_frozen(self) -> Place:
        """The same place, with weights that are not trained."""
        return Place(self.tape, self.scope, self.frame, True, self.depth, self.shared, self.naming)

    def operator(self, base: str) -> tuple[str, str]:
        """Path and parameter prefix of one operator."""
        if self.naming == "direct":
            return self.scope.path, self.scope.weights
        return self.scope.operator(base)

    def block(self, base: str) -> PathScope:
        """The scope of one block application."""
        return self.scope if self.naming == "direct" else self.scope.child(self.scope.allocate(base))

    def combinator(self) -> PathScope:
        """The scope of the parts of a combinator or inline body: this one, but a number of its own in a ``seq``."""
        if self.naming == "direct" or not self.scope.numbered:
            return self.scope
        return self.scope.child(self.scope.allocate(""))

    def sequence(self) -> PathScope:
        """The scope of a ``seq``, whose parts are numbered."""
        if self.naming != "direct":
            return self.scope.child(self.scope.allocate("seq"), numbered=True)
        self.scope.numbered = True
        return self.scope
