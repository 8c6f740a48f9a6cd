"""Texts that attack: made by mutators that know the language.

Nothing here is shared with the fuzzer but the operators' examples: mutations are of arguments at their boundaries, of
declared sizes and types, of depth, length and number, of names and characters, of claims, imports and maps.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

from attack_forms import Input, examples, given_of, name_of, plain, spec_of, zoo
from attack_values import (
    BESIDE,
    BODIES,
    BOUNDS,
    CHARACTERS,
    DEEP,
    DOUBLING,
    EDGES,
    HOMES,
    IMPORTED,
    LEFTS,
    NAMES,
    PATHS,
    QUANTITIES,
    RIGHTS,
    SETTINGS,
    SIZES,
)  # fmt: skip

from archdsl.element_types import ELEMENT_TYPES
from archdsl.shapes import TensorType


def arguments(r: Random) -> Input:
    """One argument or two of an operator, any of them, at a boundary or of another kind."""
    example = r.choice(examples())
    given, signature = given_of(example), type(example.op).signature
    for name in r.sample(sorted(signature), min(len(signature), r.choice([1, 1, 2]))):
        given[name] = boundary(r, signature[name])
    if r.random() < 0.05:
        given.pop(r.choice([*given, ""]), None)
    after = r.choice(["", "", "  relu", "  y -> flatten -> linear(3)", "  conv(4, 3)", "  y2: y + 1"])
    return Input(
        spec_of(r, name_of(example), given, [str(t) for t in example.input_types], after=after), options=binds(r)
    )


def boundary(r: Random, argument: Any) -> str:
    """A value at the limits of an argument, or any other."""
    kind = argument.kind
    least = getattr(kind, "min", None)
    near: list[str] = []
    if isinstance(least, int | float):
        near += [str(least), str(least - 1), str(least + 1), f"[{least}, {least}]", f"{least} + p"]
    most = getattr(kind, "max", None)
    if isinstance(most, int | float):
        near += [str(most), str(most + 1)]
    near += [str(choice) for choice in getattr(kind, "choices", ()) or ()]
    if near and r.random() < 0.5:
        return r.choice(near)
    return r.choice(EDGES)


def sizes(r: Random) -> Input:
    """Declared sizes, their forms and their binds."""
    example = r.choice(examples())
    types = [size_type(r, type) for type in example.input_types]
    return Input(spec_of(r, name_of(example), given_of(example), types), options=binds(r))


def size_type(r: Random, type: TensorType) -> str:
    shape = [str(size) for size in type.shape]
    for _ in range(r.choice([1, 1, 2])):
        if shape:
            shape[r.randrange(len(shape))] = r.choice(SIZES)
    if r.random() < 0.15:
        shape = r.choice([[], shape * 2, shape[:-1], [*shape, "1"], ["N"] * 40, ["2"] * 70])
    return f"{type.dtype}[{', '.join(shape)}]"


def binds(r: Random) -> tuple[str, ...]:
    """A ``--bind`` or none."""
    if r.random() < 0.85:
        return ()
    value = r.choice(
        ["1", "2", "7", "0", "-4", "1.5", "x", "", "10000000", str(2**31), str(2**70), "nan", "٣", "1e3", "8"]
    )
    return ("--bind", f"{r.choice(['N', 'H', 'W', 'T', 'Z', ''])}={value}")


def types(r: Random) -> Input:
    """Element types in inputs, casts and constants."""
    example = r.choice(examples())
    names = [
        *ELEMENT_TYPES,
        *(["f8", "float", "F32", "complex64", "str", "relu", "x0", ""] if r.random() < 0.1 else []),
    ]
    one = r.choice(names)
    shapes = [str(t) for t in example.input_types]
    wanted = [re.sub(r"^\w+", r.choice([one, one, r.choice(names)]), t) if r.random() < 0.8 else t for t in shapes]
    after = r.choice([
        "", f"  z: cast({r.choice(names)})", f"  z: y + constant([1, 2], dtype = {one})", f"  z: y + {r.choice(EDGES[:24])}",
        "  z: y -> softmax(axis = -1)", "  z: y -> batch_norm", f"  z: y + param([1], dtype = {one})",
    ])  # fmt: skip
    return Input(spec_of(r, name_of(example), given_of(example), wanted, after=after))


def nesting(r: Random) -> Input:
    """The same form in itself, many times."""
    count = r.choice([2, 5, 20, 60, 99, 100, 101, 150, 199, 200, 201, 255, 500, 1000, 5000, 40_000])
    chosen = r.sample(DEEP, r.choice([1, 1, 1, 2]))
    opened = "".join(r.choice(chosen)[0] for _ in range(1))
    first, core, last = chosen[0]
    body = first * count + core + last * count
    if first.startswith(("let a", "for", "share")):
        form = first.split("= ", 1)[-1] if "=" in first else first
        body = first.removesuffix(form) + form * count + core + last * count
    if len(chosen) > 1:
        other = chosen[1]
        body = (first + other[0]) * (count // 2) + core + (other[2] + last) * (count // 2)
    if r.random() < 0.1:
        body = opened * count
    return Input(plain(body))


def long(r: Random) -> Input:
    """Names, strings, numbers, lines and lists that are long."""
    n = r.choice([50, 100, 101, 200, 255, 256, 257, 1000, 5000, 100_000, 1_000_000])
    m = min(n, 5_000)
    name = r.choice("aé") * n
    return Input(r.choice([
        lambda: plain(f"{name}: relu\nconv(4, 3)"),
        lambda: plain(f'"{name}": relu'),
        lambda: plain(f"let {name} = 3\nconv({name}, 3)"),
        lambda: plain(f"output {name}"),
        lambda: plain(f"{name}"),
        lambda: plain(f"{name}(3)"),
        lambda: plain(f"conv({name} = 3)"),
        lambda: plain("relu", f"use std.{name} (conv_bn)"),
        lambda: plain("relu", f'use "{name}.arch" (conv_bn)'),
        lambda: plain("relu", f"use std.cnn ({name})"),
        lambda: plain("relu", after=f"variant {name} = Net()"),
        lambda: plain(f"let a = {'9' * n}\nrelu"),
        lambda: plain(f"conv({'9' * n}, 3)"),
        lambda: plain(f"dropout(0.{'9' * n})"),
        lambda: plain(f"assert 1e{'9' * m} > 0\nrelu"),
        lambda: plain("relu" + " -> relu" * m),
        lambda: plain("\n".join(["relu"] * m)),
        lambda: plain("let a = [" + "1, " * m + "]\nrelu"),
        lambda: plain("let a = 1" + " + 1" * m + "\nrelu"),
        lambda: plain("relu" + " " * n + "# " + "x" * n),
        lambda: plain("relu", "## " + "doc " * m),
        lambda: plain("relu", "##\n" * m),
        lambda: plain("output " + ", ".join(f"y{i} = x0" for i in range(m))),
        lambda: plain("relu", x=f"f32[{', '.join(['N'] * m)}]"),
        lambda: plain("\n".join(f"l{i}: relu" for i in range(min(m, 3000)))),
        lambda: plain("budget { " + "macs <= 1; " * m + "}"),
        lambda: plain("(" + ", ".join(["relu"] * m) + ")"),
        lambda: plain("f(" + ", ".join(["1"] * m) + ")", f"block f({', '.join(f'p{i}' for i in range(min(m, 3000)))}) = relu"),
        lambda: plain("relu", "\n".join(f"block b{i}() = relu" for i in range(min(m, 3000)))),
        lambda: plain("\n".join(f"let a{i} = {i}" for i in range(min(m, 3000))) + "\nrelu"),
        lambda: plain('assert "' + "x" * n + '" == "y"\nrelu'),
        lambda: plain("assert false, \"" + "x" * n + '"\nrelu'),
        lambda: plain("relu :: [" + "_, " * m + "]"),
        lambda: plain("parallel(add) {" + " | relu" * min(m, 2000) + " }"),
        lambda: "arch 1" + "\n" * n + "network",
        lambda: "arch " + "1" * n,
    ])())  # fmt: skip


def doubling(r: Random) -> Input:
    """What doubles in every line."""
    first, step = r.choice(DOUBLING)
    count = r.choice([3, 8, 16, 24, 40, 64, 100])
    lines = [first, *(step.format(i=i, j=i + 1) for i in range(count))]
    last = r.choice(
        ["relu", f"conv(4, len(a{count}))", f"output y = a{count}", f"assert a{count} == a{count}\nrelu", f"a{count}"]
    )
    x = r.choice(["f32[N, 8, 8, 8]", "f32[N, 8, H, W]", "f32[1, 1, 1]", "f32[H = 4, 2, 2, 2]"])
    return Input(plain("\n".join([*lines, last]), x=x), options=binds(r))


def names(r: Random) -> Input:
    """Names that collide: operators, soft words, labels, symbols, outputs, Python's own."""
    a, b, c, d = (r.choice(NAMES) for _ in range(4))
    forms = [
        f"{a}: conv(4, 3)", f"let {a} = 3", f"{b}: {a}", f"output {a}", f"output {a}, {b}", f"{a} -> {b}", f"{a}(x0)", f"{b}({a})",
        f"let {b} = {a}", f"conv({a}, 3)", f"repeat 2 as {a} {{ {b}: conv(4, 3) }}", f"for {a} in [1, 2] {{ conv({a}, 1) }}", f"share {a} = conv(4, 3)",
        f"{c}: relu -> {a}", f'"{a}": relu', f'"{a}[0]": relu', f"{a}[0]: relu", f"input {b}: f32[{a}, 3]", f"relu :: [{a}, _, _, _]", f"{a}.{b}",
        f"{a}.weight", f"assert {a} == {b}", f"output {a} = x0", f"output train {a} = relu(x0)", f"parallel(add) {{ | {a}: relu | {b}: relu }}",
        f"expect params of {a} == 1", f"budget {{ receptive_field at {a} <= 3 }}", f'weights {a} {{ "{b}" -> "{c}" }}', f"with {a}({b} = 1) {{ relu }}",
    ]  # fmt: skip
    above = [
        "", f"block {a}(c) = conv(c, 3)", f"let {a} = 4", f"use std.cnn ({a})", f"use std.cnn (conv_bn as {a})", f"block {b}({a} = 3, {c} = {a}) {{ relu }}",
        f"network {a}() {{ input x: f32[N, 3]; relu }}", f"block {a}({b}: block) = {b} -> {b}", f"use zoo.{a} ({b})", f"let {a} = table {{ {b} {c}\n1 2 }}",
    ]  # fmt: skip
    body = "\n".join(r.sample(forms, r.randint(1, 6)))
    after = r.choice(["", f"variant {a} = Net()", f"variant {b} = Net({a} = 3)", f"variant v = {a}()"])
    text = plain(
        body,
        "\n".join(r.sample(above, r.choice([0, 1, 2]))),
        after,
        x=f"f32[{d}, 8, {c}, 8]" if r.random() < 0.2 else "f32[N, 8, 8, 8]",
    )
    return Input(text.replace("Net(p", f"Net({r.choice(['p', 'p', a])}"), options=binds(r))


