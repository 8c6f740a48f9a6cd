"""What a change did to networks: figures, interfaces, names and places, and what they are held to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from archdsl.analyses.measure import Subject, show
from archdsl.compare.diff import interface
from archdsl.compare.growth import grown
from archdsl.compare.partners import Trace, partners, trace
from archdsl.compare.snapshot import Snapshot
from archdsl.diagnostics import Diagnostic, check_choice
from archdsl.project.baseline import Baseline
from archdsl.project.demands import loosened, of_budgets, placed, titles
from archdsl.project.holding import Budgets, defined_in
from archdsl.project.measured import Measured, Titled
from archdsl.report.page import Table
from archdsl.source import Span

TOLD = ("params", "macs", "peak_activations", "receptive_field", "nodes")
"""What the comparison with a baseline shows of every network that changed."""
MOST = 3
DRAWN = 3
"""Networks whose changes are drawn: the table names them all."""
BOXES = 40
"""Boxes of a drawing, which stands between tables."""
KINDS = ("breaking", "gone", "renamed", "new", "loosened")
"""What ``--fail-on`` can name."""


def failing(kinds: Iterable[str]) -> frozenset[str]:
    """The kinds of changes that a run is to fail on; refuses (E0007) others."""
    found = frozenset(kinds)
    for kind in sorted(found):
        check_choice(kind, "--fail-on", KINDS)
    return found


class Changes:
    """Collects what changed since a baseline, target by target. ``fail_on``: the kinds that are findings."""

    def __init__(self, baseline: Baseline, fail_on: frozenset[str], folders: Sequence[str]) -> None:
        self.baseline = baseline
        self.fail_on = fail_on
        self.folders = [key for folder in folders if (key := self._key(Path(folder))) is not None]
        self.findings: dict[str, list[Diagnostic]] = {}
        """By target."""
        self.fresh: list[tuple[Trace, str, Span | None]] = []
        """Networks that were not there, with their targets and places."""
        self.pictures: list[tuple[str, str]] = []
        """Titles and Mermaid flowcharts of the first networks that changed."""
        self._changed: list[tuple[str, ...]] = []
        self._layers: list[tuple[str, ...]] = []
        self._seen: list[tuple[str, ...]] = []
        self._names: list[tuple[str, ...]] = []
        self._loosened: dict[str, list[str]] = {}
        self._there: dict[str, set[str] | None] = {}
        """The names of each file that was checked; ``None``: some of them only."""
        self._own: dict[str, dict[str, tuple[Any, ...]]] = {}

    def _key(self, folder: Path) -> str | None:
        full = folder.resolve()
        root = self.baseline.root
        return full.relative_to(root).as_posix() if full.is_relative_to(root) else None

    def before(
        self, baseline: Baseline, target: str, this: Titled, subjects: Sequence[Subject], was: str | None
    ) -> Snapshot | None:
        """The earlier figures of a network, under the name that it had."""
        key, name = baseline.key(target), this.name
        if was is not None:
            key, _, name = was.rpartition(":")
        settings = this.held[0].settings if this.title != this.name else {}
        if key is None:
            return None
        return baseline.of(key, {this.title: (name, settings)}, subjects).get(this.title)

    def network(
        self, target: str, this: Titled, old: Snapshot | None, new: Snapshot, spot: Span | None, was: str | None
    ) -> None:
        """Compare one network."""
        key = self.baseline.key(target)
        if old is None:
            if this.title == this.name and key is not None:
                self.fresh.append((trace(key, this.name, new), target, spot))
            return
        name = this.title
        rows = [_row(name, q, old, new) for q in TOLD]
        self._changed += [row for row in rows if row is not None]
        self._draw(this, old, new)
        for g in grown(old, new, "macs")[:MOST] if any(rows) else ():
            self._layers.append((name, g.path, f"+{g.amount:,}", str(g.span) if g.span is not None else ""))
        of_it = interface(old, new)
        told = (("breaking", of_it.breaking), ("weights", of_it.weights), ("compatible", of_it.notes))
        self._seen += [(name, word, line) for word, lines in told for line in lines]
        for line in of_it.breaking if this.title == this.name else ():
            self._find("breaking", target, f"`{name}` breaks its users: {line}", spot, f"{name}: {line}")
        if this.title == this.name:
            self._own.setdefault(target, {})[name] = (old, new, spot, was)

    def _draw(self, this: Titled, old: Snapshot, new: Snapshot) -> None:
        """A picture of the changes of one network, if there is room for it."""
        if len(self.pictures) == DRAWN or this.graph is None or old.layers == new.layers:
            return
        from archdsl.compare.touched import touched
        from archdsl.picture.flow import as_mermaid
        from archdsl.picture.merged import merged

        found = touched(old, new)
        if found.became or found.gone:
            graph, marks = merged(this.graph, found)
            picture = as_mermaid(graph, marks=marks, most=BOXES)
            self.pictures.append((f"what changed in {this.title} since {self.baseline.name}", picture))

    def target(self, one: Measured, budgets: Budgets) -> None:
        """Compare what a target is held to, once its networks were compared."""
        key = self.baseline.key(one.target)
        if key is None:
            return
        alone = ".arch:" in one.target
        names = {*one.variants, *one.broken}
        self._there[key] = None if alone or not names else names
        self._demands(one.target, key, budgets)

    def _demands(self, target: str, key: str, budgets: Budgets) -> None:
        own = self._own.pop(target, {})
        of_it = budgets.of(target)
        now = of_budgets(of_it, own)
        lines = [pair for budget in of_it for pair in placed(budget)]
        for name, (old, new, spot, was) in own.items():
            place, _, old_name = (was or f"{key}:{name}").rpartition(":")
            before = {
                name + title.removeprefix(old_name): found
                for title, found in self.baseline.demands(place, [old_name]).items()
            }
            held = titles(now, name, new.demands)
            for title, demands in titles(before, name, old.demands).items():
                for line, instead in loosened(demands, held.get(title, [])):
                    at = next((span for demand, span in lines if demand is instead or demand == instead), spot)
                    self._loosened.setdefault(line, []).append(title)
                    self._find("loosened", target, f"`{title}`: {line}", at, f"{title}: {line}")

    def moved(self, one: Measured, budgets: Budgets, was: str) -> None:
        """The same for a network that had another name or place."""
        key = self.baseline.key(one.target)
        if key is not None:
            target, was_of = one.target, self._own.get(one.target, {})
            self._own[target] = {name: (*found[:3], was) for name, found in was_of.items()}
            self._demands(target, key, budgets)

    def settle(self) -> list[tuple[str, str, str]]:
        """Say of networks that have no earlier one, and of earlier ones that are gone, which are one and the same.

        The pairs: a target, its name, and the file and name that it had.
        """
        gone = self._gone() if self.fresh or self.folders or self._there else []
        pairs = partners([one for one, _, _ in self.fresh], gone)
        by_id = {id(one): (target, spot) for one, target, spot in self.fresh}
        paired = {id(one) for pair in pairs for one in pair}
        for one, other in pairs:
            target, spot = by_id[id(one)]
            what = "renamed" if one.file == other.file else "moved"
            self._names.append((one.shown, f"{what} from {other.shown}"))
            self._find("renamed", target, f"`{one.shown}` was `{other.shown}` in {self.baseline.name}", spot, one.shown)
        for one, target, spot in self.fresh:
            if id(one) not in paired:
                self._names.append((one.shown, "new: nothing to compare it with"))
                self._find("new", target, f"`{one.shown}` is new since {self.baseline.name}", spot, one.shown)
        for one in gone:
            if id(one) not in paired and self._in_scope(one.file):
                self._names.append((one.shown, "gone"))
                self._find("gone", one.file, f"`{one.shown}` is gone since {self.baseline.name}", None, one.shown)
        return [(by_id[id(one)][0], one.name, other.shown) for one, other in pairs]

    def _in_scope(self, key: str) -> bool:
        return key in self._there or any(folder == "." or key.startswith(f"{folder}/") for folder in self.folders)

    def _gone(self) -> list[Trace]:
        """The networks of the baseline that are not there any more."""
        found: list[Trace] = []
        for key in self.baseline.files():
            names = self._missing(key)
            if names and (self.fresh or self._in_scope(key)):
                taken = self.baseline.of(key, {name: (name, {}) for name in names})
                found += [trace(key, name, one) for name, one in taken.items()]
        return found

    def _missing(self, key: str) -> list[str]:
        if key in self._there:
            there = self._there[key]
            if there is None or there >= set(self.baseline.defined(key)):
                return []
        else:
            file = self.baseline.root / key
            there = set(defined_in(file)) if file.is_file() else set()
            if there and there >= set(self.baseline.defined(key)):
                return []
        return [name for name in self.baseline.names(key) if name not in there]

    def _find(self, kind: str, target: str, message: str, span: Span | None, about: str) -> None:
        if kind in self.fail_on:
            found = Diagnostic("E0405", message, span, about=about, help=f"this run fails on changes that are `{kind}`")
            self.findings.setdefault(target, []).append(found)

    def tables(self) -> tuple[Table, ...]:
        """What changed in every network since the baseline, what matters most first."""
        name = self.baseline.name
        lines = [(line, _listed(list(dict.fromkeys(names)))) for line, names in self._loosened.items()]
        heads: dict[str, tuple[tuple[str, ...], Sequence[tuple[str, ...]], frozenset[int]]] = {
            f"networks since {name}": (("network", "is"), self._names, frozenset()),
            "budgets that this change loosens": (("what", "for"), lines, frozenset()),
            f"against {name}": (
                ("network", "quantity", "before", "after", "change"), self._changed, frozenset({2, 3, 4})
            ),
            "grew most": (("network", "layer", "MACs", "line"), self._layers, frozenset({2})),
            "interface": (("network", "is", "what changed"), self._seen, frozenset()),
        }  # fmt: skip
        return tuple(Table(head, tuple(rows), right, title) for title, (head, rows, right) in heads.items() if rows)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _row(name: str, quantity: str, before: Snapshot, after: Snapshot) -> tuple[str, ...] | None:
    old, new = before.quantities.get(quantity), after.quantities.get(quantity)
    low = [quantity in one.partial for one in (before, after)]
    if old == new and low[0] == low[1]:
        return None
    known = isinstance(old, int | float) and isinstance(new, int | float) and not any(low)
    step = f"{new / old - 1:+.1%}" if known and old else ""
    texts = [(">= " if one else "") + _text(quantity, value) for value, one in zip((old, new), low)]
    return name, quantity, texts[0], texts[1], step


def _text(quantity: str, value: Any) -> str:
    return "symbolic" if value is None else show(quantity, tuple(value) if isinstance(value, list) else value)
