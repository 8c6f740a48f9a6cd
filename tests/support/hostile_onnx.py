"""ONNX files that mean harm: cut, changed and built ones, each a function of (seed, number).

    python tests/support/hostile_onnx.py FOLDER     # reads each file there, and prints a line of JSON for it

Bytes are written here, not by the package ``onnx``: that writes no cycles of lengths, and nests no thousand graphs.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from onnx_bytes import field, file, integers, node, port, simple, tensor

SECONDS, MEGABYTES = 2.0, 500
"""Of processors, and above what the process takes before the first file."""


# Files that are right, for the mutations


def cnn(draw: random.Random) -> bytes:
    """A small network with weights, a branch and a shape that is computed."""
    weights = field(5, tensor("w", [4, 3, 3, 3], 1, bytes(432))) + field(5, tensor("b", [4], 1, bytes(16)))
    nodes = node("Conv", ["x", "w", "b"], ["a"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]) + node("Relu", ["a"], ["r"])
    nodes += node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]) + node("Shape", ["m"], ["s"])
    nodes += node("Gather", ["s", "zero"], ["n"], axis=0) + node("Concat", ["n", "rest"], ["to"], axis=0)
    nodes += node("Reshape", ["m", "to"], ["f"]) + node("MatMul", ["f", "fc"], ["y"])
    more = weights + integers("zero", [0]) + integers("rest", [-1]) + field(5, tensor("fc", [64, 5], 1, bytes(1280)))
    return simple(nodes, more)


def branches(draw: random.Random) -> bytes:
    """An ``If`` of what is known, and a function."""
    then = node("Relu", ["x"], ["t"]) + port(12, "t", None)
    other = node("Neg", ["x"], ["e"]) + port(12, "e", None)
    body = b"".join([field(1, "own"), field(10, "own")])
    called = field(25, field(1, "f") + field(4, "a") + field(5, "b") + field(7, node("Relu", ["a"], ["b"])[2:])
                   + field(9, field(2, 17)) + body[:0] + field(10, "own"))  # fmt: skip
    known = field(5, tensor("c", [], 9, b"\1"))
    nodes = node("If", ["c"], ["i"], then_branch=then, else_branch=other) + node("f", ["i"], ["y"], "own")
    return file(nodes + field(2, "net") + known + port(11, "x", [2, 3]) + port(12, "y", None), called)


RIGHT = (cnn, cnn, branches)


# What is done to them


def cut(draw: random.Random) -> bytes:
    """The beginning of a file."""
    data = draw.choice(RIGHT)(draw)
    return data[: draw.randrange(len(data))]


def flipped(draw: random.Random) -> bytes:
    """Some bytes changed, mostly not those of weights."""
    data = bytearray(draw.choice(RIGHT)(draw))
    filled = [i for i, one in enumerate(data) if one]
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        data[draw.choice(filled)] = draw.choice((0, 1, 2, 127, 128, 255, draw.randrange(256)))
    return bytes(data)


def spliced(draw: random.Random) -> bytes:
    """A piece left out, doubled, or moved."""
    data = draw.choice(RIGHT)(draw)
    a, b = sorted(draw.randrange(len(data)) for _ in range(2))
    at = draw.randrange(len(data))
    return draw.choice((data[:a] + data[b:], data[:b] + data[a:], data[:at] + data[a:b] + data[at:]))


def noise(draw: random.Random) -> bytes:
    """No protobuf."""
    words = (b"", b"arch 1\n", b"PK\3\4", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    return draw.choice((*words, draw.randbytes(draw.randrange(1, 5000)), b"\x08" * 5000, b"\xff" * 100_000))


def claimed(draw: random.Random) -> bytes:
    """Lengths of gigabytes."""
    size = draw.choice((2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1, 2**64 - 1))
    inner = draw.choice((
        field(7, field(1, field(4, "Relu", size))), field(7, b"", size),
        field(7, field(5, tensor("w", [2], 1, more=field(9, b"\0", size)))), field(7, field(11, field(1, "x", size))),
    ))  # fmt: skip
    return field(1, 8) + field(8, field(2, 17)) + inner


def cyclic(draw: random.Random) -> bytes:
    """A value that depends on itself."""
    count = draw.choice((1, 2, 50))
    names = [f"v{i}" for i in range(count)]
    nodes = b"".join(node("Add", ["x", names[i - 1]], [names[i]]) for i in range(count))
    return simple(nodes, last=names[-1])


def doubled(draw: random.Random) -> bytes:
    """Names that are taken."""
    relu = node("Relu", ["x"], ["y"])
    return draw.choice((
        simple(relu + relu), simple(relu, port(11, "x", [2])), simple(relu, port(12, "y", None)),
        simple(relu, integers("y", [1])), simple(relu, integers("a", [1]) + integers("a", [2])),
        simple(node("Split", ["x"], ["y", "y"], axis=1, num_outputs=2)), simple(node("Relu", ["x"], ["x"]), last="x"),
    ))  # fmt: skip


def wordy(draw: random.Random) -> bytes:
    """Names of megabytes, of nothing, and of what steers a terminal."""
    name = draw.choice(
        ("n" * 3_000_000, "\x1b[2J\x1b]0;t\x07", "\u202e\u2066", "a\0b", "\n" * 1000, "..", "/", "{" * 99)
    )
    return draw.choice((
        simple(node("Relu", ["x"], [name]), last=name), simple(node(name, ["x"], ["y"])), simple(node("Relu", ["x"], ["y"]),
        sizes=[name, 3]), simple(node("Relu", ["x"], ["y"], name)), simple(node("Relu", [name], ["y"])),
        simple(node("Elu", ["x"], ["y"], **{name: 1.0})), simple(node("Relu", ["x"], ["y"]) + field(1, field(3, name) + field(4, "Neg"))),
    ))  # fmt: skip


def outside(draw: random.Random) -> bytes:
    """Weights in files that are none of the model's."""
    where = draw.choice((
        "../../../../../../etc/passwd", "/etc/passwd", "..", ".", "", "/dev/zero", "/proc/self/mem", "a\0b", "link",
        "//etc/hostname", "C:\\x", "~/x", "w.bin/../../x", "x" * 5000,
    ))  # fmt: skip
    pairs = {
        "location": where,
        "offset": draw.choice(("0", "-1", str(2**62), "x")),
        "length": draw.choice(("16", "-5", str(2**40))),
    }
    told = b"".join(field(13, field(1, key) + field(2, value)) for key, value in pairs.items()) + field(14, 1)
    read = draw.choice(("MatMul", "Reshape"))
    kept = tensor("w", [8, 4] if read == "MatMul" else [2], 1 if read == "MatMul" else 7, more=told)
    return simple(node(read, ["x", "w"], ["y"]), field(5, kept))


