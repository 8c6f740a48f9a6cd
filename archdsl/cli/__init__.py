"""The command line. Only the module of the command that was asked for is imported: starting is most of the time."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

COMMANDS = (
    "compile", "check", "cost", "show", "fmt", "ops", "explain", "run", "doctor", "init", "list",
)  # fmt: skip
"""Each is the function ``command`` of the module ``archdsl.cli.<name>``."""

HELP = "A declarative architecture compiler for neural networks: .arch specs to exact shapes, exact costs and ONNX."


def build(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """The typer application with the given commands."""
    import typer

    from archdsl.cli.guard import guarded

    app = typer.Typer(
        name="archdsl", help=HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(_options)
    for name in names:
        app.command(name)(guarded(import_module(f"archdsl.cli.{name}").command))
    return app


def _options(version: bool = False) -> None:
    """See `archdsl COMMAND --help`. Targets are `spec.arch`, `spec.arch:variant`, `-` and names from `archdsl list`."""


def _print_version() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("archdsl")
    except PackageNotFoundError:
        found = "from a checkout"
    sys.stdout.write(f"archdsl {found}\n")


def main() -> None:
    """The entry point of the ``archdsl`` script; ends the process."""
    _prepare_streams()
    arguments = sys.argv[1:]
    try:
        if arguments[:1] in (["--version"], ["-V"]):
            _print_version()
            return
        lone = arguments[:1] and arguments[0] in COMMANDS and "_ARCHDSL_COMPLETE" not in os.environ
        build((arguments[0],) if lone else COMMANDS)(prog_name="archdsl")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # a fault of ours: commands tell everything that a user or a system can cause
        import traceback

        traceback.print_exc()
        sys.stderr.write("archdsl: this is a bug in archdsl; please report it with the text above\n")
        sys.exit(2)


def _prepare_streams() -> None:
    """Unencodable characters are escaped, never a crash; pipes and files get UTF-8 and the same newlines everywhere."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace", encoding=None if stream.isatty() else "utf-8")


def __getattr__(name: str) -> Any:
    if name == "app":
        return build()
    raise AttributeError(name)
