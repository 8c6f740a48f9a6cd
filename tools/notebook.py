"""Runs the cells of ``docs/notebook.ipynb`` and writes what they show into it.

    python tools/notebook.py            # write
    python tools/notebook.py --check    # exit 1 if the file is not what would be written

The cells are edited in the file, with Jupyter or any other editor. They are run in this process, without Jupyter;
``pytest -m layout`` runs them in a kernel, and compares.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent.parent / "docs" / "notebook.ipynb"


def executed(book: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of its cells. The current folder is that of the notebook, as in Jupyter."""
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    cells = []
    for number, cell in enumerate(book["cells"]):
        kept = {
            "cell_type": cell["cell_type"],
            "id": f"cell-{number}",
            "metadata": {},
            "source": lines(text(cell["source"])),
        }
        if cell["cell_type"] == "code":
            count += 1
            kept |= {"execution_count": count, "outputs": outputs(text(cell["source"]), names, count)}
        cells.append(kept)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def outputs(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """What a cell prints, and the value of its last line, as a notebook stores them."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed), contextlib.chdir(PATH.parent):
        exec(compile(tree, "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    found: list[dict[str, Any]] = []
    if printed.getvalue():
        found.append({"name": "stdout", "output_type": "stream", "text": lines(printed.getvalue())})
    if value is not None:
        data = {form: lines(shown) for form, shown in sorted(bundle(value).items())}
        found.append({"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return found


def bundle(value: Any) -> dict[str, str]:
    """What a notebook may show of a value, by MIME type."""
    several = getattr(value, "_repr_mimebundle_", None)
    return several() if several is not None else {"text/plain": repr(value)}


def text(source: str | list[str]) -> str:
    """A multi-line text of the format, which may be in lines."""
    return source if isinstance(source, str) else "".join(source)


def lines(source: str) -> list[str]:
    """A text as the format has it."""
    return source.splitlines(keepends=True)


def document() -> str:
    """The file as it should be."""
    return json.dumps(executed(json.loads(PATH.read_text(encoding="utf-8"))), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from options import given

    check = given(__doc__, check="write nothing; exit 1 if the file is not current").check
    found = document()
    if check:
        sys.exit(found != PATH.read_text(encoding="utf-8"))
    PATH.write_text(found, encoding="utf-8")
    print(f"{os.path.relpath(PATH)}: {len(found):,} characters")
