"""Backends by name: what turns a graph into files.

A package offers one under the entry point group ``archdsl.backends``. Those that come with archdsl are known without
asking: reading the entry points of an environment takes tens of milliseconds, which every compilation would pay.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Protocol, Self, get_args, get_type_hints

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.graph import Graph
from archdsl.ops.base import Op
from archdsl.pipeline import Pipeline
from archdsl.record import Record

GROUP = "archdsl.backends"
BUILT_IN = {"onnx": "archdsl.backends.onnx:backend", "torch": "archdsl.backends.torch:backend"}


class Option(Record):
    """One choice that a backend offers: the field of its options, and what the command line says about it."""

    name: str
    kind: type
    """``bool``, ``int`` or ``str``; ``None`` may stand for "as the backend thinks best" beside it."""
    default: bool | int | str | None
    help: str

    @property
    def flag(self) -> str:
        """``--external-data``."""
        return "--" + self.name.replace("_", "-")


class Options(Record):
    """What can be chosen about the files of a backend; each backend has a subclass of its own.

    A field with a line in ``help`` is an option of the command line. The others are for Python, or are given by the
    compiler.
    """

    version: str = ""
    """The compiler's version, for the file to tell."""
    metadata: Mapping[str, str] = {}
    """What the file says of itself: where it is from and what it costs. No times, no paths."""

    help: ClassVar[Mapping[str, str]] = {}

    def pipeline(self) -> Pipeline:
        """The rewrites that these options ask for; ``lower`` and ``write`` get the rewritten graph."""
        return Pipeline()

    @classmethod
    def declared(cls) -> list[Option]:
        """The options of the command line, in the order of ``help``."""
        hints = get_type_hints(cls)
        kinds = {
            name: next(k for k in get_args(hints[name]) or (hints[name],) if k is not NoneType) for name in cls.help
        }
        return [Option(name, kinds[name], cls._defaults[name], text) for name, text in cls.help.items()]

    @classmethod
    def chosen(cls, backend: str, given: Mapping[str, Any]) -> Self:
        """The options by name. Refuses (E0603) one that the backend does not have, or a value of another type."""
        declared = {option.name: option for option in cls.declared()}
        for name, value in given.items():
            if name not in cls._fields:
                listed = ", ".join(f"`{one}`" for one in declared) or "none"
                help = did_you_mean(name, declared, f"its options: {listed}")
                raise Refusal("E0603", f"the backend `{backend}` has no option `{name}`", help=help)
            option = declared.get(name)
            if option is not None and value != option.default and type(value) is not option.kind:
                message = f"the option `{name}` of the backend `{backend}` takes a value of type {option.kind.__name__}"
                raise Refusal("E0603", f"{message}, not {value!r:.60}")
        return cls(**given)


class WriteReport(Record):
    """What was written; a backend may say more in a subclass."""

    path: str
    bytes: int
    """Size of everything that was written."""
    initialisers: int
    """Parameters and buffers."""


class Backend(Protocol):
    """What an entry point gives."""

    name: str
    suffix: str
    """How its files end, with the dot."""
    options: type[Options]
    """Its options. ``lower`` and ``write`` get an object of this class, and a graph that went through its pipeline."""

    def lowers(self, op: type[Op]) -> bool:
        """Whether there is a rule for the operator."""
        ...

    def lower(self, graph: Graph, options: Any = None) -> bytes:
        """The whole result in memory. Raises ``DiagnosticError``."""
        ...

    def write(self, graph: Graph, path: str | Path, options: Any = None) -> WriteReport:
        """Write the result, whole or not at all. Raises ``DiagnosticError``."""
        ...


def backend(name: str = "onnx") -> Backend:
    """The backend called ``name``. Raises ``DiagnosticError`` (E0605) where there is none, or it cannot be loaded."""
    target = BUILT_IN.get(name) or installed().get(name)
    if target is None:
        help = did_you_mean(name, names(), f"there are: {', '.join(names())}")
        raise Refusal("E0605", f"there is no backend `{name}`", help=help)
    module, _, attribute = target.partition(":")
    try:
        found: Backend = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise Refusal("E0605", f"the backend `{name}` cannot be loaded: {error}") from None
    return found


def names() -> list[str]:
    """All backends that are installed, sorted."""
    return sorted({*BUILT_IN, *installed()})


def installed() -> dict[str, str]:
    """The entry points of the group: name -> ``module:attribute``."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