def nested(draw: random.Random) -> bytes:
    """Branches within branches."""
    graph = node("Relu", ["x"], ["r"]) + port(12, "r", None)
    for _ in range(draw.choice((3, 30, 300, 3000))):
        graph = node(
            "If", ["c"], ["r"], then_branch=graph, else_branch=node("Neg", ["x"], ["r"]) + port(12, "r", None)
        ) + port(12, "r", None)
    return simple(node("If", ["c"], ["y"], then_branch=graph, else_branch=graph), field(5, tensor("c", [], 9, b"\1")))


def functions(draw: random.Random) -> bytes:
    """Functions that call one another twice each, or themselves."""
    depth, parts = draw.choice((5, 25, 60)), []
    loops = draw.random() < 0.3
    for i in range(depth):
        called = f"f{i - 1}" if i else "f0" if loops else "Relu"
        domain = "own" if i or loops else ""
        inner = node(called, ["a"], ["t"], domain) + node(called, ["t"], ["b"], domain)
        nodes = b"".join(field(7, one) for one in parts_of(inner))
        parts.append(
            field(
                25,
                field(1, f"f{i}") + field(4, "a") + field(5, "b") + nodes + field(9, field(2, 17)) + field(10, "own"),
            )
        )
    graph = node(f"f{depth - 1}", ["x"], ["y"], "own") + field(2, "net") + port(11, "x", [2, 3]) + port(12, "y", None)
    return file(graph, b"".join(parts))


def parts_of(nodes: bytes) -> Iterator[bytes]:
    """The messages of fields one behind the other (shorter than 16,384 bytes)."""
    while nodes:
        size, at = nodes[1], 2
        if size > 127:
            size, at = size & 127 | nodes[2] << 7, 3
        yield nodes[at : at + size]
        nodes = nodes[at + size :]


