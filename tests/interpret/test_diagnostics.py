"""What is told when a spec is wrong: the code, the exact place, and the words that help.

In the texts «…» marks what a diagnostic must point at. A text is the body of a network with the input
``x: f32[N, 8, 8, 8]``; what stands above ``---`` are definitions before it. Every text has exactly the faults that are
marked: no fault is told twice, and nothing is told that merely follows from another.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from outcome import outcome, show
from paths import ROOT

from archdsl.diagnostics import Diagnostic
from archdsl.report.text import render
from archdsl.tape.limits import DEFAULT


class Told(NamedTuple):
    """A diagnostic that must come: its code, words of its message, and words anywhere in it."""

    code: str
    message: str
    more: tuple[str, ...] = ()


def told(code: str, message: str, *more: str) -> Told:
    return Told(code, message, more)


def program(text: str) -> str:
    """The whole file that a text of the tables stands for."""
    if text.startswith("arch "):
        return text
    above, _, body = text.partition("---\n") if "---\n" in text else ("", "", text)
    indented = "\n".join("  " + line for line in body.strip("\n").split("\n"))
    return f"arch 1\n{above}network Net() {{\n  input x: f32[N, 8, 8, 8]\n{indented}\n}}\n"


def marked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its marks, and the places that they marked."""
    places: list[tuple[int, int]] = []
    open_: list[int] = []
    plain = ""
    for character in text:
        if character == "«":
            open_.append(len(plain))
        elif character == "»":
            places.append((open_.pop(), len(plain)))
        else:
            plain += character
    return plain, sorted(places)


