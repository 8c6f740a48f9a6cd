"""``archdsl compile``: specs to model files."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.options import Bind, Set, Train, bindings, settings
from archdsl.cli.output import progress, say
from archdsl.cli.signature import Arg, opt
from archdsl.cli.targets import Target, open_target
from archdsl.diagnostics import Refusal
from archdsl.files import check_writable
from archdsl.record import Record

if TYPE_CHECKING:
    from archdsl.graph import Graph


class Job(Record):
    """One file to write."""

    target: Target
    name: str
    path: Path


def command(
    targets: Annotated[list[str], Arg("spec.arch, spec.arch:variant, data, - or zoo names")],
    output: Annotated[str | None, opt("--output", "-o", help="a file, or a folder/ for several")] = None,
    all_: Annotated[bool, opt("--all", help="all variants of the files, not only the first")] = False,
    init: Annotated[str, opt("--init", help="kaiming, xavier, zeros, …")] = "kaiming",
    seed: Annotated[int, opt("--seed", min=0, help="of the initial weights")] = 0,
    weights: Annotated[
        str, opt("--weights", metavar="FILE", help=".safetensors, .pth, .npz, .onnx; or initial, none")
    ] = "initial",
    allow_missing: Annotated[
        list[str] | None, opt("--allow-missing", metavar="PATTERN", help="parameters that keep their initial values")
    ] = None,
    allow_unexpected: Annotated[
        list[str] | None, opt("--allow-unexpected", metavar="PATTERN", help="tensors of the file that are left out")
    ] = None,
    deploy: Annotated[bool, opt("--deploy", help="for inference: fold batch norms, drop dropout")] = False,
    fold: Annotated[bool, opt("--fold", help="fold batch norms into convolutions")] = False,
    opset: Annotated[int | None, opt("--opset", help="of the ONNX file; the oldest that will do")] = None,
    external: Annotated[
        bool | None, opt("--external-data/--no-external-data", help="weights in a file of their own")
    ] = None,
    to: Annotated[str, opt("--to", "--backend", help="the backend: onnx or torch")] = "onnx",
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> None:
    """Compile networks to ONNX files."""
    from archdsl.registry import backend

    engine = backend(to)
    parameters, sizes = settings(set_), bindings(bind)
    jobs = plan(targets, output, all_, engine.suffix)
    file = weights if Path(weights).suffix or Path(weights).exists() else None  # a word is the backend's to judge
    if file is not None and to == "torch":
        raise Refusal(
            "E0007", "`--weights FILE` writes into an ONNX file; a PyTorch module loads its weights itself",
            help="`net.load_state_dict(torch.load(FILE))`, or what `archdsl weights export` makes of a model",
        )  # fmt: skip
    inside = "initial" if file else weights
    options: dict[str, Any] = {"init": init, "seed": seed, "weights": inside, "opset": opset, "external": external}
    options |= {name: True for name, on in (("deploy", deploy), ("fold", fold and not deploy)) if on}
    for job in jobs:
        started = time.perf_counter()
        with progress(f"compiling {job.name}"):
            graph = job.target.graph(parameters, sizes, train)
            if file is not None:
                graph = load(graph, job, file, (allow_missing or (), allow_unexpected or ()), (parameters, sizes))
            report = write(graph, job.path, to, options)
        say(report_line(graph, job, report, time.perf_counter() - started))


def write(graph: Graph, path: Path, to: str, options: dict[str, Any]) -> Any:
    """Write one file; options that are left alone keep the backend's defaults."""
    from archdsl import driver

    return driver.compile(graph, path, backend=to, **{k: v for k, v in options.items() if v is not None})


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
