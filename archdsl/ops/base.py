"""The operator card: what one operator is, in one class.

An operator's fields are its signature; their kinds check every argument. ``shape``, ``weights``, ``work``, ``window``,
``range`` and ``moments`` are its rules; what passes, lint rules and messages ask of it besides is a class attribute.
Operators know types only: no graph, no source text, no backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.ops.estimates import EVERYTHING, Boxes, Interval, Moments
from archdsl.ops.initializers import (
    ONES as ONES,
    ZEROS as ZEROS,
    Initializer as Initializer,
    fan as fan,
    filled as filled,
)
from archdsl.ops.kinds import Kind
from archdsl.ops.look import Window, broadcast, pass_through
from archdsl.record import Record
from archdsl.shapes import Shape, TensorType

Types = Sequence[TensorType]
Ends = tuple[Dim, Dim]
"""The least and the greatest of some integers."""
T = TypeVar("T")


class Arg(Record):
    """One field of a card: its kind, its default (``REQUIRED`` for none) and its documentation."""

    kind: Kind
    default: Any
    doc: str


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


def arg(kind: Kind, default: Any = REQUIRED, *, doc: str = "") -> Any:
    """Declare a field of an operator card."""
    return Arg(kind, default, doc)


class Weight(Record):
    """A parameter (or ``buffer``, such as a running mean) that an operator owns, by its framework name."""

    slot: str
    shape: Shape
    init: Initializer
    buffer: bool = False
    dtype: str | None = None
    """``None``: the element type of the operator's first input."""


class ChannelLayout(Record):
    """Which output channel the elements of a weight belong to, in row-major order: the stretch of ``block`` elements
    number ``(group * rows + row) * columns + column`` belongs to channel ``group * columns + column``.
    """

    block: int
    groups: int = 1
    rows: int = 1


class Work(Record):
    """Arithmetic of one inference, in the columns of the cost model; never mixed."""

    mac: Dim = 0
    add: Dim = 0
    mul: Dim = 0
    cmp: Dim = 0
    special: Dim = 0


def literal(value: Any) -> str:
    """A value as a spec would write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return str(value)


Role = Literal["view", "activation", "norm", "layer", "join", "source", ""]
"""What an operator is to memory, lint rules and tables:

