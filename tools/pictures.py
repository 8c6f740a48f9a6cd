"""Draws the pictures of docs/pictures.md: `python tools/pictures.py`; ``--check`` tells which are not current."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import archdsl

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
PICTURES: dict[str, dict[str, Any]] = {
    "lenet5": {},
    "alexnet_towers": {"depth": 9},
    "googlenet": {"depth": 3, "fold": ["inception3b", "inception[45]*"]},
    "resnet50": {},
    "densenet121": {"depth": 3, "fold": ["features.denseblock[234]", "features.transition[123]"]},
    "mobilenet_v2": {"depth": 3},
    "unet": {"depth": 4, "fold": ["*.down", "*.join", "level.down"]},
    "nasnet_mobile": {"depth": 2},
    "seresnet50": {"depth": 2},
    "dpn92": {"depth": 2},
    "convlstm": {"depth": 3},
    "transformer_base": {"depth": 3},
}
"""Networks of the zoo, or of the page, and how they are folded."""


def drawn() -> dict[str, str]:
    """The files by name."""
    spec = re.search(r"```arch\n(.*?)```", (FOLDER.parent / "pictures.md").read_text(), re.DOTALL)
    assert spec is not None
    own = archdsl.load(spec[1])
    of = {name: own.graph(name) if name in own.variants else name for name in PICTURES}
    return {f"{name}.svg": archdsl.draw(of[name], **folding).svg for name, folding in PICTURES.items()}


def main(check: bool) -> int:
    """Write them, or tell which ones are not current."""
    stale = [name for name, text in drawn().items() if _read(FOLDER / name) != text]
    if check:
        print("\n".join(f"not current: {name}" for name in stale) or "all pictures are current")
        return bool(stale)
    FOLDER.mkdir(exist_ok=True)
    for name, text in drawn().items():
        (FOLDER / name).write_text(text)
        print(f"{name}: {len(text):,} characters")
    return 0


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    from options import given

    sys.exit(main(given(__doc__, check="write nothing; say which pictures are not current, exit 1 if any is").check))
