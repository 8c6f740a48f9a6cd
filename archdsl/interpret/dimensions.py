"""Declared types: dimensions with their symbols, the sizes at which costs are reported, and bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.dim_solve import UnequalError, bindable, limited_symbol, solve
from archdsl.dims import Symbol
from archdsl.element_types import ELEMENT_TYPES
from archdsl.interpret.code import Code, Context, compiled
from archdsl.interpret.env import Env
from archdsl.interpret.values import describe
from archdsl.ops.operand_checks import undecided
from archdsl.shapes import TensorType
from archdsl.size_symbol import Ends
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.walk import walk
from archdsl.tape.bindings import not_allowed

Dimension = Callable[[Env], dims.Dim]
"""A declared dimension, in a scope."""


def type_code(type: spec.TensorTypeExpr, context: Context) -> Callable[[Env], TensorType]:
    """The code of a declared type."""
    sizes = [_dimension(dim, context) for dim in type.dims]

    def declared(env: Env) -> TensorType:
        if type.dtype not in ELEMENT_TYPES:
            help = did_you_mean(type.dtype, ELEMENT_TYPES, f"element types: {', '.join(ELEMENT_TYPES)}")
            raise Refusal("E0201", f"there is no element type `{type.dtype}`", help=help).located(type.span)
        found = TensorType(type.dtype, tuple([size(env) for size in sizes]))
        try:
            env.session.bounds.check_sizes((found,))
        except Refusal as refusal:
            raise refusal.located(type.span) from None
        return found

    return declared


def _dimension(dim: spec.Expr, context: Context) -> Dimension:
    """``224``, ``H``, ``16 * H``, ``H = 224``, ``T = 128 <= 512``: capital names that nothing else has are symbols."""
    declared, given, limits = (dim.dim, dim.size, dim.limits) if isinstance(dim, spec.SizedDim) else (dim, None, ())
    code = compiled(declared, context)
    default = None if given is None else compiled(given, context)
    bounds = [(op, compiled(limit, context), limit.span) for op, limit in limits]
    names = [n.id for n in walk(declared) if isinstance(n, spec.Name) and n.id[0].isupper()]

    def declared_size(env: Env) -> dims.Dim:
        for name in names:
            if name in ("None", "True", "False"):
                help = "name an axis of any size with a symbol: `f32[N, 3, 224, 224]`"
                raise Refusal("E0205", f"a dimension cannot be `{name}`", help=help).located(dim.span)
        fresh = [name for name in names if not _known(name, env)]
        for name in fresh:
            _declare(Symbol.of(name), env, dim.span, free=bool(bounds))
        ends = _ends(bounds, env)
        found = code(env)
        if isinstance(found, bool) or not isinstance(found, int | dims.Expr):
            raise Refusal("E0204", f"a dimension must be an integer, not {describe(found)}").located(dim.span)
        if bounds:
            found = _limited(found, ends, fresh, code, dim, env)
        _check_least(found, names, ends, dim, env)
        if isinstance(found, dims.Expr) and not _inside(env):
            env.session.draft.dims.append((found, dim.span))
            if default is not None:
                _give(found, default(env), dim.span, env)
        return found if isinstance(found, dims.Expr) else int(found)

    return declared_size


def _check_least(found: dims.Dim, names: list[str], ends: Ends, dim: spec.Expr, env: Env) -> None:
    """Refuse a size that is always below 1; 0 where a bound allows it."""
    if dim_order.at_least(found, 1) is not False:
        return
    limits = env.session.draft.limits
    empty = ends[0] == 0 or any(name in limits and limits[name].least == 0 for name in names)
    if empty and found == 0:
        return
    help = "name it with a symbol: `f32[N, 3, H, W]`"
    raise Refusal("E0205", f"a dimension must be at least 1, not {found}", help=help).located(dim.span)


INNER = "'"
"""Ends the names of symbols of a network inside another, until the tensor that enters it says what they are."""


def _declare(name: Symbol, env: Env, span: Span, free: bool = False) -> None:
    """A symbol of the graph, or of a network inside another; ``free``: its bounds follow, and only then its size."""
    session, draft = env.session, env.session.draft
    if _inside(env):
        env.names[str(name)] = dims.symbol(Symbol.of(name + INNER, name.least, name.most))
        return
    draft.limits[str(name)] = name
    draft.symbols[str(name)] = dims.symbol(name)
    size = None if free else session.bind.get(name)
    if size is not None and name.allows(size):
        draft.symbols[str(name)] = dims.BoundSize.of(str(name), size)
    elif size is not None:
        raise not_allowed(name, size).located(span)
    session.tape.empty |= (name.least if size is None else size) == 0


def _known(name: str, env: Env) -> bool:
    """Whether a name is a number or a size already."""
    declared = name in env.session.draft.symbols and not _inside(env)
    return declared or isinstance(env.find(name), int | dims.Expr)


def _inside(env: Env) -> bool:
    """Whether this is a network inside another."""
    return env.run is not None and env.run.feed is not None


# Bounds


def _ends(bounds: list[tuple[str, Code, Span]], env: Env) -> Ends:
    """The least and the greatest size that the bounds allow (``None``: no bound); refuses those that allow none."""
    least: int | None = None
    most: int | None = None
    for op, code, span in bounds:
        limit = code(env)
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise Refusal("E0204", f"a bound of a size must be an integer, not {describe(limit)}").located(span)
        if op in ("==", "!="):
            help = "write the size itself, or the one at which costs are reported: `T = 128`"
            raise Refusal("E0205", f"`{op}` is no bound of a size: it is `<=`, `>=`, `<` or `>`", help=help).located(
                span
            )
        if op[0] == "<":
            limit -= op == "<"
            most = limit if most is None else min(most, limit)
        else:
            limit += op == ">"
            least = limit if least is None else max(least, limit)
        if limit < 0 or (most is not None and most < (1 if least is None else least)):
            shown = f"no size is at least {1 if least is None else least} and at most {most}"
            raise Refusal("E0205", "a size is at least 0" if limit < 0 else shown).located(span)
    return least, most


def _limited(found: dims.Dim, ends: Ends, fresh: list[str], code: Code, dim: spec.Expr, env: Env) -> dims.Dim:
    """The dimension with its symbol between the bounds that follow from those of the dimension."""
    least, most = ends
    if isinstance(found, dims.Expr) and not fresh and _inside(env):
        check_ends(found, ends, f"`{dim.span.text}`", dim.span)
        return found
    if isinstance(found, dims.Expr):
        name = bindable(found)
        if name is None:
            message = f"a bound is on a dimension of one symbol, not on {found}"
            raise Refusal("E0205", message, help="declare the bound where an axis is the symbol").located(dim.span)
        try:
            limited = limited_symbol(name, found, ends)
        except Refusal as refusal:
            raise refusal.located(dim.span) from None
        limited = Symbol.of(limited.removesuffix(INNER), limited.least, limited.most)
        if limited in fresh:
            _declare(limited, env, dim.span)
            return code(env)  # type: ignore[no-any-return]
        if (name.least, name.most) != (limited.least, limited.most):
            message = f"`{name}` is declared as `{name.bounds}` before, and as `{limited.bounds}` here"
            help = f"give all bounds of `{name}` where it stands first"
            raise Refusal("E0205", message, help=help).located(dim.span)
        return found
    if (least is not None and found < least) or (most is not None and found > most):
        shown = dim.span.text
        raise Refusal("E0205", f"the size is {found}, which `{shown}` does not allow").located(dim.span)
    return found


def check_ends(found: dims.Dim, ends: Ends, what: str, span: Span | None) -> None:
    """Refuse a size that is outside of bounds (E0303), or of which that is not known (E0307)."""
    least, most = ends
    inside: list[tuple[dims.Dim, dims.Dim, str]] = [] if least is None else [(found, least, f"at least {least}")]
    inside += [] if most is None else [(most, found, f"at most {most}")]
    for more, less, limit in inside:
        answer = dim_order.at_least(more, less)
        if answer is False:
            raise Refusal("E0303", f"{what} is given {found}, which is not {limit}").located(span)
        if answer is None:
            raise undecided(f"whether {what}, which is given {found}, is {limit}", (found,), (more, less)).located(span)


def _give(dim: dims.Expr, size: Any, span: Span, env: Env) -> None:
    """A declared dimension has a size: its symbols get the values at which costs are reported."""
    draft = env.session.draft
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        message = f"the size of `{dim}` must be a positive integer, not {describe(size)}"
        raise Refusal("E0204", message).located(span)
    try:
        found = solve([(dim, size)], draft.defaults)
    except UnequalError as unequal:
        help = f"`{dim} = 0 >= 0` is a size that may be 0, as that of a cache is at first" if size == 0 else ""
        raise Refusal("E0205", f"`{dim}` cannot be {size}", note=unequal.note, help=help).located(span) from None
    if size == 0 and all(name.least for name in dims.limits(dim)):
        message = f"the size of `{dim}` must be a positive integer, not 0"
        raise Refusal("E0204", message, help="declare a symbol that may be 0: `P = 0 >= 0`").located(span)
    if open_ := sorted(dims.symbols(dim) - found.keys()):
        help = f"give `{open_[0]}` a size in another dimension: `{open_[0]} = …`"
        raise Refusal("E0205", f"{dim} = {size} does not say what `{open_[0]}` is", help=help).located(span)
    draft.defaults.update({str(name): value for name, value in found.items() if isinstance(value, int)})
