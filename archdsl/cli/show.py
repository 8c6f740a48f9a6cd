"""``archdsl show``: the elaborated graph as text or data, or as a picture."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.options import Bind, Block, Set, Target, Train, Watching, bindings, settings
from archdsl.cli.output import out, progress, say
from archdsl.cli.signature import opt
from archdsl.diagnostics import Refusal

EXAMPLE = "archdsl show resnet50 -o resnet50.svg"


def command(
    target: Target,
    format: Annotated[
        str, opt("--format", help="the form of the output", choices="archdsl.project.pages:FORMATS")
    ] = "text",
    output: Annotated[
        str | None, opt("--output", "-o", metavar="FILE", help="write a picture: .svg, .png, .mmd (Mermaid) or .dot")
    ] = None,
    depth: Annotated[int | None, opt("--depth", min=0, help="open so many levels of blocks")] = None,
    fold: Annotated[
        list[str] | None, opt("--fold", metavar="PATH", help="draw blocks of these paths as one box (`layer*`)")
    ] = None,
    select: Annotated[str | None, opt("--select", metavar="PATH", help="draw one block alone")] = None,
    shade: Annotated[
        str | None, opt("--shade", help="colour by a figure", choices="archdsl.picture.figures:SHADES")
    ] = None,
    style: Annotated[str, opt("--style", help="the look", choices="archdsl.project.picture:STYLES")] = "screen",
    open_: Annotated[bool, opt("--open", help="show the picture when it is written")] = False,
    block: Block = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
    watch: Watching = False,
) -> None:
    """Print the elaborated graph, or draw it."""
    from archdsl.project.one_block import applied

    given = settings(set_)
    if output is None:
        from archdsl.project.pages import show

        if shade or style != "screen" or open_:
            help = "name the file of the picture: `-o net.svg`"
            raise Refusal("E0007", "`--shade`, `--style` and `--open` are for pictures", help=help)
        with progress(f"elaborating {target}"):
            network, sizes = applied(target, block, bindings(bind))
            text = show(
                network, format, depth=depth, fold=fold or (), select=select or "",
                settings=given, bind=sizes, train=train,
            )  # fmt: skip
        out(text)
        return
    from archdsl.project.picture import checked_output, draw
    from archdsl.report.figures import human_bytes

    checked_output(output)
    with progress(f"drawing {target}"):
        network, sizes = applied(target, block, bindings(bind))
        found = draw(
            network, depth=depth, fold=fold or (), select=select or "", shade=shade, style=style,
            settings=given, bind=sizes, train=train,
        )  # fmt: skip
        path = found.save(output)
    say(f"wrote {path}, {human_bytes(path.stat().st_size)}")
    if path.suffix.lower() in (".svg", ".png") and found.told:
        say(found.told)
    if open_:
        import webbrowser

        webbrowser.open_new_tab(path.resolve().as_uri())
