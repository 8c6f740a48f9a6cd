"""``archdsl explain E0304``: what a diagnostic means, with a bad and a mended example."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

from archdsl.cli.output import out, show
from archdsl.cli.signature import Arg, opt
from archdsl.diagnostics import Refusal, did_you_mean


def command(
    code: Annotated[str | None, Arg("a code such as E0304; without one, all codes are listed")] = None,
    format: Annotated[str, opt("--format", help="text or json")] = "text",
) -> None:
    """Explain a diagnostic code, with examples."""
    from archdsl.cli.options import choose

    choose(format, "--format", ("text", "json"))
    wanted = [code.upper()] if code else codes()
    found = {one: page(one) for one in wanted}
    if code and format == "text":
        out(found[wanted[0]])
    else:
        from archdsl.report import listing

        show(listing.codes(found), format)


def codes() -> list[str]:
    """All codes that have a page, sorted."""
    names = (entry.name for entry in files("archdsl.explain").iterdir())
    return sorted(name[:-3] for name in names if name.endswith(".md") and name[:1] in "EW")


def page(code: str) -> str:
    """The Markdown page of a code; refuses (E0007) codes without one."""
    known = codes()
    if code not in known:
        help = did_you_mean(code, known, "`archdsl explain` lists all codes")
        raise Refusal("E0007", f"there is no diagnostic `{code}`", help=help)
    return files("archdsl.explain").joinpath(f"{code}.md").read_text(encoding="utf-8")
