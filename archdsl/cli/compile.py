"""``archdsl compile``: specs to model files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.options import Bind, Key, Names, Set, Train, bindings, settings
from archdsl.cli.output import place, progress, say
from archdsl.cli.signature import Arg, Opt, Param, opt
from archdsl.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from archdsl.registry import Option

TO = ("--to", "--backend")

EXAMPLE = "archdsl compile mobilenet_v2 -o mobilenet_v2.onnx"


def command(
    targets: Annotated[list[str], Arg("spec.arch, spec.arch:variant, data, - or zoo names", "targets")],
    output: Annotated[
        str | None, opt("--output", "-o", help="a file (.onnx, .py), a folder/ for several, or -")
    ] = None,
    all_: Annotated[bool, opt("--all", help="all variants of the files, not only the first")] = False,
    weights: Annotated[
        str | None, opt("--weights", metavar="FILE", help=".safetensors, .pth, .npz, .onnx, .pt2; or initial, none")
    ] = None,
    key: Key = None,
    names: Names = None,
    allow_missing: Annotated[
        list[str] | None, opt("--allow-missing", metavar="PATTERN", help="parameters that keep their initial values")
    ] = None,
    allow_unexpected: Annotated[
        list[str] | None, opt("--allow-unexpected", metavar="PATTERN", help="tensors of the file that are ignored")
    ] = None,
    to: Annotated[str | None, opt(*TO, help="the backend: onnx, torch or an installed one; else by the ending")] = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
    **given: Any,
) -> None:
    """Compile networks to ONNX files, or to those of another backend."""
    from archdsl.project.compiling import compile
    from archdsl.project.jobs import plan
    from archdsl.registry import chosen

    engine = chosen(to, output)
    options = {name: value for name, value in given.items() if value is not None}
    engine.options.chosen(engine.name, options)
    parameters, sizes = settings(set_), bindings(bind)
    jobs, notes = plan(targets, output, all_, engine)
    for note in notes:
        say(note)
    for job in jobs:
        started = time.perf_counter()
        with progress(f"compiling {job.name}"):
            done = compile(
                job.target, place(job.path), backend=engine.name, weights=weights, key=key or "", names=names or "",
                allow_missing=allow_missing or (), allow_unexpected=allow_unexpected or (),
                settings=parameters, bind=sizes, train=train, **options,
            )  # fmt: skip
        for note in done.notes:
            say(note)
        say(f"{done.replace(name=job.name)}, {time.perf_counter() - started:.2f} s")


def more(arguments: Sequence[str] | None = None) -> list[Param]:
    """What backends offer: the one that a command line names, or all of them."""
    from archdsl.registry import backend, names

    chosen = names() if arguments is None else [_named(arguments)]
    found: dict[str, tuple[Option, tuple[str, ...]]] = {}
    for name in chosen:
        with suppress(DiagnosticError):  # a backend that does not load is told when it is used
            for option in backend(name).options.declared():
                before = found[option.name][1] if option.name in found else ()
                found[option.name] = option, (*before, f"Options of the backend {name}")
    return [_parameter(option, headings) for option, headings in found.values()]


def _named(arguments: Sequence[str]) -> str:
    """The backend that a command line names, or means by the ending of its output."""
    from archdsl.registry import chosen

    said = output = None
    for index, word in enumerate(arguments):
        name, sign, value = word.partition("=")
        if name in TO:
            said = value if sign else "".join(arguments[index + 1 : index + 2])
        elif name in ("--output", "-o"):
            output = value if sign else "".join(arguments[index + 1 : index + 2])
    with suppress(DiagnosticError):  # what cannot be written is told when it is
        return chosen(None, output).name if said is None else said
    return "onnx"


def _parameter(option: Option, headings: tuple[str, ...]) -> Param:
    either = option.kind is bool and option.default is None
    flags = f"{option.flag}/--no-{option.flag[2:]}" if either else option.flag
    return Param(option.name, option.kind | None, option.kind, Opt((flags,), option.help, groups=headings), False)