def characters(r: Random) -> Input:
    """Odd characters anywhere: in names, strings, comments, between tokens."""
    text = r.choice([*zoo()[:20], plain('"layer{1}": conv(4, 3) # x\na: relu\noutput a', "## doc")])
    for _ in range(r.choice([1, 1, 2, 5])):
        place = r.randrange(len(text) + 1)
        if r.random() < 0.4:
            places = [m.end() - 1 for m in re.finditer(r'"\w|# \w|\b\w\w', text)]
            place = r.choice(places or [place])
        text = text[:place] + r.choice(CHARACTERS) * r.choice([1, 1, 1, 3]) + text[place:]
    return Input(text)


def claims(r: Random) -> Input:
    """Claims with bounds of every kind, at labels that exist and not."""
    lines = []
    for _ in range(r.choice([1, 2, 4])):
        what = r.choice(QUANTITIES)
        what += r.choice(["", "", f" of {r.choice(['a', 'b', 'zz', 'x0'])}", f" at {r.choice(['a', 'b', 'x0', 'zz'])}"])
        sign = r.choice(["<=", ">=", "==", "<", ">", "!=", "="])
        bound = r.choice(BOUNDS)
        lines.append(r.choice([f"expect {what} {sign} {bound}", f"budget {{ {what} {sign} {bound} }}",
                               f"expect output y :: [{r.choice(SIZES)}, {r.choice(SIZES)}, _, _]"]))  # fmt: skip
    x = r.choice(
        ["f32[N, 8, 8, 8]", "f32[N, 8, H, W]", "f32[N, 8, 16 * H = 32, W = 9]", "i64[N, 8]", "f32[N, 8, 8]", "f32[]"]
    )
    body = "a: conv(4, 3) -> relu\nb: max_pool(2)" if r.random() < 0.7 else "a: relu\nb: identity"
    if r.random() < 0.4:
        return Input(plain(body, after=f"variant v = Net(p = 2) {{ {'; '.join(lines)} }}", x=x), options=binds(r))
    return Input(plain("\n".join([body, *lines]), x=x), options=binds(r))


