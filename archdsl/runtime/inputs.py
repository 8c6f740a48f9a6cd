"""Inputs of a run: seeded random numbers, ``.npy``/``.npz`` arrays, or an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.dim_solve import UnequalError, solve
from archdsl.dims import Dim, Symbol, evaluate, limits
from archdsl.ops.estimates import Boxes
from archdsl.record import Record
from archdsl.runtime.arrays import archive, array
from archdsl.runtime.entering import chosen_sizes
from archdsl.runtime.model_inputs import Tell, Wanted

if TYPE_CHECKING:
    import numpy

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
MAX_RANDOM_BYTES = 8 * 2**30


def random_inputs(
    wanted: Sequence[Wanted], seed: int, sizes: Mapping[str, Dim] | None = None
) -> dict[str, numpy.ndarray]:
    """Standard normal floats, boxes where the model says so; integers over the whole range of what they enter, else 0
    and 1; of ``bool`` both along the last axis. ``sizes`` are those of symbols; 1 for others.
    """
    import numpy as np

    if seed < 0:
        raise Refusal("E0007", f"the seed {seed} is negative")
    generator = np.random.Generator(np.random.Philox(seed))
    arrays: dict[str, numpy.ndarray] = {}
    given: dict[str, Dim] = {**{name.plain: 1 for name in symbols_of(wanted)}, **(sizes or {})}
    for one in wanted:
        shape = tuple(1 if dim is None else int(evaluate(dim, given)) for dim in one.dims())  # type: ignore[arg-type]
        _check_size(one, shape)
        if one.boxes is not None and one.dtype.startswith("float") and shape and shape[-1] == 4:
            arrays[one.name] = _boxes(one.boxes, shape, given, generator).astype(one.dtype)
        elif one.dtype.startswith("float"):
            arrays[one.name] = generator.standard_normal(shape, dtype=np.float32).astype(one.dtype)
        else:
            arrays[one.name] = _integers(one, shape, given, generator)
    return arrays


def _boxes(
    boxes: Boxes, shape: tuple[int, ...], sizes: Mapping[str, Dim], generator: numpy.random.Generator
) -> numpy.ndarray:
    """Boxes with an inside, from a tenth of the extent they lie in to the whole: centre and size, or first the corner
    with the lesser coordinates.
    """
    import numpy as np

    ends = [evaluate(dim, sizes) for dim in boxes[1:]]
    extent = np.array([float(size) if isinstance(size, int) else 1.0 for size in ends])
    sides = generator.uniform(0.1, 1, (*shape[:-1], 2))
    low = generator.uniform(0, 1, sides.shape) * (1 - sides)
    first, second = (low + sides / 2, sides) if boxes[0] else (low, low + sides)
    return np.concatenate([first * extent, second * extent], -1)


def _integers(
    one: Wanted, shape: tuple[int, ...], sizes: Mapping[str, Dim], generator: numpy.random.Generator
) -> numpy.ndarray:
    """Integers of the input's range, both ends among them. Of masks no row hides all, and none hides nothing: both
    would leave open what a mask does.
    """
    if one.dtype == "bool":
        found = generator.integers(0, 2, shape).astype(bool)
        if shape and shape[-1] > 1:
            found[..., 0], found[..., -1] = True, False
        return found
    import numpy as np

    low, high = (0, 1) if one.ends is None else (evaluate(end, sizes) for end in one.ends)
    if not isinstance(low, int) or not isinstance(high, int) or high < low:
        low, high = 0, 1
    kept = np.iinfo(one.dtype)
    low, high = max(low, int(kept.min)), min(high, int(kept.max))
    found = generator.integers(low, high, shape, dtype=one.dtype, endpoint=True)
    if one.ends is not None and found.size > 1:
        found.flat[0], found.flat[-1] = low, high
    return found


def completed(wanted: Sequence[Wanted], given: Mapping[str, Any], seed: int, usual: Usual) -> dict[str, Any]:
    """The given arrays, and random ones for the rest: symbols are what given arrays say, or ``usual``."""
    found: Mapping[str, Any] = {}
    with suppress(UnequalError):  # it is told when all inputs are checked
        for one in wanted:
            shape = getattr(given.get(one.name), "shape", ())
            found = solve([(dim, size) for dim, size in zip(one.dims(), shape) if dim is not None], found)
    missing = [one for one in wanted if one.name not in given]
    drawn = random_inputs(missing, seed, usual.sizes(missing, found))
    if usual.first:
        drawn |= {one.name: 0 * drawn[one.name] for one in missing if one.state}
    return {**given, **drawn}


class Usual(Record):
    """The sizes of symbols that no array says: ``given`` ones, then ``declared`` ones; ``batch`` is that of N."""

    given: Mapping[str, int]
    declared: Mapping[str, int]
    batch: int
    first: bool = False
    """Whether it is the first call, in which states are zeros."""

    def sizes(self, wanted: Sequence[Wanted], found: Mapping[str, Dim]) -> dict[str, Dim]:
        """A size for each symbol of the inputs; ``found`` are those that arrays say."""
        chosen = chosen_sizes(symbols_of(wanted), {**self.given, **found}, self.declared, self.batch)
        return {**found, **chosen}


def symbols_of(wanted: Sequence[Wanted]) -> set[Symbol]:
    """The symbols of a model's inputs."""
    return {name for one in wanted for dim in one.dims() if dim is not None for name in limits(dim)}


