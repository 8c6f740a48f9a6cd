"""Pages as a piece of HTML: what a notebook shows. It has neither scripts nor colours, so that it is dark where the
notebook is.
"""

from __future__ import annotations

from base64 import b64encode

from archdsl.report.page import Drawing, Facts, Page, Part, Report, Table
from archdsl.report.terminal import visible

TALL = 32
"""Rows above which a table scrolls."""
TABULAR = "border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0.4em 0"


def html(report: Report) -> str:
    """The page of a report, with its picture in place of drawings in characters; ends in a newline."""
    page, chart = report.page(), report.chart()
    parts = [p for p in page.parts if not (chart and isinstance(p, Drawing))]
    return document(page.replace(parts=tuple(parts)), chart)


def document(page: Page, chart: str = "") -> str:
    """A page, with a picture (SVG) below its heading."""
    blocks = [f"<p><strong>{escaped(page.heading)}</strong></p>\n"] if page.heading else []
    if chart:
        # as an image it has its own names and its own text alternative, and nothing in it can act
        encoded = b64encode(chart.encode()).decode()
        alternative = f"A picture of: {page.heading}" if page.heading else "A picture of the table below"
        blocks.append(f'<img alt="{escaped(alternative)}" src="data:image/svg+xml;base64,{encoded}" />\n')
    return "<div>\n" + "".join([*blocks, *map(_part, page.parts)]) + "</div>\n"


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Facts):
        title = f"<p><strong>{escaped(part.title)}</strong></p>\n" if part.title else ""
        lines = "\n".join(map(escaped, part.lines))
        return title + (f'<pre style="white-space:pre-wrap">{lines}</pre>\n' if lines else "")
    return "<pre>" + "\n".join(map(escaped, part.lines)) + "</pre>\n" if part.lines else ""


def _table(shown: Table) -> str:
    right = shown.to_the_right
    levels = shown.levels or (0,) * len(shown.rows)
    title = (
        f'<caption style="text-align:left"><strong>{escaped(shown.title)}</strong></caption>\n' if shown.title else ""
    )
    head = f"<thead>{_row(shown.head, right, 'th')}</thead>\n" if shown.head else ""
    body = "".join(
        _row(row, right, "td", level, index in shown.groups) + "\n"
        for index, (level, row) in enumerate(zip(levels, shown.rows))
    )
    foot = f"<tfoot>{_row(shown.foot, right, 'td', 0, True)}</tfoot>\n" if shown.foot else ""
    note = f"<div>{escaped(shown.note)}</div>\n" if shown.note else ""
    text = f'<table style="{TABULAR}">\n{title}{head}<tbody>\n{body}</tbody>\n{foot}</table>\n'
    if len(shown.rows) > TALL:
        text = f'<div style="max-height:40em;overflow:auto" tabindex="0">\n{text}</div>\n'
    return text + note


def _row(cells: tuple[str, ...], right: list[bool], tag: str, level: int = 0, strong: bool = False) -> str:
    found = []
    for index, (cell, to) in enumerate(zip(cells, right)):
        indent = 0.5 + 1.2 * level * (not index)
        style = f"text-align:{'right' if to else 'left'};padding:0.15em 0.5em 0.15em {indent:.1f}em"
        text = f"<strong>{escaped(cell)}</strong>" if strong and cell else escaped(cell)
        scope = ' scope="col"' if tag == "th" else ""
        found.append(f'<{tag}{scope} style="{style}">{text}</{tag}>')
    return f"<tr>{''.join(found)}</tr>"


def escaped(text: str) -> str:
    """Text inside of a tag or an attribute: nothing in it is markup, it may be a stranger's."""
    text = visible(text.replace("\n", " ")).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")
