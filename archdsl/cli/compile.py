"""``archdsl compile``: specs to model files."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.options import Bind, Set, Train, bindings, settings
from archdsl.cli.output import progress, say
from archdsl.cli.signature import Arg, Opt, Param, opt
from archdsl.cli.targets import Target, open_target
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.files import check_writable
from archdsl.record import Record

if TYPE_CHECKING:
    from archdsl.graph import Graph
    from archdsl.registry import Option


TO = ("--to", "--backend")


class Job(Record):
    """One file to write."""

    target: Target
    name: str
    path: Path


def command(
    targets: Annotated[list[str], Arg("spec.arch, spec.arch:variant, data, - or zoo names")],
    output: Annotated[str | None, opt("--output", "-o", help="a file, or a folder/ for several")] = None,
    all_: Annotated[bool, opt("--all", help="all variants of the files, not only the first")] = False,
    weights: Annotated[
        str | None, opt("--weights", metavar="FILE", help=".safetensors, .pth, .npz, .onnx; or initial, none")
    ] = None,
    allow_missing: Annotated[
        list[str] | None, opt("--allow-missing", metavar="PATTERN", help="parameters that keep their initial values")
    ] = None,
    allow_unexpected: Annotated[
        list[str] | None, opt("--allow-unexpected", metavar="PATTERN", help="tensors of the file that are left out")
    ] = None,
    to: Annotated[str, opt(*TO, help="the backend: onnx, torch or an installed one")] = "onnx",
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
    **given: Any,
) -> None:
    """Compile networks to ONNX files, or to those of another backend."""
    from archdsl.registry import backend

    engine = backend(to)
    parameters, sizes = settings(set_), bindings(bind)
    jobs = plan(targets, output, all_, engine.suffix)
    file = weights if weights and (Path(weights).suffix or Path(weights).exists()) else None
    if file is not None and "weights" not in engine.options._fields:
        raise Refusal(
            "E0007", f"the backend `{to}` writes no weights, so that `--weights {file}` means nothing to it",
            help="a PyTorch module takes them by `net.load_state_dict(torch.load(FILE))`",
        )  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    if weights and file is None:  # a word is the backend's to judge
        options["weights"] = weights
    engine.options.chosen(to, options)
    for job in jobs:
        started = time.perf_counter()
        with progress(f"compiling {job.name}"):
            graph = job.target.graph(parameters, sizes, train)
            if file is not None:
                graph = load(graph, job, file, (allow_missing or (), allow_unexpected or ()), (parameters, sizes))
            report = write(graph, job.path, to, options)
        say(report_line(graph, job, report, time.perf_counter() - started))


def more(arguments: Sequence[str] | None = None) -> list[Param]:
    """What backends offer: the one that a command line names, or all of them."""
    from archdsl.registry import backend, names

    if arguments is not None:
        words = [word.partition("=")[::2] for word in arguments]
        said = [value or (arguments[i + 1 : i + 2] or ["onnx"])[0] for i, (n, value) in enumerate(words) if n in TO]
        chosen = said[-1:] or ["onnx"]
    else:
        chosen = names()
    found: dict[str, tuple[Option, tuple[str, ...]]] = {}
    for name in chosen:
        with suppress(DiagnosticError):  # a backend that does not load is told when it is used
            for option in backend(name).options.declared():
                before = found[option.name][1] if option.name in found else ()
                found[option.name] = option, (*before, f"Options of the backend {name}")
    return [_parameter(option, headings) for option, headings in found.values()]


def _parameter(option: Option, headings: tuple[str, ...]) -> Param:
    either = option.kind is bool and option.default is None
    flags = f"{option.flag}/--no-{option.flag[2:]}" if either else option.flag
    return Param(option.name, option.kind | None, option.kind, Opt((flags,), option.help, groups=headings), False)


def write(graph: Graph, path: Path, to: str, options: dict[str, Any]) -> Any:
    """Write one file; options that are left alone keep the backend's defaults."""
    from archdsl import driver

    return driver.compile(graph, path, backend=to, **options)


