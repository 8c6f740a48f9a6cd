"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import DiagnosticError, Refusal

if TYPE_CHECKING:
    from archdsl.driver import Value

Target = Annotated[
    str, Arg("spec.arch, spec.arch:variant, model.onnx, model.pt2, - or a name from `archdsl list`", "targets")
]
Targets = Annotated[list[str], Arg("files, folders, spec.arch:variant, - or zoo names", "targets")]
Set = Annotated[
    list[str] | None, opt("--set", metavar="NAME=VALUE", help="give a network parameter a value", complete="parameters")
]
Bind = Annotated[list[str] | None, opt("--bind", metavar="N=8", help="replace a symbolic dimension")]
TextOrJson = Annotated[str, opt("--format", help="the form of the output", choices=("text", "json"))]
Reports = Annotated[
    list[str] | None,
    opt(
        "--report",
        metavar="FORM=FILE,…",
        help="also write sarif, junit, gitlab, markdown or json; github annotates the run",
    ),
]
Beside = Annotated[
    str | None, opt("--against", metavar="OTHER", help="another network beside it, or `HEAD~1`: the same file there")
]
Watching = Annotated[bool, opt("--watch", help="run again whenever a file that was read changes")]
"""Heeded where the command is called: :func:`archdsl.cli.watching.watched`."""
Train = Annotated[bool, opt("--train", help="include the outputs that exist only for training")]

Block = Annotated[
    str | None,
    opt("--block", metavar="APPLIED", help="one block of the file alone: 'f32[N, 64, 56, 56] -> bottleneck(64)'"),
]
Key = Annotated[
    str | None, opt("--key", metavar="KEY", help="the dictionary or prefix in the file to take: state_dict_ema")
]
Names = Annotated[
    str | None, opt("--names", metavar="MAP", help="a map of the spec, `weights MAP { … }`; or own, or order")
]


def pairs(texts: Iterable[str] | None, option: str) -> dict[str, str]:
    """``NAME=VALUE`` texts as a dictionary; refuses (E0007) what is not of that form, and repeats."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not value or not name.isidentifier():
            raise Refusal("E0007", f"`{option} {text}` must have the form NAME=VALUE")
        if name in found:
            raise Refusal("E0007", f"`{option} {name}=…` is given twice")
        found[name] = value
    return found


def listed(texts: Iterable[str] | None) -> list[str] | None:
    """``--select a,b --select c``: the parts of an option that may be given several times."""
    return None if texts is None else [part.strip() for text in texts for part in text.split(",")]


def bindings(texts: Iterable[str] | None) -> dict[str, int]:
    """``--bind N=8``: symbol -> integer; only what has symbols knows whether it may be 0."""
    found: dict[str, int] = {}
    for name, value in pairs(texts, "--bind").items():
        digits = value.replace("_", "")
        if not (digits.isascii() and digits.isdigit() and 0 < len(digits) <= 18):
            raise Refusal("E0007", f"`--bind {name}={value}`: a dimension must be a positive integer")
        found[name] = int(digits)
    return found


def settings(texts: Iterable[str] | None) -> dict[str, Value]:
    """``--set width=0.5``: parameter -> value, written as in a spec (``3.5M``, ``[1, 2]``, ``true``, ``"text"``)."""
    return {name: _value(name, text) for name, text in pairs(texts, "--set").items()}


def _value(name: str, text: str) -> Value:
    from archdsl.source import Source
    from archdsl.syntax import spec
    from archdsl.syntax.parse import parse_file

    help = "write a number, true, false, a text or a list"
    wrong = Refusal("E0007", f"`--set {name}={text}` is not a value", help=help)
    if "\n" in text or len(text) > 10_000:
        raise wrong
    try:
        file = parse_file(Source("--set", f"arch 1\nlet value = {text}\n"))
    except DiagnosticError:
        raise wrong from None
    definition = file.definitions[0] if len(file.definitions) == 1 else None
    if not isinstance(definition, spec.LetDefinition):
        raise wrong
    value: Value = _literal(definition.value, wrong)
    return value


def _literal(tree: object, wrong: Refusal) -> Any:
    from archdsl.syntax import spec

    match tree:
        case spec.Number() | spec.Boolean():
            return tree.value
        case spec.Name():
            return None if tree.id == "none" else tree.id
        case spec.String() if all(isinstance(part, str) for part in tree.parts):
            return "".join(map(str, tree.parts))
        case spec.ListExpr():
            return tuple(_literal(item, wrong) for item in tree.items)
        case spec.Unary(op="-" | "+", operand=spec.Number() as number):
            return -number.value if tree.op == "-" else number.value
    raise wrong
