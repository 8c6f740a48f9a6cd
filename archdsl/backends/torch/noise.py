"""Random numbers: a layer that keeps a generator, whose numbers are scaled and shifted."""

from __future__ import annotations

from archdsl.backends.torch.form import DTYPES, Form, Lowering, Site, call
from archdsl.backends.torch.simple_rules import real


def _drawn(site: Site, normal: bool, scale: float, shift: float) -> Form:
    dtype = site.outs[0].dtype
    layer = call("Noise", ("seed", site.op.seed), ("normal", normal))
    text = f"{{self}}({site.sizes(site.op.size)}, {DTYPES['f64' if dtype == 'f64' else 'f32']})"
    text = text if scale == 1 else f"{text} * {real(scale)}"
    text = text if shift == 0 else f"{text} + {real(shift)}"
    text = text if dtype in ("f32", "f64") else f"({text}).to({DTYPES[dtype]})"
    return site.layer(layer, text, uses=("Noise",))


def random_normal(site: Site) -> Form:
    """``randn``."""
    return _drawn(site, True, site.op.deviation, site.op.mean)


def random_uniform(site: Site) -> Form:
    """``rand``."""
    return _drawn(site, False, site.op.high - site.op.low, site.op.low)


RULES: dict[str, Lowering] = {"random_normal": random_normal, "random_uniform": random_uniform}
