"""Random networks of maps, as text: all operators that move, widen, join and gate positions."""

from __future__ import annotations

from random import Random

SIZES = {1: (96,), 2: (26, 22)}
"""Of the input, by the number of spatial axes."""


def program(rng: Random) -> str:
    """A network with an input ``x``, on one axis or two, and some maps that are made of one another."""
    rank = rng.choice((1, 1, 2))
    sizes = [size + rng.randint(-2, 2) for size in SIZES[rank]]
    lines, maps = [f"  input v0: f32[1, 4, {', '.join(map(str, sizes))}]"], ["v0"]
    for number in range(1, rng.randint(3, 8)):
        lines += _line(rng, rank, f"v{number}", maps)
        maps.append(f"v{number}")
    body = "\n".join(lines).replace("LINEAR", "linear" if rank == 1 else "bilinear")
    return "arch 1\nnetwork Net() {\n" + body + f"\n  output y = {maps[-1]}\n}}\n"


def _line(rng: Random, rank: int, name: str, maps: list[str]) -> list[str]:
    before = rng.choice(maps[-2:]) if rng.random() < 0.8 else rng.choice(maps)
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    if kind in ("join", "gate", "attend"):
        return _several(rng, kind, name, before, rng.choice(maps))
    if kind == "split":
        axis = rng.choice("hw") if rank == 2 else "2"
        return [f"  let {name}a, {name}b = {before} -> split(2, axis = {axis})", f"  {name}: {name}b -> relu"]
    return [f"  {name}: {before} -> {_stage(rng, rank, kind)}"]


KINDS = {
    "conv": 8, "pool": 4, "transposed": 4, "resize": 5, "crop": 2, "slice": 1, "pad": 2, "join": 6, "gate": 2,
    "attend": 1, "norm": 1, "adaptive": 1, "blocks": 1, "split": 1, "reverse": 1, "turn": 1, "plain": 1,
}  # fmt: skip


def _several(rng: Random, kind: str, name: str, a: str, b: str) -> list[str]:
    if kind == "gate":
        pool = rng.choice(("global_avg_pool", "global_max_pool"))
        return [f"  {name}g: {b} -> {pool} -> conv(4, 1) -> sigmoid", f"  {name}: {a} * {name}g"]
    if kind == "attend":  # a gate that is a map: CBAM's
        return [f"  {name}g: {a} -> conv(1, {rng.choice((1, 3, 5))}) -> sigmoid", f"  {name}: {a} * {name}g"]
    fit = rng.choice(("crop", "resize", "pool", "none", "none"))
    if fit == "none":
        return [f"  {name}: ({a}, {b}) -> {rng.choice(('add', 'concat -> conv(4, 1)'))}"]
    stage = {"crop": f"crop(like = {a})", "resize": f"resize(like = {a}{_mode(rng)})"}.get(fit, "relu")
    return [f"  {name}s: {b} -> {stage}", f"  {name}: ({a}, {name}s) -> {rng.choice(('add', 'max'))}"]


def _mode(rng: Random) -> str:
    return rng.choice(("", "", ", mode = LINEAR", ", mode = LINEAR", ", mode = LINEAR, align_corners = true"))


def _stage(rng: Random, rank: int, kind: str) -> str:
    def some(low: int, high: int) -> str:
        if rank == 2 and rng.random() < 0.4:
            return f"[{rng.randint(low, high)}, {rng.randint(low, high)}]"
        return str(rng.randint(low, high))

    if kind in ("conv", "pool", "transposed"):
        return _windowed(rng, rank, kind, some)
    if kind == "resize":
        size = rng.choice((f"scale = {rng.choice((2, 2, 2, 3, 1.5, 0.5))}", some(5, 40)))
        mode = _mode(rng)
        if rank == 2 and rng.random() < 0.2:
            mode = rng.choice((", mode = bicubic", ", mode = bicubic, align_corners = true"))
        return f"resize({size}{mode})"
    if kind == "crop":
        offset = "" if rng.random() < 0.5 else f", offset = {rng.randint(0, 2)}"
        return f"crop({some(5, 16)}{offset})"
    if kind == "slice":
        axis = rng.choice("hw") if rank == 2 else "2"
        return f"slice({axis}, {rng.randint(0, 3)}, step = {rng.randint(1, 2)})"
    if kind == "pad":
        return f"pad_axes({some(0, 3)}, mode = {rng.choice(('constant', 'edge', 'reflect'))})"
    if kind == "adaptive":
        return f"adaptive_avg_pool({some(3, 12)})"
    if kind == "reverse":
        return f"reverse({rng.choice('hw') if rank == 2 else '2'})"
    if kind == "norm":
        return "instance_norm"
    if kind == "blocks" and rank == 2:
        return rng.choice(("depth_to_space(2) -> conv(4, 1)", "space_to_depth(2) -> conv(4, 1)"))
    if kind == "turn" and rank == 2:
        return "transpose(2, 3)"
    return rng.choice(("relu", "batch_norm"))


def _windowed(rng: Random, rank: int, kind: str, some: object) -> str:
    assert callable(some)
    kernel, stride = some(1, 5 if kind != "pool" else 3), some(1, 3)
    dilation = some(1, 3) if rng.random() < 0.35 else "1"
    begin = [rng.randint(0, 1) for _ in range(2 * rank)]
    pad = rng.choice(("valid", "same", "same_upper", "same_lower", "0", "1", str(begin)))
    if kind == "pool":
        ceil = ", ceil = true" if pad in ("valid", "0", "1") and rng.random() < 0.3 else ""
        if rng.random() < 0.5:
            return f"max_pool({kernel}, stride = {stride}, pad = {pad}, dilation = {dilation}{ceil})"
        return f"avg_pool({kernel}, stride = {stride}, pad = {pad}{ceil})"
    if kind == "transposed":
        more = f", output_pad = {rng.randint(0, 1)}" if pad not in ("same_upper", "same_lower") else ""
        return f"conv_transpose(4, {kernel}, stride = {stride}, pad = {pad}, dilation = {dilation}{more})"
    return f"conv(4, {kernel}, stride = {stride}, pad = {pad}, dilation = {dilation})"
