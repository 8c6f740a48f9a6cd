"""What a shell completes: targets, variants of a file, parameters, codes. Faults complete nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Completion = Callable[[Mapping[str, Any], str], Iterable[str]]
"""From the arguments that are already there, and what is written of this one, to its continuations."""


def targets(given: Mapping[str, Any], written: str) -> Iterable[str]:
    """Variants of a file behind its colon; else names of the zoo, and specs and folders."""
    from archdsl.reading import zoo_names

    file, colon, _ = written.rpartition(":")
    if colon and file.endswith(".arch"):
        return [f"{file}:{variant}" for variant in _program(file).variants]
    return [*zoo_names(), *_files(written, (".arch", ".json"))]


def models(given: Mapping[str, Any], written: str) -> Iterable[str]:
    """As :func:`targets`, and ONNX files."""
    return [*targets(given, written), *_files(written, (".onnx",))]


def parameters(given: Mapping[str, Any], written: str) -> Iterable[str]:
    """``width=`` for each parameter of the network that is named, with its default."""
    from archdsl.driver import resolve_target
    from archdsl.syntax import spec

    names: Any = given.get("target") or given.get("targets") or given.get("names")
    program, variant = resolve_target(names if isinstance(names, str) else names[0])
    found = program.target(variant)
    if isinstance(found, spec.Variant) and isinstance(found.network.callee, spec.Name):
        found = program.target(found.network.callee.id)
    return [f"{p.name}={p.default.span.text if p.default else ''}" for p in getattr(found, "parameters", ())]


def codes(given: Mapping[str, Any], written: str) -> Iterable[str]:
    """The codes that have a page."""
    from archdsl.project.pages import explain

    return explain().pages


def rules(given: Mapping[str, Any], written: str) -> Iterable[str]:
    """The codes of design rules."""
    from archdsl.project.linting import chosen

    return sorted(chosen(None, None))


def operators(given: Mapping[str, Any], written: str) -> Iterable[str]:
    """Operators, combinators and blocks of the library."""
    from archdsl.project.operators import operators

    found = operators()
    return [str(one["name"]) for one in (*found.records, *found.blocks)]


def completed(complete: Completion, given: Mapping[str, Any], written: str) -> list[str]:
    """The continuations that begin with what is written; none where something is wrong with what is there."""
    with suppress(Exception):  # a shell shows whatever is printed
        return sorted(dict.fromkeys(word for word in complete(given, written) if word.startswith(written)))
    return []


def _program(file: str) -> Any:
    from archdsl.driver import open_program

    return open_program(Path(file))


def _files(written: str, endings: tuple[str, ...]) -> list[str]:
    folder, slash, _ = written.rpartition("/")
    found = Path(folder + slash or ".").iterdir()
    names = [f"{path.name}/" if path.is_dir() else path.name for path in found if not path.name.startswith(".")]
    return [f"{folder}{slash}{name}" for name in names if name.endswith(("/", *endings))]
