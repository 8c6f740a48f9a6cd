"""The explorer of a network: one document with all that is known of it, and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import DiagnosticError
from archdsl.driver import Settings
from archdsl.process import collector_paused
from archdsl.project.targets import Network, graph_of
from archdsl.report.render import Printed

if TYPE_CHECKING:
    from archdsl.analyses.cost import CostTable
    from archdsl.page.against import Against
    from archdsl.report.outcome import ClaimOutcome
    from archdsl.report.page import Report

FORMS = (".html", ".htm", ".json")


class Explorer(Printed):
    """What ``archdsl report`` writes; it prints itself as ``cost`` does."""

    def __init__(self, table: CostTable, target: str, claims: Sequence[ClaimOutcome], against: Against | None) -> None:
        self.table = table
        self.target = target
        self.claims = tuple(claims)
        self.against = against

    def report(self) -> Report:
        """The costs."""
        from archdsl.report.costs import CostReport

        return CostReport(self.table)

    @property
    @collector_paused()
    def html(self) -> str:
        """The page: one self-contained file, which works without a network."""
        return self._page(False)

    @property
    @collector_paused()
    def served(self) -> str:
        """The page as ``archdsl view`` serves it: it asks for news of its file."""
        return self._page(True)

    def _page(self, served: bool) -> str:
        from archdsl.page.data import explorer
        from archdsl.page.document import page

        return page(explorer(self.table, self.target, self.claims, self.against), served=served)

    @property
    @collector_paused()
    def json(self) -> str:
        """The document (``docs/explorer.md``)."""
        from archdsl.page.data import KIND, explorer
        from archdsl.report.json import document

        return document(KIND, **explorer(self.table, self.target, self.claims, self.against))

    def save(self, path: str | Path) -> Path:
        """Write the page (``.html``) or the document (``.json``). Refuses (E0007) other endings, (E0005) what cannot be
        written, and (E0006) to replace a file that archdsl did not write.
        """
        from archdsl.writing import write_file

        target = checked_output(path)
        write_file(target, self.json if target.name.lower().endswith(".json") else self.html)
        return target


def checked_output(path: str | Path) -> Path:
    """The path of a page or document; refuses what :meth:`Explorer.save` does."""
    from archdsl.outputs import DOCUMENT, PAGE, check_output, ends_as

    check_output(path, DOCUMENT if ends_as(path, DOCUMENT) else PAGE)
    return Path(path)


@collector_paused()
def explorer(
    network: Network,
    bind: Mapping[str, int] | None = None,
    *,
    settings: Settings | None = None,
    train: bool = False,
    against: Network | None = None,
) -> Explorer:
    """All that is known of a graph or target, as a page: layers, costs, memory, and where each is from.

    ``bind`` gives values to symbols: those that it leaves open have sliders in the page, which begin at the network's
    own defaults. A target's expectations and budgets are measured as well, where it has its own parameters.
    ``settings`` are the network's parameters; ``train`` includes outputs that exist only for training. ``against``: a
    network to be shown beside it as :func:`archdsl.diff` compares them, or a state of the repository (``HEAD~1``).
    Raises ``DiagnosticError``.
    """
    from archdsl.analyses.cost import cost

    graph = graph_of(network, settings, bind, train)
    named = str(network) if isinstance(network, str | Path) else getattr(network, "source_name", "") or graph.name
    own = isinstance(network, str | Path) and not settings and not train and str(network) != "-"
    claims = _claims(str(network), graph.name, bind) if own else ()
    beside = None
    if against is not None:
        from archdsl.page.against import Against
        from archdsl.project.comparing import both

        found = both(against, network if own else graph, bind)
        same = found.old.name == found.new.name and isinstance(against, str | Path)
        beside = Against(
            found.difference, found.old, found.new, found.graphs[0], str(against) if same else found.old.name
        )
    return Explorer(cost(graph, bind), named, claims, beside)


def _claims(target: str, name: str, bind: Mapping[str, int] | None) -> Sequence[ClaimOutcome]:
    """The bounds of a target, those of its project included; none where these cannot be measured."""
    from archdsl.project.checking import check

    try:
        found = check(target, bind=bind)
    except DiagnosticError:  # of the project's budgets: `archdsl check` tells it
        return ()
    networks = [network for one in found.targets for network in one.networks]
    return next((network.claims for network in networks if network.name == name), ())
