"""Findings about the definitions of a file as a whole: defined twice, recursive, never used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from archdsl import ops
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.modules.module import Module, definition_span
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.walk import walk


def duplicates(module: Module, symbols: frozenset[str]) -> Iterable[Diagnostic]:
    """Names that are given twice, or that operators and symbols have."""
    seen: dict[str, Span] = {}
    for definition in module.file.definitions:
        if isinstance(definition, spec.Use):
            for imported in definition.names:
                yield from _definable(imported.name, imported.span, seen)
            continue
        name = getattr(definition, "name", None)
        if name is not None:
            yield from _definable(name, name_span(definition, name), seen)
            if name in symbols:
                yield Refusal(
                    "E0208", f"`{name}` is also a symbol of an input's shape", help="choose another name"
                ).located(name_span(definition, name)).diagnostic()  # fmt: skip


def _definable(name: str, span: Span, seen: dict[str, Span]) -> Iterable[Diagnostic]:
    if name in seen:
        yield Refusal(
            "E0207", f"`{name}` is defined twice", notes=[f"first on line {seen[name].line}"]
        ).located(span).diagnostic()  # fmt: skip
    else:
        seen[name] = span


def name_span(definition: spec.Definition, name: str) -> Span:
    """The place of the name in its definition."""
    return definition_span(definition).word(name)


def _mentioned(nodes: Iterable[spec.Syntax]) -> set[str]:
    """All names in the nodes of a definition, those in its unreadable statements included."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, spec.Name):
            found.add(node.id)
        elif isinstance(node, spec.Let):  # what hides a parameter is told already
            found.update(node.targets)
        elif isinstance(node, spec.Missing):
            found |= node.names
    return found


def recursion(module: Module, uses: dict[str, dict[str, Span]]) -> Iterable[Diagnostic]:
    """Definitions that need themselves, each reported once; ``uses`` are the definitions that each one names."""
    done: set[str] = set()
    for start in [name for name in uses if name in module.definitions]:
        path: dict[str, int] = {start: 0}
        stack = [(start, iter(uses[start]))] if start not in done else []
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                done.add(name)
                stack.pop()
                del path[name]
            elif following in path:
                if name not in module.unusable:
                    cycle = list(path)[path[following] :]
                    module.unusable.update(cycle)
                    yield _cycle([*cycle, following], module).located(uses[name][following]).diagnostic()
            elif following not in done and following in uses:
                path[following] = len(path)
                stack.append((following, iter(uses[following])))


def _cycle(names: list[str], module: Module) -> Refusal:
    shown = names if len(names) <= 8 else [*names[:6], "…", names[-1]]
    help = "use `repeat`, or apply it under a condition: `if n > 0 { f(n - 1) }`"
    if any(isinstance(module.definitions.get(name), spec.LetDefinition) for name in names):
        help = "values and functions are no loops: use a comprehension, `sum` or a block"
    if ops.is_operator(names[-1]):
        help = "in this file the name means this definition, not the operator: choose another"
    return Refusal(
        "E0209", f"`{names[-1]}` is defined in terms of itself: {' -> '.join(shown)}",
        help=help,
    )  # fmt: skip


def unused(module: Module) -> Iterable[Diagnostic]:
    """Warnings: parameters, imports and (in files with a network) blocks that nothing refers to."""
    used: set[str] = set()
    unread: list[tuple[str, spec.Parameter]] = []
    for definition in module.file.definitions:
        nodes = [*walk(definition)]
        names = _mentioned(nodes)
        used |= names - {getattr(definition, "name", "")}
        unread += [
            (definition.name, parameter)  # type: ignore[attr-defined]
            for parameter in getattr(definition, "parameters", ())
            if parameter.name not in names and definition.name not in module.unusable  # type: ignore[attr-defined]
        ]
        yield from _doubtful_lets(definition, nodes)
    values = _given_as_values(module.file.definitions) if unread else set()
    for name, parameter in unread:
        if name not in values:
            message = f"the parameter `{parameter.name}` of `{name}` is never used"
            yield Refusal("W0201", message).located(parameter.span).diagnostic()
    for name, (_, imported) in module.imports.items():
        if name not in used:
            yield Refusal("W0203", f"`{name}` is imported but never used").located(imported.span).diagnostic()
    if module.networks:
        yield from _unused_definitions(module, used)


