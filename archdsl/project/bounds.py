"""Bounds of ``archdsl.toml`` and of ``archdsl fit``, such as ``macs of stem <= 300M``, read as the language does."""

from __future__ import annotations

from archdsl.analyses.measure import QUANTITIES, Subject
from archdsl.diagnostics import DiagnosticError, Refusal, did_you_mean
from archdsl.interpret.session import ClaimValue
from archdsl.record import Record
from archdsl.source import Source, Span
from archdsl.syntax import spec

LONGEST = 1_000
"""Characters of a bound that are read."""


class Bound(Record):
    """A quantity of the net, of a part or at a tap, and the value that it is compared with."""

    subject: Subject
    op: str
    value: int | float

    def claim(self, span: Span) -> ClaimValue:
        """The bound as a line ``budget { … }`` at a place."""
        of = self.subject
        return ClaimValue("budget", of.quantity, of.part, of.tap, self.op, self.value, span)


def read_bound(text: str) -> Bound:
    """A bound as it is written; refuses (E0007) texts that are not a bound, and unknown quantities."""
    claim = _claim(text)
    if claim is None or not isinstance(claim.bound, spec.Number):
        raise Refusal("E0007", f"`{text:.60}` is not a bound", help="write `macs<=300M`, `peak_activations<=6 MiB`")
    return Bound(_subject(claim), claim.op, claim.bound.value)


def read_subject(text: str) -> Subject:
    """``macs``, ``macs of stem``, ``receptive_field at layer3``; refuses (E0007) other texts."""
    claim = _claim(f"{text} <= 0")
    if claim is None:
        help = "quantities: " + ", ".join(QUANTITIES)
        raise Refusal("E0007", f"`{text:.60}` is not the name of a quantity", help=help)
    return _subject(claim)


def read_value(text: str) -> tuple[str | None, int | float] | None:
    """A comparison (``None`` where none is written) and a number: ``>= 224``, ``6 MiB``; ``None`` for anything else."""
    for given in (None, "<="):
        claim = _claim(f"macs {given or ''} {text}")
        if claim is not None and isinstance(claim.bound, spec.Number):
            return (None if given else claim.op), claim.bound.value
    return None


def _claim(text: str) -> spec.Claim | None:
    """The one claim that a text is."""
    from archdsl.syntax.parse import parse_file

    if "\n" in text or "#" in text or len(text) > LONGEST:
        return None
    try:
        file = parse_file(Source("", f"arch 1\nvariant v = V() {{\nexpect {text}\n}}\n"))
    except DiagnosticError:
        return None
    variant = file.definitions[0]
    found = variant.claims if isinstance(variant, spec.Variant) else ()
    if len(file.definitions) != 1 or len(found) != 1 or not isinstance(found[0], spec.Expect):
        return None
    return found[0].claim if isinstance(found[0].claim, spec.Claim) else None


def _subject(claim: spec.Claim) -> Subject:
    name = claim.quantity
    if name not in QUANTITIES:
        help = did_you_mean(name, QUANTITIES, "quantities: " + ", ".join(QUANTITIES))
        raise Refusal("E0007", f"there is no quantity `{name}`", help=help)
    return Subject(name, claim.part, claim.tap)
