"""The notebook of the docs: its outputs are what its cells show, in this process and in Jupyter's kernel.

pip install nbclient ipykernel && pytest -m layout
"""

import json
from typing import Any

import pytest
from paths import ROOT, tool

BOOK = ROOT / "docs" / "notebook.ipynb"


def test_the_notebook_shows_what_it_would_show_today() -> None:
    assert BOOK.read_text(encoding="utf-8") == tool("notebook").document(), "run tools/notebook.py"


def test_nothing_in_it_depends_on_the_machine() -> None:
    assert str(ROOT) not in BOOK.read_text(encoding="utf-8")
    cells = json.loads(BOOK.read_text(encoding="utf-8"))["cells"]
    shown = [form for cell in cells for out in cell.get("outputs", ()) for form in out.get("data", ())]
    assert shown.count("text/html") >= 5


@pytest.mark.layout
def test_a_kernel_shows_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    book = nbformat.read(BOOK, as_version=4)
    expected = [cell.get("outputs") for cell in json.loads(BOOK.read_text(encoding="utf-8"))["cells"]]
    NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(BOOK.parent)}}
    ).execute()
    assert [outputs(cell.get("outputs")) for cell in book.cells] == [outputs(found) for found in expected]


def outputs(found: Any) -> list[tuple[Any, ...]]:
    """What a cell shows, whether its texts are in lines or whole."""

    def whole(text: Any) -> str:
        return text if isinstance(text, str) else "".join(text)

    return [
        (
            one["output_type"],
            whole(one.get("text", "")),
            {form: whole(text) for form, text in one.get("data", {}).items()},
        )
        for one in found or ()
    ]
