"""Random programs that mostly mean something: the generator knows the flow's type as it writes.

``program(random, wild)`` gives one file. With ``wild = 0`` almost every program is accepted; ``wild`` is the chance of
a wrong choice wherever there is one to make (a size, a name, an argument, a body).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Names = list[tuple[str, "Type"]]


class Type:
    """The flow: an image of ``c`` channels and ``s * s`` positions, or a vector of ``c`` features (``s`` is 0)."""

    def __init__(self, c: int, s: int) -> None:
        self.c = c
        self.s = s

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and (self.c, self.s) == (other.c, other.s)

    __hash__ = None  # type: ignore[assignment]


POINTWISE = (
    "relu", "relu6", "gelu", "sigmoid", "tanh", "silu", "hard_swish", "leaky_relu(0.1)", "dropout(0.1)", "identity",
    "softplus", "elu", "mish", "selu", "hard_sigmoid", "softsign", "clip(-1, 1)", "prelu", "batch_norm", "abs",
)  # fmt: skip
SAME = (
    "max_pool(3, stride = 1, pad = same)", "avg_pool(3, stride = 1, pad = same)", "lrn(5)", "frozen batch_norm",
    "batch_norm(eps = 1e-3)", "instance_norm", "seq { conv(in.c, 1) }", "seq { conv(in.c, 3, groups = in.c) }", "scale_shift",
    "seq { conv(in.c, 3, dilation = 2, bias = false) }", "seq { conv(in.c, [1, 3]) -> conv(in.c, [3, 1]) }", "pad_axes(1) -> crop(1)",
    "permute([0, 1, 3, 2])", "l2_norm", "reverse(axis = w)", "softmax(axis = c)",
)  # fmt: skip
LIBRARY = {"scale_shift": "std.cnn", "squeeze_excite": "std.attention", "conv_bn": "std.cnn", "conv_relu": "std.cnn"}
WORDS = (
    "relu", "conv", "x", "y", "in", "N", "same", "linear(4)", "true", "none", "1.5", "0", "-1", "[]", '"a"', "flow",
    "concat", "conv(3)", "{ relu }", "range(9)", "table { a\n 1 }", "in.q", "2 ** 900", "unknown_name", "seq", "in.shape",
)  # fmt: skip


class Writer:
    """Writes one program; every method that writes statements returns the type that leaves them."""

    def __init__(self, random: Random, wild: float) -> None:
        self.random = random
        self.wild = wild
        self.fuel = random.choice([6, 12, 24, 40])
        self.uses: set[str] = set()
        self.constants: dict[str, int] = {}
        self.keepers: list[str] = []
        """Calls of blocks that keep the type."""
        self.makers: list[str] = []
        """Names of blocks ``f(c, stride)``."""
        self.count = 0

    # Pieces

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def wrong(self, text: str) -> str:
        """The text, or now and then something else."""
        return self.random.choice(WORDS) if self.chance(self.wild) else text

    def fresh(self, base: str) -> str:
        self.count += 1
        return f"{base}{self.count}"

    def integer(self, value: int, deep: int = 2) -> str:
        """An expression whose value is ``value``."""
        forms: list[Callable[[], str]] = [lambda: str(value)] * (4 if deep else 1)
        if deep:
            low = self.random.randint(0, max(value, 0))
            forms += [
                lambda: f"({self.integer(low, 0)} + {self.integer(value - low, 0)})",
                lambda: f"{self.integer(value * 3, 0)} // 3",
                lambda: f"{value * 7 + 3} % 7 + {value - 3}" if value >= 3 else str(value),
                lambda: f"({self.integer(value, deep - 1)} if {self.truth(True)} else {self.integer(3, 0)})",
                lambda: f"[{low}, {self.integer(value, deep - 1)}][{self.pick('1', '-1')}]",
                lambda: f"max({self.integer(value, deep - 1)}, {min(low, value)})",
                lambda: f"sum([1 for _ in range({value})])",
                lambda: f"len({[0] * min(value, 20)}) + {value - min(value, 20)}",
                lambda: f"len([k for k in range({2 * value}) if k % 2 == 0])",
                lambda: f"round_half_even({value - 0.25})",
                lambda: f"-(-{value})" if value else "0",
                lambda: f"abs({-value})",
                lambda: f"[{value}, 1, 2][0:2][0]",
                lambda: f"[a * b for a, b in zip([{value}, 2], [1, 5])][::2][0]",
            ]
        names = [name for name, known in self.constants.items() if known == value]
        forms += [lambda name=name: name for name in names] * 3  # type: ignore[misc]
        return self.wrong(self.random.choice(forms)())

    def truth(self, value: bool, deep: int = 1) -> str:
        """A condition whose value is ``value``."""
        true = ["true", "1 < 2", "not false", "2 >= 2 > 1", "contains([1, 2], 2)", "any([false, true])"]
        false = ["false", "1 == 2", "not true", "1 != 1", "3 <= 2", "all([true, false])"]
        if deep:
            true.append(f"{self.truth(True, 0)} and {self.truth(True, 0)}")
            false.append(f"{self.truth(False, 0)} or {self.truth(False, 0)}")
        return self.wrong(self.random.choice(true if value else false))

    # Blocks

    def keep(self, t: Type, deep: int = 2) -> str:
        """A block that keeps the type."""
        self.fuel -= 1
        simple: list[Callable[[], str]] = [lambda: self.random.choice(POINTWISE)] * 3
        if t.s:
            simple.append(lambda: self._library(self.random.choice(SAME)))
            simple.append(lambda: f"conv({self.integer(t.c)}, {self.pick('1', '3', '[3, 3]')}{self._options()})")
        else:
            simple.append(lambda: f"linear({self.integer(t.c)}{self.pick('', ', bias = false')})")
        if self.keepers and t.s:
            simple.append(lambda: self.random.choice(self.keepers))
        if deep <= 0 or self.fuel < 0:
            return self.wrong(self.random.choice(simple)())
        inner = lambda: self.keep(t, deep - 1)  # noqa: E731
        forms: list[Callable[[], str]] = simple + [
            lambda: f"({inner()} -> {inner()})",
            lambda: f"residual {{ {inner()} }}",
            lambda: f"residual(shortcut = {inner()}, scale = 0.5, drop_path = 0.1) {{ {inner()} }}",
            lambda: f"residual(join = {self.pick('mul', 'max', 'average')}) {{ {inner()}; {inner()} }}",
            lambda: f"parallel({self.pick('add', 'mul', 'max', 'min', 'average')}) {{ | {inner()} | {inner()} }}",
            lambda: f"seq {{ {inner()}; {inner()} }}",
            lambda: f"frozen {self.random.choice(simple)()}",
            lambda: f"({inner()} if {self.truth(True)} else {inner()})",
            lambda: f"dense(0) {{ {inner()} }}",
        ]
        if t.s:
            forms += [lambda: self.run_along(t), lambda: f"map(axis = {self.pick('h', 'w')}) {{ {self.slice(t)} }}"]
        return self.wrong(self.random.choice(forms)())

    def slice(self, t: Type) -> str:
        """A block that keeps the type of a line of a map."""
        return self.wrong(
            self.pick("tanh", "relu -> sigmoid", f"conv({self.integer(t.c)}, 3)", f"conv({t.c}, 1) -> batch_norm")
        )

    def run_along(self, t: Type) -> str:
        """A ``scan`` over the lines of a map, with a state."""
        state, new = self.fresh("held"), self.fresh("new")
        axis, back = self.pick("h", "w", "2", "-1"), self.pick("", ", reverse = true")
        return (
            f"scan(axis = {axis}{back}) {{ state {state} = zeros([in.shape[0], {self.integer(t.c)}, {t.s}]); "
            f"let {new} = {self.pick('tanh', 'relu')}({state} + (in -> {self.slice(t)})); next {state} = {new}; {new} }}"
        )

    def _library(self, call: str) -> str:
        name = call.partition("(")[0]
        if name in LIBRARY:
            self.uses.add(name)
        return call

    def _options(self) -> str:
        return self.pick("", "", ", bias = false", ", groups = 1", ", pad = same", ", dilation = 2, pad = same")

    def change(self, t: Type) -> tuple[str, Type]:
        """A block that changes the type, and the new type."""
        self.fuel -= 1
        c = self.random.choice([1, 2, 4, 8, 12, 16])
        if not t.s:
            return f"linear({self.integer(c)})", Type(c, 0)
        forms: list[tuple[str, Type]] = [
            (f"conv({self.integer(c)}, 3{self._options()})", Type(c, t.s)),
            (f"parallel(concat) {{ | conv({c}, 1) | {self.keep(t, 1)} }}", Type(c + t.c, t.s)),
            (f"parallel(concat) {{ | a: conv({c}, 1); | b: conv({self.integer(c)}, 3) -> relu }}", Type(2 * c, t.s)),
            (f"parallel(concat) {{ repeat 2 as j {{ | conv({c} + j, 1) }} }}", Type(2 * c + 1, t.s)),
            (f"dense(2) {{ conv({c}, 1) -> relu }}", Type(t.c + 2 * c, t.s)),
            (f"dense({self.integer(2)}, join = concat) {{ conv({c}, 3) }}", Type(t.c + 2 * c, t.s)),
            (f"{self._library('conv_bn')}({c}, 3, act = {self.pick('relu', 'silu', 'gelu')})", Type(c, t.s)),
            (f"pad_channels({c})", Type(t.c + c, t.s)),
        ]
        if t.c % 2 == 0:
            forms.append(("split(2) -> add", Type(t.c // 2, t.s)))
            forms.append(("split(2) -> parallel(concat) { | relu | conv(in.c, 3) }", Type(t.c, t.s)))
            forms.append((f"conv({2 * c}, 3, groups = 2)", Type(2 * c, t.s)))
        if t.s % 2 == 0:
            forms += [
                (self.pick("max_pool(2)", "avg_pool(2)", "avg_pool(2, count_pad = true)"), Type(t.c, t.s // 2)),
                (f"conv({c}, 3, stride = {self.integer(2)})", Type(c, t.s // 2)),
                ("space_to_depth(2)", Type(4 * t.c, t.s // 2)),
            ]
        if t.s <= 16:
            forms.append((f"conv_transpose({c}, 2, stride = 2)", Type(c, 2 * t.s)))
            forms.append(("resize(scale = 2)", Type(t.c, 2 * t.s)))
        forms += [(f"{name}({c})", Type(c, t.s)) for name in self.makers]
        return self.random.choice(forms)

    # Statements

    def statements(self, t: Type, depth: int, names: Names, branch: bool = False) -> tuple[list[str], Type]:
        """Some statements, each as one or more lines; ``names`` are the results that can be used by name."""
        lines: list[str] = []
        for _ in range(self.random.randint(1, 4)):
            written, t = self.statement(t, depth, names)
            lines += written
        return lines, t

    def statement(self, t: Type, depth: int, names: Names) -> tuple[list[str], Type]:
        if self.chance(self.wild):
            return [self.wrong("relu") + self.pick("", " -> relu", "()", " + 1")], t
        if depth > 0 and self.fuel > 0 and self.chance(0.45):
            return self.compound(t, depth, names)
        if self.chance(0.45):
            text, after = self.change(t)
            return [self._flow(text, after, names)], after
        if names and self.chance(0.3):
            return self._uses(t, names)
        if self.chance(0.25):
            return self._binding(t)
        return [self._flow(self.keep(t), t, names)], t

    def _flow(self, text: str, after: Type, names: Names) -> str:
        if self.chance(0.3):
            text += " -> " + self.keep(after, 0)
        if self.chance(0.3):
            name = self.fresh(self.pick("stem", "conv", "layer", "head"))
            names.append((name, after))
            text = f"{name}: {text}"
        elif self.chance(0.05):
            text = f'"part{{{self.integer(self.random.randint(0, 9), 1)}}}_{self.fresh("p")}": {text}'
        if self.chance(0.15):
            shape = f"[N, {self.integer(after.c, 1)}, {after.s}, _]" if after.s else f"[_, {after.c}]"
            text += f"  :: {self.pick(shape, '[N, …]', '[..., _]')}"
        return text

    def _uses(self, t: Type, names: Names) -> tuple[list[str], Type]:
        name, other = self.random.choice(names)
        if other == t:
            how = self.pick(
                "identity -> add({})", "{} * 0.5 + {} -> relu", "let g = sigmoid({})\nidentity -> mul(g)", "max({}, -{})",
                "identity -> max({})", "{} - {} / 2", "where({} > 0, tanh({}), {})", "minus: {} * {} - 1",
            )  # fmt: skip
            how = how.replace("g = ", f"{self.fresh('g')} = ").replace("mul(g)", f"mul(g{self.count})")
            if "minus" in how:
                how = how.replace("minus", self.fresh("minus"))
            return how.format(*[name] * 4).split("\n"), t
        if other.s == t.s and t.s:
            return [f"identity -> concat({name})"], Type(t.c + other.c, t.s)
        return [f"{name} -> {self.keep(other, 1)}"], other

    def _binding(self, t: Type) -> tuple[list[str], Type]:
        name = self.fresh("v")
        form = self.random.randrange(5)
        if form == 0:
            return [f"let {name} = {self.keep(t)}", f"{name} -> {name}"], t
        if form == 1:
            return [f"share {name} = {self.keep(t, 1)}", name, name], t
        if form == 2:
            value = self.random.randint(1, 16)
            condition = self.pick(f"{name} == {value}", f"not {name} < 1", f"{name} > 0 or false")
            return [f"let {name} = {self.integer(value)}", f'assert {condition}, "size {{{name}}}"'], t
        if form == 3 and t.s:
            return [f"let {name}, _ = ({self.keep(t, 1)}, {t.c})"[:0] + "assert x.rank >= 2 and len(x.shape) >= 2"], t
        return [f"let {name} = [{self.integer(1)}, {self.integer(2)}]", f"repeat {name}[0] {{ {self.keep(t, 1)} }}"], t

    def compound(self, t: Type, depth: int, names: Names) -> tuple[list[str], Type]:
        """A statement with a body."""
        self.fuel -= 1
        form = self.random.randrange(9)
        label = f"{self.fresh('part')}: " if self.chance(0.4) else ""
        after = self.pick("", "", " -> relu")
        if form == 0:
            index = self.pick("", " as i")
            return self._braced(f"{label}repeat {self.integer(self.random.randint(0, 3))}{index}", t, depth, after)
        if form == 1:
            rows = ", ".join(f"[{self.integer(a, 0)}, {a + 1}]" for a in range(self.random.randint(1, 3)))
            return self._braced(f"{label}for a, _ in [{rows}]{self.pick('', ' as j')}", t, depth, after)
        if form == 2:
            return self._table_loop(t, label)
        if form == 3:
            value = self.chance(0.5)
            lines, new = self.statements(t, depth - 1, list(names))
            others, _ = self.statements(t, depth - 1, list(names))
            first, second = (lines, others) if value else (others, lines)
            text = [f"{label}if {self.truth(value)} {{", *indented(first), "} else {", *indented(second), "}"]
            return text, new
        if form == 4:
            calls = "conv(bias = false, pad = same_upper), batch_norm(eps = 1e-3)"
            lines, new = self.statements(t, depth - 1, names)
            return [f"with {calls} {{", *indented(lines), "}"], new
        if form == 5:
            name = self.fresh("tap")
            collected = [f"repeat 2 as i {{ {name}[i]: {self.keep(t, 1)} }}"]
            use = self.pick(f"{name}[0] -> relu", f"(({name}[0]) + {name}[1])", f"{name} -> add")
            return [*collected, use], t
        if form == 6 and t.s:
            lines, _ = self.statements(t, 0, [])
            return [f"{label}residual(shortcut = {{ {self.keep(t, 1)} }}) {{", f"  {self.keep(t, 1)}", "}" + after], t
        if form == 7:
            first, second = self.keep(t, 1), self.keep(t, 1)
            return [f"{label}parallel(add) {{", f"  | {first}", f"  | {self.fresh('b')}: {second}", "}" + after], t
        lines, new = self.statements(t, depth - 1, [])
        return [f"{label}seq {{", *indented(lines), "}" + after], new

    def _braced(self, head: str, t: Type, depth: int, after: str) -> tuple[list[str], Type]:
        """A loop keeps the type."""
        lines = [self.keep(t, depth - 1) for _ in range(self.random.randint(1, 2))]
        return [f"{head} {{", *indented(lines), "}" + after], t

    def _table_loop(self, t: Type, label: str) -> tuple[list[str], Type]:
        table = ["table {", "  c  k  act", f"  4  1  {self.pick('relu', 'leaky_relu(0.2)')}", "  -2 3  gelu", "}"]
        head = f"{label}for {' '.join(table[:1])}"
        block = f"conv(abs(c) * {self.integer(1)}, k) -> act" if t.s else "linear(abs(c)) -> act"
        return [head, *table[1:-1], "} {", f"  {block}", "}"], Type(2, t.s)

    # The file

    def program(self) -> str:
        parts: list[list[str]] = []
        if self.chance(0.5):
            value = self.random.choice([2, 4, 8])
            self.constants["WIDTH" if self.chance(0.3) else "width"] = value
            name = next(iter(self.constants))
            parts.append([f"let {name} = {value}"])
        for _ in range(self.random.randint(0, 3)):
            parts.append(self.block())
        parts += self.network()
        uses: dict[str, list[str]] = {}
        for name in sorted(self.uses):
            uses.setdefault(LIBRARY[name], []).append(name)
        if self.chance(self.wild):
            uses.setdefault(self.pick("std.cnn", "std.nothing", "std.resnet"), []).append("nothing")
        head = [f"use {module} ({', '.join(names)})" for module, names in uses.items()]
        body = [line for part in parts for line in ["", *part]]
        return "\n".join(["arch 1", *head, *body]) + "\n"

    def block(self) -> list[str]:
        """A block definition; later calls may use it."""
        form, name, t = self.random.randrange(7), self.fresh("block"), Type(4, 8)
        doc = ["## A block."] if self.chance(0.3) else []
        if form == 0:
            self.makers.append(name)
            return [*doc, f"block {name}(c, k = 3, act: block = relu) = conv(c, k) -> batch_norm -> act"]
        if form == 1:
            self.makers.append(name)
            return [f"block {name}(c: int, stride: int = 1) {{", "  conv(c, 3, stride = stride)", "} -> relu"]
        if form == 2:
            self.keepers.append(f"{name} {{ {self.keep(t, 0)} }}")
            return [f"block {name}(inner: block) = residual {{ inner }} -> relu"]
        if form == 3:
            self.keepers.append(f"{name} {{ | relu | tanh }}")
            return [f"block {name}(parts: [block]) = parallel(add, parts)"]
        if form == 4:
            self.keepers.append(f"{name}(relu, gate = {{ conv(in.c, 1) }})")
            return [
                *doc, f"block {name}(f: block, gate: block) {{", "  let t = in -> gate -> sigmoid",
                "  (in -> f) * t + in * (1 - t)", "}",
            ]  # fmt: skip
        if form == 5:
            self.keepers.append(f"{name}([3, 1])")
            return [f"block {name}(ks: list) {{", "  for k in ks { conv(in.c, k, bias = false) }", "}"]
        self.keepers.append(name)
        return [f"with conv(bias = false) block {name} {{", "  conv(in.c, 3) -> batch_norm", "  relu", "}"]

    def rules(self, deep: int = 2) -> str:
        """Rules for names that keep different names different."""
        forms = [
            '"{a}" -> "m{a}"',
            '"{a}.{b}" -> "{b}.{a}"',
            '"{a}" -> "x.{a if chans > 0 else chans}"',
            '"conv" -> "conv_"',
        ]
        forms += [
            '"{a}.bias" -> unsqueeze("{a}.bias", [0])',
            '"" -> "net"',
            '"conv_{k}.weight" -> transpose("w{k}")',
            "",
        ]
        if deep:
            forms.append(f'"{self.pick("{a}", "b", "")}" -> "{self.pick("p", "q.r")}" {{ {self.rules(deep - 1)} }}')
        return self.wrong(self.random.choice(forms))

    def network(self) -> list[list[str]]:
        c, s = self.random.choice([1, 3, 4, 8]), self.random.choice([8, 16, 12])
        self.constants["chans"] = c
        names: Names = [("x", Type(c, s))]
        batch = self.pick("N", "N", "N = 2", "1")
        lines, t = self.statements(Type(c, s), 3, names)
        if batch == "1":
            lines = [line.replace(":: [N,", ":: [_,") for line in lines]
        if t.s and self.chance(0.5):
            lines += [
                self.pick("global_avg_pool -> flatten", "flatten", "adaptive_avg_pool(1) -> flatten"),
                "linear(5)",
            ]
        lines += self._outputs(names, lines[-1:] == ["linear(5)"])
        claims = [self.pick("budget { params <= 1_000M; nodes >= 0 }", "expect buffers >= 0", "budget { macs <= 1T }")]
        head = f"network Net(chans = {c})"
        network = [f"{head} {{", f"  input x: f32[{batch}, chans, {s}, {s}]{self._preprocess(c)}", *indented(lines)]
        network += indented(claims) if self.chance(0.3) else []
        network += [f"  weights {self.pick('timm', 'a1')} {{ {self.rules()} }}"] if self.chance(0.3) else []
        parts = [[*network, "}"]]
        if self.chance(0.4):
            parts.append([f"variant small = Net({self.pick('', f'chans = {c}', f'{c}')})"])
        if self.chance(0.2):
            parts.append(
                [f"variant other = Net() {{ expect params {self.pick('>= 0', '!= 1')}; budget {{ depth <= 1K }} }}"]
            )
        return parts

    def _preprocess(self, channels: int) -> str:
        if channels not in (1, 3) or self.chance(0.5):
            return ""
        given = self.pick(
            "", "crop_pct = 0.875", "resize = 20, interpolation = bicubic", "resize = [30, 40], mean = 0.5"
        )
        return f" with preprocess({given})"

    def _outputs(self, names: Names, classes: bool) -> list[str]:
        form = self.random.randrange(5)
        if form == 0 and classes and self.chance(0.5):
            labels = self.pick('["a", "b", "c", "d", "e"]', '["x"] * 5')
            return [f"output logits with labels({labels})"]
        if form == 0:
            return ["output logits"]
        if form == 1:
            return [f"output tap = {self.random.choice(names)[0]}"]
        if form == 2:
            return ["train output aux = x -> global_avg_pool", "output result"]
        return []


def indented(lines: list[str]) -> list[str]:
    return ["  " + line for line in lines]


def program(random: Random, wild: float = 0.0) -> str:
    """One program."""
    return Writer(random, wild).program()
