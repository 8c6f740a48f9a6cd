"""What can be said about a body from its text alone. The answers are kept on the body: a block runs many times."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.syntax import spec


def is_single(body: spec.Body) -> bool:
    """Whether a body applies one thing, so that it may take the path of its label or iteration."""
    known = body.__dict__.get("_single")
    if known is None:
        known = body.__dict__["_single"] = _applies_one_thing(body)
    return bool(known)


def _applies_one_thing(body: spec.Body) -> bool:
    acting = [s for s in body.statements if not isinstance(s, spec.Let | spec.Assert | spec.Share)]
    if len(acting) != 1:
        return False
    only = acting[0]
    if isinstance(only, spec.If):
        return not only.then and only.label is None and all(is_single(b) for b in nested_bodies(only))
    return isinstance(only, spec.Flow) and only.label is None


def static_labels(body: spec.Body) -> frozenset[str]:
    """Label names written in a body: unlabelled operators give way to them."""
    known = body.__dict__.get("_labels")
    if known is None:
        found: set[str] = set()
        for statement in body.statements:
            label = getattr(statement, "label", None)
            if label is not None and label.name is not None:
                found.add(label.name)
            for nested in nested_bodies(statement):
                found |= static_labels(nested)
        known = body.__dict__["_labels"] = frozenset(found)
    return known


def is_branching(body: spec.Body) -> bool:
    """Whether a body is a list of branches."""
    known = body.__dict__.get("_branching")
    if known is None:
        known = body.__dict__["_branching"] = any(_branches_in(statement) for statement in body.statements)
    return bool(known)


def _branches_in(statement: spec.Statement) -> bool:
    if isinstance(statement, spec.Branch | spec.Missing):
        return isinstance(statement, spec.Branch) or statement.branch
    return any(is_branching(body) for body in nested_bodies(statement))


def nested_bodies(statement: spec.Statement) -> Iterator[spec.Body]:
    """The bodies of a loop, ``if`` or ``with``."""
    if isinstance(statement, spec.Repeat | spec.For | spec.With):
        yield statement.body
    elif isinstance(statement, spec.If):
        for _, body in statement.arms:
            yield body
        if statement.otherwise is not None:
            yield statement.otherwise
