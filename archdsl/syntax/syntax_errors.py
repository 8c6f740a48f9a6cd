"""Syntax errors: what was expected and what was found, in the reader's terms."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Label
from archdsl.source import Source, Span
from archdsl.syntax.hints import Surroundings, hint
from archdsl.syntax.lexer import DEFINERS
from archdsl.syntax.tables import Tables
from archdsl.syntax.tokens import Token

_ELSEWHERE = {
    "elif": "write `else if`",
    "def": "a block is defined with `block name(…) { … }`",
    "fn": "a block is defined with `block name(…) { … }`",
    "class": "a network is defined with `network Name(…) { … }`",
    "import": "names are imported with `use std.cnn (conv_bn)`",
    "from": "names are imported with `use std.cnn (conv_bn)`",
    "while": "loops have known lengths: `repeat n { … }` or `for x in list { … }`",
    "return": "the result of a body is its last flow",
    "lambda": "a body is a value: `{ conv(64, 3) -> relu }`",
    "is": "equality is `==`",
}
"""Words of other languages, and their equivalents here."""

_ENDS_VALUE = frozenset(["NAME", "NUMBER", "STRING", "TRUE", "FALSE", "IN", "RPAR", "RSQB", "RBRACE", "ELLIPSIS"])
_LISTED = ["COMMA", "RPAR", "RSQB", "LPAR", "EQUAL", "IN", "ELSE", "DOUBLE_COLON", "COLON", "LSQB"]


def with_edition(source: Source, tokens: list[Token], diagnostics: list[Diagnostic], broken: list[int]) -> list[Token]:
    """The tokens, beginning with a line ``arch 1`` that is added (and reported) if it is missing."""
    end = next((i for i, token in enumerate(tokens) if token.type == "_SEP" and not token.depth), len(tokens))
    if [token.type for token in tokens[:end]] == ["ARCH", "NUMBER"]:
        return tokens
    made = [Token("ARCH", "", 0, 0), Token("NUMBER", "1", 0, 0)]
    if tokens and tokens[0].type == "ARCH":
        span = Span(source, tokens[0].start, tokens[end - 1].end)
        diagnostics.append(Diagnostic("E0105", "the first line must contain only the edition: `arch 1`", span))
        return made + tokens[end:]
    span = Span(source, 0, 0) if not tokens else Span(source, tokens[0].start, tokens[0].end)
    if tokens and tokens[0].type not in DEFINERS:
        broken.insert(0, tokens[0].start)
    message = "the file does not begin with the edition of the language"
    diagnostics.append(Diagnostic("E0105", message, span, help="make `arch 1` its first line"))
    return made + [Token("_SEP", "", 0, 0)] * bool(tokens) + tokens


def unexpected(source: Source, tables: Tables, states: list[int], tokens: list[Token], index: int) -> Diagnostic:
    """The diagnostic for the token at ``index``, which the automaton cannot take."""
    return Fault(source, tables, states, tokens, index).diagnostic()


def acceptable(tables: Tables, states: list[int]) -> set[str]:
    """The terminals that the automaton could shift next."""
    return {name for name in tables.states[states[-1]] if _shifts(tables, states, name)}


def _shifts(tables: Tables, states: list[int], name: str) -> bool:
    stack = list(states)
    while True:
        action = tables.states[stack[-1]].get(name)
        if action is None:
            return name == "$END" and stack[-1] in tables.ends.values()
        if action >= 0:
            return name.isupper() or name in ("_SEP", "$END")
        origin, length = tables.rules[-1 - action][:2]
        if length:
            del stack[-length:]
        stack.append(tables.states[stack[-1]][origin])


class Fault(Surroundings):
    """One unexpected token in its surroundings."""

    def __init__(self, source: Source, tables: Tables, states: list[int], tokens: list[Token], index: int) -> None:
        super().__init__(tokens, index, acceptable(tables, states))
        self.source = source
        self.tables = tables
        self.value_expected = {"NAME", "NUMBER"} <= self.expected
        self.after_value = self.before is not None and self.before.type in _ENDS_VALUE and not self.value_expected

    def diagnostic(self) -> Diagnostic:
        """The most telling message that fits."""
        for special in (
            self._comment,
            self._nested,
            self._reserved,
            self._equal,
            self._brace,
            self._head,
            self._definition,
            self._word,
        ):
            found = special()
            if found:
                return found
        return self._make("E0100", f"expected {self._wanted()}, found {self._found()}", hint(self))

    def _make(self, code: str, message: str, help: str = "", labels: tuple[Label, ...] = ()) -> Diagnostic:
        return Diagnostic(code, message, self._span(), labels=labels, help=help)

    def _span(self) -> Span:
        token = self.token
        if self._line_end():
            end = self.before.end if self.before else 0
            return Span(self.source, end, min(end + 1, len(self.source.text)))
        return Span(self.source, token.start, token.end)

    def _line_end(self) -> bool:
        """Whether the fault is only that the line (or the text) has ended."""
        kind = self.token.type
        return kind == "$END" or (kind == "_SEP" and self.token.text != ";") or (kind == "RBRACE" and self.token.first)

    # Special cases

    def _comment(self) -> Diagnostic | None:
        """A comment of another language."""
        if self.token.text != "//" or not self.token.first:
            return None
        return self._make("E0100", "`//` divides; a comment begins with `#`", "write `# …`, or `## …` to document")

    def _nested(self) -> Diagnostic | None:
        """A definition inside a body."""
        word = self.before if self.expected == {"COLON"} else self.token
        if word is None or word.type not in DEFINERS or not word.depth or not word.first:
            return None
        message = f"`{word.text}` can be used only at the top of a file, not inside a body"
        span = Span(self.source, word.start, word.end)
        return Diagnostic("E0100", message, span, help="move it above the definition that it is in")

    def _reserved(self) -> Diagnostic | None:
        text, before = self.token.text, self.before
        if before and before.text in self.tables.words and self.expected in ({"COLON"}, {"EQUAL"}):
            span = Span(self.source, before.start, before.end)
            if before.type == "ELSE":
                return Diagnostic("E0100", "this `else` belongs to no `if`", span, help="it follows the `}` of an `if`")
            help = f"choose another name; only a label may be `{before.text}: …`"
            message = f"`{before.text}` is a word of the language, so it cannot be a value here"
            return Diagnostic("E0106", message, span, help=help)
        if text not in self.tables.words:
            return None
        if self.token.type == "IN" and self.after_value:
            if self.first_word() == "FOR":
                return self._make(
                    "E0100", "`for` needs names before `in`", "write `for a, b in list { … }`, without parentheses"
                )
            return self._make("E0100", "`in` is the input, not an operator", "write `contains(list, value)`")
        if "NAME" in self.expected and not self.after_value:
            kind = "a value" if self.value_expected else "a name"
            message = f"`{text}` is a word of the language, so it cannot be {kind} here"
            return self._make("E0106", message, "choose another name")
        return None

    def _equal(self) -> Diagnostic | None:
        kind, text = self.token.type, self.token.text
        if kind == "COMPARE" and text == "==" and "EQUAL" in self.expected and "COMPARE" not in self.expected:
            return self._make("E0107", "`==` compares; a value is given with `=`", "write `=`")
        if kind != "EQUAL":
            return None
        if "COMPARE" in self.expected and "PLUS" not in self.expected:
            return self._make("E0107", "a claim compares: `==`, `<=`, `>=`, `<` or `>`", "write `==`")
        if not self.after_value:
            return None
        following = self.tokens[self.index + 1]
        if following.text == ">" and following.start == self.token.end:
            return self._make("E0107", "`=>` is not part of the language", "blocks are composed with `->`")
        if self.index - self.statement_start() == 1 and self.before and self.before.type == "NAME":
            name = self.before.text
            help = f"a value is bound with `let {name} = …`, a result labelled with `{name}: …`"
            return self._make("E0107", "a statement cannot begin with `name =`", help)
        return self._make("E0107", "`=` gives a value to a name; equality is `==`", "write `==`")

    def _brace(self) -> Diagnostic | None:
        following = self.tokens[min(self.index + 1, len(self.tokens) - 1)]
        if self.token.type == "_SEP" and following.type == "LBRACE" and self.after_value:
            return Diagnostic(
                "E0109",
                "`{` must be on the same line as its block",
                Span(self.source, following.start, following.end),
                help="move it to the end of the line above",
            )
        if self.token.type == "LBRACE" and self.after_value and self.before and self.before.type != "RBRACE":
            help = "put the block with its body in parentheses, or give it a name first: `let gate = seq { … }`"
            return self._make("E0109", "a body cannot be used in the middle of an expression", help)
        return None

    def _head(self) -> Diagnostic | None:
        """`->` or a ternary where a body or a name follows: `if x -> f {`."""
        if self.token.type in ("ARROW", "IF") and self.after_value and "LBRACE" in self.expected:
            what = "a pipeline" if self.token.type == "ARROW" else "`a if c else b`"
            return self._make("E0100", f"{what} needs parentheses here", "put parentheses around it")
        return None

    def _definition(self) -> Diagnostic | None:
        if {"BLOCK", "NETWORK", "USE"} <= self.expected and "NAME" not in self.expected and not self._foreign():
            message = f"expected a definition (`use`, `let`, `block`, `network` or `variant`), found {self._found()}"
            return self._make("E0100", message, "write what a network does in its body: `network Name() { … }`")
        return None

    def _foreign(self) -> bool:
        return self.token.type == "NAME" and self.token.text in _ELSEWHERE

    def _word(self) -> Diagnostic | None:
        """A word of another language, here or just before."""
        for token in (self.token, self.before):
            if token and token.type == "NAME" and token.text in _ELSEWHERE:
                span = Span(self.source, token.start, token.end)
                return Diagnostic(
                    "E0100", f"there is no `{token.text}` in this language", span, help=_ELSEWHERE[token.text]
                )
        return None

    # The general case

    def _wanted(self) -> str:
        expected = self.expected
        wanted: list[str] = []
        if self.value_expected:
            wanted.append("a value" if "LPAR" in expected else "a cell")
        elif "COMPARE" in expected and "PLUS" not in expected:
            return "a comparison (`==`, `<=`, `>=`, `<` or `>`)"
        elif "NAME" in expected:
            wanted.append("a name")
        elif "EXPECT" in expected:
            return "`expect` or `budget`"
        ends = {"_SEP", "$END", "RBRACE"} & expected
        if self.after_value or not wanted:
            wanted.extend(f"`{self.tables.spellings[name]}`" for name in _LISTED if self._listed(name))
        elif {"RPAR", "RSQB"} & expected:
            wanted.extend(f"`{self.tables.spellings[name]}`" for name in ("RPAR", "RSQB") if name in expected)
        if "LBRACE" in expected and not ends and not self.value_expected and not self._closing():
            wanted.append("`{`")
        if ends and not self.value_expected:
            wanted.append("the end of the statement")
        if not wanted:
            wanted = [
                f"`{self.tables.spellings[name]}`" for name in sorted(expected & self.tables.spellings.keys())[:3]
            ]
        return _either(wanted or ["something else"])

    def _listed(self, name: str) -> bool:
        """Whether to mention a punctuation mark: not those that merely could continue a value."""
        if name not in self.expected:
            return False
        if self.after_value and name in ("LPAR", "LSQB", "COLON", "DOUBLE_COLON"):
            return False
        return name != "COMMA" or not {"_SEP", "$END"} & self.expected

    def _closing(self) -> bool:
        return bool({"RPAR", "RSQB", "COMMA"} & self.expected)

    def _found(self) -> str:
        token = self.token
        if token.type == "$END":
            return "the end of the file" if token.end >= len(self.source.text.rstrip()) else "the end of the expression"
        if self._line_end():
            return "the end of the line"
        if not token.text:
            return "the end of the body"
        shown = token.text if len(token.text) <= 40 else token.text[:40] + "…"
        return f"`{shown}`" if token.type != "STRING" else "a string"


def _either(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " or " + items[-1]
