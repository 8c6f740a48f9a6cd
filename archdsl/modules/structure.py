"""Facts about a body from its text alone."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.syntax import spec
from archdsl.syntax.walk import walk


def label_of(statement: spec.Statement) -> spec.Target | None:
    """The label in front of a statement, if it has one."""
    if isinstance(statement, spec.Flow | spec.Branch | spec.Repeat | spec.For | spec.If):
        return statement.label
    return None


def names_read(expr: spec.Expr) -> Iterator[spec.Name]:
    """The names that an expression reads, but for those that a comprehension in it binds."""
    bound = {target for node in walk(expr) if isinstance(node, spec.Clause) for target in node.targets}
    return (node for node in walk(expr) if isinstance(node, spec.Name) and node.id not in bound)


def is_single(body: spec.Body) -> bool:
    """Whether a body applies one thing, so that it may take the path of its label or iteration."""
    passive = spec.Let | spec.Assert | spec.Share | spec.State | spec.Next | spec.ModelState
    acting = [s for s in body.statements if not isinstance(s, passive)]
    if len(acting) != 1:
        return False
    only = acting[0]
    if isinstance(only, spec.If):
        return not only.then and only.label is None and all(is_single(b) for b in nested_bodies(only))
    return isinstance(only, spec.Flow) and only.label is None


def static_labels(body: spec.Body) -> frozenset[str]:
    """Label names written in a body, loops and conditions included: unlabelled operators give way to them."""
    found: set[str] = set()
    for statement in body.statements:
        label = label_of(statement)
        if label is not None and label.name is not None:
            found.add(label.name)
        for nested in nested_bodies(statement):
            found |= static_labels(nested)
    return frozenset(found)


def bound_by(body: spec.Body, arm: bool = False, *, labels: bool = True) -> Iterator[str]:
    """Names that a body's statements bind in its own scope, those in the arms of conditions included; of these, labels
    as well, if they are wanted.
    """
    for statement in body.statements:
        if isinstance(statement, spec.Let):
            yield from statement.targets
        elif isinstance(statement, spec.Share | spec.State | spec.ModelState):
            yield statement.name
        elif isinstance(statement, spec.If | spec.With):
            for nested in nested_bodies(statement):
                yield from bound_by(nested, arm or isinstance(statement, spec.If), labels=labels)
        label = label_of(statement) if arm and labels else None
        if label is not None and label.name is not None:
            yield label.name


def is_branching(body: spec.Body) -> bool:
    """Whether a body is a list of branches."""
    return any(_branches_in(statement) for statement in body.statements)


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