def load(graph: Graph, job: Job, file: str, allow: tuple[Sequence[str], Sequence[str]], given: Any) -> Graph:
    """The graph with the weights of a file; what was matched is said."""
    from archdsl import driver

    if job.path.resolve() == Path(file).resolve():
        raise Refusal(
            "E0006", f"`{job.path}` is the file that the weights are from", help="give another name with `-o`"
        )

    def training() -> Graph:
        return job.target.graph(given[0], given[1], True) if job.target.document is None else graph

    found, told = driver.with_weights(graph, file, missing=allow[0], unexpected=allow[1], training=training)
    for line in told:
        say(line)
    return found


def report_line(graph: Graph, job: Job, report: Any, seconds: float) -> str:
    """``mobilenet_v2 -> model.onnx: 53 layers, 3,504,872 parameters, 300,774,272 MACs, 13.4 MiB, 0.21 s``."""
    from archdsl.analyses.cost import cost
    from archdsl.report.figures import human_bytes, number

    table = cost(graph)
    depth, params, macs = (number(table.total(quantity)) for quantity in ("depth", "params", "macs"))
    layers = f"{depth} layer{'' if depth == '1' else 's'}"
    counts = f"{layers}, {params} parameters, {'>= ' if table.partial else ''}{macs} MACs"
    return f"{job.name} -> {job.path}: {counts}, {human_bytes(report.bytes)}, {seconds:.2f} s"


def plan(targets: Sequence[str], output: str | None, all_: bool, suffix: str) -> list[Job]:
    """The files to write, after everything that could clash or not be written has been refused."""
    chosen = [one for text in targets for one in _variants(open_target(text), text, all_)]
    folder = _folder(output, len(chosen))
    jobs = []
    for target, name in chosen:
        path = Path(output) if output is not None and folder is None else (folder or Path()) / f"{name}{suffix}"
        jobs.append(Job(target, name, path))
    _check_clashes(jobs)
    for job in jobs:
        check_writable(job.path)
    return jobs


def _variants(target: Target, text: str, all_: bool) -> list[tuple[Target, str]]:
    """The variants a target stands for; the first of a file, which is said, or all."""
    program = target.program
    if program is None:
        name = Path(target.source_name).name.split(".")[0] if text != "-" else "model"
        return [(target, name)]
    if target.variant is not None:
        return [(target, target.variant)]
    names = program.variants or program.networks[:1]
    if not names:
        return [(target, program.target().name)]
    if all_:
        return [(target.replace(variant=name), name) for name in names]
    if len(names) > 1:
        say(f"{text}: compiling the first variant, {names[0]}; there are {len(names)} (--all takes them all)")
    return [(target.replace(variant=names[0]), names[0])]


def _folder(output: str | None, count: int) -> Path | None:
    """The folder that ``-o`` names, made if it ends in a slash; ``None`` where it names a file."""
    if output is None:
        return None
    if output.endswith(("/", os.sep)):
        Path(output).mkdir(parents=True, exist_ok=True)
        return Path(output)
    if Path(output).is_dir() and count > 1:
        return Path(output)
    return None


def _check_clashes(jobs: Sequence[Job]) -> None:
    """Refuse (E0006) to write two results to one file, or over a text that is read."""
    taken: dict[Path, Job] = {}
    sources = {Path(job.target.source_name).resolve() for job in jobs if job.target.source_name}
    for job in jobs:
        place = job.path.resolve()
        if place in sources:
            raise Refusal("E0006", f"`{job.path}` is the file that is compiled", help="give another name with `-o`")
        if place in taken:
            raise Refusal(
                "E0006", f"`{taken[place].name}` and `{job.name}` would both be written to `{job.path}`",
                help="give a folder: `-o models/`",
            )  # fmt: skip
        taken[place] = job
