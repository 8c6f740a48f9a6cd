"""The command line. Only the module of the requested command is imported, because start-up is most of the time."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archdsl.cli import signals

if TYPE_CHECKING:
    import typer

COMMANDS = (
    "compile", "check", "cost", "diff", "lint", "fit", "show", "fmt", "ops", "explain", "run", "verify", "weights",
    "doctor", "init", "list", "which", "report", "view",
)  # fmt: skip
"""Each is the function ``command`` of the module ``archdsl.cli.<name>``. ``EXAMPLE`` is a line for its help, ``more``
gives further parameters."""

GARBAGE = 100_000
"""Objects, of some 40 bytes each, between two searches for cycles: they took a fifth of the time of ``check``."""


def build(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """The typer application with the given commands."""
    from archdsl.cli.typed import application

    return application(names)


def main() -> None:
    """The entry point of the ``archdsl`` script; ends the process."""
    signals.heed()
    gc.set_threshold(GARBAGE, 100, 100)
    status: int | str | None
    try:
        status = _run()
        gc.freeze()  # what is still there ends with the process: looking for garbage in it is of no use
        signals.unheed()
    except KeyboardInterrupt:
        status = 2
    except SystemExit as end:  # typer's; it takes an interrupt for something else
        status = end.code
    signals.rest()
    sys.exit(signals.received() or status)


def _run() -> int:
    """Run the command; its exit status."""
    from archdsl.cli.exit import status_after
    from archdsl.process import deep_stack

    _prepare_streams()
    try:
        try:
            command, arguments = _chosen(sys.argv[1:])
            with deep_stack():  # also for what is done outside of the compiler: the process is ours
                status = command(**arguments) or 0
            sys.stdout.flush()
        except Exception as error:
            status = status_after(error)
    except Exception:  # a fault of ours: commands tell everything that a user or a system can cause
        if signals.received() is None:
            import traceback

            traceback.print_exc()
            sys.stderr.write("archdsl: this is a bug in archdsl; please report it with the text above\n")
        status = 2
    return status


def _chosen(words: list[str]) -> tuple[Callable[..., int | None], Mapping[str, Any]]:
    """The command that a command line names, and its arguments: at once where these are plain, through typer where they
    are not.
    """
    name = words[0] if words else ""
    if name not in COMMANDS or "_ARCHDSL_COMPLETE" in os.environ:
        return build(), {"prog_name": "archdsl"}
    from archdsl.cli.quick import quick

    module = import_module(f"archdsl.cli.{name}")
    plain = quick(module.command, words[1:], module.more(words[1:]) if hasattr(module, "more") else ())
    if plain is None:
        return build((name,)), {"prog_name": "archdsl"}
    if plain.pop("watch", False):
        from archdsl.cli.watching import watched

        return watched, {"command": module.command, "arguments": plain}
    return module.command, plain


def _prepare_streams() -> None:
    """Escape characters that cannot be encoded, and give pipes and files UTF-8 and the same newlines everywhere.
    Streams that were closed before the start go to the null device.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in this order: each takes its own number
        if getattr(sys, name) is None:  # else the next file that is opened would be standard output
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace", encoding=None if stream.isatty() else "utf-8")


def __getattr__(name: str) -> Any:
    if name == "app":
        return build()
    raise AttributeError(name)
