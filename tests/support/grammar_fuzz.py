"""Random texts from ``grammars/arch.lark`` itself, and which of its rules a text uses.

``Generator(seed).text()`` derives a file from the grammar: every rule and every alternative can come up. What the
grammar cannot say (a label is a name, a table has rows of one length, a variant applies a network) is kept to, so that
almost every text parses; ``wild=1.0`` keeps to nothing. ``rules_used(text)`` drives the automaton once more and counts.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

from archdsl.source import Source
from archdsl.syntax.lexer import Lexer
from archdsl.syntax.limits import LIMITS
from archdsl.syntax.tables import grammar_text, make_lark, tables
from archdsl.syntax.tokens import Token

SAMPLES = {
    "NAME": (
        "conv",
        "relu",
        "batch_norm",
        "x",
        "y",
        "c",
        "n",
        "i",
        "k",
        "identity",
        "concat",
        "add",
        "act",
        "_",
        "f32",
    ),
    "NUMBER": ("1", "2", "3", "64", "0.5", "1_000", "1e-3", "3.5M", "4.1G", "512K", "5 MiB", "64KiB", "2.50"),
    "STRING": ('"a"', '"layer{i + 1}"', '"{{x}} \\n \\" \\\\"', '""', '"{x}{y -> f(1, [2])}"', '"{ {relu} }"'),
    "COMPARE": ("==", "!=", "<", "<=", ">", ">="),
    "ELLIPSIS": ("…", "..."),
    "WEIGHTS": ("weights",),
}
COMMENTS = ("# a comment", "## a doc comment", "#", '#!x { ( " ')
ADJACENT = {"cell_call": 1, "negative": 1}
"""Rules whose first children stand without space, and how many."""


@cache
def expansions() -> dict[str, list[list[str]]]:
    """The alternatives of every rule, as Lark expanded them."""
    found: dict[str, list[list[str]]] = {}
    for rule in make_lark(grammar_text()).rules:
        found.setdefault(rule.origin.name, []).append([symbol.name for symbol in rule.expansion])
    return found


@cache
def heights() -> dict[str, int]:
    """The height of the smallest derivation of every rule."""
    rules = expansions()
    known: dict[str, int] = {}
    while len(known) < len(rules):
        for name, alternatives in rules.items():
            complete = [a for a in alternatives if all(s in known or s not in rules for s in a)]
            if complete and name not in known:
                known[name] = 1 + min(max((known.get(s, 0) for s in a), default=0) for a in complete)
    return known


def _height(alternative: list[str]) -> int:
    return max((heights().get(symbol, 0) for symbol in alternative), default=0)


class Generator:
    """Derives texts; the same seed gives the same texts."""

    def __init__(self, seed: int, size: int = 24, wild: float = 0.02) -> None:
        self.random = random.Random(seed)
        self.size = size
        self.wild = wild
        self.words: list[str] = []
        self.depth = 0
        self.overrides = {
            "target": self._target,
            "table_expr": self._table,
            "body": self._body,
            "list_expr": self._list,
            "claim": self._claim,
            "use_path": self._use_path,
            "name_rule": self._name_rule,
            "state": lambda room: self.expand("share", room),
            "next": lambda room: self.expand("let", room),
        }

    def text(self) -> str:
        """One file."""
        self.words = []
        self.depth = 0
        self.symbol("ARCH", 0)
        self.words += [" 1"]
        for _ in range(self.random.randint(1, 4)):
            self.words.append(self._separator())
            self.expand("definition", self.size)
        return "".join(self.words).strip() + "\n"

    def expand(self, rule: str, room: int) -> None:
        """Derive a rule; with ``room`` for that many levels it ends as soon as it can."""
        alternatives = expansions()[rule]
        fitting = [a for a in alternatives if _height(a) < room]
        if not fitting:
            least = min(map(_height, alternatives))
            fitting = [a for a in alternatives if _height(a) == least]
        alternative = self.random.choice(fitting)
        for position, symbol in enumerate(alternative):
            if position and position <= ADJACENT.get(rule, 0) and not self._wildly():
                self.words.append("\0")
            self._child(rule, symbol, room - 1)

    def _child(self, rule: str, symbol: str, room: int) -> None:
        wants_call = symbol == "postfix" and (rule == "variant" or "_calls" in rule)
        if wants_call and not self._wildly():
            self.expand("call", room)
        elif rule == "with_body" and symbol == "postfix" and not self._wildly():
            self.expand(self.random.choice(["name", "call", "attribute"]), room)
        else:
            self.symbol(symbol, room)

    def symbol(self, symbol: str, room: int) -> None:
        """Derive a rule or write a terminal."""
        if symbol in expansions():
            override = self.overrides.get(symbol)
            if override and not self._wildly():
                override(room)
            else:
                self.expand(symbol, room)
            return
        if symbol == "_SEP":
            self.words.append(self._separator())
            return
        if symbol in ("RPAR", "RSQB"):
            self.depth -= 1
        text = self.random.choice(SAMPLES[symbol]) if symbol in SAMPLES else tables().spellings[symbol]
        if self.words and self.words[-1] == "\0":
            self.words.pop()
        else:
            self.words.append(self._space())
        self.words.append(text)
        if symbol in ("LPAR", "LSQB"):
            self.depth += 1

    def _wildly(self) -> bool:
        return self.random.random() < self.wild

    def _space(self) -> str:
        chance = self.random.random()
        if self.depth and chance < 0.02:
            return f"  {self.random.choice(COMMENTS)}\n  "
        return "  " if chance < 0.1 else " "

    def _separator(self) -> str:
        chance = self.random.random()
        if chance < 0.3 and not self.depth:
            return " ;"
        if chance < 0.4:
            return f" {self.random.choice(COMMENTS)}\n"
        return "\n" * self.random.choice([1, 1, 1, 2, 3]) + (
            f"{self.random.choice(COMMENTS)}\n" if chance > 0.9 else ""
        )

    # What the grammar leaves to the builder

    def _target(self, room: int) -> None:
        choice = self.random.randrange(4)
        if choice == 0:
            self.expand("reserved", room)
        else:
            self.symbol("STRING" if choice == 1 else "NAME", room)
        if choice == 3:
            self.symbol("LSQB", room)
            self.symbol("value", room - 2)
            self.symbol("RSQB", room)
        self.symbol("COLON", room)

    def _table(self, room: int) -> None:
        columns = self.random.sample(["a", "b", "c", "width", "stride"], self.random.randint(1, 4))
        saved, self.depth = self.depth, 0
        self.words.append(" table {" + self.random.choice(["\n", " "]) + "  ".join(columns))
        for _ in range(self.random.randint(0, 3)):
            self.words.append(self._separator())
            for _ in columns:
                self.expand("cell", room)
        self.words.append(" }")
        self.depth = saved

    def _list(self, room: int) -> None:
        """A list, or a comprehension: its clauses are so high that few places have the room for one."""
        self.expand("comprehension" if room > 2 and self.random.random() < 0.2 else "list_expr", room)

    def _claim(self, room: int) -> None:
        self.symbol("NAME", room)
        for word in ("of", "at"):
            if self.random.random() < 0.4:
                self.words.append(f" {word}")
                self.expand("label_path", room)
        self.symbol("COMPARE", room)
        self.expand("addition", room)

    def _use_path(self, room: int) -> None:
        self.words.append(self.random.choice([' "blocks/mine.arch"', " std.cnn", " std . for"]))

    def _name_rule(self, room: int) -> None:
        patterns = ["", "a", "a.b{i}", "{i}.{k}c", "{{}}"]
        stored = ['"b{i + 1}"', '""', 'unsqueeze("x", [2, 3])', 'transpose("a.{i}")', '"{x -> f}.b"']
        choice = self.random.choice(stored)
        self.words.append(f' "{self.random.choice(patterns)}" -> {choice}')
        if room > 4 and choice.startswith('"') and self.random.random() < 0.4:
            self.words.append(" ")
            self.expand("name_rules", room - 1)

    def _body(self, room: int) -> None:
        """A body of statements, or one of branches."""
        saved, self.depth = self.depth, 0
        self.symbol("LBRACE", room)
        kinds = ["branch", "branch", "repeat", "for", "if"] if self.random.random() < 0.3 else None
        if room < heights()["statement"]:
            kinds = ["branch"] if kinds else ["flow"]
        for position in range(self.random.randint(0, 3 if room > 0 else 1)):
            if position:
                self.words.append(self._separator())
            self._statement(kinds, room - 2)
        self.symbol("RBRACE", room)
        self.depth = saved

    def _statement(self, kinds: list[str] | None, room: int) -> None:
        if kinds is None:
            alternatives = [a[0] for a in expansions()["statement"] if a[0] != "branch"]
            kinds = [name for name in alternatives if heights()[name] < room] or ["flow"]
        name = self.random.choice(kinds)
        begin = len(self.words)
        self.symbol(name, room)
        if name == "flow" and "".join(self.words[begin:]).lstrip(" \0").startswith("{"):
            del self.words[begin:]
            self.symbol("name", room)


def mutate(text: str, seed: int) -> str:
    """A text with a few characters or lines deleted, doubled, swapped or replaced."""
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([1, 1, 2, 5, 20, 80]))
        other = rng.randrange(len(text) + 1)
        replacement = rng.choice(
            [
                "",
                "",
                text[start:end] * 2,
                text[other : other + 10],
                rng.choice(list('(){}[]|:;=,."#\n -+*\t\0é\u2192')),
            ]
        )
        text = text[:start] + replacement + text[end:]
    return text


def rules_used(text: str) -> Counter[str]:
    """How often each alternative of the grammar was reduced by while parsing a text without faults."""
    automaton = tables()
    lexer = Lexer(Source("fuzz", text), LIMITS)
    tokens = [*lexer.run(), Token("$END", "", 0, 0)]
    used: Counter[str] = Counter()
    stack = [automaton.starts["file"]]
    for token in tokens:
        while (action := automaton.states[stack[-1]].get(token.type, len(automaton.states))) < 0:
            origin, length = automaton.rules[-1 - action][:2]
            used[origin] += 1
            if length:
                del stack[-length:]
            stack.append(automaton.states[stack[-1]][origin])
        if action == len(automaton.states):
            assert token.type == "$END" and stack[-1] == automaton.ends["file"], token
        stack.append(action)
    return used


def all_rules() -> set[str]:
    """The names of the rules, without the helpers that Lark makes for repetitions."""
    return {origin for origin, *_ in tables().rules if not origin.startswith("__")}
