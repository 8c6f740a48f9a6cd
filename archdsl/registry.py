"""Backends by name: what turns a graph into files.

A package offers one under the entry point group ``archdsl.backends``, and a rule of an operator under
``archdsl.rules.BACKEND``. Those that come with archdsl are found without reading entry points.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module, util
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Protocol, Self, get_args, get_type_hints

from archdsl import ops
from archdsl.diagnostics import DiagnosticError, Refusal, did_you_mean
from archdsl.graph import Graph
from archdsl.offers import BACKENDS, OPERATORS, Offer, load, offers, rules
from archdsl.ops.base import Op
from archdsl.outputs import Kind, ends_as, foreign
from archdsl.pipeline import Pipeline
from archdsl.record import Record

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
                message = f"the option `{name}` of the backend `{backend}` needs a value of type {option.kind.__name__}"
                raise Refusal("E0603", f"{message}, not {value!r:.60}")
        return cls(**given)


class ControlFlow(Exception):
    """Raised by what a backend gives its rules, for the backend itself: no mistake of a rule."""


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
    """How its files end, with the dot; a name with this ending chooses the backend.

    A backend may also have a ``mark``: a regular expression that the first bytes of its files have. Then an existing
    file is only replaced if it has it.
    """
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
    """The backend called ``name``. Refuses (E0605) where there is none, or where it cannot be used."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        own: Backend = getattr(import_module(module), attribute)
        return own
    if name not in offers(BACKENDS):
        raise Refusal("E0605", f"there is no backend `{name}`", help=did_you_mean(name, names(), _listed()))
    found: Backend = load(BACKENDS, name, "E0605", f"the backend `{name}`")
    missing = [part for part in _PARTS if not hasattr(found, part)]
    if missing:
        package = offers(BACKENDS)[name][0].package
        message = f"the backend `{name}` of the package `{package}` cannot be used: it has no `{missing[0]}`"
        raise Refusal("E0605", message)
    return found


_PARTS = ("name", "suffix", "options", "lowers", "lower", "write")


def chosen(name: str | None, output: str | Path | None) -> Backend:
    """The backend called ``name``, or the one whose files end as ``output`` does; without either, ``onnx``.

    Refuses (E0007) an output whose ending is another one.
    """
    if output is None or str(output) == "-" or str(output).endswith(("/", os.sep)) or Path(output).is_dir():
        return backend(name or "onnx")
    engine = backend(name) if name is not None else _ending_as(output)
    if engine is None:
        known = {one: kind(backend(one)) for one in (*BUILT_IN, *offers(BACKENDS)) if one in BUILT_IN or usable(one)}
        wanted = " or ".join(f"`{Path(output).stem or 'NAME'}{k.endings[0]}` ({k.what})" for k in known.values())
        raise foreign(output, f"name it {wanted}")
    if not ends_as(output, kind(engine)):
        other = _ending_as(output)
        help = f"name it `{Path(output).stem}{engine.suffix}`" + (f", or choose `--to {other.name}`" if other else "")
        raise Refusal("E0007", f"the backend `{engine.name}` writes `{engine.suffix}`, not `{output}`", help=help)
    return engine


def kind(engine: Backend) -> Kind:
    """What a backend writes, as a kind of file."""
    what = {"onnx": "an ONNX model", "torch": "a PyTorch module"}.get(engine.name, f"a file of `{engine.name}`")
    return Kind(what, (engine.suffix.lower(),), getattr(engine, "mark", ""))


def _ending_as(output: str | Path) -> Backend | None:
    for name in (*BUILT_IN, *(other for other in names() if other not in BUILT_IN and usable(other))):
        engine = backend(name)
        if ends_as(output, kind(engine)):
            return engine
    return None


def usable(name: str) -> bool:
    """Whether a backend can be loaded."""
    try:
        backend(name)
    except Refusal:
        return False
    return True


def _listed() -> str:
    return f"the backends are {', '.join(names())}"


def names() -> list[str]:
    """All backends that are installed, sorted."""
    return sorted({*BUILT_IN, *offers(BACKENDS)})


def rule(backend: str, package: str, op: type[Op]) -> Any:
    """The rule of an operator in a backend, ``None`` if there is none.

    ``package`` is the backend's own: its modules are called as those of ``archdsl.ops``, and have a table ``RULES``.
    For everything else (operators of other packages, and what the backend has no rule for) packages offer rules as
    entry points of the group ``archdsl.rules.BACKEND``. Refuses (E0606) such a rule that cannot be used.
    """
    return _rule(backend, package, op.__module__, op.name)


@cache
def _rule(backend: str, package: str, module: str, name: str) -> Any:
    home, _, family = module.rpartition(".")
    if home == ops.__name__ and util.find_spec(f"{package}.{family}") is not None:
        found = import_module(f"{package}.{family}").RULES.get(name)
        if found is not None:
            return found
    if name not in offers(rules(backend)):
        return None
    (offer, *_) = offers(rules(backend))[name]
    what = f"the {backend} rule of the operator `{name}`"
    return _guarded(load(rules(backend), name, "E0606", what), f"{what} of the package `{offer.package}`")


def _guarded(rule: Any, what: str) -> Any:
    """A package's rule, whose own mistakes are its package's, and no bugs of archdsl."""

    def run(site: Any) -> Any:
        try:
            return rule(site)
        except (DiagnosticError, ControlFlow):
            raise
        except Exception as error:
            raise Refusal("E0606", f"{what} fails: {type(error).__name__}: {error}") from error

    return run if callable(rule) else rule


def packages() -> dict[str, str]:
    """The packages that offer something to archdsl, each with what: ``operators swiglu; onnx rules swiglu``."""
    groups = {OPERATORS: "operators", BACKENDS: "backends", **{rules(name): f"{name} rules" for name in names()}}
    found: dict[str, list[str]] = {}
    for group, what in groups.items():
        by_package: dict[str, list[str]] = {}
        for name, all_ in offers(group).items():
            for one in all_:
                if not (group == BACKENDS and one.target == BUILT_IN.get(name)):
                    by_package.setdefault(one.package, []).append(name)
        for package, offered in by_package.items():
            found.setdefault(package, []).append(f"{what} {', '.join(offered)}")
    return {package: "; ".join(found[package]) for package in sorted(found)}


def faults() -> list[Refusal]:
    """What packages offer and cannot be used: everything is loaded for it."""
    found = []
    for name in offers(OPERATORS):
        if ops.is_operator(name):
            found += [_hidden("operator", one) for one in offers(OPERATORS)[name]]
        else:
            found += _refused(ops.load, name)
    for name, all_ in offers(BACKENDS).items():
        if name in BUILT_IN:
            found += [_hidden("backend", one) for one in all_ if one.target != BUILT_IN[name]]
        else:
            found += _refused(backend, name)
    for target in names():
        for name in offers(rules(target)):
            if ops.is_operator(name) or name in ops.offered():
                found += _refused(load, rules(target), name, "E0606", f"the {target} rule of the operator `{name}`")
            else:
                (one, *_) = offers(rules(target))[name]
                found.append(
                    Refusal(
                        "E0606",
                        f"the package `{one.package}` has a {target} rule for `{name}`, which is not an operator",
                    )
                )
    return found


def _refused(load: Callable[..., Any], *arguments: str) -> list[Refusal]:
    try:
        load(*arguments)
    except Refusal as refusal:
        return [refusal]
    return []


def _hidden(what: str, one: Offer) -> Refusal:
    code = "E0606" if what == "operator" else "E0605"
    return Refusal(code, f"the {what} `{one.name}` of the package `{one.package}` is not used: archdsl has its own")
