"""What the cards say of themselves: the tables that are read before a card is loaded, and rules that all cards keep."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

from archdsl import ops
from archdsl.analyses import other_counters
from archdsl.element_types import ELEMENT_TYPES
from archdsl.interface import KINDS
from archdsl.modules.words import PICTURE_CHOICES
from archdsl.ops.base import Role
from archdsl.ops.pointwise import Pointwise
from archdsl.shapes import AXES

CARDS = [ops.load(name) for name in ops.names()]


def each(cards: list[type]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("card", cards, ids=lambda card: card.name)


def test_symbols_are_those_of_the_cards() -> None:
    assert {card.infix: card.name for card in CARDS if card.infix} == ops.INFIX
    assert {card.prefix: card.name for card in CARDS if card.prefix} == ops.PREFIX
    assert len({card.infix for card in CARDS if card.infix}) == sum(bool(card.infix) for card in CARDS)


def test_choices_are_those_of_the_cards() -> None:
    found = {word for card in CARDS for argument in card.signature.values() for word in argument.kind.choices}
    assert found - {*ops.names(), *AXES, *ELEMENT_TYPES, "none"} == set(ops.CHOICES)


def test_choices_of_pictures_are_those_of_preprocess() -> None:
    assert {word for kind in KINDS.values() for word in kind.choices} == set(PICTURE_CHOICES)


@each(CARDS)
def test_roles_are_known_and_sources_have_no_input(card: type) -> None:
    assert card.role in get_args(Role)
    assert (card.role == "source") == (card.arity == (0, 0))
    assert not card.vanishes or card.role == "view"
    assert not card.number or (card.infix and card.number in card.signature)


@each(CARDS)
def test_what_others_call_it_is_not_the_name_of_another(card: type) -> None:
    def plain(word: str) -> str:
        return word.lower().replace("_", "")

    taken = {plain(word): other.name for other in CARDS for word in (other.name, *other.elsewhere)}
    for word in card.elsewhere:
        assert taken[plain(word)] == card.name
        assert word not in ops.names()


@each([card for card in CARDS if issubclass(card, Pointwise)])
def test_a_pointwise_card_has_its_function(card: type) -> None:
    assert card.function is not Pointwise.function, "say what becomes of one element: `def function(self, x)`"


def test_other_counters_name_operators_that_exist() -> None:
    """A name that is misspelt, or a family for an operator, would count as nothing."""
    tree = ast.parse(Path(other_counters.__file__).read_text(encoding="utf-8"))
    compared = {
        constant.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and ast.unparse(node.left).endswith("layer.op")
        for constant in ast.walk(node)
        if isinstance(constant, ast.Constant)
    }
    sets = [value for value in vars(other_counters).values() if isinstance(value, frozenset)]
    named = compared.union(other_counters._ONNX_TOOL, *sets)
    assert len(named) > 30
    assert named <= set(ops.names())
