"""``scan``: the body is a module, which a loop calls for each position of the axis."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site


def scan(site: Site) -> Form:
    """``scan(self.cell, (h,), (x,), (1,), …)``."""
    op = site.op
    places = [f"{{{i}}}" for i in range(len(site.types) + len(site.reads))]
    states, cut, held = places[: op.states], places[op.states : op.first_captured], places[op.first_captured :]
    parts = ["{self}", _tuple(states), _tuple(cut), _tuple([str(axis) for axis in op.axes])]
    parts += [f"held={_tuple(held)}"] if held else []
    parts += ["reverse=True"] if op.reverse else []
    text = f"scan({', '.join(parts)})"
    return site.layer_of_body(text if len(site.outs) > 1 else f"{text}[0]", (f"{__package__}.recurrent_layers:scan",))


def _tuple(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


RULES: dict[str, Lowering] = {"scan": scan}
