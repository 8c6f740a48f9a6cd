"""Other shapes of the same elements."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site, call
from archdsl.ops.operand_checks import resolve_axes
from archdsl.shapes import resolve_axis
from archdsl.tape.empty import may_be_empty


def flatten(site: Site) -> Form:
    """``flatten`` from the axis on."""
    axis = resolve_axis(site.op.axis, site.types[0])
    return site.text(f"torch.flatten({{0}}, {axis})", layer=call("nn.Flatten", ("axis", axis)))


def reshape(site: Site) -> Form:
    """``reshape``; one size may be left to PyTorch."""
    after = site.outs[0].shape
    infer = not any(map(may_be_empty, after))  # nothing follows from no elements
    return site.text(f"{{0}}.reshape({site.sizes(after, infer=infer)[1:-1].rstrip(',')})")


def squeeze(site: Site) -> Form:
    """``squeeze``; nothing where there is no axis to drop."""
    axes = tuple(sorted(resolve_axes(site.op.axis, site.types[0])))
    return site.text(f"torch.squeeze({{0}}, {axes})" if axes else "{0}")


def unsqueeze(site: Site) -> Form:
    """``unsqueeze``, one axis after the other."""
    text = "{0}"
    for axis in site.op.added(site.types[0]):
        text = f"torch.unsqueeze({text}, {axis})"
    return site.text(text)


def permute(site: Site) -> Form:
    """``permute``, also for ``transpose``."""
    return site.text(f"torch.permute({{0}}, {site.op.resolved(site.types[0])})")


def broadcast_to(site: Site) -> Form:
    """``expand``, with -1 where a size stays."""
    before, after = site.types[0].shape, site.outs[0].shape
    new = len(after) - len(before)
    sizes = [-1 if i >= new and before[i - new] == size else size for i, size in enumerate(after)]
    return site.text(f"{{0}}.expand{site.sizes(sizes)}")


RULES: dict[str, Lowering] = {
    "flatten": flatten,
    "reshape": reshape,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "permute": permute,
    "transpose": permute,
    "broadcast_to": broadcast_to,
}
