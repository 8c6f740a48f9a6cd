"""What a reader of a picture needs: a legend of the shades, letters that can be read on paper, texts in the middle."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as Tree
from pathlib import Path

import pytest
from typer.testing import CliRunner

import archdsl
from archdsl.cli import app
from archdsl.diagnostics import DiagnosticError
from archdsl.picture.plan import Plan
from archdsl.project.picture import Picture
from archdsl.project.targets import graph_of

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: Picture) -> list[str]:
    return [one.text or "" for one in Tree.fromstring(picture.svg).iter(f"{SVG}text")]


def millimetres(picture: Picture) -> tuple[float, float, float]:
    """Width, height, and how high the smaller letters are, in points of 1/72 inch."""
    root = Tree.fromstring(picture.svg)
    wide, high = (float(root.attrib[side].removesuffix("mm")) for side in ("width", "height"))
    return wide, high, 10 * wide / float(root.attrib["viewBox"].split()[2]) / 25.4 * 72


def test_a_shade_has_a_legend() -> None:
    """LeNet-5's second convolution has most: 10 × 10 places, 16 channels, 6 × 5 × 5 weights each; the colour follows
    the square root, so that a quarter of it is in the middle.
    """
    assert texts(archdsl.draw("lenet5", shade="macs"))[:4] == ["MACs at N = 1", "0", "60k", "240k"]
    assert texts(archdsl.draw("lenet5", shade="params"))[0] == "parameters"
    assert texts(archdsl.draw("bert_base", shade="activations", bind={"T": 64}))[0] == "bytes of results at N = 1"
    assert texts(archdsl.draw("lenet5", shade="macs", bind={"N": 2}))[:4] == ["MACs", "0", "120k", "480k"]
    assert "MACs at N = 1" not in texts(archdsl.draw("lenet5"))


def test_the_legend_has_the_colours_of_the_boxes() -> None:
    root = Tree.fromstring(archdsl.draw("lenet5", shade="macs").svg)
    least, most = (one.attrib["stop-color"] for one in root.iter(f"{SVG}stop"))
    fills = {one.findtext(f"{SVG}title"): one.attrib["fill"] for one in root.iter(f"{SVG}rect")}
    assert fills["c3.conv"] == most and fills["flatten"] == least != most


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "unet", "resnet50"])
@pytest.mark.parametrize("shade", [None, "macs"])
def test_paper_is_a_column_with_letters_that_can_be_read(name: str, shade: str | None) -> None:
    picture = archdsl.draw(name, style="paper", shade=shade)
    wide, high, points = millimetres(picture)
    assert wide <= 84 and high <= 240
    assert (points >= 4.99) == (picture.told == "")
    assert picture.told == ""


def test_small_letters_are_told(tmp_path: Path) -> None:
    """A depth that is asked for is drawn; what is not readable is said with its size."""
    result = CliRunner().invoke(
        app, ["show", "googlenet", "-o", str(tmp_path / "a.svg"), "--style", "paper", "--depth", "3"]
    )
    points = millimetres(archdsl.draw("googlenet", style="paper", depth=3))[2]
    assert result.exit_code == 0 and f"letters are {points:.1f} points high" in result.output
    assert archdsl.draw("googlenet", depth=3).told == ""


def test_paper_in_pixels(tmp_path: Path) -> None:
    """600 to the inch."""
    picture = archdsl.draw("lenet5", style="paper")
    wide, high = struct.unpack(">II", picture.save(tmp_path / "a.png").read_bytes()[16:24])
    sizes = millimetres(picture)
    assert abs(wide - sizes[0] / 25.4 * 600) <= 2 and abs(high - sizes[1] / 25.4 * 600) <= 2


def test_texts_stand_in_the_middle_of_their_boxes() -> None:
    root = Tree.fromstring(archdsl.draw("alexnet_2012").svg)
    middles = {float(r.attrib["x"]) + float(r.attrib["width"]) / 2 for r in root.iter(f"{SVG}rect") if "x" in r.attrib}
    (group,) = (one for one in root.iter(f"{SVG}g") if one.get("text-anchor") == "middle")
    assert len(group) > 20
    assert all(min(abs(float(one.attrib["x"]) - middle) for middle in middles) < 0.6 for one in group)


def test_folded_blocks_say_a_name_once() -> None:
    plan = Plan(graph_of("dpn92"), 2)
    stage = next(part for part in plan.root.parts if part.key == "conv3")
    first, repeat = stage.parts
    assert plan.shown(repeat).title == "3 × 1.dual … 3.dual"
    folded = next(part for part in first.parts if part.framed)
    assert plan.shown(folded).lines == ["dual", "4 layers"]
    unit = next(part for part in repeat.parts if part.title == "unit_3")
    assert plan.shown(unit).lines[:2] == ["unit_3", "c = 544, k = 1"]
    inception = next(part for part in Plan(graph_of("googlenet"), 0).root.parts if part.key == "inception3a")
    assert plan.shown(inception).lines == ["inception3a", "inception, 6 layers"]


def test_a_shade_without_sizes_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="--shade"):
        archdsl.draw("lenet5", shade="flops")
