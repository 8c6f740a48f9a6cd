"""Commands in typer, for help, for mistakes, and for command lines that are not plain."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from archdsl.cli.help import grouped, metavar
from archdsl.cli.signature import Arg, Opt, Param, check, choices, params
from archdsl.version import __version__


def application(names: tuple[str, ...]) -> typer.Typer:
    """The typer application with the given commands."""
    app = typer.Typer(
        name="archdsl", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip

    def show_version(wanted: bool) -> None:
        if wanted:
            sys.stdout.write(f"archdsl {__version__}\n")
            raise typer.Exit

    @app.callback()
    def options(
        version: bool = typer.Option(
            False, "--version", "-V", help="Print the version.", callback=show_version, is_eager=True
        ),
    ) -> None:
        """A declarative architecture compiler for neural networks: specs to exact shapes, exact costs and ONNX.

        Targets are `spec.arch`, `spec.arch:variant`, `model.onnx`, `model.pt2`, `-` for standard input, and names
        from `archdsl list`.
        """

    for name in names:
        module = import_module(f"archdsl.cli.{name}")
        more = module.more() if hasattr(module, "more") else []
        app.command(name, cls=grouped(more), epilog=f"Example: {module.EXAMPLE}")(
            for_typer(module.command, more, alone=len(names) == 1)
        )
    return app


def for_typer(command: Callable[..., Any], more: Sequence[Param] = (), *, alone: bool = True) -> Callable[..., None]:
    """The command with typer's declarations in its signature, ending in typer's exit.

    ``alone``: it is the one that was asked for, whose help may cost imports.
    """
    import inspect

    from archdsl.cli.exit import outcome

    known = [*params(command), *more]

    def checked(**arguments: Any) -> int | None:
        check(known, arguments)
        if arguments.pop("watch", False):
            from archdsl.cli.watching import watched

            watched(command, arguments)
        status: int | None = command(**arguments)
        return status

    def run(**arguments: Any) -> None:
        raise typer.Exit(outcome(checked, arguments))

    described = []
    for p in known:
        shared: Any = {
            "help": p.role.help,
            "metavar": metavar(p) if alone else None,
            "autocompletion": _completion(p.role),
        }
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
