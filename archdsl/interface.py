"""The interface of a network: how a picture becomes an input, and which class each score belongs to.

Both travel in a model file as JSON, under the keys :data:`PREPROCESS` + input and :data:`LABELS` + output; the schema
is in ``docs/preprocess.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.element_types import ELEMENT_TYPES, FLOATS
from archdsl.ops.kinds import Choice, Integer, Kind, ListOf, Number, OneOf, Optional, refuse
from archdsl.record import Record
from archdsl.shapes import TensorType

PREPROCESS = "archdsl.preprocess."
LABELS = "archdsl.labels."
SIZE, LEAST, MOST = "archdsl.size.", "archdsl.least.", "archdsl.most."
"""Keys of what a model says of each of its symbols: its declared value, and its bounds."""
DRAWN = "archdsl.drawn"
"""Key of the outputs that depend on random numbers, a list in JSON."""
REFERRED = "archdsl.data"
"""Key of the files of others that have a model's weights, in JSON: their names, bytes and digests."""
STATE = "archdsl.state."
"""Key of the output that enters in the place of an input in the next call."""
RANGE = "archdsl.range."
"""Key of the least and the greatest value of an integer input: ``0 .. 999``."""
BOXES = "archdsl.boxes."
"""Key of the boxes that an input is: ``corners 640 x 480`` or ``centres …``, the width and height they lie in."""
VERSION = 1
"""Of the JSON in the metadata."""
MAX_SIDE = 1 << 16
"""Pixels of one side of a resized or cropped picture."""
MAX_LABELS = 100_000
MAX_LABEL = 500
"""Characters of one label."""
MAX_METADATA = 1 << 24
"""Characters of one metadata entry."""

STEERS = "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
"""Control characters, overrides of the writing direction and halves of characters: no part of a name."""

MAX_NAME = 1000
"""Characters of the name of an input or output."""


def interface_name(name: str, what: str) -> str:
    """The name of an input or output, which may be any plain text; refuses (E0205) what is none."""
    if name and len(name) <= MAX_NAME and not re.search(STEERS, name):
        return name
    fault = "is empty" if not name else "is too long" if len(name) > MAX_NAME else "has control characters"
    help = f"it may be any text of 1 to {MAX_NAME:,} characters without control characters"
    raise Refusal("E0205", f"the name of {what} {fault}", help=help)


class Sides(Kind):
    """The size of a picture: one number of pixels, or ``[height, width]``."""

    @property
    def text(self) -> str:
        return f"int>=1<={MAX_SIDE} | [height, width]"

    def check(self, value: Any, what: str) -> int | tuple[int, ...]:
        side = Integer(1, MAX_SIDE)
        if not isinstance(value, tuple | list):
            return side.check(value, what)
        if len(value) != 2:
            raise refuse(what, "a number of pixels or `[height, width]`", value)
        return tuple(side.check(v, f"each entry of {what}") for v in value)


_BY_CHANNEL = OneOf((Number(), ListOf(Number())))
KINDS: dict[str, Kind] = {
    "resize": Optional(Sides()),
    "interpolation": Choice(("nearest", "bilinear", "bicubic", "lanczos")),
    "crop": Optional(Sides()),
    "crop_pct": Optional(Number(0.01, 1)),
    "channels": Optional(Choice(("rgb", "bgr", "gray"))),
    "scale": Number(),
    "mean": _BY_CHANNEL,
    "std": _BY_CHANNEL,
    "layout": Choice(("nchw", "nhwc")),
}
"""The parameters of ``preprocess``, in order."""


