"""Commands in typer, for help, for mistakes, and for command lines that are not plain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from archdsl.cli.signature import Arg, Opt, Param, check, choices, params


def for_typer(command: Callable[..., Any], more: Sequence[Param] = ()) -> Callable[..., None]:
    """The command with typer's declarations in its signature, ending in typer's exit."""
    import inspect

    from archdsl.cli.exit import outcome

    known = [*params(command), *more]

    def checked(**arguments: Any) -> int | None:
        check(known, arguments)
        status: int | None = command(**arguments)
        return status

    def run(**arguments: Any) -> None:
        raise typer.Exit(outcome(checked, arguments))

    described = []
    for p in known:
        shared: Any = {"help": p.role.help, "metavar": _metavar(p), "autocompletion": _completion(p.role)}
        if isinstance(p.role, Arg):
            declared: Any = typer.Argument(**shared)
        else:
            declared = typer.Option(*p.role.names, min=p.role.min, **shared)
        default = inspect.Parameter.empty if p.required else p.default
        annotation: Any = Annotated[p.annotation, declared]
        described.append(
            inspect.Parameter(p.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    run.__signature__ = inspect.Signature(described)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in described}
    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    return run


def _metavar(p: Param) -> str | None:
    """How the help calls a value: its choices, or what kind it is; typer would write Python's type."""
    allowed = choices(p.role)
    if allowed and len(allowed) < 12:
        return "|".join(allowed)
    if isinstance(p.role, Arg):
        return p.name.strip("_").upper()
    if p.kind is bool:
        return None
    return p.role.metavar or {int: "NUMBER", Path: "FILE"}.get(p.kind, "TEXT")


def _completion(role: Arg | Opt) -> Callable[[Any, str], list[str]] | None:
    """A function of the context and of what is written, as typer wants it."""
    if not (role.choices or role.complete):
        return None

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from archdsl.cli import completion

        allowed = choices(role)
        continuations = (lambda *_: allowed) if allowed else getattr(completion, role.complete)
        # behind an option without its value, typer leaves the positional words unread
        named = {"target": ctx.args[0]} if ctx.args else {}
        return completion.completed(continuations, {**ctx.params, **named}, incomplete)

    complete.__annotations__ = {"ctx": typer.Context, "incomplete": str}
    return complete


def grouped(more: Sequence[Param]) -> Any:
    """A class for typer's commands whose help shows the options of a group under a heading of their own."""
    from typer.core import TyperCommand

    headings: dict[str, list[str]] = {}
    for p in more:
        for heading in p.role.groups if isinstance(p.role, Opt) else ():
            headings.setdefault(heading, []).append(p.name)
    inside = {name for names in headings.values() for name in names}

    class Grouped(TyperCommand):
        def format_options(self, ctx: Any, formatter: Any) -> None:
            every: list[Any] = self.params
            for p in every:  # what a value is, its name and its choices say; typer would add Python's type
                if p.param_type_name == "argument":
                    p.display_type = p.display_type_rich = lambda ctx: ""
            self.params = [p for p in every if p.name not in inside]
            super().format_options(ctx, formatter)
            self.params = every
            for heading, names in headings.items():
                records = [p.get_help_record(ctx) for p in every if p.name in names]
                with formatter.section(heading):
                    formatter.write_dl([record for record in records if record is not None])

    return Grouped
