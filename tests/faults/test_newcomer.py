"""What a newcomer writes by habit from PyTorch and Keras: told, with help that works when it is followed."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import again, archdsl, fault, network

SEQUENCE, TOKENS, MAPS = "f32[N, 16, 64]", "i64[N, 100]", "f32[N, 16, 8, 8]"
TWO = "f32[N, 8]\n  input b: f32[N, 8]"

SILENT = {
    "input_left_out": ("W0204", "fa: linear(4)\nfb: linear(4)\nconcat(fa, fb)",
                       "fa: linear(4)\nfb: b -> linear(4)\nconcat(fa, fb)", TWO),
    "join_of_one": ("W0212", "concat -> linear(4)\noutput y, z = b", "concat(x, b) -> linear(4)\noutput y, z = b", TWO),
    "linear_behind_branches": (
        "W0211", "parallel(concat) { | conv(8, 1) | conv(8, 3) }\nglobal_avg_pool -> dropout(0.4) -> linear(5)",
        "parallel(concat) { | conv(8, 1) | conv(8, 3) }\nglobal_avg_pool -> flatten -> dropout(0.4) -> linear(5)", MAPS,
    ),
    "softmax_of_map": ("W0211", "conv(10, 1) -> softmax", "conv(10, 1) -> softmax(axis = c)", MAPS),
    "log_softmax_of_map": ("W0211", "conv(10, 1) -> relu -> log_softmax", "conv(10, 1) -> log_softmax(axis = 3)", MAPS),
    "layer_norm_of_map": ("W0211", "conv(8, 3) -> layer_norm", "conv(8, 3) -> layer_norm(axes = c)", MAPS),
    "rms_norm_of_map": ("W0211", "conv(8, 3) -> rms_norm", "conv(8, 3) -> rms_norm(axes = c)", MAPS),
    "layer_norm_of_conv1d": ("W0211", "conv(8, 3) -> layer_norm", "conv(8, 3) -> layer_norm(axes = c)", SEQUENCE),
    "batch_norm_of_sequence": ("W0211", "linear(32) -> batch_norm",
                               "linear(32) -> transpose(1, 2) -> batch_norm -> transpose(1, 2)", SEQUENCE),
    "conv_of_embedding": ("W0211", "embedding(50, 8) -> conv(4, 3)", "embedding(50, 8) -> transpose(1, 2) -> conv(4, 3)",
                          TOKENS),
    "pool_of_embedding": ("W0211", "embedding(50, 8) -> global_avg_pool",
                          "embedding(50, 8) -> transpose(1, 2) -> global_avg_pool", TOKENS),
    "concat_of_features": ("W0211", "a: linear(8)\nb: x -> linear(8)\nconcat(a, b)",
                           "a: linear(8)\nb: x -> linear(8)\nconcat(a, b, axis = f)", SEQUENCE),
    "gate_without_axes": ("W0211", "let s = x -> global_avg_pool -> flatten\nx * s",
                          "let s = x -> global_avg_pool -> flatten -> reshape([1, 8, 1, 1])\nx * s", "f32[1, 8, 8, 8]"),
    "pool_of_one": ("W0212", "avg_pool(1) -> flatten", "global_avg_pool -> flatten", MAPS),
    "transposed_same": ("W0212", "conv_transpose(8, 3, 2, same)", "conv_transpose(8, 3, 2, same_upper)", MAPS),
    "transposed_torch_order": ("W0212", "conv_transpose(16, 8, 2)", "conv_transpose(8, 2)", MAPS),
    "torch_order": ("W0212", "conv(16, 8, 3, pad = valid)", "conv(8, 3, pad = valid)", MAPS),
    "resize_sizes": ("W0212", "resize([2, 2])", "resize(scale = [2, 2])", MAPS),
    "clip_six": ("W0212", "clip(6)", "clip(high = 6)", MAPS),
    "clip_low": ("W0212", "clip(low = 2)", "max(x, constant(2))", MAPS),
    "batch_flattened": ("W0212", "reshape([-1]) -> relu", "flatten -> relu", MAPS),
    "embedding_order": ("W0212", "embedding(512, 30000)", "embedding(30000, 512)", TOKENS),
    "keras_momentum": ("W0212", "batch_norm(momentum = 0.99)", "batch_norm(momentum = 0.01)", MAPS),
    "layer_twice": ("W0214", "let f = conv(16, 3)\nf -> relu -> f", "share f = conv(16, 3)\nf -> relu -> f", MAPS),
    "misspelt_label": ("W0213", "logits: conv(8, 3)\nrelu\noutput logit", "logits: conv(8, 3)\nrelu\noutput logits, y", MAPS),
    "one_tensor_twice": ("W0213", "conv(8, 3)\noutput boxes, scores", "boxes: conv(8, 3)\nscores: relu\noutput boxes, scores",
                         MAPS),
    "batch_none": ("E0205", "conv(8, 3)", "conv(8, 3)", "f32[None, 3, 8, 8]"),
    "steps_are_the_batch": ("W0212", "transpose(0, 1) -> lstm(4)", "lstm(4)", "f32[N, T, 8]"),
    "batch_second": ("W0212", "gru(4)", "transpose(0, 1) -> gru(4)", "f32[T, N, 8]"),
    "scan_without_result": ("W0212", "scan(axis = t) { state h = zeros([N, 8]); next h = h + in }",
                            "scan(axis = t) { state h = zeros([N, 8]); let s = h + in; next h = s; s }", "f32[N, T, 8]"),
    "gates_of_all": (
        "W0212", "let g = x -> linear(3) -> softmax\nx -> parallel(sparse(1, gates = g)) { repeat 3 { | linear(8) } }",
        "let g = x -> linear(3) -> softmax\nlet best, at = g -> top_k(1)\nlet few = g * (at -> squeeze(-1) -> one_hot(3))\n"
        "x -> parallel(sparse(1, gates = few)) { repeat 3 { | linear(8) } }", "f32[N, T, 8]",
    ),
}  # fmt: skip
"""What was another network without a word: what is told, the line, the line as the help writes it, the input."""


@fault(
    "reader",
    "an operator's default axis, a second input and a bare output were read by the rule and never held against the likely "
    "intention",
    "softmax, log_softmax, layer_norm, rms_norm of maps; batch_norm, conv, pools, concat of sequences; [N, C] * [N, C, H, W]; "
    "unused inputs; joins of one tensor; PyTorch's order; Keras's `same`; misspelt and doubled outputs; `None` as a size",
)
def test_another_network_than_meant_is_told_and_the_help_works(tmp_path: Path) -> None:
    for folder, column in (("bad", 1), ("good", 2)):
        (tmp_path / folder).mkdir()
        for name, case in SILENT.items():
            entering = case[3] if column == 1 else case[3].replace("None", "N")
            (tmp_path / folder / f"{name}.arch").write_text(network(case[column], entering))
    done = archdsl(tmp_path, "check bad")
    told = f"\n{done.output}".replace("\nerror[", "\nwarning[").split("\nwarning[")[1:]
    silent = [
        name for name, (code, *_) in SILENT.items()
        if not any(block.startswith(code) and f"{name}.arch:" in block and "= help" in block for block in told)
    ]  # fmt: skip
    assert silent == []
    done = archdsl(tmp_path, "check good")
    assert "no findings" in done.output, done.output


@again("reader")
@pytest.mark.parametrize(
    ("body", "x"),
    [("conv(1, 1) -> softmax", SEQUENCE),
     ("let k = x -> transpose\nx @ k -> softmax", "f32[N, 4, 16, 8]"),
     ("linear(8)\nlet cls = param([1, 1, 8]) -> broadcast_to([N, 1, 8])\nconcat(cls, x -> linear(8))", SEQUENCE)],
)  # fmt: skip
def test_what_is_usual_is_not_told(tmp_path: Path, body: str, x: str) -> None:
    done = archdsl(tmp_path, "check net.arch", net__arch=network(body, x))
    assert "W0211" not in done.output and "W0212" not in done.output


HELPS = {
    "layer_norm(64)": ("leave out the input size", SEQUENCE),
    "conv(8, 3) -> prelu(8)": ("write `prelu`", MAPS),
    "parallel { | conv(8, 1) | conv(8, 3) }": ("`parallel(concat) { | … | … }`", MAPS),
    'parallel("concat") { | conv(8, 1) | conv(8, 3) }': ("without quotes: `concat`", MAPS),
    "flatten -> dense(10)": ("`linear(…)`", MAPS),
    "permute(0, 2, 1)": ("`permute([0, 2, 1])`", SEQUENCE),
    "permute([2, 1])": ("the batch as 0", SEQUENCE),
    "reshape([4, 256])": ("`reshape([N, 4, 256])`", SEQUENCE),
    "matmul(x, x.T)": ("`transpose(x)`", SEQUENCE),
    "separable_conv(16, 3)": ("`use std.mobile (separable)`", MAPS),
    "let y = conv(8, 3)\nrelu\noutput y": ("`y: …`", MAPS),
    "conv(input, 3, 3)": ("what enters a block is `in`", MAPS),
    "let s = x -> global_avg_pool -> flatten\nx * s": ("`reshape([N, 16, 1, 1])`", MAPS),
    "dropout(50)": ("50 % is `0.5`", MAPS),
    "residual(1)": ("in braces: `{ conv(64, 3) -> relu }`", MAPS),
    "conv(8, 3, pad = 'same')": ("a bare name: `same`", MAPS),
    "x[:, 0]": ("`x -> select(t, 0)`", SEQUENCE),
    "gelu(true)": ("such as `tanh`", MAPS),
    "lstm(64, 32)": ("write `lstm(32)`", SEQUENCE),
    "lstm(32, num_layers = 2)": ("`repeat 2 { lstm(…) }`", SEQUENCE),
    "lstm(32, bidirectional = true)": ("it is called `both` here", SEQUENCE),
    "gru(hidden_size = 32)": ("it is called `features` here", SEQUENCE),
    "gru(32, batch_first = true)": ("the batch first", SEQUENCE),
    "let y, h = gru(32)\ny": ("`final = true` gives the last states of", SEQUENCE),
    "MultiheadAttention(8)": ("`use std.attention (attention)`", SEQUENCE),
    "LSTMCell(8)": ("`use std.recurrent (lstm_cell)`", SEQUENCE),
    "rotary": ("`use std.position (rotary)`", SEQUENCE),
    "attend(x, x, x)": ("`split_heads(8)`", SEQUENCE),
    "c: param([1, 1, 64])\nconcat(c, x, axis = t)": ("`broadcast_to([N, -1, -1])`", SEQUENCE),
    "take(0, axis = 1)": ("in the order of the parameters: `axis`, `batch`", SEQUENCE),
    "linear(3) -> parallel(add) { repeat 2 { conv(8, 1) } }": ("`{ repeat 4 as i { | … } }`", SEQUENCE),
    "range(x.t)": ("`positions(T, dtype = i64)`", "f32[N, T, 8]"),
    "state old: f32[N, P = 0, 64]\nnext old = x": ("`P = 0 >= 0`", SEQUENCE),
    "(conv(8, 1), conv(8, 3)) -> concat": ("`parallel(concat) { | a | b }`", MAPS),
}


@again("reader")
def test_errors_have_help_that_leads_on(tmp_path: Path) -> None:
    for number, (body, (_, x)) in enumerate(HELPS.items()):
        (tmp_path / f"n{number}.arch").write_text(network(body, x))
    done = archdsl(tmp_path, "check .")
    told = " ".join((done.output).split())
    assert [help for help, _ in HELPS.values() if help not in told] == []
    assert "repeat it" not in told


@again("reader")
def test_the_groups_of_a_norm_are_no_method(tmp_path: Path) -> None:
    done = archdsl(tmp_path, "cost net.arch", net__arch=network("conv(8, 3)\nlayer_norm(axes = c)", MAPS))
    assert done.status == 0 and "layer_norm" in done.output and "method" not in done.output


@again("reader")
def test_a_refused_tensor_in_a_list_is_told_once(tmp_path: Path) -> None:
    body = "let a = nothing\nb: conv(8, 3)\nconcat([a, b], axis = 1)"
    done = archdsl(tmp_path, "check net.arch", net__arch=network(body, MAPS))
    assert (done.output).count("error[") == 1


@again("reader")
@pytest.mark.reference
def test_the_tutorials_transformer_block_is_pytorchs(tmp_path: Path) -> None:
    import numpy
    import torch

    import archdsl as package

    tutorial = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
    text = next(b.partition("```")[0] for b in tutorial.split("```arch\n") if "block attention" in b)
    graph = package.load(text).graph("encoder_512")
    path = tmp_path / "encoder.onnx"
    package.compile(graph, path)

    import onnx

    found = {
        tensor.name.removeprefix("encoder."): torch.tensor(onnx.numpy_helper.to_array(tensor))
        for tensor in onnx.load(path).graph.initializer
    }
    theirs = {"attention.out": "self_attn.out_proj", "linear": "linear1", "linear_2": "linear2", "layer_norm": "norm1",
              "layer_norm_2": "norm2"}  # fmt: skip
    state = {f"{their}.{kind}": found[f"{our}.{kind}"] for our, their in theirs.items() for kind in ("weight", "bias")}
    for kind in ("weight", "bias"):
        state[f"self_attn.in_proj_{kind}"] = torch.cat([found[f"attention.{name}.linear.{kind}"] for name in "qkv"])
    layer = torch.nn.TransformerEncoderLayer(
        512, 8, 2048, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    layer.load_state_dict(state)
    tokens = numpy.random.default_rng(0).standard_normal((2, 128, 512)).astype("float32")
    with torch.no_grad():
        expected = layer(torch.tensor(tokens)).numpy()
    assert numpy.abs(package.run(graph, {"tokens": tokens})["encoded"] - expected).max() < 1e-4
