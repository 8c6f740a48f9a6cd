"""One elaboration: the tape that makes nodes, the diagnostics found, and the bounds on the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.dims import Dim
from archdsl.graph import Node, Parameter, Value
from archdsl.interpret.env import Env, Place
from archdsl.interpret.extents import Lists
from archdsl.interpret.recovery import follows, without_unknowns
from archdsl.interpret.values import POISON, Flow, Poison
from archdsl.ops import load
from archdsl.ops.base import Initializer, Op, Weight
from archdsl.ops.kinds import Number
from archdsl.record import Record
from archdsl.shapes import TensorType
from archdsl.source import Frame, Origin, Span
from archdsl.syntax import spec
from archdsl.syntax.limits import LIMITS
from archdsl.tape.apply import Applied, apply, check_count
from archdsl.tape.paths import PathScope, join
from archdsl.tape.provenance import derivations

if TYPE_CHECKING:
    from archdsl.interface import Preprocess
    from archdsl.interpret.checkpoint_names import NameMap
    from archdsl.modules.module import Loader

_SIDES = ("first", "second", "third", "fourth")
FAULT_STEPS = 50
"""What telling one fault counts."""


class Limits(Record):
    """Bounds on one elaboration; each refusal has a code of its own and names the bound."""

    steps: int = 500_000
    nodes: int = 75_000
    items: int = 100_000
    leaves: int = 1_000_000
    bits: int = 4096
    size_bits: int = 128
    axes: int = 32
    words: int = 500
    depth: int = 100
    """Applications within one another; lists within one another."""
    levels: int = 1500
    """Expressions within one another, those of the blocks and definitions that they name included."""


DEFAULT = Limits()
"""The bounds of every elaboration that is not given others."""


class ClaimValue(Record):
    """An ``expect`` or ``budget`` line with its bound evaluated; ``bound`` is ``None`` for a shape claim."""

    kind: str
    quantity: str
    part: str | None
    tap: str | None
    op: str
    bound: object
    span: Span


class Session:
    """The state of one elaboration of one network."""

    def __init__(
        self, *, train: bool = False, bind: dict[str, int] | None = None, limits: Limits | None = None
    ) -> None:
        self.train = train
        self.bind = bind or {}
        self.limits = limits or DEFAULT
        self.steps = 0
        self.level = 0
        """How many expressions are being evaluated."""
        self.explained = 0
        """Steps that went into explaining faults."""
        self.reports = 0
        """How often something was told, repetitions included."""
        self.unknowns = 0
        self.has_defaults = False
        """Whether any ``with`` was met: without one, no name has defaults to look for."""
        self.nodes: list[Node] = []
        self.paths: set[str] = set()
        self.parameters: dict[str, Parameter] = {}
        self.diagnostics: list[Diagnostic] = []
        self.symbols: dict[str, Dim] = {}
        self.defaults: dict[str, int] = {}
        self.inputs: list[Value] = []
        self.outputs: dict[str, Value] = {}
        self.taps: dict[str, Value] = {}
        self.claims: list[ClaimValue] = []
        self.shape_claims: list[tuple[spec.ShapeClaim, Env]] = []
        self.maps: list[NameMap] = []
        self.preprocess: dict[str, Preprocess] = {}
        self.labels: dict[str, tuple[str, ...]] = {}
        self.modules: dict[int, Env] = {}
        """Module scopes of this elaboration, by the identity of the loaded module."""
        self.files: Loader | None = None
        """What reads the files that a text names; ``None`` for graphs from Python."""
        self.lists = Lists()
        self._repeated: dict[str, int] = {}
        self._reported: set[tuple[object, ...]] = set()

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, once for each code and place."""
        self.reports += 1
        span = diagnostic.span
        key = _key(diagnostic.code, span) if span else (diagnostic.code, diagnostic.message)
        if key not in self._reported and len(self._reported) < LIMITS.faults:
            self._reported.add(key)
            self.diagnostics.append(diagnostic)

    def refuse(self, refusal: Refusal, frame: Frame | None) -> Poison:
        """Report a refusal; the value in its stead is poison. Explaining takes time, so that it counts as work."""
        if not (self.unknowns and follows(refusal)):
            refusal.message = without_unknowns(refusal.message)
            self.report(refusal.diagnostic(frame))
        self.explained += FAULT_STEPS
        self.step(FAULT_STEPS)
        return POISON

    def told(self, code: str, span: Span | None) -> bool:
        """Whether a fault was reported before at this place."""
        return span is not None and _key(code, span) in self._reported

    def step(self, count: int = 1) -> None:
        """Account for work."""
        self.steps += count
        if self.steps > self.limits.steps:
            raise BoundExceeded("E0501", f"the spec needs more than {self.limits.steps:,} evaluation steps")

    def check_depth(self, place: Place) -> None:
        """Refuse (E0505) to apply a block at a place that is nested too deeply."""
        if place.depth > self.limits.depth:
            raise BoundExceeded("E0505", f"blocks are nested more than {self.limits.depth} applications deep")

    def too_deep(self) -> BoundExceeded:
        """The refusal of expressions that need one another too deeply."""
        message = f"definitions and expressions are nested more than {self.limits.levels} levels deep"
        return BoundExceeded("E0505", message)

    def made_list(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """Account for a list that was made: nested lists share parts, so that their leaves can outgrow the work."""
        extent = self.lists.extent(items)
        most = self.limits.leaves
        if extent.leaves > most:
            raise Refusal("E0503", f"nested lists of {extent.leaves:,} elements; at most {most:,} are allowed")
        if extent.depth > self.limits.depth:
            raise Refusal("E0503", f"lists are nested more than {self.limits.depth} deep")
        return items

    def visit(self, value: object) -> None:
        """Account for work on every element of a value."""
        self.step(self.lists.extent(value).leaves // 16)

    def check_items(self, count: int) -> None:
        """Refuse lists that are too long."""
        if count > self.limits.items:
            raise Refusal("E0503", f"a list of {count:,} elements; at most {self.limits.items:,} are allowed")
        self.step(count)

    def node(self, op: Op, inputs: Sequence[Value | Poison], place: Place, base: str, span: Span | None) -> Flow:
        """Apply the operator: its types, its parameters and its path are settled here."""
        self.step(len(inputs) or 1)
        live = [v for v in inputs if isinstance(v, Value)]
        if len(live) != len(inputs):
            place.scope.operator(base)
            return POISON
        check_count(op, len(live))
        if len(self.nodes) >= self.limits.nodes:
            raise BoundExceeded("E0502", f"the network has more than {self.limits.nodes:,} operators")
        path, prefix = place.scope.operator(base)
        path = self._fresh(path)
        applied = self._applied(op, live, span)
        self.check_sizes(applied.types)
        params = {w.slot or "value": self._parameter(w, type, prefix, place) for w, type in applied.weights}
        node = Node(op, live, applied.types, path, params, Origin(span, place.frame))
        self.nodes.append(node)
        return node.outputs[0] if len(node.outputs) == 1 else node.outputs

    def _applied(self, op: Op, inputs: Sequence[Value], span: Span | None) -> Applied:
        """The operator's rules; where several inputs do not agree, the refusal tells where their sizes came from."""
        try:
            return apply(op, *[v.type for v in inputs])
        except Refusal as refusal:
            if refusal.code == "E0303" and 1 < len(inputs) <= 4 and not self.told("E0303", span):
                refusal.notes = refusal.notes or tuple(map(without_unknowns, derivations(list(zip(_SIDES, inputs)))))
            raise

    def check_sizes(self, types: Sequence[TensorType]) -> None:
        """Refuse tensors that no machine could hold, before their sizes outgrow the work."""
        for type in types:
            if type.rank > self.limits.axes:
                raise Refusal("E0506", f"a tensor of {type.rank} axes; at most {self.limits.axes} are allowed")
            for dim in type.shape:
                self.check_dimension(dim)

    def check_dimension(self, dim: Dim) -> None:
        """Refuse a size that is too large, or takes too many words."""
        if isinstance(dim, int):
            if dim.bit_length() > self.limits.size_bits:
                raise Refusal("E0506", f"a dimension of more than {self.limits.size_bits} bits")
        elif dim.weight > 8:
            self.step(dim.weight // 4)
            if dim.weight > self.limits.words:
                raise Refusal("E0506", f"a symbolic size that takes more than {self.limits.words} words to write down")

    @property
    def renamed(self) -> bool:
        """Whether some path was taken when it was needed, and a number added."""
        return bool(self._repeated)

    def _fresh(self, path: str) -> str:
        """Paths made by computed labels or repeated application may meet; nodes stay distinct."""
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
                "E0207", f"two operators would both own the parameter `{path}`", help="give one another label"
            )
        if known.type != made.type:
            raise Refusal(
                "E0312", f"the shared `{path}` is {known.type} here, but {made.type} would be needed",
                help="a shared block needs inputs of equal channels; say `own` for what is not shared",
            )  # fmt: skip
        return known

    def weight_value(self, path: str, place: Place, span: Span | None) -> Flow:
        """A parameter as a tensor, for ``label.weight``."""
        self.step()
        if len(self.nodes) >= self.limits.nodes:
            raise BoundExceeded("E0502", f"the network has more than {self.limits.nodes:,} operators")
        parameter = self.parameters[path]
        op = load("param")(size=parameter.type.shape, dtype=parameter.type.dtype)
        node = Node(
            op, (), (parameter.type,), self._fresh(join(place.scope.path, place.scope.unique("param"))),
            {"value": parameter}, Origin(span, place.frame),
        )  # fmt: skip
        self.nodes.append(node)
        return node.outputs[0]


def _key(code: str, span: Span) -> tuple[object, ...]:
    return (code, span.source.name, span.start, span.end)


class BoundExceeded(Exception):
    """The whole elaboration stops: going on would only exceed the bound again. No :class:`Refusal`, so that whoever
    handles those and goes on lets it pass.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)

    def located(self, span: Span | None) -> BoundExceeded:
        """The same with a place, unless it has a more exact one."""
        self.refusal.located(span)
        return self


def shared_scope(path: str, weights: str) -> PathScope:
    """The scope of one application of a shared block: nodes under ``path``, parameters under ``weights``."""
    return PathScope(path, weights)


def initial(scheme: str, *values: float) -> Initializer:
    """An initialiser given in the text: ``uniform(-1, 1)``."""
    return Initializer(scheme, tuple(Number().check(v, f"each argument of `{scheme}`") for v in values))
