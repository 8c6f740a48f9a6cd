"""Recurrent layers, pooling, resampling, attention."""

from __future__ import annotations

from typing import Any

from archdsl.foreign.known import Known
from archdsl.foreign.pt2.arguments import Args, Results, rule
from archdsl.foreign.pt2.families.layers import numbers, spread
from archdsl.foreign.pt2.program import Ref
from archdsl.graph import Value

_CELLS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("lstm", {}), "gru": ("gru", {}), "rnn_tanh": ("rnn", {}), "rnn_relu": ("rnn", {"activation": "relu"}),
}  # fmt: skip
_SLOTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(args: Args) -> Results:
    """PyTorch's stacked layers, one of ours each. States that begin as zeros are none."""
    if "data" in args.call.arguments:  # of packed sequences
        return None
    op, settings = _CELLS[args.call.operator]
    layers, both = args.get("num_layers"), bool(args.get("bidirectional", False))
    biased = bool(args.get("has_biases", True))
    x = args.value("input")
    if x.type.rank != 3:
        return None
    first = bool(args.get("batch_first", False))
    x = x if first else args.one("permute", x, part="batch_first", order=[1, 0, 2])
    weights = [args.memory.tensor(one) for one in args.call.arguments.get("params") or () if isinstance(one, Ref)]
    slots = _SLOTS if biased else _SLOTS[:2]
    if isinstance(layers, int) and op == "lstm" and len(weights) == layers * (len(slots) + 1) * (1 + both):
        slots = (*slots, "weight_hr")
    each = len(slots) * (1 + both)
    if not isinstance(layers, int) or len(weights) != layers * each:
        return None
    starts = _starts(args)
    ends: list[list[Value]] = []
    for layer in range(layers):
        own = {}
        for number, one in enumerate(weights[layer * each : (layer + 1) * each]):
            if not isinstance(one, Known) or not one.weight:
                return None
            own[f"{slots[number % len(slots)]}_l0{'_reverse' if number >= len(slots) else ''}"] = one
        given = [_state(args, one, layer, both) for one in starts]
        hidden = own["weight_hh_l0"].shape[1]
        if "weight_hr_l0" in own:
            settings = {**settings, "projection": hidden}
            hidden = own["weight_hr_l0"].shape[1]
        found = args.apply(
            op, [x, *given], part=f"l{layer}" if layers > 1 else "", weights=own, features=hidden, both=both,
            bias="two" if biased else "none", final=True, start=len(given) or None, **settings,
        )  # fmt: skip
        x, *last = found
        ends.append(last)
    out = x if first else args.one("permute", x, part="time_first", order=[1, 0, 2])
    return (out, *(_stacked(args, list(one), both) for one in zip(*ends)))


def _starts(args: Args) -> list[Value]:
    """The states at the start, [layers * directions, N, H] each; none where all are zeros."""
    given = args.call.arguments.get("hx")
    refs = given if isinstance(given, list) else [given]
    tensors = [args.memory.tensor(one) for one in refs if isinstance(one, Ref)]
    if all(isinstance(one, Known) and _zero(one) for one in tensors):
        return []
    return [args.materialised(one) for one in tensors]


def _zero(known: Known) -> bool:
    return known.fill == 0 or (not known.weight and not known.symbolic and known.small and not known.array().any())


def _state(args: Args, state: Value, layer: int, both: bool) -> Value:
    count = 1 + both
    parts = [
        args.one("select", state, part=f"state{layer}", axis=0, index=layer * count + direction)
        for direction in range(count)
    ]
    return parts[0] if not both else args.one("concat", *parts, part=f"states{layer}", axis=-1)


def _stacked(args: Args, ends: list[Value], both: bool) -> Value:
    """The states at the end, as PyTorch has them: [layers * directions, N, H]."""
    parts: list[Value] = []
    for number, one in enumerate(ends):
        parts += args.apply("split", [one], part=f"ends{number}", parts=2, axis=-1) if both else [one]
    return args.one("stack", *parts, part="end", axis=0)


@rule("scaled_dot_product_attention")
def _attention(args: Args) -> Results:
    q, k, v = (args.value(name) for name in ("query", "key", "value"))
    causal = bool(args.get("is_causal", False))
    if q.type.rank not in (3, 4) or (causal and q.type.shape[-2] != k.type.shape[-2]):
        return None
    flat = q.type.rank == 3
    if flat:
        q, k, v = (
            args.one("unsqueeze", one, part=name, axis=1) for name, one in (("query", q), ("key", k), ("value", v))
        )
    settings: dict[str, Any] = {"causal": causal}
    inputs, scale = [q, k, v], args.get("scale")
    if scale is not None:
        settings["scale"] = float(scale)
    if args.tensor("attn_mask") is not None:
        mask = args.value("attn_mask")
        if flat and mask.type.rank == 3:
            mask = args.one("unsqueeze", mask, part="mask", axis=1)
        inputs.append(mask if mask.type.dtype == "bool" else args.cast(mask, q.type.dtype))
        settings["mask"] = 1
    (made,) = args.apply("attend", inputs, **settings)
    return args.one("squeeze", made, part="squeeze", axis=1) if flat else made


