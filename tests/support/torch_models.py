"""torchvision, timm and transformers as they install beside the CPU build of PyTorch.

torchvision's wheel on PyPI is built for the CUDA build: its C++ operators do not load, and its import then fails where
it registers shape rules for two of them. No classification network uses those; declaring their schemas is enough.
"""

from __future__ import annotations

from types import ModuleType

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library: torch.library.Library | None = None


def _declare() -> None:
    global _library
    if _library is None:
        try:
            import torchvision  # noqa: F401
        except RuntimeError:
            import sys

            for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
                del sys.modules[name]
            library = torch.library.Library("torchvision", "FRAGMENT")
            for operator in ("nms", "qnms"):
                library.define(operator + _SCHEMA)
            _library = library  # the declarations live as long as the object


def torchvision_models() -> ModuleType:
    """``torchvision.models``."""
    _declare()
    import torchvision.models

    return torchvision.models


def timm() -> ModuleType:
    """``timm``."""
    _declare()
    import timm

    return timm


def transformers() -> ModuleType:
    """``transformers``, which looks for torchvision."""
    _declare()
    import transformers

    return transformers
