"""What ``attack_inputs`` and ``attack_documents`` put into texts and documents."""

from __future__ import annotations

EDGES = (
    "0", "-1", "1", "2", "3", "7", "2 ** 31 - 1", "2 ** 31", "2 ** 63 - 1", "2 ** 63", "-2 ** 63", "10 ** 40", "0.0",
    "-0.0", "0.5", "1.0", "1e-400", "1e308", "-1e308", "5e-324", "none", "true", "false", '""', '"x"', "[]", "[[]]",
    "[0]", "[1, 1]", "[1, -1]", "[2, 3, 4]", "[1, 1, 1, 1, 1]", "[10 ** 12]", "[0.5]", "[none]", "same", "valid",
    "same_upper", "f16", "bool", "i64", "c", "h", "N", "relu", "{ }", "{ relu }", "x0", "(x0, x0)", "in", "concat",
    "-2", "-100", "16", "1e400", "3.5M", "4 GiB", "1 / 3", "table { a\n1 }", "range(3)", "[i for i in range(9)]",
)  # fmt: skip
NAMES = (
    "relu", "conv", "add", "input", "output", "state", "table", "next", "in", "weights", "Net", "v", "x", "x0", "c",
    "h", "w", "t", "f", "N", "H", "none", "same", "f32", "seq", "parallel", "residual", "dense", "repeat", "let",
    "block", "if", "zoo", "std", "split", "range", "len", "max", "pi", "step", "out", "__class__", "__init__",
    "self", "None", "True", "import", "lambda", "print", "torch", "forward", "nan", "inf", "e1", "_", "__",
    "a" * 300, "A", "network", "variant", "con", "nul", "weight", "bias", "training", "F", "math",
)  # fmt: skip
CHARACTERS = (
    "\0", "\x07", "\x1b[31m", "\x7f", "\x85", "\xa0", "\u200b", "\u202e", "\u2028", "\u2029", "\ufeff", "\ufffd",
    "\ufdd0", "\U0001f600", "\U0010ffff", "é", "e\u0301", "ﬁ", "Ⅷ", "٣", "²", "½", "×", "→", "“", "≤", "−", "\t",
    "\v", "\f", "\r", "\\", "\\n", '"', "'", "`", "$", "%", "{", "}", "{{", "{0}", "%s", "&lt;", "<b>", "|",
    "::error::", "#",
)  # fmt: skip
SIZES = (
    "0", "1", "2", "3", "-1", "1.5", "10 ** 6", "2 ** 31", "2 ** 62", "2 ** 63", "N", "N = 0", "N = 1",
    "N = 2 ** 40", "H", "H = 7", "H = -3", "2 * H", "H * W", "H + W", "16 * H = 224", "16 * H = 225", "H - 1",
    "H // 2", "H ** 2", "p", "3 * p", "c", "in", "x", "…", "_", "none", "true", "[1]", "0 * H", "H + 0", "H = H",
    "N * 1", "(H + 1) * 3 = 9", "H % 2", "1 / 2",
)  # fmt: skip
BOUNDS = (*EDGES[:22], "1e999", "-1e999", "nan", "inf", "0 / 0", "1 // 0", "10 ** 400", "2.5 GiB", "-3 KiB", "1_000",
    "p", "N", "1e-5",
          "x0", "[3]", '"3"', "relu", "H * W", "10 ** 4000", "10 ** 5000", "1 / 10 ** 300", "H", "in.h")  # fmt: skip
QUANTITIES = ("params", "buffers", "weights", "macs", "flops", "activations", "peak_activations", "traffic", "depth",
    "nodes",
              "receptive_field", "stride", "intensity", "latency", "x0")  # fmt: skip
