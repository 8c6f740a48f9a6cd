"""Names of foreign models as paths and symbols. The interface keeps its own names."""

from __future__ import annotations

import re
from functools import lru_cache

_PLAIN = re.compile(r"[A-Za-z_]\w*(\.\w+)*")


def parameter_path(name: str, otherwise: str) -> str:
    """The path of a parameter: its name in the file where that is a path of modules, else where it is used."""
    return name if "." in name and _PLAIN.fullmatch(name) else otherwise


def symbol_name(name: str) -> str:
    """A name of a size as a symbol: what no symbol may have is replaced."""
    clean = re.sub(r"\W+", "_", name).strip("_")[:40] or "size"
    return clean if clean[0].isalpha() or clean[0] == "_" else f"n{clean}"


@lru_cache(maxsize=4096)
def path_part(name: str) -> str:
    """A name as one part of a path."""
    return re.sub(r"\W+", "_", name).strip("_") or "value"


def scope_path(name: str) -> str:
    """``/layer1/layer1.0/conv1/Conv`` -> ``layer1.0.conv1``: the modules in a node's name, without its operator.

    Modules in a sequence repeat its name, alone (``/layers.0/blocks/blocks.1``) or with all that is around it.
    """
    words: list[str] = []
    for part in name.strip("/").split("/")[:-1]:
        part = re.sub(r"[^\w.]+", "_", part).strip("._")
        path = ".".join(words)
        if part and words and (part == path or part.startswith(f"{path}.")):
            words = [part]
        elif part and words and part.startswith(f"{words[-1]}."):
            words[-1] = part
        elif part:
            words.append(part)
    return ".".join(words)


def module_path(scopes: str) -> str:
    """``['', 'layer1', 'layer1.0', 'conv2d']``, as PyTorch writes beside a node, -> ``layer1.0``."""
    found: list[str] = re.findall(r"'((?:[^'\\]|\\.)*)'", scopes)
    return re.sub(r"[^\w.]+", "_", found[-2]).strip("._") if len(found) > 1 else ""