def _given_as_values(definitions: Iterable[spec.Definition]) -> set[str]:
    """Names that are given as values, with some of their arguments or without: as an argument, a default, a ``let``, a
    cell, an element or a side of a condition. Such a block has the parameters that its callers give.
    """
    found: set[str] = set()
    for node in (node for definition in definitions for node in walk(definition)):
        values: Iterable[spec.Expr | None] = ()
        if isinstance(node, spec.Argument | spec.Let | spec.LetDefinition):
            values = (node.value,)
        elif isinstance(node, spec.Parameter):
            values = (node.default,)
        elif isinstance(node, spec.ListExpr):
            values = node.items
        elif isinstance(node, spec.Conditional):
            values = (node.value, node.otherwise)
        elif isinstance(node, spec.TableExpr):
            values = (cell for row in node.rows for cell in row)
        for value in values:
            name = value.callee if isinstance(value, spec.Call) else value
            if isinstance(name, spec.Name):
                found.add(name.id)
    return found


def _unused_definitions(module: Module, used: set[str]) -> Iterable[Diagnostic]:
    for name, definition in module.definitions.items():
        if name in used:
            continue
        if isinstance(definition, spec.Block):
            yield Refusal(
                "W0202", f"the block `{name}` is never used", help="leave it out, or move it to a file of blocks"
            ).located(name_span(definition, name)).diagnostic()  # fmt: skip
        elif isinstance(definition, spec.LetDefinition):
            yield _unused_let(name).located(name_span(definition, name)).diagnostic()


def _doubtful_lets(definition: spec.Definition, nodes: Iterable[spec.Syntax]) -> Iterable[Diagnostic]:
    """Names that a ``let`` gives, and that nothing in the definition reads; and layers that are read more than once."""
    lets = [node for node in nodes if isinstance(node, spec.Let)]
    if not lets:
        return
    read: Counter[str] = Counter()
    for node in nodes:
        if isinstance(node, spec.Name):
            read[node.id] += 1
        elif isinstance(node, spec.OutputItem):
            read[node.name] += 1
        elif isinstance(node, spec.Missing):
            read.update(node.names)
    given = Counter(name for let in lets for name in let.targets)
    for let in lets:
        if not any(read[name] for name in let.targets) and set(let.targets) != {"_"}:
            yield _unused_let(*let.targets).located(let.span).diagnostic()
        name = let.targets[0]
        if len(let.targets) == 1 and read[name] > 1 and given[name] == 1 and _is_layer(let.value, definition):
            message = f"each of the {read[name]} uses of `{name}` makes a layer of its own, with its own weights"
            help = f"write `share {name} = …` for one layer; for layers alike, `{name}` is better a `block`"
            yield Refusal("W0214", message, help=help).located(let.span).diagnostic()


def _is_layer(value: spec.Expr, definition: spec.Definition) -> bool:
    """Whether it surely is an operator with weights that is not applied yet: what it is given first is no tensor."""
    called = value.callee if isinstance(value, spec.Call) else value
    if not isinstance(called, spec.Name) or not ops.is_operator(called.id) or ops.load(called.id).role != "layer":
        return False
    first = value.arguments[0].value if isinstance(value, spec.Call) and value.arguments else None
    parameters = getattr(definition, "parameters", ())
    return not isinstance(first, spec.Name) or any(p.name == first.id and p.kind is None for p in parameters)


def _unused_let(*names: str) -> Refusal:
    shown = " and ".join(f"`{name}`" for name in names if name != "_")
    return Refusal("W0208", f"nothing reads {shown}", help="leave the `let` out, or use what it names")
