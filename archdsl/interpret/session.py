"""One elaboration of one network: the tape that makes nodes, and the network that is being drafted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archdsl.dims import Dim, Symbol
from archdsl.graph import Value
from archdsl.interface import Preprocess
from archdsl.interpret.extents import Lists
from archdsl.modules.module import no_files
from archdsl.record import Record
from archdsl.source import Source, Span
from archdsl.tape.limits import DEFAULT, Limits
from archdsl.tape.poison import Flow
from archdsl.tape.tape import Tape


class ClaimValue(Record):
    """An ``expect`` or ``budget`` line with its bound evaluated."""

    kind: str
    quantity: str
    part: str | None
    tap: str | None
    op: str
    bound: object
    span: Span


class Draft:
    """The declarations of a network apart from its nodes."""

    def __init__(self) -> None:
        self.symbols: dict[str, Dim] = {}
        self.limits: dict[str, Symbol] = {}
        """The symbols with their bounds, those that are bound included."""
        self.defaults: dict[str, int] = {}
        self.dims: list[tuple[Dim, Span]] = []
        """Dimensions of the inputs that have symbols, and where they are declared."""
        self.inputs: list[Value] = []
        self.states: dict[Value, Any] = {}
        """The model's states by their inputs: :class:`~archdsl.interpret.model_states.ModelState`."""
        self.handed_on: dict[str, str] = {}
        """The outputs of the model's states, by their inputs."""
        self.places: dict[str, Span] = {}
        """Where each input is declared."""
        self.outputs: dict[str, Value] = {}
        self.trained: list[Flow] = []
        """What the ``train output``s are, those of networks inside of this one included."""
        self.claims: list[ClaimValue] = []
        self.shape_claims: list[Callable[[Mapping[str, Value]], None]] = []
        """Each holds the outputs against what is expected of one of them."""
        self.maps: list[Any] = []
        """Its ``weights`` statements: :class:`~archdsl.interpret.checkpoint_names.CheckpointNames`."""
        self.preprocess: dict[str, Preprocess] = {}
        self.labels: dict[str, tuple[str, ...]] = {}

    def size(self) -> int:
        """How much was declared so far; it only grows."""
        return sum(len(part) for part in vars(self).values())


class Session:
    """The state of one elaboration. What was done is on the tape, what was declared in the draft."""

    __slots__ = ("beside", "bind", "bounds", "draft", "faults", "has_defaults", "lists", "scopes", "tape", "train")

    def __init__(self, *, train: bool = False, bind: Mapping[str, int] | None = None, limits: Limits = DEFAULT) -> None:
        self.train = train
        self.bind = dict(bind or {})
        self.tape = Tape(limits)
        self.bounds = self.tape.bounds
        self.faults = self.tape.faults
        self.draft = Draft()
        self.lists = Lists(self.bounds)
        self.has_defaults = False
        """Whether any ``with`` was met: without one, no name has defaults to look for."""
        self.beside: Callable[[Source, str], str] = no_files
        """The text of a file that a text names: :attr:`archdsl.modules.module.Module.beside`."""
        self.scopes: dict[int, Any] = {}
        """The scopes of modules, by identity of the module: :func:`archdsl.interpret.scopes.module_scope`."""
