"""Commands in typer, for help, for mistakes, and for command lines that are not plain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from archdsl.cli.signature import Arg, Opt, Param, params


def for_typer(command: Callable[..., Any], more: Sequence[Param] = ()) -> Callable[..., None]:
    """The command with typer's declarations in its signature, ending in typer's exit."""
    import inspect

    import typer

    from archdsl.cli.exit import outcome

    def run(**arguments: Any) -> None:
        raise typer.Exit(outcome(command, arguments))

    described = []
    for p in (*params(command), *more):
        if isinstance(p.role, Arg):
            declared: Any = typer.Argument(help=p.role.help)
        else:
            declared = typer.Option(*p.role.names, help=p.role.help, metavar=p.role.metavar, min=p.role.min)
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
            every = self.params
            self.params = [p for p in every if p.name not in inside]
            super().format_options(ctx, formatter)
            self.params = every
            for heading, names in headings.items():
                records = [p.get_help_record(ctx) for p in every if p.name in names]
                with formatter.section(heading):
                    formatter.write_dl([record for record in records if record is not None])

    return Grouped
