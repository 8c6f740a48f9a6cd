"""Checking: the diagnostics of specs, their claims, a project's budgets, and a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.process import collector_paused
from archdsl.project.checked import Check, CheckedTarget
from archdsl.project.config import config_file
from archdsl.project.failures import findings_of
from archdsl.project.targets import Step, arch_files

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic
    from archdsl.project.baseline import Baseline
    from archdsl.project.changes import Changes
    from archdsl.project.holding import Budgets
    from archdsl.report.page import Table


def check(
    *targets: str | Path,
    against: str | None = None,
    config: str | Path | None = None,
    fail_on: Iterable[str] = (),
    bind: Mapping[str, int] | None = None,
    step: Step = nullcontext,
) -> Check:
    """Check files, folders, ``spec.arch:variant`` and names of the zoo: what is wrong with them, and all their claims.

    Of a folder, its ``.arch`` files, and the models of other tools that the ``spec`` of a budget names.

    ``against``: a folder, a saved baseline or a state of the repository (``main``, ``HEAD~1``), to be compared with.
    ``config``: the file with the project's budgets; without it, for each spec the ``archdsl.toml`` or
    ``pyproject.toml`` nearest to it. ``fail_on``: changes since the baseline that are errors (``breaking``, ``gone``,
    ``renamed``, ``new``, ``loosened``). ``bind`` gives symbols sizes. What is wrong with a target, a failure of ours
    included, is in the result; raises ``DiagnosticError`` for what is wrong with the arguments.
    """
    if bind and against is not None:
        help = "bind the sizes where they are declared: `input x: f32[N, 3, H = 224, W = 224]`"
        raise Refusal("E0007", "`--bind` and `--against` cannot be used together", help=help)
    names = arch_files(targets, _asking(config))
    if against is None and config is None and not fail_on and not _configured(names):
        return Check(
            [_checked(name, bind, step) for name in names]
        )  # parts of the compiler are loaded only where needed
    from archdsl.project.baseline import opened
    from archdsl.project.changes import Changes, failing
    from archdsl.project.holding import Budgets

    kinds = failing(fail_on)
    if kinds and against is None:
        raise Refusal("E0007", "`--fail-on` needs something to compare with", help="give `--against`")
    budgets = Budgets(config)
    if against is None:
        return _Run(budgets, None, None, bind, step).check(names)
    with opened(against, config) as baseline:
        folders = [str(target) for target in targets if Path(target).is_dir()]
        return _Run(budgets, baseline, Changes(baseline, kinds, folders), None, step).check(names)


def save_baseline(checked: Check, path: str | Path, config: str | Path | None = None) -> None:
    """Write the figures of all networks that were checked, for a later ``against``.

    They are elaborated again: a check keeps no graphs. Refuses (E0005) what cannot be written, and (E0007) standard
    input.
    """
    from archdsl.outputs import BASELINE, check_output
    from archdsl.project.saving import saved
    from archdsl.writing import write_file

    check_output(path, BASELINE)
    write_file(Path(path), saved([one.target for one in checked.targets], config))


def _configured(names: Sequence[str]) -> bool:
    """Whether there are budgets for any of the targets."""
    folders = {Path.cwd(), *(Path(name).parent.resolve() for name in names if name.endswith(".arch") or "/" in name)}
    return any(config_file(folder) is not None for folder in folders)


def _asking(config: str | Path | None) -> Callable[[str], bool]:
    """Says of a model in a folder whether a budget asks for it; budgets are read when the first model is met."""

    @cache
    def budgets() -> Budgets:
        from archdsl.project.holding import Budgets

        return Budgets(config)

    return lambda name: budgets().asks_for(name)


def _checked(name: str, bind: Mapping[str, int] | None, step: Step) -> CheckedTarget:
    from archdsl.project.measured import measure

    with step(f"checking {name}"), collector_paused():
        one = measure(name, bind)
        return CheckedTarget(name, one.diagnostics, one.outcomes(), one.broken)


class _Run:
    """A check with budgets, or against a baseline: target by target, so that no graph is kept."""

    def __init__(
        self,
        budgets: Budgets,
        baseline: Baseline | None,
        changes: Changes | None,
        bind: Mapping[str, int] | None,
        step: Step,
    ) -> None:
        self.budgets = budgets
        self.baseline = baseline
        self.changes = changes
        self.bind = bind
        self.step = step

    def check(self, names: Sequence[str]) -> Check:
        found = {name: self._target(name) for name in names}
        tables: tuple[Table, ...] = ()
        notes: list[str] = []
        pictures: list[tuple[str, str]] = []
        if self.changes is not None and self.baseline is not None:
            for target, name, was in self.changes.settle():
                found[target] = self._moved(found[target], name, was)
            for target, diagnostics in self.changes.findings.items():
                _add(found, target, tuple(diagnostics))
            tables, notes, pictures = self.changes.tables(), self.baseline.notes, self.changes.pictures
        elif self.budgets.increases:
            notes.append("max_increase needs a baseline, so it is not checked; give `--against`")
        for target, faults in self.budgets.idle():
            _add(found, target, faults)
        return Check(list(found.values()), tables, notes, pictures)

    def _target(self, name: str) -> CheckedTarget:
        from archdsl.project.measured import measure
        from archdsl.project.review import review

        with self.step(f"checking {name}"), collector_paused():
            one = measure(name, self.bind)
            try:
                reviewed = review(one, self.budgets, self.baseline, self.changes)
            except BrokenPipeError:
                raise
            except Exception as error:
                return CheckedTarget(name, (*one.diagnostics, *findings_of(error)), one.outcomes(), one.broken)
            unread = self.budgets.unread(name)
            return CheckedTarget(name, reviewed.diagnostics, reviewed.networks, one.broken, unread)

    def _moved(self, found: CheckedTarget, name: str, was: str) -> CheckedTarget:
        """A network that had another name or place, held to what it was: its growth, and what else has changed."""
        from archdsl.project.measured import measure
        from archdsl.project.review import review

        assert self.changes is not None
        with self.step(f"comparing {found.target}"), collector_paused():
            target = found.target.partition(".arch:")[0].removesuffix(".arch") + f".arch:{name}"
            one = measure(target).replace(target=found.target)
            reviewed = review(one, self.budgets, self.baseline, self.changes, was)
            self.changes.moved(one, self.budgets, was)
        more = {network.name: network.claims for network in reviewed.networks}
        networks = tuple(n.replace(claims=(*n.claims, *more.get(n.name, ()))) for n in found.networks)
        return found.replace(diagnostics=(*found.diagnostics, *reviewed.diagnostics), networks=networks)


def _add(found: dict[str, CheckedTarget], target: str, diagnostics: tuple[Diagnostic, ...]) -> None:
    """Put findings to those of a target, or to a target of their own."""
    before = found.get(target) or CheckedTarget(target, (), ())
    found[target] = before.replace(diagnostics=(*before.diagnostics, *diagnostics))
