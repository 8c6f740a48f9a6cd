"""Layers: convolutions, products with weights, norms, embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known
from archdsl.foreign.pt2.arguments import Args, Results, rule
from archdsl.graph import Value
from archdsl.ops.linear import Linear


def spread(given: Any, count: int) -> list[int]:
    """One number for each of ``count`` axes."""
    listed = list(given) if isinstance(given, tuple | list) else [given]
    return listed * count if len(listed) == 1 else listed


def numbers(given: Any, count: int) -> Any:
    """One number for all axes where they are equal, else one for each."""
    listed = spread(given, count)
    return listed[0] if len({*listed}) == 1 else listed


def held(args: Args, name: str) -> Known | None:
    """A weight that a layer can own: a tensor of the file as it stands there."""
    found = args.known(name)
    return found if found is not None and (found.weight or (found.file is not None and name in _STATISTICS)) else None


_STATISTICS = ("running_mean", "running_var")


def add_bias(args: Args, value: Value, name: str, behind: int = 0) -> Value:
    """The result plus a bias that the layer cannot own, with ``behind`` axes behind its channels."""
    bias = args.value(name)
    bias = args.shaped(bias, [*bias.type.shape, *[1] * behind], part="shape")
    return args.one("add", value, bias, part="bias")


def split_weights(args: Args, **names: str) -> dict[str, Known]:
    """The weights that a layer owns, by slot."""
    found = {slot: held(args, name) for slot, name in names.items()}
    return {slot: known for slot, known in found.items() if known is not None}


@rule("conv1d", "conv2d", "conv3d")
def _conv(args: Args) -> Results:
    return convolution(args, transposed=False)


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(args: Args) -> Results:
    return convolution(args, transposed=True)


@rule("convolution")
def _any_convolution(args: Args) -> Results:
    return convolution(args, transposed=bool(args.get("transposed", False)))


def convolution(args: Args, transposed: bool) -> Results:
    """A convolution; its weight may be computed, its bias then is its own if it is one of the file."""
    x = args.value("input")
    weight = args.tensor("weight")
    if weight is None:
        raise Refusal("E1001", f"`{args.call.target}` has no weight")
    shape = weight.shape if isinstance(weight, Known) else weight.type.shape
    single = x.type.rank == len(shape) - 1
    x = args.shaped(x, (1, *x.type.shape), part="batch") if single else x
    sizes = [int(size) for size in shape if isinstance(size, int)]
    rank, groups = len(sizes) - 2, args.get("groups", 1)
    if len(sizes) != x.type.rank or rank < 1:
        raise Refusal("E1001", f"the weight of `{args.call.target}` has {len(shape)} axes for {x.type}")
    padding = args.get("padding", 0)
    settings: dict[str, Any] = {
        "channels": sizes[1] * groups if transposed else sizes[0], "kernel": numbers(sizes[2:], rank),
        "groups": groups, "stride": numbers(args.get("stride", 1), rank),
        "dilation": numbers(args.get("dilation", 1), rank), "pad": _pad(sizes[2:], padding),
    }  # fmt: skip
    if transposed:
        settings["output_pad"] = numbers(args.get("output_padding", 0), rank)
    made = _layer(args, "conv_transpose" if transposed else "conv", x, behind=rank, **settings)
    return args.shaped(made, made.type.shape[1:], part="unbatched") if single else made


def _pad(kernel: Sequence[int], padding: Any) -> Any:
    if isinstance(padding, str):
        return padding if padding == "valid" or all(k % 2 for k in kernel) else "same_upper"
    return numbers(padding, len(kernel)) or "valid"


def _layer(args: Args, op: str, x: Value, behind: int, **settings: Any) -> Value:
    """A layer with a weight and perhaps a bias, each its own where it is a tensor of the file."""
    weights = split_weights(args, weight="weight", bias="bias")
    biased = args.tensor("bias") is not None
    inputs = [x]
    if "weight" not in weights:
        settings["weight"] = 1
        inputs.append(args.value("weight"))
    (made,) = args.apply(op, inputs, weights=weights, bias="bias" in weights, **settings)
    return add_bias(args, made, "bias", behind) if biased and "bias" not in weights else made


@rule("linear")
def _linear(args: Args) -> Results:
    x, weight = args.value("input"), args.tensor("weight")
    shape = weight.shape if isinstance(weight, Known) else weight.type.shape if weight is not None else ()
    if len(shape) != 2 or not isinstance(shape[0], int):
        return None
    flat = x.type.rank == 1
    x = args.shaped(x, (1, *x.type.shape), part="row") if flat else x
    made = _layer(args, "linear", x, behind=0, features=shape[0])
    return args.shaped(made, made.type.shape[1:], part="vector") if flat else made


@rule("addmm")
def _addmm(args: Args) -> Results:
    if args.get("beta", 1) != 1 or args.get("alpha", 1) != 1:
        return None
    product = product_with(args, args.value("mat1"), "mat2", bias="self")
    if product is not None:
        return product
    return args.one("add", args.one("matmul", args.value("mat1"), args.value("mat2"), part="matmul"), args.value())


@rule("mm", "bmm", "matmul", "mv", "dot")
def _matmul(args: Args) -> Results:
    right = next(name for name in ("other", "mat2", "vec", "tensor") if name in args.call.arguments)
    left = args.value("self")
    product = product_with(args, left, right)
    return product if product is not None else args.one("matmul", left, args.value(right))


def product_with(args: Args, x: Value, name: str, bias: str = "") -> Value | None:
    """``x @ w`` with a weight of the file, [in, out], as the layer that it is; ``None`` where it is none."""
    weight = held(args, name)
    if weight is None or len(weight.shape) != 2 or x.type.rank < 2 or not isinstance(weight.shape[1], int):
        return None
    known = held(args, bias) if bias else None
    own = known is not None and known.shape == weight.shape[1:]
    weights = {"weight": weight, **({"bias": known} if own and known is not None else {})}
    if "t" not in weight.turned and "transposed" not in Linear.signature:
        return None
    turned = {"weight": weight.turned["t"]} if "t" in weight.turned else {}
    settings: dict[str, Any] = {} if turned else {"transposed": True}
    (made,) = args.apply("linear", [x], weights={**weights, **turned}, features=weight.shape[1], bias=own, **settings)
    return args.one("add", made, args.value(bias), part="bias") if bias and not own else made


@rule("baddbmm")
def _baddbmm(args: Args) -> Results:
    if args.get("beta", 1) != 1 or args.get("alpha", 1) != 1:
        return None
    product = args.one("matmul", args.value("batch1"), args.value("batch2"), part="matmul")
    return args.one("add", args.value(), product)


@rule("embedding")
def _embedding(args: Args) -> Results:
    indices, weight = args.value("indices"), held(args, "weight")
    if weight is None or indices.type.dtype not in ("i64", "i32"):
        return args.one("take", args.value("weight"), indices, axis=0)
    count, features = weight.shape
    (made,) = args.apply(
        "embedding", [indices], weights={"weight": weight}, count=count, features=features, dtype=weight.dtype
    )
    return made


@rule("batch_norm", "_native_batch_norm_legit_no_training", "_native_batch_norm_legit", "native_batch_norm",
      "cudnn_batch_norm")  # fmt: skip
def _batch_norm(args: Args) -> Results:
    x = args.value("input")
    eps = float(args.get("eps", 1e-5))
    if args.tensor("running_mean") is None:
        if x.type.shape[0] != 1:
            return None
        return norm(args, "instance_norm", x, eps=eps)
    momentum = args.get("momentum", 0.1)
    weights = split_weights(args, running_mean="running_mean", running_var="running_var")
    if len(weights) < 2 or not args.known("running_mean"):
        return None
    return norm(args, "batch_norm", x, weights, eps=eps, momentum=0.1 if momentum is None else float(momentum))


@rule("instance_norm")
def _instance_norm(args: Args) -> Results:
    if not args.get("use_input_stats", True):
        return _batch_norm(args)
    return norm(args, "instance_norm", args.value("input"), eps=float(args.get("eps", 1e-5)))


@rule("layer_norm", "native_layer_norm")
def _layer_norm(args: Args) -> Results:
    axes = list(range(-len(args.get("normalized_shape")), 0))
    eps = float(args.get("eps", 1e-5))
    return norm(args, "layer_norm", args.value("input"), axes=axes[0] if len(axes) == 1 else axes, eps=eps, last=True)


@rule("rms_norm", "_fused_rms_norm")
def _rms_norm(args: Args) -> Results:
    axes, eps = list(range(-len(args.get("normalized_shape")), 0)), args.get("eps")
    eps = 1.1920928955078125e-07 if eps is None else float(eps)
    return norm(args, "rms_norm", args.value("input"), axes=axes[0] if len(axes) == 1 else axes, eps=eps, last=True)


@rule("group_norm")
def _group_norm(args: Args) -> Results:
    eps = float(args.get("eps", 1e-5))
    return norm(args, "group_norm", args.value("input"), groups=args.get("num_groups"), eps=eps)


@rule("native_group_norm")
def _native_group_norm(args: Args) -> Results:
    eps = float(args.get("eps", 1e-5))
    return norm(args, "group_norm", args.value("input"), groups=args.get("group"), eps=eps)


def norm(
    args: Args, op: str, x: Value, weights: dict[str, Known] | None = None, last: bool = False, **settings: Any
) -> Value:
    """A norm; its scale and shift are its own where they are tensors of the file, else a product and a sum."""
    own = split_weights(args, weight="weight", bias="bias")
    if args.tensor("weight") is not None and "weight" not in own:
        own = {}  # the shift comes behind the scale
    (made,) = args.apply(
        op, [x], weights={**(weights or {}), **own}, scale="weight" in own, shift="bias" in own, **settings
    )
    for name, then in (("weight", "mul"), ("bias", "add")):
        if args.tensor(name) is not None and name not in own:
            factor = args.value(name)
            behind = 0 if last else x.type.rank - 2
            factor = args.shaped(factor, [*factor.type.shape, *[1] * behind], part=f"{name}_shape")
            made = args.one(then, made, factor, part=name)
    return made


@rule("_weight_norm")
def _weight_norm(args: Args) -> Results:
    v, g, dim = args.value("v"), args.value("g"), args.get("dim", 0)
    axes = [axis for axis in range(v.type.rank) if axis != dim % v.type.rank]
    length = args.one("reduce_l2", v, part="length", axis=axes, keep=True)
    return args.one("mul", v, args.one("div", g, length, part="scale"))
