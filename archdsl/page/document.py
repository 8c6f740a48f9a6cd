"""The page as one self-contained file: its parts in one text, the document as data, and a policy that lets nothing
else in or out.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from html import escape
from typing import Any

from archdsl.files import packaged
from archdsl.page.data import KIND
from archdsl.report.json import FORMAT_VERSION
from archdsl.version import __version__

_IMPORT = re.compile(r'^import \{ ([^}]*) \} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:function|class|const) (\w+))", re.MULTILINE)


def page(data: Mapping[str, Any], *, served: bool = False) -> str:
    """The page of a document. ``served``: it may ask the server that it is from whether there is a newer one."""
    style, script = _static("style.css"), bundle("served" if served else "main")
    asks = "'self'" if served else "'none'"
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; connect-src {asks}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy, "style": style, "version": escape(__version__), "script": script,
        "data": embedded({"format": f"archdsl.{KIND}", "format_version": FORMAT_VERSION, **data}),
    }  # fmt: skip
    return re.sub(r"\{(policy|style|version|data|script)\}", lambda found: parts[found[1]], _static("page.html"))


def embedded(data: Any) -> str:
    """JSON that can stand in a script element: no ``<``, so that nothing in it ends the element or begins another, and
    no halves of characters, which cannot be written.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    return re.sub("[<>&\u2028\u2029\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)


@cache
def bundle(name: str) -> str:
    """A module and all that it imports as one script: each is a function that returns what it exports."""
    order: list[str] = []

    def visit(module: str) -> None:
        if module not in order:
            for found in _IMPORT.finditer(_static(f"{module}.js")):
                visit(found[2])
            order.append(module)

    visit(name)
    parts = ['"use strict";', *(_wrapped(module) for module in order)]
    return "(() => {\n" + "\n".join(parts) + "\n})();\n"


def _wrapped(module: str) -> str:
    text = _static(f"{module}.js")
    exported = ", ".join(found[1] for found in _EXPORT.finditer(text))
    text = _IMPORT.sub(lambda found: f"const {{ {found[1]} }} = module_{found[2]};\n", text)
    text = _EXPORT.sub("", text)
    return f"const module_{module} = (() => {{\n{text}return {{ {exported} }};\n}})();"


@cache
def _static(name: str) -> str:
    from importlib.resources import files

    return packaged(files("archdsl").joinpath("page", "static", name))


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
