"""JSON or YAML text -> typed data. It checks the form and marks its errors, and knows nothing about graphs."""

from __future__ import annotations

import json
from typing import Any

from archdsl.data.form import FORMAT, FORMAT_VERSION, GraphForm
from archdsl.data.locate import Path, span_of
from archdsl.data.sizes import excesses, joined, shifted, stretches
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.source import Source, Span

HEADER = {"format": FORMAT, "format_version": FORMAT_VERSION}
MAX_BYTES = 256 * 2**20
MAX_VALUES = 3_000_000
"""Commas and brackets: a document of the largest size that `show` writes has 2,300,000."""
MAX_DEPTH = 100
MAX_FINDINGS = 20


def parse_form(source: Source, *, yaml: bool = False) -> GraphForm:
    """The typed data of a document; raises ``DiagnosticError`` (E0801, E0802, E0803)."""
    return _validate(source, _parse_yaml(source) if yaml else _parse_json(source), yaml)


def _refuse(source: Source, code: str, message: str, at: int, help: str = "") -> DiagnosticError:
    at = min(at, len(source.text))
    return DiagnosticError([Diagnostic(code, message, Span(source, at, at), help=help)])


def _check_size(source: Source) -> None:
    """Refuse what would take more memory than a document may: what counts is how many values it has."""
    if len(source.text) > MAX_BYTES:
        raise _refuse(source, "E0801", f"the document is larger than {MAX_BYTES // 2**20} MiB", 0)
    if sum(source.text.count(sign) for sign in ",[{") > MAX_VALUES:
        raise _refuse(source, "E0801", f"the document has more than {MAX_VALUES:,} values", 0)


def _parse_json(source: Source) -> Any:
    _check_size(source)
    try:
        return json.loads(source.text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _refuse(source, "E0801", f"not valid JSON: {error.msg}", error.pos) from None
    except RecursionError:
        raise _refuse(source, "E0801", "not usable JSON: nested too deeply", 0) from None
    except ValueError as error:  # integers of more digits than Python reads, and NaN
        raise _refuse(source, "E0801", f"not usable JSON: {str(error).partition(';')[0]}", 0) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def yaml_package() -> Any:
    """The module ``yaml``; raises ``DiagnosticError`` (E0010) where it is not installed."""
    try:
        import yaml
    except ImportError:
        found = Diagnostic("E0010", "YAML needs the package pyyaml", help='pip install "archdsl[yaml]"')
        raise DiagnosticError([found]) from None
    return yaml


def _parse_yaml(source: Source) -> Any:
    yaml = yaml_package()
    _check_size(source)
    try:
        _check_events(source, yaml)
        return yaml.safe_load(source.text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise _refuse(source, "E0801", f"not valid YAML: {problem}", mark.index if mark else 0) from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
        raise _refuse(source, "E0801", f"not usable YAML: {reason}", 0) from None


def _check_events(source: Source, yaml: Any) -> None:
    """Refuse aliases, which can make a short text endless, and nesting that no document has."""
    depth = 0
    for event in yaml.parse(source.text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _refuse(source, "E0801", "YAML aliases are not supported", event.start_mark.index)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _refuse(source, "E0801", "not usable YAML: nested too deeply", event.start_mark.index)


def _no_graph(source: Source, span: Span | None) -> Diagnostic:
    """The fault of a document of something else: what it is, if that is known."""
    from archdsl.foreign_files import foreign

    known = foreign(source.text.encode(errors="replace"), source.name)
    if known is not None and known[0] != "JSON":
        return Diagnostic("E0009", f"{source.name} is {known[0]}, not an archdsl graph", span, help=known[1])
    return Diagnostic(
        "E0803", "not an archdsl graph of format version 1", span,
        help='a graph begins with {"format": "archdsl.graph", "format_version": 1, …}; '
        "a network is described by a spec: `archdsl init` makes a first one",
    )  # fmt: skip


def _validate(source: Source, data: Any, yaml: bool) -> GraphForm:
    from pydantic import ValidationError

    for key, value in HEADER.items() if isinstance(data, dict) else ():
        if data.get(key, value if key == "format_version" else None) != value:
            raise DiagnosticError([_no_graph(source, span_of(source, [key], yaml=yaml))])
    begun: Path = []
    try:
        for place, reason in excesses(data):
            message = f"`{_dotted(data, place)}`: {reason}"
            raise DiagnosticError([Diagnostic("E0802", message, span_of(source, place, yaml=yaml))])
        # Tuples of the form are lists in the text: only JSON's own reading is strict and still takes them.
        form: GraphForm | None = None
        later: dict[str, list[Any]] = {}
        for begun, part in stretches(data):
            read = GraphForm.model_validate_json(json.dumps(part, allow_nan=False))
            form = read if form is None else form
            if begun:
                later.setdefault(str(begun[0]), []).append(getattr(read, str(begun[0])))
        assert form is not None
        return form.model_copy(update={key: joined([getattr(form, str(key)), *parts]) for key, parts in later.items()})
    except ValidationError as error:
        found: dict[tuple[int, int], Diagnostic] = {}
        for one in error.errors(include_url=False, include_input=False, include_context=False)[: 4 * MAX_FINDINGS]:
            place = shifted(one["loc"], begun)
            span = span_of(source, place, yaml=yaml)
            message = f"`{_dotted(data, place)}`: {_reason(place, one['msg'])}"
            found.setdefault((span.start, span.end), Diagnostic("E0802", message, span))
        raise DiagnosticError(list(found.values())[:MAX_FINDINGS]) from None
    except (TypeError, ValueError, RecursionError):
        raise _refuse(source, "E0802", "the document has keys or values that JSON does not allow", 0) from None


def _reason(path: Path, message: str) -> str:
    """Pydantic's message; where several kinds of value would do, one that names them all."""
    if "arguments" in path[2:3] and len(path) > 4:
        return (
            'an argument is a number, text, true, false, null, a list of these, {"dim": …} or {"dtype": …, "shape": …}'
        )
    if "shape" in path:
        return "a dimension is an integer of at least 0 or an expression in quotes"
    return message[:1].lower() + message[1:]


def _dotted(data: Any, path: Path) -> str:
    """``nodes[3].op``: the part of a validation path that exists in the document, and the missing field, if any."""
    text = ""
    for step in path:
        inside = isinstance(data, dict) or (isinstance(data, list) and isinstance(step, int))
        if not inside:
            break
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
        data = data.get(step) if isinstance(data, dict) else data[step] if step < len(data) else None  # type: ignore[operator]
    return text or "document"
