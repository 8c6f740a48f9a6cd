"""The page on the costs of Transformers: it is today's, and its polynomials are those of closed forms and of papers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import formulas_attention as closed
import pytest
from paths import tool as loaded

LLAMA = {"llama_3_2_1b": (2048, 16, 32, 64, 8192), "llama_3_1_8b": (4096, 32, 32, 128, 14_336),
         "llama_3_1_70b": (8192, 80, 64, 128, 28_672)}  # fmt: skip
"""Features, layers, heads, features of a head and of the gated network (arXiv:2407.21783, table 3)."""
FORMS: dict[str, Callable[[int], tuple[int, int]]] = {
    "transformer_base": lambda t: closed.transformer(512, 2048, t, t),
    "bert_base": lambda t: closed.bert(768, 12, t), "bert_large": lambda t: closed.bert(1024, 24, t),
    "gpt2": lambda t: closed.gpt2(768, 12, t), "gpt2_xl": lambda t: closed.gpt2(1600, 48, t),
    "t5_small": lambda t: closed.t5(512, 6, 2048, 8, t, t), "t5_base": lambda t: closed.t5(768, 12, 3072, 12, t, t),
    "llama_3_1_8b": lambda t: closed.llama(*LLAMA["llama_3_1_8b"], t),
    "llama_3_1_70b": lambda t: closed.llama(*LLAMA["llama_3_1_70b"], t),
    "mistral_7b": lambda t: closed.llama(4096, 32, 32, 128, 14_336, t, words=32_000),
    "mixtral_8x7b": lambda t: closed.mixtral_whole(4096, 14_336, t), "whisper_tiny": lambda t: closed.whisper(384, 4, t),
}  # fmt: skip
GPT2 = {"gpt2": (768, 12), "gpt2_medium": (1024, 24), "gpt2_large": (1280, 36), "gpt2_xl": (1600, 48)}
"""Features and layers (Radford et al. 2019, table 2)."""


@pytest.fixture(scope="module")
def tool() -> Any:
    return loaded("transformer_costs")


@pytest.fixture(scope="module")
def rows(tool: Any) -> dict[str, list[str]]:
    """The first table of the page by network."""
    table = tool.PAGE.read_text().partition("<!-- work:")[2].partition("<!-- end -->")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {name.strip("`"): rest for name, *rest in cells}


def figures(text: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]


def test_the_page_and_its_charts_are_those_of_today(tool: Any) -> None:
    assert tool.page(tool.PAGE.read_text()) == tool.PAGE.read_text(), "run `python tools/transformer_costs.py`"
    for name, text in tool.drawn().items():
        assert (tool.PICTURES / name).read_text() == text, "run `python tools/transformer_costs.py`"
        assert f"(pictures/{name})" in tool.PAGE.read_text()


@pytest.mark.parametrize("name", FORMS)
def test_the_polynomial_of_a_row_is_the_sum_of_its_matrices(name: str, rows: dict[str, list[str]]) -> None:
    square, linear, constant = (*figures(rows[name][1].replace("T²", "").replace("T", "")), 0)[:3]
    for t in (1, 77, 512, 100_000):
        assert square * t * t + linear * t + constant == FORMS[name](t)[1], t
    assert figures(rows[name][0]) == [FORMS[name](1)[0]]


def test_a_picture_has_the_square_of_its_patches(tool: Any) -> None:
    """12 d² a position and layer, 2 d a pair; patches of 3 * 16² numbers; the head reads one position."""
    found = tool.over_positions("vit_b_16", "macs")
    per_patch = 3 * 16**2 * 768
    assert found == (1000 * 768 - per_patch, 12 * 12 * 768**2 + per_patch, 12 * 2 * 768)


def test_without_words_the_square_overtakes_at_six_times_the_features(rows: dict[str, list[str]]) -> None:
    assert figures(rows["bert_base"][2]) == [6 * 768] and figures(rows["bert_large"][2]) == [6 * 1024]
    for name, (d, layers) in GPT2.items():
        words = 50_257 * d / (2 * d * layers)
        assert figures(rows[name][2]) == [round(6 * d + words)]


def test_what_has_no_square_has_no_crossing(rows: dict[str, list[str]]) -> None:
    assert rows["mamba_130m"][2] == "never"


@pytest.mark.parametrize("name", [*GPT2, *LLAMA])
def test_a_word_of_the_cache_is_a_key_and_a_value_in_each_layer(name: str, tool: Any) -> None:
    """Of Llama, 8 heads of keys; the word itself is 8 bytes more, in every type."""
    d, layers = GPT2[name] if name in GPT2 else (8 * LLAMA[name][3], LLAMA[name][1])
    for dtype, size in (("f32", 4), ("f16", 2), ("i8", 1)):
        assert tool.cached(name, 100, dtype) == 100 * (2 * layers * d * size + 8)
