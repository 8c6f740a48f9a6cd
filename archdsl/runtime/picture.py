"""A picture as the input of a model: resized, cropped, normalised as the model's metadata says.

The steps are torchvision's ``Resize``, ``CenterCrop``, ``ToTensor`` and ``Normalize`` of Pillow images, rounding of
sizes and places included.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Refusal
from archdsl.dims import symbol
from archdsl.element_types import ELEMENT_TYPES
from archdsl.files import check_file, open_file
from archdsl.interface import Preprocess, read_preprocess
from archdsl.runtime.model_inputs import Tell, Wanted
from archdsl.runtime.session import first_line
from archdsl.shapes import TensorType

if TYPE_CHECKING:
    import numpy

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's channel statistics, as most published weights expect them."""
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, whatever a file's name: no format that runs a program."""
MAX_PIXELS = 2**30 // 12
"""Of a picture that is read or made: Pillow's own bound."""
DTYPES = {type.framework: name for name, type in ELEMENT_TYPES.items()}


def as_input(path: Path, target: Wanted, tell: Tell) -> numpy.ndarray:
    """The picture in a file as one batch of ``target``; refuses (E0001, E0704, E0706) what it cannot be."""
    type = TensorType(DTYPES[target.dtype], tuple(symbol("?") if d is None else d for d in target.dims()))
    if target.preprocess is not None:
        how = read_preprocess(target.preprocess, target.name, type)
    else:
        how = _usual(target, type)
        tell(f"{target.name}: the model does not say how to prepare pictures; archdsl uses {how}")
    return normalised(opened(path, how), how, target.dtype)


def _usual(target: Wanted, type: TensorType) -> Preprocess:
    """ImageNet's: what is cut out as large as it can be."""
    try:
        height, width = (d if isinstance(d, int) else 224 for d in target.shape[2:])
        guess = Preprocess(resize=max(height, width), crop=(height, width))
        return (guess if target.shape[1] == 1 else guess.replace(mean=MEAN, std=DEVIATION)).settled(type)
    except (Refusal, ValueError):
        raise Refusal("E0704", f"an image cannot be the input `{target}`") from None


def opened(path: Path, how: Preprocess) -> Any:
    """The Pillow image in a file, resized and cropped; its mode is ``RGB`` or ``L``."""
    check_file(path)
    try:
        from PIL import Image
    except ImportError:
        raise Refusal("E0010", "reading images needs the package pillow", help='pip install "archdsl[image]"') from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with open_file(path) as file, Image.open(file, formats=FORMATS) as stored:
                mode = stored.mode
                picture = stored.convert("L" if how.channels == "gray" else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refusal("E0704", f"`{path}` is a picture of more than {MAX_PIXELS:,} pixels") from None
    except Exception as error:  # damaged files lead Pillow's readers to exceptions of many kinds
        raise Refusal("E0704", f"`{path}` is not a readable image", notes=(first_line(error),)) from None
    if mode.startswith(("I", "F")):
        help = "convert it to 8 bits per channel"
        raise Refusal("E0704", f"the pixels of `{path}` do not go from 0 to 255", help=help)
    return _cropped(_resized(picture, how, path), how, path)


def _resized(picture: Any, how: Preprocess, path: Path) -> Any:
    if how.resize is None:
        return picture
    width, height = picture.size
    if isinstance(how.resize, int):
        short, long = how.resize, how.resize * max(width, height) // min(width, height)
        size = (short, long) if width <= height else (long, short)
    else:
        size = how.resize[1], how.resize[0]
    if size[0] * size[1] > MAX_PIXELS:
        raise Refusal("E0704", f"`{path}` would be resized to {size[1]:,} x {size[0]:,} pixels: too large")
    from PIL import Image

    return picture.resize(size, Image.Resampling[how.interpolation.upper()])


def _cropped(picture: Any, how: Preprocess, path: Path) -> Any:
    if how.crop is None:
        return picture
    assert isinstance(how.crop, tuple)
    (height, width), (across, down) = how.crop, picture.size
    if down < height or across < width:
        raise Refusal(
            "E0704", f"`{path}` has {down} x {across} pixels, too few for a crop of {height} x {width}",
            help="" if how.resize else "let the spec resize it: `preprocess(resize = …)`",
        )  # fmt: skip
    top, left = round((down - height) / 2), round((across - width) / 2)  # half to even
    return picture.crop((left, top, left + width, top + height))


def normalised(picture: Any, how: Preprocess, dtype: str) -> numpy.ndarray:
    """``(pixel * scale - mean) / std``, computed in double precision, in the layout of the input: one batch."""
    import numpy as np

    pixels = np.asarray(picture)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels[..., ::-1] if how.channels == "bgr" else pixels
    values = (np.arange(256.0)[:, None] * how.scale - np.array(how.mean)) / np.array(how.std)
    table = values.astype(dtype)
    planes = [table[pixels[..., channel], channel] for channel in range(pixels.shape[-1])]
    return np.stack(planes, axis=0 if how.layout == "nchw" else -1)[None]
