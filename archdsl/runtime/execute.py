"""Running a model file: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal
from archdsl.files import check_file
from archdsl.report.page import Facts, Page, Report
from archdsl.report.render import Printed
from archdsl.runtime.entering import BATCH, declared_in, ones
from archdsl.runtime.inputs import Usual, check_inputs, completed, file_input, file_inputs, symbols_of
from archdsl.runtime.model_inputs import Tell, Wanted, wanted_inputs
from archdsl.runtime.outputs import describe_output, render_output, tensors_of
from archdsl.runtime.referred import check_referred
from archdsl.runtime.session import call, check_providers, first_line, metadata_of, open_session
from archdsl.runtime.timing import Timing, timed
from archdsl.tape.bindings import check_bound
from archdsl.writing import scratch, write_file

if TYPE_CHECKING:
    import numpy


class Run(Printed, Mapping[str, "numpy.ndarray"]):
    """What a run gave: the outputs' names and their arrays.

    ``inputs`` are descriptions by name: ``float32[1, 3, 224, 224]``; ``timing`` is how long the calls took;
    ``metadata`` is the model's; ``notes`` are for the reader.
    """

    def __init__(
        self, inputs: Mapping[str, str], outputs: Mapping[str, numpy.ndarray], providers: Sequence[str],
        timing: Timing, metadata: Mapping[str, str], notes: Sequence[str],
    ) -> None:  # fmt: skip
        self.inputs = dict(inputs)
        self.outputs = dict(outputs)
        self.providers = tuple(providers)
        self.timing = timing
        self.metadata = dict(metadata)
        self.notes = tuple(notes)

    def __getitem__(self, name: str) -> numpy.ndarray:
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)

    def save(self, path: str | Path) -> None:
        """Write all outputs to one ``.npz``, whole or not at all."""
        import io
        import zipfile

        import numpy as np

        from archdsl.outputs import ARRAYS, check_output

        check_output(path, ARRAYS)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:  # not `savez`: it takes an output called `file` for its own
            for name, array in self.outputs.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    text = array.astype(str) if array.dtype == object else array
                    np.lib.format.write_array(member, text, allow_pickle=False)
            archive.comment = b"archdsl run"
        write_file(Path(path), buffer.getvalue())

    def described(self, top: int = 5) -> list[dict[str, object]]:
        """Every output as plain data: its type, shape and statistics, and the ``top`` largest class scores."""
        return [describe_output(name, array, top, self.metadata) for name, array in self.outputs.items()]

    def report(self) -> RunReport:
        """A line for each output, and its largest class scores."""
        return RunReport(self)


class RunReport(Report):
    """The report of ``archdsl run``. ``top``: how many of the largest class scores; ``target``: what was run."""

    kind = "run"

    def __init__(self, run: Run, top: int = 5, target: str = "") -> None:
        self.run = run
        self.target = target
        self.records = run.described(top)

    def page(self) -> Page:
        """A line for each output, and its largest class scores."""
        return Page("", (Facts(tuple(line for record in self.records for line in render_output(record))),))

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        run = self.run
        return {
            "target": self.target, "providers": list(run.providers), "timing": run.timing.data(),
            "outputs": self.records,
        }  # fmt: skip


def execute(
    model: str | Path | Callable[[Path], object],
    files: Sequence[str] = (),
    *,
    arrays: Any = None,
    ep: str = "cpu",
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    times: int = 0,
) -> Run:
    """Run a model; refuses (E07xx) what cannot run. Behind that, up to ``times`` more calls are timed.

    ``model`` is the path of an ONNX file, or a function that writes one to the path it is given. Inputs are ``arrays``
    (by name, in order, or one for the first input; paths are files), or else from ``files``, and random numbers from
    ``seed`` for the rest, with free dimensions as in ``sizes``, as declared, or small ones above 1 (N is 1).
    """
    check_providers(ep)
    if not callable(model):
        check_file(Path(model))
        return _execute(Path(model), files, arrays, ep, seed, sizes, times)
    with scratch() as folder:
        path = folder / "model.onnx"
        model(path)
        return _execute(path, files, arrays, ep, seed, sizes, times)


def _execute(
    path: Path, files: Sequence[str], arrays: Any, ep: str, seed: int, sizes: Mapping[str, int] | None, times: int
) -> Run:
    session = open_session(path, ep)
    metadata = metadata_of(session)
    if metadata.get("archdsl.weights") == "none":
        raise Refusal(
            "E0703", f"`{path}` has no weights: it was written for its structure only",
            help="compile it without `--weights none`",
        )  # fmt: skip
    check_referred(path, metadata)
    notes: list[str] = []
    wanted = wanted_inputs(session)
    usual = Usual(sizes or {}, declared_in(metadata), 1, first=True)
    ready = _inputs(wanted, files, arrays, seed, usual, notes.append)
    drawn = arrays is None and not files  # who gives one word of a text means one
    if drawn and (note := ones(((one.dims(), ready[one.name].shape) for one in wanted), but=BATCH)):
        notes.append(note)
    names = [one.name for one in session.get_outputs()]
    try:
        values, timing = timed(lambda: call(session, names, ready), times)
    except Exception as error:  # ONNX Runtime's exceptions share no base class but Exception
        raise Refusal("E0705", "the model failed while it ran", notes=(first_line(error),)) from None
    shown = {name: f"{array.dtype}{list(array.shape)}" for name, array in ready.items()}
    outputs = tensors_of(session.get_outputs(), values, notes.append)
    return Run(shown, outputs, session.get_providers(), timing, metadata, notes)


def _inputs(
    wanted: Sequence[Wanted], files: Sequence[str], arrays: Any, seed: int, usual: Usual, tell: Tell
) -> dict[str, Any]:
    check_bound(usual.given, symbols_of(wanted))
    if arrays is not None:
        named = _named(arrays, [one.name for one in wanted])
        target = {one.name: one for one in wanted}
        paths = {name: Path(value) for name, value in named.items() if isinstance(value, str | Path)}
        named |= {n: file_input(path, target.get(n), tell) for n, path in paths.items()}
        starting = [one for one in wanted if one.name in named or one.state]  # states begin as in a first call
        return check_inputs(wanted, completed(starting, named, seed, usual))
    given = file_inputs(wanted, files, tell)
    return check_inputs(wanted, completed(wanted, given, seed, usual))


def _named(arrays: Any, names: Sequence[str]) -> dict[str, Any]:
    if isinstance(arrays, Mapping):
        return dict(arrays)
    several = list(arrays) if isinstance(arrays, list | tuple) else [arrays]
    if len(several) > len(names):
        raise Refusal("E0704", f"{len(several)} arrays were given for {len(names)} inputs: {', '.join(names)}")
    return dict(zip(names, several))