- ``view``: its input under another shape, or as it is (dropout, at inference): nothing is computed or copied;
- ``activation``: a function of one tensor that stands between layers;
- ``norm``: a normalisation; ``layer``: it has weights of its own that map features to features;
- ``join``: of several tensors to one; ``source``: data of the model (a parameter, a constant) from no input.
"""


Empties = Literal["all", "own", "none"]
"""Which axes may be empty."""


class Op(Record):
    """Base of all operators. Subclasses are frozen records whose fields are declared with :func:`arg`."""

    name: ClassVar[str]
    """The name in the language."""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    """Least and greatest number of tensor inputs (``None``: any)."""
    results: ClassVar[int] = 1
    """Number of outputs; ``-1`` where it depends on the arguments and the inputs."""
    sources: ClassVar[str] = ""
    """Where the definition is from: the paper or ONNX operators."""
    examples: ClassVar[tuple[str, ...]] = ()
    """``"conv[64, 3, stride=2] : f32[N,3,224,224] -> f32[N,64,112,112]"``; documentation and tests."""
    follows: ClassVar[bool] = False
    """Whether it has, in a spec, the element type of the flow where it stands, if that is a float."""
    moves_data: ClassVar[bool] = False
    """Whether it moves elements, or makes them, and computes nothing."""
    role: ClassVar[Role] = ""
    in_place: ClassVar[bool] = True
    """Of activations: whether the result is written over the input where nobody else needs that."""
    pointwise: ClassVar[bool] = False
    """Whether each element of the result depends on the elements in its own place only."""
    infix: ClassVar[str] = ""
    """The symbol between two tensors that means this operator: ``+``."""
    prefix: ClassVar[str] = ""
    """The symbol in front of a tensor that means this operator: ``-``."""
    number: ClassVar[str] = ""
    """The argument that takes a number on the right of ``infix``; without one the number becomes a constant tensor."""
    elsewhere: ClassVar[tuple[str, ...]] = ()
    """What other frameworks and papers call it besides the name: ``swish``; case and underscores do not matter. Where
    their defaults or the order of their values differ, how it is written here follows: ``PixelShuffle =
    depth_to_space(2, mode = crd)``. For the help of messages."""
    sized_elsewhere: ClassVar[Literal["", "first", "last"]] = ""
    """Which argument by position is the size of what enters, where other frameworks are given that as well:
    ``Linear(512, 10)``, ``GroupNorm(32, 512)``; empty for others. For the help of messages."""
    limits: ClassVar[Interval] = EVERYTHING
    """Between which values the results lie, whatever enters."""
    vanishes: ClassVar[bool] = False
    """Whether no node is made for it: a stage of it is as if it were not there."""
    feature_axis: ClassVar[int] = 1
    """Of layers: the axis of input and result along which features lie."""
    pools_maps: ClassVar[bool] = False
    """Whether it works on the positions of each channel, which are on axis 1."""
    accumulates: ClassVar[bool] = False
    """Whether the result can be written over one of the inputs (at fusion level ``full``), as a sum's can."""
    folds: ClassVar[bool] = False
    """Whether it is, at inference, an affine map of each channel that a layer in front can take over: it has the
    field ``eps`` and the parameters ``running_mean``, ``running_var`` and perhaps ``weight`` and ``bias``."""
    centres_channels: ClassVar[bool] = False
    """Whether it takes away again what was added to all of a channel."""
    channels_second: ClassVar[bool] = False
    """Whether it takes axis 1 for the channels, whatever enters (layers and poolings of maps say so by themselves)."""
    chooses: ClassVar[str] = ""
    """Which argument says of how many of the inputs, those in front, the work counts: each position chooses so many."""
    looks_up: ClassVar[bool] = False
    """Whether it reads only as many elements of its weights as it gives."""
    holds_graph: ClassVar[bool] = False
    """Whether its nodes hold a graph (``Node.body``): see :meth:`enters`, :meth:`leaves` and :meth:`runs`."""
    of_body: ClassVar[tuple[str, ...]] = ()
    """The arguments that follow from that graph."""

    draws: ClassVar[bool] = False
    """Whether its results are drawn at random in each run, so that two engines agree in their distribution only."""

    foreign: ClassVar[bool] = False
    """Whether nothing is known of it but the types of its results."""

    signature: ClassVar[dict[str, Arg]] = {}
    operands: ClassVar[tuple[str, ...]] = ()
    """The arguments that are tensors: these enter behind the inputs of ``arity``, in this order."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = {name: value for name, value in cls._defaults.items() if isinstance(value, Arg)}
        cls.signature = {**cls.signature, **declared}
        cls.operands = tuple(
            [name for name, one in cls.signature.items() if one.kind.by_name and one.kind.takes_tensors]
        )
        cls._defaults = {
            name: (value.default if isinstance(value, Arg) else value)
            for name, value in cls._defaults.items()
            if not (isinstance(value, Arg) and value.default is REQUIRED)
        }

    def __repr__(self) -> str:
        """As a spec would write it, without what is the default: ``conv(64, 3, stride = 2)``."""
        values = {
            name: "…" if name in self.operands and getattr(self, name) else literal(getattr(self, name))
            for name in self.signature
        }
        given = [values[name] for name, one in self.signature.items() if one.default is REQUIRED]
        given += [
            f"{name} = {values[name]}"
            for name, one in self.signature.items()
            if one.default is not REQUIRED and getattr(self, name) != one.default
        ]
        return f"{self.name}({', '.join(given)})" if given else self.name

    @classmethod
    def create(cls, **arguments: Any) -> Op:
        """The operator with its arguments checked and normalised by their kinds; refuses what is wrong."""
        checked = {}
        for name, declared in cls.signature.items():
            if name in arguments:
                try:
                    checked[name] = declared.kind.check(arguments[name], f"`{name}` of `{cls.name}`")
                except Refusal as refusal:
                    refusal.argument = name
                    raise
            elif declared.default is REQUIRED:
                raise Refusal("E0203", f"`{cls.name}` needs the argument `{name}`")
        unknown = arguments.keys() - cls.signature.keys()
        if unknown:
            fault = Refusal("E0202", f"`{cls.name}` has no argument `{min(unknown)}`")
            fault.argument = min(unknown)
            raise fault
        op = cls(**checked)
        op.validate()
        return op

    @property
    def accepts(self) -> tuple[int, int | None]:
        """Least and greatest number of tensor inputs, those that are given by name included."""
        if not self.operands:
            return self.arity
        named = sum(getattr(self, name) or 0 for name in self.operands)
        least, most = self.arity
        return least + named, None if most is None else most + named

    def operand(self, name: str, inputs: Sequence[T]) -> tuple[T, ...]:
        """What stands among the inputs (or in a list as long) for the argument ``name``; nothing if it is not given."""
        end = len(inputs)
        for other in reversed(self.operands):
            begin = end - (getattr(self, other) or 0)
            if other == name:
                return tuple(inputs[begin:end])
            end = begin
        raise KeyError(name)

    def __hash__(self) -> int:
        known: int | None = self.__dict__.get("_hash")
        if known is None:
            known = self.__dict__["_hash"] = super().__hash__()
        return known

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    def validate(self) -> None:
        """Check what involves several arguments; refuse by raising."""

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        """The output types; refuses (``Refusal``) input types that do not fit."""
        raise NotImplementedError

    def empty_axes(self) -> Empties:
        """Which axes may have no positions: all of them (a product over nothing is 0), those that it goes through
        position by position (the largest of nothing is not there), or none.
        """
        return "none" if self.pools_maps else "all" if self.moves_data or self.role in ("view", "source") else "own"

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        """Inputs whose elements have to be some integers, by their numbers: positions or lengths of an axis, or what
        makes the results what is ``asked`` of them. For whoever draws inputs of a model at random.
        """
        passes = asked is not None and (self.moves_data or self.role == "view")
        return dict.fromkeys(range(len(ins)), asked) if passes and asked is not None else {}

    def boxes(self, ins: Types) -> Mapping[int, Boxes]:  # inputs whose last axis is a box, for whoever draws them
        return {}

    def enters(self, ins: Types) -> tuple[TensorType, ...]:
        """Of what :attr:`holds_graph`: the types of that graph's inputs, one for each input of the node."""
        raise NotImplementedError

    @property
    def first_captured(self) -> int:
        """Of what :attr:`holds_graph`: the number of the first input that only hands on a value from outside."""
        raise NotImplementedError

    def leaves(self) -> tuple[TensorType, ...]:
        """Of what :attr:`holds_graph`: the types of that graph's outputs."""
        raise NotImplementedError

    def runs(self, ins: Types) -> Dim:
        """Of what :attr:`holds_graph`: how often that graph runs."""
        raise NotImplementedError

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        """Parameters and buffers, in the framework's order."""
        return ()

    def work(self, ins: Types, outs: Types) -> Work | None:
        """Arithmetic of one inference; ``None``: not known, so that every total becomes partial. An operator that only
        moves data, or shows it in another shape, has no arithmetic.
        """
        return Work() if self.moves_data or self.role in ("view", "source") else None

    def channel_layout(self, weight: Sequence[int]) -> ChannelLayout | None:
        """Where the output channels lie in a ``weight`` of this shape, if the result is a sum of products with it (and
        perhaps a ``bias``); ``None`` for any other operator.
        """
        return None

    def channel_axis(self, type: TensorType) -> int:
        """Of norms: the axis of an input of this type along which channels lie."""
        return 1

    def misread(self, ins: Types) -> tuple[str, str] | None:
        """For a warning: what it does with these inputs, and how that is written which is probably meant."""
        return None

    def range(self, entering: Sequence[Interval]) -> Interval:
        """Between which values all outputs lie, from the intervals of the inputs."""
        return self.limits

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        """Mean and variance of the results, from those of the inputs; by default those of the first input.

        An estimate, from which running variances begin. Not asked of what has a :meth:`channel_layout`, of sources and
        of what :attr:`folds`: there it depends on the weights.
        """
        return entering[0]

    def window(self, ins: Types, outs: Types) -> Window:
        """How positions of the first result look at positions of the inputs; for equal ranks the default is
        pass-through.
        """
        if ins and ins[0].rank == outs[0].rank:
            return pass_through(outs[0].rank)
        return (None,) * outs[0].rank

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        """How positions of result number ``result`` look at those of input number ``source``.

        By default :meth:`window`, with inputs of several aligned at their last axes and size 1 repeated.
        """
        window = self.window(ins, outs)
        return window if len(ins) == 1 else tuple([broadcast(w, i, ins[source], outs[0]) for i, w in enumerate(window)])