def _check_size(one: Wanted, shape: Sequence[int]) -> None:
    from math import prod

    size = 4 * prod(shape)
    if size > MAX_RANDOM_BYTES:
        raise Refusal("E0008", f"a random input for `{one}` needs {size / 2**30:,.0f} GiB", help="bind smaller sizes")


def file_inputs(
    wanted: Sequence[Wanted], files: Sequence[str], tell: Tell = lambda note: None
) -> dict[str, numpy.ndarray]:
    """Arrays from files: ``name=x.npy``, ``x.npy`` (for the first input without one), ``x.npz`` or an image."""
    arrays: dict[str, numpy.ndarray] = {}
    names = [one.name for one in wanted]
    for text in files:
        name, path = _named(text, names)
        if path.suffix.lower() == ".npz" and name is None:
            arrays |= archive(path, {one.name: _checking(one) for one in wanted}, lambda name: _unknown(name, wanted))
            continue
        if name is None:
            name = next((n for n in names if n not in arrays), None)
            if name is None:
                raise Refusal("E0704", f"there are more input files than inputs: {', '.join(names)}")
        target = next((one for one in wanted if one.name == name), None)
        arrays[name] = file_input(path, target, tell)
    return arrays


def file_input(path: Path, target: Wanted | None, tell: Tell) -> numpy.ndarray:
    """The array in a file, or a picture as the input ``target``."""
    if path.suffix.lower() not in IMAGES:
        return array(path, _checking(target) if target is not None else lambda shape: None)
    if target is None:
        raise Refusal("E0704", f"no input of the model can be read from `{path}`")
    from archdsl.runtime.picture import as_input

    return as_input(path, target, tell)


def _named(text: str, names: Sequence[str]) -> tuple[str | None, Path]:
    name, sign, rest = text.partition("=")
    longest = max((one for one in names if text.startswith(f"{one}=")), key=len, default=name)
    name, rest = longest, text[len(longest) + 1 :]
    if sign and (name in names or not Path(text).exists()):
        if name not in names:
            help = did_you_mean(name, names, f"the inputs are {', '.join(names)}")
            raise Refusal("E0704", f"the model has no input `{name}`", help=help)
        return name, Path(rest)
    return None, Path(text)


def _unknown(name: str, wanted: Sequence[Wanted]) -> Refusal:
    help = did_you_mean(name, [one.name for one in wanted], f"the inputs are {', '.join(map(str, wanted))}")
    return Refusal("E0704", f"the model has no input `{name}`", help=help)


def check_inputs(wanted: Sequence[Wanted], arrays: Mapping[str, Any]) -> dict[str, numpy.ndarray]:
    """The arrays as the model takes them: every input there, no other, types and shapes right; refuses (E0704)."""
    import numpy as np

    names = [one.name for one in wanted]
    for name in arrays:
        if name not in names:
            raise _unknown(name, wanted)
    ready: dict[str, numpy.ndarray] = {}
    sizes: dict[str, Dim] = {}
    for one in wanted:
        if one.name not in arrays:
            raise Refusal("E0704", f"there is no array for the input `{one}`")
        array = np.asarray(arrays[one.name])
        if array.dtype != one.dtype:
            if not (array.dtype.kind == "f" and one.dtype.startswith("float")):
                raise Refusal("E0704", f"`{one}` was given an array of {array.dtype}")
            array = array.astype(one.dtype)
        _check_shape(one, array.shape, sizes)
        ready[one.name] = array
    return ready


def _checking(one: Wanted) -> Callable[[tuple[int, ...]], None]:
    return lambda shape: _check_shape(one, shape, {})


def _check_shape(one: Wanted, shape: tuple[int, ...], sizes: dict[str, Dim]) -> None:
    """Fixed sizes and multiples must be met, and one symbol must be one size everywhere; ``sizes`` remembers."""
    pairs = [(dim, size) for dim, size in zip(one.dims(), shape) if dim is not None]
    note = ""
    try:
        if len(shape) == len(one.shape):
            sizes.update(solve(pairs, sizes))
            return
    except UnequalError as unequal:
        known = [f"{name} = {size}" for name, size in unequal.known.items()]
        bounds = [name.bounds for name in sorted(limits(unequal.declared)) if name.bounded]
        note = ", ".join([*(known if str(unequal.declared) in unequal.known else [str(unequal), *known]), *bounds])
    raise Refusal("E0704", f"`{one}` was given an array of shape {list(shape)}", note=note)