def imports(r: Random) -> Input:
    """Imports of what is there and what is not; files that use one another."""
    wanted = r.sample(IMPORTED, r.choice([1, 1, 2, 3]))
    lines = [
        f'use "{r.choice(PATHS)}" ({", ".join(wanted)})'
        if r.random() < 0.6
        else f"use {r.choice(HOMES)} ({', '.join(wanted)})"
        for _ in range(r.choice([1, 2, 3]))
    ]
    body = r.choice(
        ["relu", "f", "f(4)", "conv_bn(4, 3)", "g(f)", "Net", "LeNet5", "conv_relu(4, 3) -> f", "let a = v\nconv(4, 3)"]
    )
    beside = r.choice(BESIDE)
    return Input(plain(body, "\n".join(lines)), beside=beside)


def maps(r: Random) -> Input:
    """Maps of names in checkpoints."""
    rules = [
        f'"{r.choice(LEFTS)}" -> {r.choice(RIGHTS)}'
        + r.choice(["", "", f' {{ "{r.choice(LEFTS)}" -> {r.choice(RIGHTS)} }}'])
        for _ in range(r.choice([1, 2, 3, 8]))
    ]
    body = "a: conv(4, 3)\nb: conv(4, 3) -> conv(4, 3) -> batch_norm\nlayer: repeat 3 { conv(4, 3); q: conv(4, 1) }\nt: linear(3)"
    text = f"weights m {{ {'; '.join(rules)} }}"
    return Input(
        plain(body + "\n" + text) if r.random() < 0.7 else plain(body, after=f"variant v = Net() {{ {text} }}")
    )