def lying(draw: random.Random) -> bytes:
    """Sizes that are not those of the data, negative, or beyond everything."""
    sizes = draw.choice(([2**62, 2**62], [-1, 4], [0, 4], [3] * 200, [2**31, 1], [8, 5]))
    kept = tensor("w", sizes, draw.choice((1, 7, 99, 0, 8)), draw.choice((b"", bytes(7), bytes(160))))
    asked = draw.choice((["N", 8], [-5, 8], [2**62, 8], [2] * 500, [0, 8], ["N"] * 30))
    return simple(node("MatMul", ["x", "w"], ["y"]) + field(13, port(11, "y", [1, 2, 3])[2:]), field(5, kept), asked)


def arguments(draw: random.Random) -> bytes:
    """Attributes beyond sense."""
    big = draw.choice((0, -1, 2**31, 2**62, -(2**63)))
    weight = field(5, tensor("w", [4, 3, 3, 3], 1, bytes(432)))
    made = draw.choice((
        node("Conv", ["x", "w"], ["y"], strides=[big, 1]), node("Conv", ["x", "w"], ["y"], pads=[big] * 4),
        node("Conv", ["x", "w"], ["y"], group=big), node("Conv", ["x", "w"], ["y"], dilations=[big, big]),
        node("Conv", ["x", "w"], ["y"], kernel_shape="three"), node("Conv", ["x"], ["y"]), node("Conv", [], ["y"]),
        node("MaxPool", ["x"], ["y"], kernel_shape=[big, 2]), node("MaxPool", ["x"], ["y"]),
        node("Transpose", ["x"], ["y"], perm=[0, 0, big, 9]), node("Softmax", ["x"], ["y"], axis=big),
        node("Concat", ["x"] * 2000, ["y"], axis=big), node("Split", ["x"], [f"y{i}" for i in range(5000)], axis=1),
        node("Flatten", ["x"], ["y"], axis=big), node("LSTM", ["x", "w", "w"], ["y"], hidden_size=big),
        node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"]), node("Gemm", ["x", "x", "x"], ["y"], alpha=float("nan")),
        node("Einsum", ["x", "x"], ["y"], equation=draw.choice(("", "ij,jk", "...i,...", "abcd,abcd->" + "z" * 500))),
        node("Resize", ["x", "", "w"], ["y"]), node("If", ["x"], ["y"]), node("Loop", ["", "", "x"], ["y"]),
        node("Reshape", ["x", "w"], ["y"]), node("Cast", ["x"], ["y"], to=big), node("Constant", [], ["y"], value_int=big),
        node("DequantizeLinear", ["x", "w"], ["y"]), node("TopK", ["x", "w"], ["y", "z"]), node("Relu", ["x", "x", "x"], ["y"]),
    ))  # fmt: skip
    return simple(made, weight)


def growing(draw: random.Random) -> bytes:
    """Arithmetic of sizes whose results double in each step, in value or in length."""
    count = draw.choice((10, 40, 200))
    step: Callable[[str, str], bytes] = draw.choice((
        lambda a, b: node("Mul", [a, a], [b]), lambda a, b: node("Concat", [a, a], [b], axis=0),
        lambda a, b: node("Add", [a, a], [b]), lambda a, b: node("Expand", [a, a], [b]),
        lambda a, b: node("Tile", [a, a], [b]), lambda a, b: node("Mul", [a, "k"], [b]),
        lambda a, b: node("Pad", [a, "kk"], [b]), lambda a, b: node("Pow", [a, a], [b]),
    ))  # fmt: skip
    begin = node("Shape", ["x"], ["v0"]) if draw.random() < 0.5 else node("Identity", ["k"], ["v0"])
    nodes = begin + b"".join(step(f"v{i}", f"v{i + 1}") for i in range(count))
    nodes += draw.choice((node("Reshape", ["x", f"v{count}"], ["y"]), node("ConstantOfShape", [f"v{count}"], ["y"])))
    return simple(
        nodes,
        integers("k", [4, 4, 4, 4]) + integers("kk", [2**40] * 2),
        draw.choice((("N", "M", "K", "L"), (2, 3, 4, 5))),
    )


def filling(draw: random.Random) -> bytes:
    """Tensors that are asked for in one line."""
    size = draw.choice((10**5, 10**9, 2**40, 2**62, -3))
    return simple(draw.choice((
        node("ConstantOfShape", ["s"], ["c"]) + node("Add", ["x", "c"], ["y"]),
        node("Range", ["zero", "end", "one"], ["c"]) + node("Cast", ["c"], ["f"], to=1) + node("Add", ["x", "f"], ["y"]),
        node("Expand", ["one", "s"], ["c"]) + node("NonZero", ["c"], ["y"]),
        node("OneHot", ["one", "end", "ends"], ["y"]), node("Tile", ["x", "s4"], ["y"]), node("Pad", ["x", "s8"], ["y"]),
        node("Slice", ["x", "s", "s", "s", "zeros"], ["y"]), node("EyeLike", ["x"], ["y"]),
    )), field(5, tensor("end", [], 7, struct.pack("<q", size))) + field(5, tensor("zero", [], 7, bytes(8)))
        + field(5, tensor("one", [], 7, struct.pack("<q", 1))) + integers("s", [size]) + integers("s4", [size] * 4)
        + integers("s8", [size] * 8) + integers("ends", [0, 1]) + integers("zeros", [0]))  # fmt: skip