@rule("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices")
def _max_pool(args: Args) -> Results:
    rank = int(args.call.operator[8])
    settings = _pooling(args, rank)
    settings["dilation"] = numbers(args.get("dilation", 1), rank)
    return args.apply("max_pool_indices" if args.used(1) else "max_pool", [args.value()], **settings)


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(args: Args) -> Results:
    if args.get("divisor_override") is not None:
        return None
    settings = _pooling(args, int(args.call.operator[8]))
    return args.one("avg_pool", args.value(), count_pad=bool(args.get("count_include_pad", True)), **settings)


def _pooling(args: Args, rank: int) -> dict[str, Any]:
    kernel = args.get("kernel_size")
    return {
        "kernel": numbers(kernel, rank), "stride": numbers(args.get("stride") or kernel, rank),
        "pad": numbers(args.get("padding", 0), rank) or "valid", "ceil": bool(args.get("ceil_mode", False)),
    }  # fmt: skip


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d",
      "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")  # fmt: skip
def _adaptive_pool(args: Args) -> Results:
    kind = "max" if "max" in args.call.operator else "avg"
    x = args.value()
    size = spread(args.get("output_size"), x.type.rank - 2)
    if args.used(1):
        return None
    single = x.type.rank == int(args.call.operator[-2]) + 1
    x = args.shaped(x, (1, *x.type.shape), part="batch") if single else x
    if all(one == 1 for one in size):
        made = args.one(f"global_{kind}_pool", x)
    elif list(x.type.shape[2:]) == size:
        made = x
    else:
        made = args.one(f"adaptive_{kind}_pool", x, size=size)
    return args.shaped(made, made.type.shape[1:], part="unbatched") if single else made


_MODES = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear", "bicubic": "bicubic",
          "trilinear": "trilinear"}  # fmt: skip


@rule("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d", "upsample_bilinear2d",
      "upsample_bicubic2d", "upsample_trilinear3d")  # fmt: skip
def _upsample(args: Args) -> Results:
    mode = args.call.operator.removeprefix("upsample_")[:-2]
    x = args.value("self" if "self" in args.call.arguments else "input")
    factors = args.get("scale_factors")
    settings: dict[str, Any] = {"mode": "linear" if mode == "linear" else _MODES[mode]}
    if args.get("align_corners", False):
        settings["align_corners"] = True
    if factors and len({*factors}) == 1:
        settings["scale"] = factors[0]
    else:
        settings["size"] = list(args.declared.shape[2:])
    if list(args.declared.shape) == list(x.type.shape):
        return x
    return args.one("resize", x, **settings)


@rule("pixel_shuffle")
def _pixel_shuffle(args: Args) -> Results:
    return args.one("depth_to_space", args.value(), block=args.get("upscale_factor"), mode="crd")


@rule("pixel_unshuffle")
def _pixel_unshuffle(args: Args) -> Results:
    return args.one("space_to_depth", args.value(), block=args.get("downscale_factor"), mode="crd")


@rule("pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d")
def _pad(args: Args) -> Results:
    operator = args.call.operator
    mode = {"reflection": "reflect", "replication": "replicate"}.get(operator.partition("_")[0]) or args.get(
        "mode", "constant"
    )
    ours = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}.get(mode)
    amounts, x = args.get("pad" if "pad" in args.call.arguments else "padding"), args.value()
    if ours is None or not all(isinstance(one, int) for one in amounts):
        return None
    if min(amounts, default=0) < 0:
        return None
    axes = [x.type.rank - 1 - number for number in range(len(amounts) // 2)]
    chosen = [(axis, *amounts[2 * i : 2 * i + 2]) for i, axis in enumerate(axes) if any(amounts[2 * i : 2 * i + 2])]
    if not chosen:
        return x
    chosen.sort()
    settings: dict[str, Any] = {"mode": ours} if ours != "constant" else {"value": float(args.get("value") or 0)}
    amount = [one[1] for one in chosen] + [one[2] for one in chosen]
    return args.one("pad_axes", x, amount=amount, axis=[one[0] for one in chosen], **settings)


@rule("grid_sampler", "grid_sampler_2d")
def _grid_sample(args: Args) -> Results:
    mode, pads = args.get("interpolation_mode", 0), args.get("padding_mode", 0)
    return args.one(
        "grid_sample", args.value("input"), args.value("grid"), mode=("bilinear", "nearest", "bicubic")[mode],
        pad=("zeros", "border", "reflection")[pads], align_corners=bool(args.get("align_corners", False)),
    )  # fmt: skip


@rule("im2col", "unfold")
def _im2col(args: Args) -> Results:
    if args.call.operator == "unfold":  # Tensor.unfold: overlapping slices of one axis
        return None
    x = args.value()
    names = {"kernel": "kernel_size", "stride": "stride", "pad": "padding", "dilation": "dilation"}
    settings: dict[str, Any] = {ours: spread(args.get(name), 2) for ours, name in names.items()}
    made = args.one("unfold", x, part="unfold", **settings)
    return args.shaped(made, args.declared.shape)