def variants(r: Random) -> Input:
    """Many variants, of networks with many parameters."""
    count = r.choice([1, 2, 3, 5, 20, 20, 100, 400])
    parameters = 'p = 1, q = 3, b = relu, s = [1, 2], t = "x", f = 0.5'
    lines = [
        f"variant v{i if r.random() < 0.99 else 0} = {r.choice(['Net'] * 9 + ['net', 'relu'])}({r.choice(SETTINGS).format(i=i)})"
        for i in range(count)
    ]
    body = r.choice(BODIES)
    return Input(plain(body, after="\n".join(lines)).replace("p = 1", parameters, 1))


def damage(r: Random) -> Input:
    """A text of the zoo with values at boundaries in the places of its own."""
    text = r.choice(zoo())
    for _ in range(r.choice([1, 1, 2, 4])):
        places = list(re.finditer(r"(?<![\w.])\d[\w.]*|\"[^\"\n]*\"|\btrue\b|\bfalse\b|(?<== )\w+", text))
        if places:
            at = r.choice(places[1:] or places)
            text = text[: at.start()] + r.choice(EDGES) + text[at.end() :]
    if r.random() < 0.2:
        text = text.replace(
            r.choice(["(", ")", "{", "}", "->", ",", "\n"]), r.choice(["", "(", ";", "|", "\n", "::"]), 1
        )
    return Input(text)
