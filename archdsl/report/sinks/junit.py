"""Findings as JUnit XML: a suite for each target, a case for each claim and for the target itself."""

from __future__ import annotations

from archdsl.report.outcome import Outcome, TargetOutcome, details
from archdsl.report.text import summary


def render(outcome: Outcome, root: str) -> str:
    """The form that Jenkins, GitLab and GitHub's test reporters read. Warnings are included, but are not failures."""
    suites = [_suite(target) for target in outcome.targets]
    tests = sum(count for _, count, _ in suites)
    failures = sum(count for _, _, count in suites)
    head = f'<testsuites name="archdsl" tests="{tests}" failures="{failures}" errors="0">'
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', head, *(text for text, _, _ in suites), "</testsuites>\n"]
    )


def _suite(target: TargetOutcome) -> tuple[str, int, int]:
    """A suite, its cases and how many of them fail."""
    cases = [_own_case(target)]
    failed = int(any(d.severity == "error" for d in target.diagnostics)) + len(target.broken)
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
    head = f'  <testsuite name="{_xml(target.name)}" tests="{len(cases)}" failures="{failed}" errors="0" skipped="0">'
    return "\n".join([head, *cases, "  </testsuite>"]), len(cases), failed


def _own_case(target: TargetOutcome) -> str:
    """The case of the text itself: it fails with its errors, and includes its warnings."""
    lines = [f"{d.span or target.name}: {d.severity}[{d.code}]: {details(d)}" for d in target.diagnostics]
    told = _xml("\n".join(lines))
    inner = f"<system-out>{told}</system-out>" if lines else ""
    errors = [d for d in target.diagnostics if d.severity == "error"]
    if errors:
        inner = f'<failure type="{errors[0].code}" message="{_xml(summary(target.diagnostics))}">{told}</failure>'
    return _case(target.name, "findings", inner)


def _case(group: str, name: str, inner: str) -> str:
    return f'    <testcase classname="{_xml(group)}" name="{_xml(name)}" time="0">{inner}</testcase>'


def _xml(text: str) -> str:
    """Text for XML 1.0: what it cannot hold becomes U+FFFD."""
    legal = (
        c if c in "\t\n\r" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff" else "\ufffd"
        for c in text
    )
    escaped = "".join(legal).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;").replace("\n", "&#10;").replace("\r", "&#13;")
