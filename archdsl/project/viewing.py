"""Looking at a network while it is written: the explorer's page, served to this machine, new when a file is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.driver import Settings

if TYPE_CHECKING:
    from archdsl.project.explorer import Explorer


class View:
    """A served page; ``with`` it, or ``close`` it. Its text is its address."""

    def __init__(self, make: Callable[[], Explorer], target: str) -> None:
        from archdsl.project.serving import Served, Server
        from archdsl.project.watch import Watch

        self._make = make
        self._served = Served()
        self._watch = Watch([target])
        with self._watch.round():
            self._served.show(make().served)  # what is wrong from the start is told where it is started
        self._server = Server(self._served)

    @property
    def address(self) -> str:
        """Where the page is: on the loopback address, with a token that nobody else has."""
        return self._server.address

    def wait(self) -> tuple[str, str]:
        """Wait for a change, and show what is there then; what has changed, and what is wrong with it (empty:
        nothing).
        """
        changed = self._watch.wait()
        fault = ""
        try:
            with self._watch.round():
                self._served.show(self._make().served)
        except DiagnosticError as error:
            fault = str(error)
            self._served.tell(fault)
        return changed, fault

    def close(self) -> None:
        """Serve nothing any more."""
        self._server.close()

    def __enter__(self) -> View:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return self.address


def view(
    network: str | Path,
    bind: Mapping[str, int] | None = None,
    *,
    settings: Settings | None = None,
    train: bool = False,
    against: str | None = None,
) -> View:
    """Serve the page of a target (:func:`archdsl.explorer`) on the loopback address, until the result is closed.

    The page loads itself again when :meth:`View.wait` has seen a file change. Raises ``DiagnosticError``.
    """
    from archdsl.project.explorer import explorer

    target = str(network)
    if target == "-":
        raise Refusal("E0007", "`view` needs a file: standard input does not change", help="write it into a file first")
    return View(lambda: explorer(target, bind, settings=settings, train=train, against=against), target)
