"""Findings as JUnit XML: a suite for each target, a case for each claim and for the target itself."""

from __future__ import annotations

from archdsl.report.outcome import Outcome, TargetOutcome, details
from archdsl.report.terminal import visible
from archdsl.report.text import summary


def render(outcome: Outcome, root: str) -> str:
    """The form that Jenkins, GitLab and GitHub's test reporters read. Warnings are included, but are not failures."""
    suites = [_suite(target) for target in outcome.targets]
    tests, failures, errors = (sum(counts) for counts in zip(*(counts for _, counts in suites), (0, 0, 0)))
    head = f'<testsuites name="archdsl" tests="{tests}" failures="{failures}" errors="{errors}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *(text for text, _ in suites), "</testsuites>\n"])


def _suite(target: TargetOutcome) -> tuple[str, tuple[int, int, int]]:
    """A suite, its cases, how many of them fail, and how many could not run."""
    cases = [_own_case(target)]
    wrong = [d for d in target.diagnostics if d.severity == "error"]
    errors = int(any(d.of_use for d in wrong))
    failed = int(bool(wrong)) - errors + len(target.broken)
    for name in target.broken:
        told = '<failure type="network" message="could not be measured">see `findings`</failure>'
        cases.append(_case(f"{target.name}:{name}", "measured", told))
    for network in target.networks:
        for claim in network.claims:
            name = f"{claim.subject} {claim.op} {claim.limit}"
            shown = f"{claim.subject} is {claim.shown}: {claim.verdict}"
            inner = f"<system-out>{_xml(shown)}</system-out>"
            if not claim.ok:
                failed += 1
                inner = f'<failure type="claim" message="{_xml(shown)}">{_xml(shown)}</failure>'
            cases.append(_case(f"{target.name}:{network.name}", name, inner))
    counts = f'tests="{len(cases)}" failures="{failed}" errors="{errors}"'
    head = f'  <testsuite name="{_xml(target.name)}" {counts} skipped="0">'
    return "\n".join([head, *cases, "  </testsuite>"]), (len(cases), failed, errors)


def _own_case(target: TargetOutcome) -> str:
    """The case of the text itself: it fails with its errors, and includes its warnings."""
    lines = [f"{d.span or target.name}: {d.severity}[{d.code}]: {details(d)}" for d in target.diagnostics]
    told = _xml("\n".join(lines))
    inner = f"<system-out>{told}</system-out>" if lines else ""
    errors = [d for d in target.diagnostics if d.severity == "error"]
    if errors:
        kind = "error" if any(d.of_use for d in errors) else "failure"  # JUnit's word for a test that could not run
        inner = f'<{kind} type="{errors[0].code}" message="{_xml(summary(target.diagnostics))}">{told}</{kind}>'
    return _case(target.name, "findings", inner)


def _case(group: str, name: str, inner: str) -> str:
    return f'    <testcase classname="{_xml(group)}" name="{_xml(name)}" time="0">{inner}</testcase>'


def _xml(text: str) -> str:
    """Text for XML 1.0: what it cannot hold, and what steers a terminal or an editor, is made visible."""
    text = "\n".join(map(visible, text.split("\n")))
    legal = (
        c if c in "\t\n\r" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff" else "\ufffd"
        for c in text
    )
    escaped = "".join(legal).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;").replace("\n", "&#10;").replace("\r", "&#13;")