DEEP: tuple[tuple[str, str, str], ...] = (
    ("(", "relu", ")"), ("{ ", "relu", " }"), ("residual { ", "relu", " }"), ("parallel(add) { | relu | ", "relu",
    " }"), ("let a = [", "1", "]"), ("let a = (", "1", ")"), ("let a = -", "1", ""), ("let a = 1 + (", "1", ")"),
    ("if true { ", "relu", " }"), ("repeat 1 { ", "relu", " }"), ("seq { ", "relu", " }"), ("frozen ", "relu", ""),
    ("q: seq { ", "relu", " }"), ("with conv(bias = false) { ", "relu", " }"), ("let a = not ", "true", ""),
    ("let a = 1 if true else ", "1", ""), ("let a = 2 ** ", "1", ""), ("dense(1) { ", "relu", " }"), ("relu -> ",
    "relu", ""), ('let a = "{', "1", '}"'), ("for i in [", "1", "] { relu }"), ("share q = { ", "relu", " }"),
    ("let a = abs(", "1", ")"), ("let a = in + (", "in", ")"), ("let a = [i for i in ", "[1]", "]"),
    ("parallel({ in[0] }) { | ", "relu", " }"), ("let a = x0.", "shape", ""), ("let a = x0", "", "[0]"), ("relu", "",
    "()"), ("let a = 1 < ", "2", ""),
)  # fmt: skip
DOUBLING = (
    ("let a0 = [1]", "let a{j} = [*a{i}, *a{i}]"), ("let a0 = [1]", "let a{j} = a{i} + a{i}"), ("let a0 = 2",
    "let a{j} = a{i} * a{i}"), ("let a0 = [1]", "let a{j} = [a{i}, a{i}]"), ('let a0 = "x"',
    'let a{j} = "{{a{i}}}{{a{i}}}"'), ("let a0 = relu", "let a{j} = a{i} -> a{i}"), ("let a0 = 1",
    "let a{j} = [a{i} for q in range(2 ** {i})]"), ("let a0 = x0", "let a{j} = concat(a{i}, a{i})"), ("let a0 = x0",
    "let a{j} = a{i} + a{i}"), ("let a0 = (x0, x0)", "let a{j} = (a{i}, a{i})"), ("let a0 = 2",
    "let a{j} = 2 ** a{i}"), ("let a0 = 2.0", "let a{j} = a{i} ** 2"), ("a0: conv(1, 1)", "a{j}: conv(2 ** {j}, 1)"),
    ("a0: resize(scale = 2)", "a{j}: resize(scale = 2)"), ("a0: relu", "a{j}: reshape([1, a{i}.h * 2, -1])"),
    ("let a0 = [1]", "let a{j} = range(10 ** {j})"), ("let a0 = relu", "let a{j} = {{ a{i}; a{i} }}"),
    ("let a0 = x0.h", "let a{j} = a{i} * (a{i} + 1)"), ("let a0 = x0.h", "let a{j} = (a{i} + 1) // 2 + a{i}"),
    ("a0: tile([1, 1, 2, 1])", "a{j}: tile([1, 1, 2, 1])"), ("a0: pad_axes([0, 0, 1, 0])",
    "a{j}: pad_axes([0, 0, 3 ** {j}, 0])"), ("let a0 = [[1]]", "let a{j} = zip(a{i}, a{i})"), ("a0: stack(x0, x0)",
    "a{j}: stack(a{i}, a{i})"), ("let a0 = 1", "repeat 2 ** {j} {{ relu }}"),
)  # fmt: skip
PATHS = ("other.arch", "./other.arch", "../x.arch", "/etc/passwd", "case.arch", "", ".", "other", "OTHER.arch",
    "o\\ther.arch", "nul", "other.arch\\0",
             "https://a/b.arch", "~/a.arch", "other.json", "*" * 9, "a/" * 200 + "b.arch", "{1}.arch",
    "é.arch")  # fmt: skip
HOMES = ("std.cnn", "std.resnet", "std", "zoo", "zoo.resnet", "zoo.lenet5", "zoo.nope", "std.nope", "std.cnn.x",
    "std..cnn", "zoo.vgg", "zoo.unet", "pkg.x")  # fmt: skip