def position(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    return f"{line}:{offset - (text.rfind(chr(10), 0, offset) + 1) + 1}"


def check(text: str, expected: list[Told], diagnostics: list[Diagnostic]) -> None:
    """Exactly the expected diagnostics, in order, at the marked places (line and column of both ends)."""
    plain, places = marked(text)
    shown = show(diagnostics)
    assert [d.code for d in diagnostics] == [t.code for t in expected], shown
    for (start, end), wanted, found in zip(places, expected, diagnostics, strict=True):
        assert found.span is not None, shown
        actual = [position(plain, found.span.start), position(plain, found.span.end)]
        assert actual == [position(plain, start), position(plain, end)], f"marked {found.span.text!r}\n{shown}"
        assert wanted.message in found.message, f"{wanted.message!r} is not in {found.message!r}"
        everything = " ".join([found.note, found.help, *found.notes])
        for words in wanted.more:
            assert words in everything, f"{words!r} is not in {everything!r}"


# One fault each: what people write

WRONG: dict[str, tuple[str, Told]] = {
    # names
    "a misspelt operator": ("«cnov»(8, 3)", told("E0201", "`cnov` is not defined", "did you mean `conv`?")),
    "a misspelt label": ("stem: relu\nconcat(«stm»)", told("E0201", "`stm`", "did you mean `stem`?")),
    "another framework's layer": ("«Conv2d»(8, 3)", told("E0201", "`Conv2d`", "it is called `conv` here")),
    "another framework's join": ("«cat»(x)", told("E0201", "`cat`", "it is called `concat` here")),
    "another framework's activation": ("«ReLU»", told("E0201", "`ReLU`", "did you mean `relu`?")),
    "another framework's module": ("«nn».Conv2d(8, 3)", told("E0201", "`nn`", "without a prefix: `conv(64, 3)`")),
    "the channels that enter": ("«conv(8, 64, 3)»", told("E0206", "not 64", "is known: write `conv(64, 3)`")),
    "the channels that enter, padded": (
        "«conv(8, 95, 3, 1, 2)»", told("E0302", "a window of 189", "is known: write `conv(95, 3)`"),
    ),
    "the features that enter": (
        "global_avg_pool -> flatten -> linear(64, «10»)", told("E0204", "`bias` of `linear`", "known: write `linear(10)`"),
    ),
    "the channels of a norm": ("batch_norm(«64»)", told("E0205", "must be 0 to 1, not 64", "known: write `batch_norm`")),
    "an epsilon that is none": ("batch_norm(«eps = 64»)", told("E0205", "`eps` of `batch_norm` must be 0 to 1")),
    "a function of layers": ("relu(«conv(8, 3)»)", told("E0216", "`relu` takes no", "afterwards: `conv(8, 3) -> relu`")),
    "Python's False": ("conv(8, 3, bias = «False»)", told("E0201", "`False`", "it is called `false` here")),
    "Python's None": ("conv(8, 3, pad = «None»)", told("E0201", "`None`", "it is called `none` here")),
    "a misspelt choice": ("conv(8, 3, pad = «sam»)", told("E0201", "`sam`", "did you mean `same`?")),
    "a misspelt element type": ("cast(«float32»)", told("E0201", "`float32`", "did you mean `f32`?")),
    "a label before it is made": (
        "concat(«late»)\nlate: relu", told("E0201", "`late` is used before it is made", "on line 5: use it after"),
    ),
    "a value before it is made": (
        "conv(«width», 3)\nlet width = 8", told("E0201", "`width` is used before it is made", "on line 5"),
    ),
    "an undeclared symbol": (
        "reshape([N, «M»])", told("E0201", "`M` is not defined", "in its shape: `input x: f32[N, M]`"),
    ),
    "a name in a string": ('"a{«zz»}": relu', told("E0201", "`zz` is not defined")),
    "a variant as a block": (
        "network Other() { input y: f32[N]; relu }\nvariant v = Other()\n---\n«v»",
        told("E0201", "`v` is a variant", "apply its network"),
    ),
    "an unknown kind": (
        "block f(«c: integer») = conv(c, 3)\n---\nf(3)", told("E0201", "no kind of value", "did you mean `int`?"),
    ),
    "an unknown element type": (
        "arch 1\nnetwork Net() { input x: «float[N, 3]»; relu }", told("E0201", "no element type `float`"),
    ),
    # arguments
    "in_channels": ("conv(«in_channels = 3», channels = 8, kernel = 3)", told("E0202", "`in_channels`", "leave it out")),
    "out_channels": ("conv(«out_channels = 8», kernel = 3)", told("E0202", "`out_channels`", "called `channels` here")),
    "filters": ("conv(«filters = 8», kernel = 3)", told("E0202", "`filters`", "it is called `channels` here")),
    "kernel_size": ("conv(8, «kernel_size = 3»)", told("E0202", "`kernel_size`", "it is called `kernel` here")),
    "padding": ("conv(8, 3, «padding = 1»)", told("E0202", "no argument `padding`", "it is called `pad` here")),
    "strides": ("conv(8, 3, «strides = 2»)", told("E0202", "no argument `strides`", "it is called `stride` here")),
    "activation": ("conv(8, 3, «activation = relu»)", told("E0202", "`activation`", "afterwards: `conv(…) -> relu`")),
    "inplace": ("relu -> dropout(«inplace = true»)", told("E0202", "`inplace`", "leave it out")),
    "a misspelt argument": ("conv(8, 3, «strid = 2»)", told("E0202", "`strid`", "did you mean `stride`?")),
    "an argument of nothing": ("relu(«speed = 2»)", told("E0202", "`speed`", "it takes none")),
    "a forgotten argument": ("«max_pool»", told("E0203", "`max_pool` needs the argument `kernel`", "`max_pool(kernel)`")),
    "forgotten arguments": ("«conv()»", told("E0203", "`conv` needs the argument", "write `conv(channels, kernel)`")),
    "a forgotten join": ("«parallel» { | relu | tanh }", told("E0203", "the argument `join`", "`parallel(concat) { | … | … }`")),
    "a forgotten body": ("«residual»", told("E0203", "`residual` needs a body", "write `residual { … }`")),
    "forgotten branches": ("«parallel(concat)»", told("E0203", "`parallel` needs a body", "{ | … | … }`")),
    "too many for none": ("relu(«3»)", told("E0216", "`relu` takes no arguments")),
    "one too many": ("batch_norm(1e-3, 0.1, true, true, c, «5»)", told("E0216", "at most 5 arguments", "`eps`, `momentum`")),
    "twice the same": ("conv(8, 3, «kernel = 5»)", told("E0216", "`kernel` is given twice")),
    "a body for an operator": ("«conv(8, 3)» { relu }", told("E0216", "`conv` takes no body", "`a -> b`")),
    "a body for a block without": (
        "block f { relu }\n---\n«f» { tanh }", told("E0216", "`f` takes no body", "declared `: block`"),
    ),
    # values
    "a string for a number": ('conv(«"8"», 3)', told("E0204", '`channels` of `conv` must be an integer, not the string "8"')),
    "a string for a list": ('conv(8, «"3x3"»)', told("E0204", "`kernel` of `conv`", )),
    "a float for channels": ("conv(«8 * 0.75», 3)", told("E0204", "not the number 6.0", "`divisible(x, 8)`")),
    "a block for a number": ("conv(«relu», 3)", told("E0204", "`channels` of `conv` must be an integer, not a block")),
    "a number for a flag": ("conv(8, 3, «bias = 1»)", told("E0204", "must be `true` or `false`, not the number 1")),
    "a string for a block": (
        'block f(act: block) = act\n---\nf(«"relu"»)', told("E0204", '`act` of `f` must be a block, not the string "relu"'),
    ),
    "a block for a tensor": (
        "block f(c: tensor) { concat(c) }\n---\nf(«relu»)", told("E0204", "`c` of `f` must be a tensor, not a block"),
    ),
    "a condition that is none": ("if «3» { relu }", told("E0204", "true or false, not the number 3", "`x > 0`")),
    "a count that is none": ("repeat «2.5» { relu }", told("E0204", "the count of `repeat` must be an integer")),
    "a loop over a number": ("for i in «3» { relu }", told("E0204", "must be a list, not the number 3", "`repeat 3`")),
    "a number as a statement": ("«3»", told("E0204", "a statement must be a block or a tensor, not the number 3")),
    "a list of layers": ("«[conv(8, 3), relu]»", told("E0204", "not a list", "chained with `->`")),
    "a tensor behind an arrow": ("relu -> «x»", told("E0204", "cannot follow `->`", "a tensor begins a statement")),
    "a number behind an arrow": ("relu -> «3»", told("E0204", "only blocks can be applied with `->`, not the number 3")),
    "arithmetic on a block": ("let c = «conv(8, 3) + 1»\nrelu", told("E0204", "not a block", "apply it first")),
    "no bars": ("«parallel(concat)» { conv(8, 1); relu }", told("E0204", "must be branches", "begin each branch with `|`")),
    "bars too many": ("«seq» { | relu | tanh }", told("E0204", "one block, not a list of branches", "leave out the `|`")),
    "a function as a block": ("«range»", told("E0204", "`range` is a function on numbers", )),
    "a float as an index": ("let a = [1, 2]\nconv(«a[0.5]», 3)", told("E0204", "an index must be an integer")),
    "below the range": ("conv(8, 3, «stride = 0»)", told("E0205", "`stride` of `conv` must be at least 1, not 0")),
    "outside of the range": ("dropout(«1.5»)", told("E0205", "`p` of `dropout` must be 0 to 1, not 1.5")),
    "negative channels": ("conv(«-8», 3)", told("E0205", "`channels` of `conv` must be at least 1, not -8")),
    "outside of a list": ("let a = [1, 2]\nconv(«a[2]», 3)", told("E0205", "the index 2 is out of range", "from 0 to 1")),
    "a kernel for three axes": ("«conv(8, [3, 3, 3])»", told("E0205", "`kernel` has 3 entries for 2 spatial axes")),
    "an even kernel": ("«conv(8, 4)»", told("E0206", "needs an odd kernel, not 4", "`pad = same_upper`")),
    "division by zero": ("conv(«8 // 0», 3)", told("E0212", "division by zero")),
    # definitions
    "a label twice": ("a: relu\n«a»: tanh", told("E0207", "the label `a` is given twice")),
    "an index twice": ("a[0]: relu\n«a[0]»: tanh", told("E0207", "`a[0]` is labelled twice")),
    "a computed label twice": ('"a": relu\n«"a"»: tanh', told("E0207", "the label `a` is given twice")),
    "a block twice": ("block f { relu }\nblock «f» { tanh }\n---\nf", told("E0207", "`f` is defined twice", "on line 2")),
    "a parameter twice": ("block f(a, «a») = conv(a, 3)\n---\nf(1, 2)", told("E0207", "two parameters are called `a`")),
    "an output twice": ("output y\nrelu\noutput «y»", told("E0207", "two outputs are called `y`")),
    "two meanings in one body": ("«relu»\nlet relu = 3\nconv(relu, 3)", told("E0208", "`relu` is an operator here, and this body")),
    "two readings": ("head: relu\nrelu: tanh\n«relu» -> conv(4, 3)", told("E0208", "`relu` is a label (line 5) and an operator")),
    "a label that hides a value": ("let c = 4\n«c»: relu", told("E0208", "`c` is the number 4 here, and the label would hide it")),
    "a value that hides a label": ("c: relu\nlet «c» = 4", told("E0208", "`c` is a label above")),
    "no `in` in a network": ("relu\n«in» -> conv(4, 3)", told("E0217", "`in` is what enters a block", "label the stage")),
    "hiding a parameter": (
        "block f(c) { let «c» = 3; relu }\n---\nf(3)", told("E0208", "`c` would hide a parameter", "choose another name"),
    ),
    "hiding an import": (
        "use std.cnn (conv_bn)\n---\nconv_bn(8, 3)\nfor «conv_bn» in [1] { relu }",
        told("E0208", "`conv_bn` would hide an import"),
    ),
    "recursion": ("block f { «f» }\n---\nf", told("E0209", "f -> f", "`repeat`")),
    "mutual recursion": ("block f = g\nblock g { relu -> «f» }\n---\nf", told("E0209", "f -> g -> f")),
    "recursion of values": ("let a = b\nlet b = «a» + 1\n---\nconv(a, 3)", told("E0209", "a -> b -> a")),
    "a tensor as configuration": ("«conv(x, 3)»", told("E0203", "needs the argument `kernel`", "is no argument of it")),
    "a tensor for a block": (
        "block f(c) = conv(c, 3)\n---\n«f(x)»", told("E0203", "`f` needs the argument `c`", "is no argument of it"),
    ),
    "a tensor by name": ("conv(8, 3, «stride = x»)", told("E0210", "`stride` of `conv` cannot be a tensor")),
    "another attribute": ("conv(«x.channels», 3)", told("E0211", "a tensor has no `channels`", "did you mean `c`?")),
    "a method": ("«conv(8, 3).relu»", told("E0211", "has no `relu`", "chained with `->`")),
    "a method of a tensor": ("«x.relu»", told("E0211", "has no `relu`", "`x -> relu`")),
    "a wrong column": (
        "let t = table { a b\n 1 2 }\n---\nfor a, «c» in t { conv(a, 3) }", told("E0211", "no column `c`", "columns: a, b"),
    ),
    "a wrong column by attribute": (
        "let t = table { width b\n 1 2 }\n---\nconv(«t.widht»[0], 3)", told("E0211", "no column `widht`", "mean `width`?"),
    ),
    "a weight of a part": (
        "stem: conv(8, 3) -> relu\nlet w = «stem.weight»\nrelu", told("E0211", "`weight`", "the parameter `stem.conv.weight`"),
    ),
    "a misspelt import": ("use std.cnn («conv_bnn»)\n---\nconv_bnn(8, 3)", told("E0215", "`conv_bnn`", "mean `conv_bn`?")),
    "a misspelt module": ("«use std.cnm (conv_bn)»\n---\nconv_bn(8, 3)", told("E0213", "`std.cnm`", "mean `std.cnn`?")),
    "a file for a text": ('«use "a.arch" (f)»\n---\nf', told("E0214", "a spec that is not in a file")),
    "an output in a block": ("block f { relu; «output y» }\n---\nf", told("E0217", "only networks can declare outputs")),
    "an input in a block": ("block f { «input y: f32[3]» }\n---\nf", told("E0217", "only networks can declare inputs")),
    "a network without input": ("arch 1\nnetwork «Net»() { relu }", told("E0217", "declares no input", "`input x: f32[…]`")),
    # shapes
    "convolution of a vector": ("flatten -> «conv(8, 3)»", told("E0301", "[N, C, spatial…], not f32[N, 512]", "`linear`")),
    "a window that does not fit": ("«max_pool(9)»", told("E0302", "a window of 9 does not fit into 8 positions")),
    "sizes that differ": ("a: max_pool(2)\nx -> «concat(a)»", told("E0303", "axis 2 in `concat`", )),
    "shapes in arithmetic": ("let y = x -> conv(4, 3)\n«y + x»", told("E0303", "do not broadcast: 4 against 8")),
    "elements that do not add up": ("«reshape([3, 3])»", told("E0303", "512 * N elements, [3, 3] takes 9")),
    "groups": ("«conv(12, 3, groups = 5)»", told("E0305", "5 groups do not divide", "1, 2, 3, 4, 6, 12")),
    "a split": ("«split(3)»", told("E0305", "3 does not divide 8 positions on axis 1")),
    "a symbol as channels": ("conv(«N», 3)", told("E0306", "must be known while compiling", "bind `N`")),
    "a symbolic condition": (
        "if «x.shape[0] > 4» { relu }", told("E0307", "whether N > 4 depends on `N`", "`--bind N=…`"),
    ),
    "an axis too far": ("«softmax(axis = 7)»", told("E0308", "axis 7 is outside of f32[N, 8, 8, 8]")),
    "mixed types": ("let a = x -> cast(i64)\n«a + x»", told("E0309", "mixes the element types i64 and f32", "cast")),
    "a tuple into conv": ("(x, x) -> «conv(8, 3)»", told("E0310", "`conv` takes 1 tensor, not 2", "`concat`")),
    "names that do not fit": ("for a, b in «[[1, 2, 3]]» { relu }", told("E0310", "2 names (a, b) for 3 values", "`_`")),
    "tuples and branches": (
        "split(2) -> «parallel(concat)» { | relu | tanh | gelu }", told("E0310", "2 tensors is dealt out to 3 branches"),
    ),
    "shared weights": (
        "share f = conv(8, 3)\nf -> conv(4, 1) -> «f»", told("E0312", "the shared `f.weight` is f32[8, 8, 3, 3]", "`own`"),
    ),
    "an annotation": ("conv(9, 3) :: «[N, 8, 8, 8]»", told("E0313", "[N, 9, 8, 8], not [N, 8, 8, 8]", "`conv(9, 3)`")),
    # claims
    "an expectation": ("conv(8, 3)\nexpect «params == 5»", told("E0401", "`Net` does not meet the expectation `params == 5`: the measured value is 584")),
    "an expected shape": (
        "relu\noutput y\nexpect output y :: «[N, 8, 8, 9]»", told("E0401", "[N, 8, 8, 8], not [N, 8, 8, 9]"),
    ),
    "a budget": ("conv(8, 3)\nbudget { «params <= 5» }", told("E0402", "budget `params <= 5`: the measured value is 584")),
    "an assertion": ('assert «x.c == 3», "an image"\nrelu', told("E0403", "assertion failed: an image")),
    "an assertion without words": ("assert «x.c == 3»\nrelu", told("E0403", "assertion failed: x.c == 3")),
    "an unknown quantity": ("relu\nexpect «parameters == 5»", told("E0201", "no quantity `parameters`", "mean `params`?")),
    "an unknown part": ("stem: relu\nexpect «params of stm == 5»", told("E0201", "no part `stm`", "mean `stem`?")),
    # bounds
    "steps": ("repeat 10**6 { «repeat 10**6 { if false { relu } }» }", told("E0501", "500,000 evaluation steps")),
    "operators": ("repeat 10**9 { «relu» }", told("E0502", "20,000 operators")),
    "a list": ("let a = «range(10**9)»\nrelu", told("E0503", "a list of 1,000,000,000 elements")),
    "an integer": ("assert «10**10**10» > 0\nrelu", told("E0504", "4096 bits")),
    "applications": ("block f(g: block) = in -> «g(g)»\n---\nf(f)", told("E0505", "`f` applies itself 100 times")),
    "a size": ("repeat 200 { «resize(scale = 2)» }", told("E0506", "128 bits")),
    "a state that stays": (
        "scan(axis = c) { state «h» = zeros([in.shape[0], 8, 8]); in + h }", told("E0220", "`h` is never set", "`next h = …`")
    ),
    "a state of a run": (
        "scan(axis = c) { «state h = conv(in, 8, 3)»; next h = in; in }", told("E0221", "before the first run", "the shape of `in`")
    ),
    "a map across the batch": (
        "map(axis = c) { «softmax(axis = 0)» }", told("E0222", "`softmax` in the body of `map` looks across", "use `scan`")
    ),
    "a tensor of one run": (
        "cell: scan(axis = c) { gate: relu; in * gate }\noutput y = cell, «g = cell.gate»",
        told("E0223", "`cell.gate` is made anew in every run", "end the body with it"),
    ),
    "a size found in the data": (
        "let a = x -> reshape([512 * N]) -> cast(bool) -> nonzero\n«reshape(a, [10, 3])»",
        told("E0314", "depends on `nonzero.count`", "`top_k` gives a fixed number"),
    ),
    # warnings
    "an unused parameter": ("block f(«c») { relu }\n---\nf(3)", told("W0201", "the parameter `c` of `f` is never used")),
    "an unused block": ("block «f» { relu }\n---\ntanh", told("W0202", "the block `f` is never used")),
    "a let in a loop": (
        "let c = 4\nrepeat 2 { let «c» = c * 2; conv(c, 3) }", told("E0219", "every iteration makes the same", "2 ** i"),
    ),
    "an unread value": ("«let c = 4»\nrelu", told("W0208", "nothing reads `c`", "leave the `let` out")),
    "a layer that is used twice": (
        "«let f = conv(3, 1)»\nf -> relu -> f", told("W0214", "each of the 2 uses of `f`", "`share f = …`")
    ),
    "an unused import": ("use std.cnn («conv_bn»)\n---\nrelu", told("W0203", "`conv_bn` is imported but never used")),
    "an unused result": ("let a = x -> «relu»\ntanh", told("W0204", "the result of `relu` is never used", "label it")),
    "a picture without a batch": (
        "network Other() { input y: «f32[3, 64, 64]»; relu }\n---\nrelu", told("W0210", "`y` has no batch axis", "`f32[N, 3, 64, 64]`"),
    ),
    "a linear layer on a map": ("conv(4, 3) -> «linear(3)»", told("W0211", "the width of f32[N, 4, 8, 8]", "`flatten`")),
    "a misspelt output": (
        "logits: conv(8, 3)\nrelu\noutput «logit»", told("W0213", "there is a label `logits`", "`output logits`")
    ),
    "a size that is a factor": ("«resize(2)»", told("W0212", "makes maps of 2 x 2", "`resize(scale = 2)`")),
    "one tensor twice": ("a: conv(3, 1)\na -> «concat(x, a)»", told("W0207", "one tensor enters `concat` more than once")),
    "an idle rule": ("conv(3, 1)\nweights timm { «\"cnv\"» -> \"c\" }", told("W0205", "this rule matches no parameter")),
    # syntax
    "an assignment": ("y «=» relu", told("E0107", "cannot begin with `name =`", "`let y = …`", "`y: …`")),
    "no arrow": ("conv(8, 3) «relu»", told("E0100", "expected the end of the statement", "composed with `->`")),
    "a block in a network": (
        "«block» f { relu }\ntanh", told("E0100", "`block` can be used only at the top of a file", "move it above"),
    ),
    "an import of Python": ("«import» torch\n---\nrelu", told("E0100", "there is no `import`", "`use std.cnn (conv_bn)`")),
    "a return": ("«return» relu", told("E0100", "there is no `return` in this language", "its last flow")),
    "a reserved word": ("let «repeat» = 3\nrelu", told("E0106", "`repeat` is a word of the language")),
    "an unclosed bracket": ("conv«(»8, 3\nrelu", told("E0104", "`(` is never closed", "add the missing `)`")),
    "an arrow of another kind": ("relu «→» tanh", told("E0101", "is not part of the language", "write `->`")),
    "a long name": ("«" + "x" * 40 + "»" + "x" * 200, told("E0512", "this name is 240 characters long")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(DEFAULT), "nodes", 20_000)  # a million takes ten seconds
    text, expected = WRONG[name]
    text = program(text)
    found = outcome(marked(text)[0]).diagnostics
    check(text, [expected], found)
    for diagnostic in found:
        assert re.fullmatch(r"[^\n]{10,200}(?<![.!])", diagnostic.message), diagnostic.message
        assert expected.message in render(diagnostic)


def test_the_table_covers_the_codes_of_the_language() -> None:
    """Codes that need a file, a bracket too many or a long text have tests of their own."""
    found = {expected.code for _, expected in WRONG.values()}
    pages = {page.stem for page in (ROOT / "archdsl" / "explain").glob("*.md")}
    wanted = {code for code in pages if code.startswith(("E02", "E03", "E04", "E05", "W02"))}
    assert wanted - found == {
        "E0304",
        "E0404",
        "E0405",
        "E0510",
        "E0511",
    }  # E0404 compares with an earlier state of the text


# Shapes that differ, at each combinator: both shapes, and where they came from

DERIVED = {
    "residual": (
        "conv(16, 3)\n«residual» {\n  conv(32, 3, stride = 2) -> relu\n  conv(32, 3)\n}",
        told(
            "E0304", "the two sides of `residual` have different shapes",
            "body gives [N, 32, 4, 4], shortcut gives [N, 16, 8, 8]",
            "body: 32 channels and size 4 from `conv(32, 3, stride = 2)` (line 6)",
            "shortcut: 16 channels from `conv(16, 3)` (line 4); size 8 from the input",
            "`residual(shortcut = conv(32, 1, stride = 2))`",
        ),
    ),
    "a shortcut": (
        "«residual(shortcut = conv(4, 1))» { relu }",
        told(
            "E0304", "`residual`", "body gives [N, 8, 8, 8], shortcut gives [N, 4, 8, 8]",
            "body: 8 channels from the input", "shortcut: 4 channels from `conv(4, 1)` (line 4)",
        ),
    ),
    "parallel, added": (
        "«parallel(add)» {\n  | wide: conv(16, 3)\n  | max_pool(2)\n}",
        told(
            "E0304", "the branches of `parallel` have different shapes",
            "branch `wide` gives [N, 16, 8, 8], branch 2 gives [N, 8, 4, 4]",
            "branch `wide`: 16 channels from `conv(16, 3)` (line 5); size 8 from the input",
            "branch 2: 8 channels from the input; size 4 from `max_pool(2)` (line 6)",
        ),
    ),
    "parallel, side by side": (
        "«parallel(concat)» {\n  | conv(8, 1)\n  | max_pool(2) -> conv(8, 1)\n}",
        told(
            "E0303", "the sizes of axis 2 in `concat` of [N, 8, 8, 8] and [N, 8, 4, 4] differ",
            "branch 1: size 8 from the input", "branch 2: size 4 from `max_pool(2)` (line 6)",
        ),
    ),
    "dense": (
        "«dense(3)» { conv(8, 3, stride = 2) }",
        told(
            "E0303", "axis 2 in `concat` of [N, 8, 8, 8] and [N, 8, 4, 4]", "input: size 8 from the input",
            "output 1: size 4 from `conv(8, 3, stride = 2)` (line 4)",
        ),
    ),
    "seq": (
        "stem: conv(16, 3)\nseq {\n  max_pool(2)\n  conv(16, 1) -> «add(stem)»\n}",
        told(
            "E0303", "[N, 16, 4, 4] and [N, 16, 8, 8] do not broadcast",
            "first: size 4 from `max_pool(2)` (line 6)", "second: size 8 from the input",
        ),
    ),
    "arithmetic": (
        "let gate = x -> conv(3, 1)\n«x * gate»",
        told("E0303", "do not broadcast: 8 against 3", "first: 8 channels from the input", "second: 3 channels from `conv(3, 1)`"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DERIVED)
def test_shapes_tell_where_they_came_from(name: str) -> None:
    text, expected = DERIVED[name]
    text = program(text)
    check(text, [expected], outcome(marked(text)[0]).diagnostics)


# Several faults

FIVE: dict[str, tuple[str, list[Told]]] = {
    "in one serial flow": (
        """\
conv(12, 3, «strid = 2»)
«conv(12, 3, groups = 5)» -> relu -> «conv(16, 4)»
flatten -> «conv(8, 3)»
«cnov»(3)
""",
        [
            told("E0202", "`strid`"), told("E0305", "5 groups"), told("E0206", "odd kernel"), told("E0301", "`conv` needs"),
            told("E0201", "`cnov`"),
        ],
    ),
    "in one flow, followers behind each": (
        """\
a: «conv(12, 3, groups = 5)» -> batch_norm -> relu
«residual» { conv(20, 3) } -> batch_norm -> concat(a) -> conv(«relu», 3) -> relu
let k = «3 // 0»
conv(8, k) -> max_pool(2) -> batch_norm
x -> concat(a) -> max_pool(2) -> «softmax(axis = 9)» -> conv(k, k)
""",
        [
            told("E0305", "5 groups"), told("E0304", "`residual`", "body gives [N, 20, ?, ?]"), told("E0204", "not a block"),
            told("E0212", "zero"), told("E0308", "axis 9"),
        ],
    ),
    "in blocks applied many times": (
        """\
block unit(c, stride = 1) = «residual» {
  «conv(c, 3, groups = 7)» -> batch_norm -> relu
  conv(c, 3, «strides = stride»)
  conv(2 * c, 3)
} -> relu
block stage(unit: block, c, n) {
  repeat n as i { unit(c, stride = 2 if i == «size» else 1) }
}
---
stage(unit, 12, 3)
stage(unit, 12, 4) -> conv(«0.5», 1)
""",
        [
            told("E0304", "`residual`", "body gives [N, 24, "), told("E0305", "7 groups do not divide 12"),
            told("E0202", "`strides`"), told("E0201", "`size`"), told("E0204", "not the number 0.5"),
        ],
    ),
    "in blocks that nothing applies": (
        """\
block «one»(c) { conv(c, «kk») -> «relv» }
block «two» { relu: tanh; «relu» }
---
relu
""",
        [
            told("W0202", "`one`"), told("E0201", "`kk`"), told("E0201", "`relv`", "`relu`"), told("W0202", "`two`"),
            told("E0208", "`relu`"),
        ],
    ),
    "of syntax, and one of meaning": (
        """\
stem: conv(8 «3»)
let k «==» 3
conv(8, k) -> «→» relu
residual { conv(16, «[») }
concat(stem) -> conv(8, k) -> «max_pol»(2)
""",
        [
            told("E0100", "expected"), told("E0107", "`==` compares"), told("E0101", "not part"), told("E0104", "never closed"),
            told("E0201", "`max_pol`", "`max_pool`"),
        ],
    ),
    "in definitions": (
        """\
use std.cnn («conv_bm»)
let a = b
let b = «a» * 2
block f(x1, «x1») = conv(x1, 3)
block «f» { relu }
---
conv_bm(8, 3) -> f(a) -> conv(b, a)
x -> «tanhh»
""",
        [
            told("E0215", "`conv_bm`"), told("E0209", "a -> b -> a"), told("E0207", "two parameters"), told("E0207", "`f` is defined twice"),
            told("E0201", "`tanhh`"),
        ],
    ),
    "in a table": (
        """\
let bad = table {
  c   k   s
  16  3   1
  «24  3»
  32  «3x3» 2
}
let good = table { c k
  16 3
}
---
for bad as i { conv(c, k, stride = s) }
for c, «stride» in good { conv(c, 3) }
for good as i { conv(c, k, «strid = i») }
assert «x.c == 7», "seven"
""",
        [
            told("E0111", "2 cells", ), told("E0102", "`3x3`", "[3, 3]"), told("E0211", "no column `stride`"),
            told("E0202", "`strid`"), told("E0403", "seven"),
        ],
    ),
    "in claims": (
        """\
stem: conv(8, 3)
output y
expect «params == 5»
expect «param == 5»
expect output y :: «[N, 1]»
budget { «macs <= 1»; «nodes of stern <= 1» }
""",
        [
            told("E0401", "`params == 5`"), told("E0201", "`param`"), told("E0401", "not [N, 1]"), told("E0402", "`macs <= 1`"),
            told("E0201", "no part `stern`"),
        ],
    ),
    "in two networks": (
        """\
arch 1
network One(c) { input x: f32[N, 3, 8, 8]; conv(«c», «2 // 0») -> «rellu» }
network Two() {
  input x: f32[N, 3, 8, 8]
  if «x.h» { relu }
  One(4) -> conv(«c2», 2)
}
variant one = One("x")
""",
        [
            told("E0204", "string"), told("E0212", "zero"), told("E0201", "`rellu`"), told("E0204", "true or false"),
            told("E0201", "`c2`"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIVE)
def test_five_faults(name: str) -> None:
    text, expected = FIVE[name]
    text = program(text)
    assert len(expected) == 5
    check(text, expected, outcome(marked(text)[0]).diagnostics)


# Imports of files


def tree(folder: Path, files: dict[str, str]) -> Path:
    """Write the files; the path of ``main.arch``."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "main.arch"


NET = "network Net() { input x: f32[N, 8, 8, 8]; f }\n"
FILES: dict[str, tuple[dict[str, str], Told]] = {
    "missing": (
        {"main.arch": f'arch 1\n«use "blocks/mine.arch" (f)»\n{NET}'},
        told("E0213", 'there is no file "blocks/mine.arch"', "relative to the file that contains them"),
    ),
    "a folder": (
        {"main.arch": f'arch 1\n«use "blocks" (f)»\n{NET}', "blocks/mine.arch": "arch 1\n"},
        told("E0213", 'there is no file "blocks"'),
    ),
    "a name that is not there": (
        {"main.arch": f'arch 1\nuse "mine.arch" («f»)\n{NET}', "mine.arch": "arch 1\nblock g { relu }\n"},
        told("E0215", "`mine.arch` does not define `f`"),
    ),
    "outside of the root": (
        {"sub/main.arch": f'arch 1\n«use "../mine.arch" (f)»\n{NET}', "mine.arch": "arch 1\nblock f { relu }\n"},
        told("E0214", "outside of the folder of the main file", "a spec from a stranger reads nothing else"),
    ),
    "an absolute path": (
        {"main.arch": f'arch 1\n«use "/etc/passwd" (f)»\n{NET}'}, told("E0214", '"/etc/passwd" is outside of the folder'),
    ),
    "each other": (
        {"main.arch": f'arch 1\nuse "a.arch" (f)\n{NET}', "a.arch": 'arch 1\n«use "main.arch" (Net)»\nblock f { Net }\n'},
        told("E0209", "files import each other: main.arch -> a.arch -> main.arch"),
    ),
    "no text": (
        {"main.arch": f'arch 1\n«use "a.arch" (f)»\n{NET}', "a.arch": "arch 1\n\udcff"}, told("E0002", "a.arch is not UTF-8 text"),
    ),
    "a fault in it": (
        {"main.arch": f'arch 1\nuse "a.arch" (f)\n{NET}', "a.arch": "arch 1\nblock f { conv(8, «k») }\n"},
        told("E0201", "`k` is not defined"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_imports(name: str, tmp_path: Path) -> None:
    files, expected = FILES[name]
    faulty = next(text for text in files.values() if "«" in text)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(marked(text)[0].encode("utf-8", "surrogateescape"))
    main = next(tmp_path.rglob("main.arch"))
    check(faulty, [expected], outcome(main).diagnostics)


def test_a_link_does_not_lead_out_of_the_root(tmp_path: Path) -> None:
    text = f'arch 1\n«use "blocks/mine.arch" (f)»\n{NET}'
    tree(tmp_path / "outside", {"mine.arch": "arch 1\nblock f { relu }\n"})
    main = tree(tmp_path / "root", {"main.arch": marked(text)[0]})
    (tmp_path / "root" / "blocks").symlink_to(tmp_path / "outside")
    check(text, [told("E0214", "outside of the folder of the main file")], outcome(main).diagnostics)


def test_a_link_within_the_root_is_followed(tmp_path: Path) -> None:
    main = tree(
        tmp_path, {"main.arch": f'arch 1\nuse "link.arch" (f)\n{NET}', "mine.arch": "arch 1\nblock f { relu }\n"}
    )
    (tmp_path / "link.arch").symlink_to(tmp_path / "mine.arch")
    assert outcome(main).codes == []


# As it is printed

RENDERED = [
    (
        """\
block unit(c, stride = 1) = residual {
  conv(c, 3, stride = stride) -> relu
  conv(4 * c, 1)
}
---
conv(128, 1) -> unit(64, stride = 2)
""",
        """\
error[E0304]: the two sides of `residual` have different shapes
 --> net.arch:2:29
  |
2 | block unit(c, stride = 1) = residual {
  |                             ^^^^^^^^ body gives [N, 256, 4, 4], shortcut gives [N, 128, 8, 8]
  |
  = body: 256 channels from `conv(4 * c, 1)` (line 4); size 4 from `conv(c, 3, stride = stride)` (line 3)
  = shortcut: 128 channels from `conv(128, 1)` (line 8); size 8 from the input
  = in block `unit`, applied at line 8 with c = 64, stride = 2
  = help: give the shortcut a projection: `residual(shortcut = conv(256, 1, stride = 2))`""",
    ),
    (
        "stem: conv(8, 3)\nconcat(stm)",
        """\
error[E0201]: `stm` is not defined here
 --> net.arch:5:10
  |
5 |   concat(stm)
  |          ^^^
  |
  = help: did you mean `stem`?""",
    ),
    (
        "block f(g: block, n) { g(n) }\nblock h(n) = conv(n, 3, groups = 3)\n---\nf(h, 12)",
        """\
error[E0305]: 3 groups do not divide 8 input channels
 --> net.arch:3:14
  |
3 | block h(n) = conv(n, 3, groups = 3)
  |              ^^^^^^^^^^^^^^^^^^^^^^
  |
  = in block `h`, applied at line 2 with n = 12
  = in block `f`, applied at line 6 with g = h, n = 12
  = help: 8 channels allow groups of 1, 2, 4, 8""",
    ),
    (
        "conv(8, 3)\nexpect params == 5",
        """\
error[E0401]: `Net` does not meet the expectation `params == 5`: the measured value is 584
 --> net.arch:5:10
  |
5 |   expect params == 5
  |          ^^^^^^^^^^^""",
    ),
    (
        "block g { relu }\n---\nrelu",
        """\
warning[W0202]: the block `g` is never used
 --> net.arch:2:7
  |
2 | block g { relu }
  |       ^
  |
  = help: leave it out, or move it to a file of blocks""",
    ),
]


@pytest.mark.parametrize(("text", "wanted"), RENDERED, ids=lambda value: value.split("\n")[0][:40])
def test_rendered(text: str, wanted: str, tmp_path: Path) -> None:
    path = tree(tmp_path, {"main.arch": program(text)}).rename(tmp_path / "net.arch")
    found = outcome(path).diagnostics
    assert "\n".join(map(render, found)).replace(str(path), "net.arch") == wanted