class Preprocess(Record):
    """How a picture becomes an input: ``(pixel * scale - mean) / std`` for every channel, with pixels from 0 to 255,
    after it was resized and its centre cropped.
    """

    resize: int | tuple[int, int] | None = None
    """The shorter side, or exactly ``(height, width)``; ``None`` leaves the size."""
    interpolation: str = "bilinear"
    """Pillow's filter of that name (it averages when it shrinks)."""
    crop: int | tuple[int, int] | None = None
    """What is cut out of the centre; ``None`` is the size of the input, where that is fixed."""
    crop_pct: float | None = None
    """How much of the resized shorter side the crop is, as timm says it; instead of ``resize``."""
    channels: str | None = None
    """``None`` is ``rgb`` for three channels, ``gray`` for one."""
    scale: float = 1 / 255
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0
    layout: str = "nchw"

    def settled(self, type: TensorType) -> Preprocess:
        """The same with all that it leaves open, for an input of this type; refuses (E0205, E03xx) where the two do
        not fit.
        """
        if type.rank != 4:
            help = "a picture must have 4 axes: `f32[N, 3, 224, 224]`"
            raise Refusal("E0301", f"{type} is not a picture", help=help)
        first = self.layout == "nchw"
        depth, spatial = (type.shape[1], type.shape[2:]) if first else (type.shape[3], type.shape[1:3])
        channels = self.channels or ("gray" if depth == 1 else "rgb")
        count = 1 if channels == "gray" else 3
        if depth != count:
            other = "nhwc" if first else "nchw"
            help = f"write `layout = {other}`?" if type.shape[3 if first else 1] in (1, 3) else ""
            kind = f"an input of `{self.channels}` pixels" if self.channels else "a picture"
            wanted = f"{count} channels" if self.channels else "1 or 3 channels"
            raise Refusal("E0303", f"{kind} must have {wanted}, not {depth}: {type}", help=help)
        crop = self._cropped(spatial)
        made = self.replace(
            resize=self._resized(crop), crop=crop, crop_pct=None, channels=channels,
            mean=_each(self.mean, count, "mean"), std=_each(self.std, count, "std"),
        )  # fmt: skip
        made._check_values(type.dtype)
        return made

    def _cropped(self, spatial: Sequence[Any]) -> tuple[int, int] | None:
        """The crop, by default the input's own size where that is fixed."""
        crop = _pair(self.crop)
        if crop is None and all(isinstance(size, int) for size in spatial):
            crop = (spatial[0], spatial[1])
        if crop is None:
            return None
        for size, side in zip(crop, spatial):
            if isinstance(side, int) and side != size:
                shown = f"{spatial[0]} x {spatial[1]}"
                raise Refusal("E0303", f"the crop is {crop[0]} x {crop[1]} pixels, the input {shown}")
        return crop

    def _resized(self, crop: tuple[int, int] | None) -> int | tuple[int, int] | None:
        """The size before the crop, which it has to hold."""
        if self.resize is None:
            if self.crop_pct is None:
                return None
            if crop is None:
                help = "give `crop = …`, or bind the sizes of the input"
                raise Refusal("E0306", "`crop_pct` needs a crop of a fixed size", help=help)
            return floor(max(crop) / self.crop_pct)
        sides = self.resize if isinstance(self.resize, tuple) else (self.resize, self.resize)
        least = crop if isinstance(self.resize, tuple) or crop is None else (min(crop), min(crop))
        if least is not None and any(side < size for side, size in zip(sides, least)):
            raise Refusal(
                "E0303", f"a picture resized to {_shown(self.resize)} is smaller than the crop, {_shown(crop)}"
            )
        return self.resize

    def _check_values(self, dtype: str) -> None:
        assert isinstance(self.mean, tuple)
        assert isinstance(self.std, tuple)
        if self.scale <= 0:
            raise Refusal("E0205", f"`scale` must be positive, not {self.scale:g}")
        if min(self.std) <= 0:
            raise Refusal("E0205", f"`std` must be positive, not {min(self.std):g}")
        if dtype not in FLOATS:
            plain = (self.scale, set(self.mean), set(self.std)) == (1, {0.0}, {1.0})
            if not plain or dtype in ("bool", "i8"):
                help = "make the input `f32`, or leave the pixels as they are: `scale = 1`"
                raise Refusal("E0309", f"normalised pixels cannot be {dtype}", help=help)
            return
        ends = ((pixel * self.scale - m) / s for pixel in (0, 255) for m, s in zip(self.mean, self.std))
        if any(abs(end) > ELEMENT_TYPES[dtype].largest for end in ends):
            raise Refusal("E0205", f"the normalised pixels are too large for {dtype}")

    def __str__(self) -> str:
        """As a spec says it; what is at its default is left out."""
        said = {name: _shown(getattr(self, name)) for name in self._fields}
        usual = {name: _shown(value) for name, value in self._defaults.items()}
        if self.channels != "bgr":
            del said["channels"]
        return f"preprocess({', '.join(f'{name} = {v}' for name, v in said.items() if v != usual[name])})"