def long(draw: random.Random) -> bytes:
    """Thousands of nodes, inputs or initialisers."""
    count = draw.choice((1000, 4000))
    chain = b"".join(node("Relu", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(count))
    return draw.choice((
        simple(chain, last=f"v{count}"), simple(node("Relu", ["x"], ["y"]), b"".join(port(11, f"i{i}", [i]) for i in range(1000))),
        simple(node("Sum", ["x"] * count, ["y"])), simple(node("Relu", ["x"], ["y"]), b"".join(integers(f"k{i}", [i]) for i in range(count))),
    ))  # fmt: skip


def versions(draw: random.Random) -> bytes:
    """Operator sets that there are not, or none at all."""
    body = node("Relu", ["x"], ["y"]) + field(2, "net") + port(11, "x", [2]) + port(12, "y", None)
    opset = draw.choice((0, -1, 1, 6, 999, 2**62))
    return draw.choice(
        (file(body, opset=opset), file(body, version=2**40), field(7, body), field(7, body) * 2, field(7, b""))
    )


MAKERS = (
    cut, cut, flipped, flipped, flipped, flipped, spliced, spliced, noise, claimed, cyclic, doubled, wordy, outside, nested,
    functions, lying, arguments, arguments, growing, growing, filling, long, versions,
)  # fmt: skip


def hostile(number: int, seed: int = 0) -> tuple[str, bytes]:
    """What one file is, and its bytes."""
    draw = random.Random(f"{seed}/{number}")
    make = MAKERS[number % len(MAKERS)]
    return make.__name__, make(draw)


def written(folder: Path, numbers: Sequence[int], seed: int = 0) -> None:
    """The files, in a folder with a link that leads out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link").symlink_to("/etc/passwd")
    for number in numbers:
        what, data = hostile(number, seed)
        (folder / f"{number:05}_{what}.onnx").write_bytes(data)


# Reading them


class TooLongError(BaseException):
    """No exception that anything catches."""


def _stop(signal: int, frame: object) -> None:
    raise TooLongError


def peak() -> float:
    """The most memory that the process had since this was set back, in megabytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(folder: Path) -> None:
    """Read each file, under an eye on what is opened; a line of JSON for each."""
    import archdsl
    from archdsl.diagnostics import DiagnosticError

    opened: list[str] = []
    own = tuple(str(Path(one).resolve()) for one in {*sys.path, sys.prefix, sys.base_prefix, "/usr/lib"} if one)
    sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
    signal.signal(signal.SIGPROF, _stop)
    str(archdsl.load("arch 1\nnetwork Net() {\n  input x: f32[N, 2]\n  linear(3)\n}\n").graph())
    (folder / "right").mkdir()
    (folder / "right" / "cnn.onnx").write_bytes(cnn(random.Random(0)))
    str(archdsl.cost(folder / "right" / "cnn.onnx"))
    before = peak()
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # other work on the machine goes on
    for path in sorted(folder.glob("*.onnx")):
        Path("/proc/self/clear_refs").write_text("5")  # the peak is that of this file
        opened.clear()
        start, outcome = time.process_time(), ""
        signal.setitimer(signal.ITIMER_PROF, 3 * SECONDS)
        try:
            outcome = "partial" if "partial" in str(archdsl.cost(path)) else "counted"
        except DiagnosticError as error:
            outcome = error.diagnostics[0].code
            outcome = outcome if str(error) else "silent"
        except TooLongError:
            outcome = "too long"
        except BaseException as error:  # this is what is looked for
            outcome = f"{type(error).__name__}: {error}"[:200]
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        taken, seen = time.process_time() - start, [*opened]
        strange = [one for one in seen if not str(Path(one).resolve()).startswith((str(folder.resolve()), *own))]
        above = peak() - before
        print(json.dumps([path.name, outcome, round(taken, 3), round(above), strange]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
