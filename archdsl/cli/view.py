"""``archdsl view``: the explorer of a network in the browser, renewed when a file is saved."""

from __future__ import annotations

from typing import Annotated, NoReturn

from archdsl.cli.options import Beside, Bind, Set, Target, Train, bindings, settings
from archdsl.cli.output import out, progress, say
from archdsl.cli.signals import received
from archdsl.cli.signature import opt

EXAMPLE = "archdsl view specs/resnet.arch:resnet18"


def command(
    target: Target,
    against: Beside = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
    browser: Annotated[bool, opt("--browser/--no-browser", help="open the page, or only say where it is")] = True,
) -> NoReturn:
    """Explore a network in the browser; the page is renewed when the file is saved. Ctrl-C stops."""
    import sys

    from archdsl.project.viewing import view

    with progress(f"exploring {target}"):
        served = view(target, bindings(bind), settings=settings(set_), train=train, against=against)
    with served:
        out(f"{served.address}\n")
        sys.stdout.flush()
        if browser:
            import webbrowser

            webbrowser.open(served.address)
        say("Ctrl-C stops")
        while received() is None:
            changed, fault = served.wait()
            say(f"{changed} has changed" + (f":\n{fault}" if fault else ""))
    raise KeyboardInterrupt
