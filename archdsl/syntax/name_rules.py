"""Reductions to syntax, between the halves: ``weights name { rules }``."""

from __future__ import annotations

from typing import TypeGuard

from archdsl.syntax import spec
from archdsl.syntax.build import Children, ExpressionBuilder

CONVERSIONS = ("flatten", "permute", "reshape", "squeeze", "transpose", "unsqueeze")
"""Operators that a tensor may go through on its way into a checkpoint: they can be undone."""


class NameRuleBuilder(ExpressionBuilder):
    """Builds rules; a malformed one is reported and left out."""

    def weights(self, start: int, end: int, children: Children) -> spec.Statement:
        _, name, rules = children
        return spec.Weights(self.span(start, end), name.text, rules)

    def name_rules(self, start: int, end: int, children: Children) -> tuple[spec.NameRule, ...]:
        return tuple(children)

    def name_rule(self, start: int, end: int, children: Children) -> spec.NameRule | None:
        pattern, stored, rules = children
        if not (self._is_pattern(pattern) and self._is_stored(stored, bool(rules))):
            return None
        return spec.NameRule(self.span(start, end), pattern, stored, rules or ())

    def _is_pattern(self, pattern: spec.String) -> bool:
        """Whether a string embeds bare names only, at most one in each component."""
        captured = False
        for part in pattern.parts:
            if isinstance(part, str):
                captured = captured and "." not in part
            elif not isinstance(part, spec.Name) or captured:
                help = 'a pattern has names in braces, at most one in each component: `"block{i}.conv"`'
                return self._refused("this cannot be part of a path pattern", part, help)
            else:
                captured = True
        return True

    def _is_stored(self, stored: spec.Expr, nested: bool) -> bool:
        """Whether a right side can be a name, or (for a rule without rules of its own) the conversion of a tensor."""
        if not is_conversion(stored):
            return True
        first = stored.arguments[0] if stored.arguments else None
        if first is None or first.name is not None:
            help = f'`{stored.callee.span.text}("name", …)`'
            return self._refused("the name of the tensor comes first", stored, help)
        return not nested or self._refused("a rule that converts a tensor cannot have rules of its own", stored, "")

    def _refused(self, message: str, at: spec.Syntax, help: str) -> bool:
        self.report("E0114", message, at.span, help, lost=False)
        return False


def is_conversion(expr: spec.Expr) -> TypeGuard[spec.Call]:
    """Whether this is ``reshape("name", …)`` or the like."""
    return isinstance(expr, spec.Call) and isinstance(expr.callee, spec.Name) and expr.callee.id in CONVERSIONS
