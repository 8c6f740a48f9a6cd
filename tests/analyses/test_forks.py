"""Where paths part and meet: held against the definition, by trying every vertex."""

from __future__ import annotations

from hypothesis import given, strategies as st

from archdsl.analyses.forks import closing_joins
from archdsl.driver import resolve_target
from archdsl.report.drawing import as_dot, as_mermaid


@st.composite
def acyclic(draw) -> list[tuple[str, str]]:
    size = draw(st.integers(2, 9))
    pairs = [(str(a), str(b)) for a in range(size) for b in range(a + 1, size)]
    return draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=16, unique=True))


def ends_from(start: str, edges: list[tuple[str, str]], without: str | None) -> bool:
    """Whether an end can be reached."""
    leaving = {a for a, _ in edges}
    waiting, seen = [start], set()
    while waiting:
        at = waiting.pop()
        if at in seen or at == without:
            continue
        seen.add(at)
        if at not in leaving:
            return True
        waiting += [b for a, b in edges if a == at]
    return False


@given(acyclic())
def test_a_closing_join_is_the_first_vertex_that_no_path_leads_around(edges) -> None:
    expected = {}
    for fork in {a for a, _ in edges}:
        later = {v for edge in edges for v in edge if int(v) > int(fork)}  # numbers are a topological order
        needed = [v for v in later if not ends_from(fork, edges, v)]
        if needed and sum(a == fork for a, _ in edges) > 1:
            expected[fork] = min(needed, key=int)
    assert closing_joins(edges) == expected


def test_drawings_dash_the_shortcuts() -> None:
    """ResNet-18 has eight residual sums, three of them with a projection (arXiv:1512.03385, table 1)."""
    program, variant = resolve_target("resnet18")
    graph = program.graph(variant)
    assert as_mermaid(graph).count("-.->") == as_dot(graph).count("style=dashed") == 8 - 3