def _pair(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    return (size, size) if isinstance(size, int) else size


def _each(value: float | tuple[float, ...], count: int, name: str) -> tuple[float, ...]:
    if isinstance(value, tuple) and len(value) != count:
        raise Refusal("E0303", f"`{name}` has {len(value)} numbers for {count} channels")
    return value if isinstance(value, tuple) else (value,) * count


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        same = len(set(value)) == 1
        return _shown(value[0]) if same else f"[{', '.join(map(_shown, value))}]"
    return "none" if value is None else repr(value) if isinstance(value, float) else str(value)


def checked_labels(names: Sequence[Any], what: str) -> tuple[str, ...]:
    """The names of classes; refuses (E0204, E0205) what is none."""
    if len(names) > MAX_LABELS:
        raise Refusal("E0205", f"{what} has {len(names):,} labels; at most {MAX_LABELS:,} are allowed")
    for number, name in enumerate(names, 1):
        if not isinstance(name, str):
            raise refuse(f"label {number} of {what}", "a string", name)
        if not name.strip() or len(name) > MAX_LABEL or re.search(STEERS, name):
            long = f"longer than {MAX_LABEL} characters"
            fault = "empty" if not name.strip() else long if len(name) > MAX_LABEL else "not plain text"
            raise Refusal(
                "E0205", f"label {number} of {what} is {fault}", help="give one class per line, as plain text"
            )
    return tuple(names)


def fitting_labels(names: Sequence[str], shape: Sequence[Any], what: str) -> None:
    """Refuse (E0303) another number of labels than there are scores along the last axis, where that is fixed."""
    classes = shape[-1] if shape else 1
    if isinstance(classes, int) and classes != len(names):
        raise Refusal("E0303", f"{len(names):,} labels for {classes:,} classes of {what}")


# In a model file


def properties(
    inputs: Mapping[str, TensorType], preprocess: Mapping[str, Preprocess], labels: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """The metadata of a model; the same bytes for the same content."""
    found = {}
    for name, how in preprocess.items():
        made = how.settled(inputs[name])
        fields = {field: getattr(made, field) for field in made._fields if field != "crop_pct"}
        found[PREPROCESS + name] = _written(fields)
    for name, names in labels.items():
        found[LABELS + name] = _written({"names": names})
    return found


def _written(content: dict[str, Any]) -> str:
    from json import dumps

    return dumps({"version": VERSION, **content}, ensure_ascii=False, separators=(",", ":"))


def read_preprocess(text: str, name: str, type: TensorType) -> Preprocess:
    """What a model's metadata says of an input; refuses (E0706) what it cannot mean."""
    what = f"the model's preprocessing of `{name}`"
    try:
        return preprocess_of(_read(text)).settled(type)
    except Refusal as refusal:
        raise Refusal("E0706", f"{what} cannot be applied: {refusal.message}", help=refusal.help) from None


def preprocess_of(fields: Mapping[str, Any]) -> Preprocess:
    """The preprocessing from fields as they are written; refuses (E0202, E0204, E0205) other fields."""
    for name in fields:
        if name not in KINDS:
            help = did_you_mean(name, KINDS, f"it takes {', '.join(KINDS)}")
            raise Refusal("E0202", f"`preprocess` has no argument `{name[:50]}`", help=help)
    return Preprocess(**{name: KINDS[name].check(value, f"`{name}`") for name, value in fields.items()})


def read_labels(text: str, name: str, shape: Sequence[int]) -> tuple[str, ...]:
    """What a model's metadata calls the classes of an output; refuses (E0706) what it cannot mean."""
    try:
        names = _read(text).get("names")
        if not isinstance(names, list):
            raise refuse("`names`", "a list", names)
        found = checked_labels(names, "the list")
        fitting_labels(found, shape, f"`{name}`")
    except Refusal as refusal:
        raise Refusal("E0706", f"the model's labels of `{name}` cannot be used: {refusal.message}") from None
    return found


def _read(text: str) -> dict[str, Any]:
    """The fields of one metadata entry."""
    from json import loads

    if len(text) > MAX_METADATA:
        raise Refusal("E0706", f"it has more than {MAX_METADATA:,} characters")
    try:
        content = loads(text)
    except (ValueError, RecursionError):
        raise Refusal("E0706", "it is not JSON") from None
    version = content.pop("version", None) if isinstance(content, dict) else None
    if version != VERSION or isinstance(version, bool):
        raise Refusal("E0706", f"it is not an object of version {VERSION}")
    return dict(content)