IMPORTED = ("conv_bn", "conv_relu", "Net", "f", "g", "relu", "nope", "*", "conv_bn as f", "f as conv", "LeNet5",
    "ResNet", "", "v")  # fmt: skip
BESIDE = (
        "arch 1\nblock f(c = 3) = conv(c, 3)\nblock g(b: block) = b\nlet v = 3",
    "arch 1\nuse \"case.arch\" (Net, f)\nblock g(b) = f", "arch 2\nblock f() = relu", "",
        "block f", "arch 1\nuse \"other.arch\" (f)\nlet v = f", "arch 1\nblock f(c = 3) = conv(c, 0)\nlet v = 1 / 0",
    "\x00\xff", "{}", "arch 1\nblock f() = f",
        "arch 1\nlet v = [1]\nblock f = { x: relu; y: relu; x }",
    "arch 1\nnetwork f() { input x: f32[N, 8, 8, 8]; relu }",
)  # fmt: skip
LEFTS = ("a", "b", "", "a.weight", "{i}", "{i}.{i}", "layer.{i}", "a{i}", "{a}{b}", "**", "*", "a.", ".a", "a..b",
    "{", "}", "{}", "{1}", "{i + 1}", "b.conv_{k}", "é", "{N}", "{p}", "{if}",
             "x" * 500, "a.b.c.d.e", "layer.{i}.{j}", "{i:03d}", "{i!r}")  # fmt: skip
RIGHTS = ('"x"', '""', '"{i}"', '"{i // 0}"', '"{i ** 9999}"', '"x{i}y{j}"', '["a", "b"][i]', '["a"][9]', 'i', '3',
    'none', 'unsqueeze("x", [2, 3])', 'squeeze("x", 0)', 'reshape("x", [1])',
              'flatten("x")', 'transpose("x")', 'permute("x", [0])', 'permute("x", [3, 2, 1, 0])', 'relu("x")',
    'unsqueeze("x", [99])', '("x" if i == 0 else "y")', '"{nope}"', 'x0', 'reshape("x", [10 ** 20])',
              '"{i * 10 ** 3000}"', 'transpose(transpose("x"))', '"a.{i % 2}"', 'flatten("")', "table { a\n1 }",
    '[1]', '"\x1b[0m"')  # fmt: skip
SETTINGS = ("p = {i}", "q = -{i}", "p = 10 ** {i}", "b = tanh", "b = conv(4, 3)", "s = []", "s = [{i}] * 9",
    "f = {i}", "t = 3", "zz = 1", "p = p", "f = none", "{i}", "{i}, {i}", "b = {{ relu }}", "v0")  # fmt: skip
BODIES = ("repeat p { relu }", "conv(p, q)", "b", "for i in s { conv(i, 1) }", "dropout(f)", "let w = t\nb -> b",
    "if p > 3 { relu } else { tanh }", "repeat p * p { conv(q, 1) }")  # fmt: skip
JSON = (None, True, False, -1, 0, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "x",
    "N", "H * W", "H // 0", "(" * 50 + "H" + ")" * 50, "H ** 64",
        [], {}, [[]], [None], {"a": 1}, ["x", 1], "\ud800", "\x00", "\x1b[31m", "f32", "conv", "x" * 3000,
    [1] * 3000, "H = 3", "9" * 400, "N + 10 ** 9", "__class__", "../x", [-1, -1], {"op": "relu"})  # fmt: skip
PUT_IN = ("", "{", "]", ",", '"', "\\", "\0", "1e", "&a ", "*a", "!!python/object:os.system ", "<<: ", "\n", "---\n",
    "\t")  # fmt: skip
NO_DOCUMENTS = ("[" * 50_000, "{\"a\":" * 20_000, "", "null", "3", "a: &a [*a]", "a: &a [1,1]\nb: [*a,*a,*a]" * 30,
    "1" * 100_000, "\ufeff{}")  # fmt: skip
