"""Why a file may not fit, and what helps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.graph import Parameter
from archdsl.weights.structure import Alike
from archdsl.weights.tensor import Checkpoint, Tensor

NORM = ("running_mean", "running_var")


def hints(
    part: Checkpoint,
    missing: Sequence[Parameter],
    unexpected: Sequence[str],
    mismatched: Sequence[tuple[Parameter, Tensor]],
    alike: Alike,
) -> Iterator[str]:
    """The reasons that are met most, each with what helps."""
    if alike:
        pairs = ", ".join(f"`{mine}` <- `{its}`" for mine, its in alike[:4])
        yield (
            f"no name is known; by order the layers agree, but {len(alike)} are alike ({pairs}): a file may have them "
            "in another order. `--names order` takes it as it is; better is a map of names, `weights NAME { … }`"
        )
    lost = [p.path for p in missing if p.path.endswith(NORM)]
    if lost and not any(name.endswith(NORM) for name in part):
        yield (
            f"the file has no running statistics: its exporter has folded the norms ({len(lost) // 2}, as "
            f"`{lost[0].rpartition('.')[0]}`) into the layers before them. Load the checkpoint that was exported, or "
            "export with the norms kept: `torch.onnx.export(…, dynamo=False, do_constant_folding=False, "
            "training=torch.onnx.TrainingMode.PRESERVE)` of the model in `eval()`"
        )
    turned = [p.path for p, t in mismatched if len(t.shape) > 1 and _turned(p.type.shape, t.shape)]
    if turned and 2 * len(turned) >= len(mismatched):
        order = _order({p.path: (p, t) for p, t in mismatched}[turned[0]])
        how = f'transpose("{turned[0]}")' if order == (1, 0) else f'permute("{turned[0]}", {list(order)})'
        yield (
            f"{len(turned)} of the tensors have their axes in another order, as Keras and TensorFlow keep them: say so "
            f'in the spec, `weights keras {{ "{turned[0]}" -> {how} }}`, for those that are square, too'
        )


def _turned(ours: Sequence[object], theirs: Sequence[int]) -> bool:
    return sorted(map(str, ours)) == sorted(map(str, theirs))


def _order(pair: tuple[Parameter, Tensor]) -> tuple[int, ...]:
    """The order of axes, ours in the file's; of Keras' where sizes leave several."""
    parameter, tensor = pair
    keras = {2: (1, 0), 3: (2, 1, 0), 4: (2, 3, 1, 0), 5: (2, 3, 4, 1, 0)}.get(len(tensor.shape), ())
    shape = parameter.type.shape
    if keras and tuple(shape[i] for i in keras) == tensor.shape:
        return keras
    rest = list(range(len(shape)))
    return tuple(rest.pop(next(at for at, axis in enumerate(rest) if shape[axis] == size)) for size in tensor.shape)
