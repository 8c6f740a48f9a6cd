"""The explorer in headless Chromium, from a file: everything that can be done on it, and nothing that leaves it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Watched, chromium
from console import run

import archdsl

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
EVIL = "</script><img src=x onerror=alert(1)><svg onload=alert(2)>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages")
    for name in ("resnet18", "bert_base", "lenet5"):
        archdsl.explorer(name).save(path / f"{name}.html")
    return path


@pytest.fixture
def resnet(browser: Browser, folder: Path) -> Iterator[Page]:
    watched = Watched(browser)
    yield watched.open(folder / "resnet18.html")
    watched.close()
    assert watched.requests == [(folder / "resnet18.html").resolve().as_uri()]


def paths(page: Page) -> list[str]:
    return page.locator("#rows th.path").all_inner_texts()


def test_a_head_sorts_and_sorts_back(resnet: Page) -> None:
    rows = {row.path: row for row in archdsl.cost("resnet18").rows}
    order = paths(resnet)
    assert order == list(rows)
    head = resnet.locator("#heads").get_by_role("columnheader", name="Params")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert paths(resnet) == sorted(order, key=lambda path: -int(str(rows[path].params)))
    head.get_by_role("button").click()
    assert paths(resnet) == sorted(order, key=lambda path: int(str(rows[path].params)))
    resnet.locator("#heads").get_by_role("columnheader", name="Layer").get_by_role("button").click()
    assert paths(resnet) == order


def test_the_search_narrows_and_sums(resnet: Page) -> None:
    table = archdsl.cost("resnet18")
    resnet.keyboard.press("/")
    resnet.keyboard.type("layer2 conv")
    wanted = [row for row in table.rows if "layer2" in row.path and "conv" in f"{row.path} {row.node.op!r}"]
    assert paths(resnet) == [row.path for row in wanted]
    assert resnet.locator("#count").inner_text() == f"{len(wanted)} of {len(table.rows)} layers"
    assert f"{sum(int(str(row.params)) for row in wanted):,}" in resnet.locator("#sums").inner_text()


def test_columns_are_chosen_and_csv_has_all(resnet: Page) -> None:
    resnet.get_by_text("Columns", exact=True).click()
    resnet.get_by_label("Traffic").check()
    assert resnet.get_by_role("columnheader", name="Traffic").is_visible()
    resnet.fill("#search", "fc")
    with resnet.expect_download() as waiting:
        resnet.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8"))))
    (row,) = [one for one in archdsl.cost("resnet18").rows if one.path == "fc"]
    assert [(one["path"], one["params"], one["activations"]) for one in rows] == [
        ("fc", str(row.params), str(row.out_bytes))
    ]


def test_row_and_line_lead_to_one_another(resnet: Page) -> None:
    resnet.locator("#rows tr", has_text="layer2.0.conv1").click()
    assert resnet.locator("#layer h3").inner_text() == "layer2.0.conv1"
    line = resnet.locator("#text li.made code").first.inner_text()
    assert "unit(c" in line
    resnet.locator("#chain button", has_text="std.resnet").first.click()
    assert "conv1" in resnet.locator("#text li.made code").first.inner_text()
    resnet.select_option("#sources", "0")
    resnet.locator("#text li.makes button", has_text="fc: linear").click()
    assert paths(resnet) == ["fc"] and resnet.locator("#layer h3").inner_text() == "fc"
    resnet.locator("#chip button").click()
    assert len(paths(resnet)) == len(archdsl.cost("resnet18").rows)
    assert resnet.locator("#rows tr[aria-current] th").inner_text() == "fc"


def test_a_formula_has_the_numbers(resnet: Page) -> None:
    resnet.locator("#rows tr").first.click()
    assert "1 × 64 × 112 × 112 × 3 × 7 × 7 = 118,013,952" in resnet.locator("#layer").inner_text()
    box = resnet.locator('[data-chart="macs"] svg').bounding_box()
    assert box is not None
    resnet.locator('[data-chart="macs"] svg').hover(position={"x": 1, "y": box["height"] / 2})
    assert "conv1" in resnet.locator(".tip").inner_text() and "118,013,952" in resnet.locator(".tip").inner_text()


def test_the_keyboard_walks_through_the_rows(resnet: Page) -> None:
    resnet.locator("#rows tr").first.focus()
    for key, wanted in (("ArrowDown", "bn1"), ("End", "fc"), ("ArrowUp", "flatten"), ("Home", "conv1")):
        resnet.keyboard.press(key)
        assert resnet.locator("#layer h3").inner_text() == wanted
    resnet.keyboard.press("Escape")
    assert resnet.locator("#rows tr[aria-current]").count() == 0


def test_the_arena_shows_what_is_live(resnet: Page) -> None:
    plan = archdsl.memory("resnet18")
    assert resnet.locator("#live tr").count() == len(plan.live)
    assert resnet.locator("#arena rect").count() == len(plan.plan.buffers)
    assert plan.at in resnet.locator("#live-title").inner_text()
    resnet.locator("#live button").first.click()
    assert resnet.locator("#layer h3").inner_text() == plan.live[0].value.producer.path  # type: ignore[union-attr]


def test_the_roofline_is_that_of_python(resnet: Page) -> None:
    seconds = archdsl.cost("resnet18").seconds(1e12, 1e11)
    resnet.select_option("#device", "own")
    resnet.fill("#own-flops", "1000")
    resnet.fill("#own-bandwidth", "100")
    assert f"At best {seconds * 1000:.3g} ms" in resnet.locator("#time").inner_text()


TOTALS = (
    "Object.fromEntries([...document.querySelectorAll('[data-total]')].map(e => [e.dataset.total, e.dataset.exact]))"
)


@pytest.mark.parametrize("sizes", [{"N": 2, "T": 77}, {"N": 16, "T": 512}])
def test_sliders_give_what_cost_prints(browser: Browser, folder: Path, sizes: dict[str, int], tmp_path: Path) -> None:
    watched = Watched(browser)
    page = watched.open(folder / "bert_base.html")
    declared = page.evaluate(TOTALS)
    for name, size in sizes.items():
        page.fill(f"#size-{name}", str(size))
    bound = " ".join(f"--bind {name}={size}" for name, size in sizes.items())
    printed = json.loads(run(f"archdsl cost bert_base --format json {bound}", tmp_path).output)["totals"]
    shown = page.evaluate(TOTALS)
    compared = {name for name, text in shown.items() if text}
    assert {"params", "macs", "flops", "activations", "traffic", "intensity", "weights", "peak_activations"} <= compared
    for name in compared:
        assert float(shown[name]) == pytest.approx(printed[name]["value"], rel=1e-15), name
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate(TOTALS) == declared
    page.get_by_role("slider").nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert page.input_value("#size-T") == "129"
    watched.close()


@pytest.mark.parametrize("width", [320, 640, 1280, 2560, 3840])
def test_nothing_is_wider_than_the_window(browser: Browser, folder: Path, width: int) -> None:
    watched = Watched(browser, width=width, height=int(width * 0.6))
    page = watched.open(folder / "resnet18.html")
    page.locator("#rows tr").nth(5).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    watched.close()


@pytest.mark.parametrize(("width", "theme"), [(320, "dark"), (1280, "light")])
def test_axe_finds_nothing_serious(browser: Browser, folder: Path, width: int, theme: str) -> None:
    watched = Watched(browser, width=width, theme=theme)
    page = watched.open(folder / "lenet5.html")
    page.locator("#rows tr").nth(2).click()
    page.evaluate(Path(os.environ["AXE"]).read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    grave = [
        (one["id"], one["nodes"][0]["html"]) for one in found["violations"] if one["impact"] in ("serious", "critical")
    ]
    assert grave == [] and len(found["passes"]) > 20
    watched.close()


def test_names_do_nothing(browser: Browser, tmp_path: Path) -> None:
    """Of a network, its inputs, outputs, labels, layers, parameters, symbols, texts and description."""
    from archdsl.graph import Graph, Node, Value

    builder = archdsl.Builder("net")
    made = builder.graph(y=builder.apply("linear", builder.input("x", "f32", ["N", 4]), features=3))
    old = made.nodes[0]
    value = Value(EVIL, made.inputs[0].type)
    node = Node(old.op, [value], [old.outputs[0].type], EVIL.replace(".", "_"), old.params, old.origin)
    graph = Graph(
        EVIL, [value], [node], {EVIL: node.outputs[0]}, taps={EVIL: node.outputs[0]}, doc=EVIL, labels={EVIL: (EVIL,)}
    )
    archdsl.explorer(graph).save(tmp_path / "evil.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "evil.html")
    page.locator("#rows tr").first.click()
    page.locator('[data-chart="macs"] svg').hover()
    page.wait_for_timeout(200)
    assert page.locator("#network").inner_text() == EVIL and EVIL in page.locator("#rows").inner_text()
    assert page.locator("img").count() == 0 and page.locator("script").count() == 2
    assert len(watched.requests) == 1
    watched.close()


def test_a_spec_s_own_names_do_nothing(browser: Browser, tmp_path: Path) -> None:
    text = f'arch 1\n# {EVIL}\n## {EVIL}\nnetwork Net() {{\n  input "{EVIL}" as x: f32[N, 3, 8, 8]\n  conv(4, 3)\n  output y\n}}\n'
    name = "<img src=x onerror=alert(3)>.arch"
    (tmp_path / name).write_text(text, encoding="utf-8")
    archdsl.explorer(str(tmp_path / name)).save(tmp_path / "spec.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "spec.html")
    page.locator("#rows tr").first.click()
    assert page.locator("img").count() == 0 and len(watched.requests) == 1
    assert EVIL in page.locator("#text").inner_text()
    watched.close()


def test_a_label_file_does_nothing(browser: Browser, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(6)>.txt"
    (tmp_path / name).write_text(f"{EVIL}\n<b>two</b>\n<i>three</i>\n", encoding="utf-8")
    text = f'arch 1\nnetwork Net() {{\n  input x: f32[N, 4]\n  linear(3)\n  output y with labels("{name}")\n}}\n'
    (tmp_path / "net.arch").write_text(text, encoding="utf-8")
    graph = archdsl.load(tmp_path / "net.arch").graph()
    assert graph.labels["y"][0] == EVIL  # the file was read
    archdsl.explorer(str(tmp_path / "net.arch"), against=str(tmp_path / "net.arch")).save(tmp_path / "labels.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "labels.html")
    page.locator("#rows tr").first.click()
    page.locator("#graph .node[tabindex]").first.click()
    assert name in page.locator("#text").inner_text()
    assert page.locator("img, #layer b b, #rows i").count() == 0 and len(watched.requests) == 1
    watched.close()


def test_sliders_of_a_foreign_model_give_what_cost_prints(browser: Browser, tmp_path: Path) -> None:
    import numpy as np
    from foreign_models import model, saved
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]), helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]), helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "v"], ["y"]),
    ]  # fmt: skip
    weights = {"w": np.ones((8, 3, 3, 3), np.float32), "v": np.ones((8, 5), np.float32)}
    made = model(nodes, {"x": (TensorProto.FLOAT, ["batch", 3, "rows", 64])}, ["y"], weights)
    path = saved(made, tmp_path / "theirs.onnx")
    archdsl.explorer(str(path)).save(tmp_path / "theirs.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "theirs.html")
    for sizes in ({"batch": 3, "rows": 50}, {"batch": 1, "rows": 129}):
        for name, size in sizes.items():
            page.fill(f"#size-{name}", str(size))
        bound = " ".join(f"--bind {name}={size}" for name, size in sizes.items())
        printed = json.loads(run(f"archdsl cost theirs.onnx --format json {bound}", tmp_path).output)["totals"]
        shown = {name: text for name, text in page.evaluate(TOTALS).items() if text}
        assert {"params", "macs", "flops", "activations", "traffic"} <= shown.keys()
        for name, text in shown.items():
            assert float(text) == pytest.approx(printed[name]["value"], rel=1e-15), name
    watched.close()


def test_a_foreign_model_s_names_do_nothing(browser: Browser, tmp_path: Path) -> None:
    from foreign_models import model, saved
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Relu", [EVIL], [f"{EVIL}y"], name=EVIL)]
    made = model(nodes, {EVIL: (TensorProto.FLOAT, [f"<i>{EVIL}", 4])}, [f"{EVIL}y"])
    archdsl.explorer(str(saved(made, tmp_path / "<svg onload=alert(4)>.onnx"))).save(tmp_path / "foreign.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "foreign.html")
    page.locator("#rows tr").last.click()
    assert page.locator("img, b:has(*), #rows i").count() == 0 and len(watched.requests) == 1
    assert EVIL in page.locator("#ends").inner_text()
    watched.close()


def test_view_loads_itself_again_where_it_stands(browser: Browser, tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    text = "arch 1\nnetwork Net(c = 4) {\n  input x: f32[N, 3, 8, 8]\n  stem: conv(c, 3)\n  relu\n  output y\n}\n"
    spec.write_text(text, encoding="utf-8")
    with archdsl.view(spec) as served:
        watched = Watched(browser)
        page = watched.page
        page.goto(served.address)
        page.locator("#rows tr", has_text="stem").click()
        page.fill("#size-N", "8")
        spec.write_text(text.replace("c = 4", "c = 16"), encoding="utf-8")
        assert served.wait()[1] == ""
        page.get_by_text("[8, 16, 8, 8]").first.wait_for()
        assert page.locator("#layer h3").inner_text() == "stem" and page.input_value("#size-N") == "8"
        spec.write_text(text.replace("stem: conv(c, 3)", "stem: conv(c)"), encoding="utf-8")
        assert "E0203" in served.wait()[1]
        page.locator(".banner", has_text="E0203").wait_for()
        assert page.locator("#rows tr").count() == 2  # the last page stays
        assert {request.rpartition("/")[0] + "/" for request in watched.requests} == {served.address}
        page.goto("about:blank")
        watched.close()


def test_two_networks_stand_side_by_side(browser: Browser, tmp_path: Path) -> None:
    archdsl.explorer("resnet34", against="resnet18").save(tmp_path / "both.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "both.html")
    assert page.locator("#against-title").inner_text() == "Before: resnet18 → after: resnet34"
    before, after = (int(str(archdsl.cost(name).total("params"))) for name in ("resnet18", "resnet34"))
    assert f"+{after - before:,}" in page.locator("#against-figures").inner_text()
    assert page.locator("#against-pairs tr").count() == page.locator("#against-pairs tr.added").count() > 0
    page.locator("#against-pairs button", has_text="layer3.5.conv2").click()
    assert page.locator("#layer h3").inner_text() == "layer3.5.conv2"
    page.uncheck("#against-only")
    assert page.locator("#against-pairs tr").count() == len(archdsl.cost("resnet34").rows)
    watched.close()


def test_what_changed_most_is_told_without_a_click(browser: Browser, tmp_path: Path) -> None:
    old, new = "mobilenet_v2_w1_4", "mobilenet_v2"
    archdsl.explorer(new, against=old).save(tmp_path / "both.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "both.html")
    was, now = ({row.path: row for row in archdsl.cost(name).rows} for name in (old, new))
    macs, params = (
        {path: figure(now[path]) - figure(was[path]) for path in now}
        for figure in (lambda row: int(str(row.work.mac)), lambda row: int(str(row.params)))
    )
    told = page.locator("#against-largest").inner_text()
    first = max(macs, key=lambda path: abs(macs[path]))
    heaviest = sorted(params, key=lambda path: -abs(params[path]))[:3]
    assert f"MACs {first} −{abs(macs[first]) / 1e6:.1f} M" in told
    assert "parameters " + ", ".join(f"{path} −{abs(params[path]):,}" for path in heaviest) in told
    plans = [archdsl.memory(name) for name in (old, new)]
    peaks = [f"{plan.figures.peak / 2**20:.2f} MiB at {plan.at}" for plan in plans]
    assert f"peak memory {' → '.join(peaks)}." in told
    assert page.locator("#beside").inner_text().startswith(f"This page is of {new} (after), beside {old} (before)")
    assert f"before: {archdsl.cost(old).total('params'):,}" in page.locator("[data-total=params]").inner_text()

    def listed() -> list[str]:
        return page.locator("#against-pairs td:nth-child(2) button").all_inner_texts()

    assert [abs(macs[path]) for path in listed()] == sorted(map(abs, macs.values()), reverse=True)
    row = page.locator("#against-pairs tr").first
    marks = [str(rows[first].node.op.channels) for rows in (was, was, now, now)]
    assert row.locator("mark").all_inner_texts() == marks  # as an argument and in the shape, on both sides
    part = 100 * macs[first] / int(str(was[first].work.mac))
    assert f"−{abs(macs[first]):,}" in row.inner_text() and f"−{abs(part):.1f}%" in row.inner_text()
    page.locator("#against-heads [data-key=params] button").click()
    assert listed()[:3] == heaviest
    page.locator("#against-heads [data-key=new] button").click()
    assert listed() == list(now)
    page.locator("#against-largest button").first.click()
    top = page.locator("#layer h3").bounding_box()
    assert top and 0 <= top["y"] < 450 and page.locator("#layer h3").inner_text() == first
    assert "inverted_residual" in page.locator("#text li.own code").inner_text()
    chain = page.locator("#chain li").all_inner_texts()
    sight, end = page.locator(".sight").bounding_box(), page.locator("#chain").bounding_box()
    assert chain[-1].startswith("conv(") and sight and end and end["y"] + end["height"] <= sight["y"]
    watched.close()


def test_only_what_changes_a_figure_or_an_operator_is_shown(browser: Browser, tmp_path: Path) -> None:
    text = "arch 1\nnetwork Net() {\n  input x: f32[N, 3, 8, 8]\n  a: conv(4, 3)\n  b: relu\n  c: conv(4, 3)\n  output y\n}\n"
    other = text.replace("b: relu", "b: gelu").replace("c: conv(4, 3)", "c: conv(4, 3, bias = false)")
    for name, one in (("old", text), ("new", other)):
        (tmp_path / f"{name}.arch").write_text(one, encoding="utf-8")
    archdsl.explorer(str(tmp_path / "new.arch"), against=str(tmp_path / "old.arch")).save(tmp_path / "both.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "both.html")
    assert page.locator("#against-pairs td:nth-child(2) button").all_inner_texts() == ["c", "b"]
    assert page.locator("#against-pairs mark").all_inner_texts() == ["bias = false", "relu", "gelu"]
    assert "old.arch" in page.locator("#against-title").inner_text()  # both networks are called Net
    watched.close()


def becomes(page: Page, condition: str) -> bool:
    """Whether it holds within two seconds; the page's policy forbids Playwright's own way to wait for it."""
    for _ in range(100):
        if page.evaluate(condition):
            return True
        page.wait_for_timeout(20)
    return False


def test_a_wheel_scrolls_the_page(resnet: Page) -> None:
    top = "window.scrollY"
    resnet.locator("#where").scroll_into_view_if_needed()
    for place in ("#where", "#graph"):
        resnet.locator(place).hover(position={"x": 60, "y": 60})
        resnet.locator("#graph").focus()
        before, picture = resnet.evaluate(top), resnet.locator("#graph > svg > g").get_attribute("transform")
        resnet.mouse.wheel(0, -150)
        assert becomes(resnet, f"{top} < {before}")
        assert resnet.locator("#graph > svg > g").get_attribute("transform") == picture
    assert resnet.locator("#graph .hint").is_visible()
    resnet.keyboard.down("Control")
    resnet.locator("#graph").hover()
    before = resnet.evaluate(top)
    resnet.mouse.wheel(0, -150)
    assert becomes(resnet, f"document.querySelector('#graph > svg > g').getAttribute('transform') !== '{picture}'")
    assert resnet.evaluate(top) == before


def test_sizes_say_what_they_hold_for(resnet: Page) -> None:
    assert resnet.locator("#bounds-title").inner_text() == "Bounds, measured at N = 1"
    assert resnet.locator("label[for=size-N]").inner_text() == "N (batch)"
    plan = archdsl.memory("resnet18", {"N": 8})
    resnet.click("#size-N")
    resnet.keyboard.type("8")  # over what is there
    assert resnet.input_value("#size-N") == "8"
    assert "not at the sizes above" in resnet.locator("#bounds-title").inner_text()
    assert "archdsl report --bind N=8" in resnet.locator("[data-total=arena]").inner_text()
    sizes = [f"{size / 2**20:.2f} MiB" for size in (plan.figures.peak, *(tensor.bytes for tensor in plan.live))]
    told = resnet.locator("#peak").inner_text()
    assert sizes[0] in told and len(sizes) == 3
    assert {f"{sizes[1]} input", f"{sizes[2]} output"} <= {
        part.strip() for part in told.partition(":")[2].partition(",")[0].split("+")
    }


def shown(page: Page) -> int:
    return page.locator("#graph .node").count()


@pytest.fixture
def nasnet(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    archdsl.explorer("nasnet_mobile").save(tmp_path / "nasnet.html")
    watched = Watched(browser)
    yield watched.open(tmp_path / "nasnet.html")
    watched.close()


def test_a_block_opens_and_closes_where_it_is(nasnet: Page) -> None:
    before = shown(nasnet)
    nasnet.locator("#graph").scroll_into_view_if_needed()
    block = nasnet.locator("#graph .closed").first
    path, box = (block.get_attribute("aria-label") or "").split(",")[0], block.get_attribute("data-box") or ""
    assert block.get_attribute("aria-expanded") == "false"
    block.locator("> rect").first.click(position={"x": 3, "y": 3})
    block = nasnet.locator(f'[data-box="{box}"]')
    assert shown(nasnet) > before and block.get_attribute("aria-expanded") == "true"
    inside = nasnet.locator("#rows tr.inside th").all_inner_texts()
    assert inside and all(one.startswith(path) for one in inside)
    seen = nasnet.locator("#rows tr.inside").first.bounding_box()
    table = nasnet.locator("#scroll").bounding_box()
    assert seen and table and table["y"] <= seen["y"] <= table["y"] + table["height"]
    outer, inner = block.locator("> rect").first.bounding_box(), nasnet.locator("#graph .closed").first.bounding_box()
    assert outer and inner and outer["width"] > inner["width"]
    top = outer["y"]
    block.locator(".strip").click(position={"x": 30, "y": 4})
    assert shown(nasnet) == before
    closed = nasnet.locator(f'[data-box="{box}"] > rect').first.bounding_box()
    assert closed and closed["y"] == pytest.approx(top, abs=1)


def test_blocks_open_by_keys(nasnet: Page) -> None:
    before = shown(nasnet)
    nasnet.locator("#graph").focus()
    nasnet.keyboard.press("Tab")
    focused = "document.activeElement.dataset.box"
    for _ in range(40):
        if nasnet.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false":
            break
        nasnet.keyboard.press("ArrowDown")
    box = nasnet.evaluate(focused)
    nasnet.keyboard.press("ArrowRight")
    assert shown(nasnet) > before and nasnet.evaluate(focused) == box
    nasnet.keyboard.press("ArrowDown")
    assert nasnet.evaluate(focused) != box
    nasnet.keyboard.press("ArrowLeft")
    assert nasnet.evaluate(focused) == box
    nasnet.keyboard.press("Enter")
    assert shown(nasnet) == before and nasnet.evaluate(focused) == box
    assert nasnet.locator('#graph [tabindex="0"]').count() == 1


def test_levels_open_and_close(nasnet: Page) -> None:
    counts = [shown(nasnet)]
    while nasnet.locator("#deeper").is_enabled():
        nasnet.click("#deeper")
        counts.append(shown(nasnet))
    assert counts == sorted(set(counts)) and counts[-1] > 1000
    assert nasnet.locator("#graph .closed").count() == 0
    for _ in range(20):
        if not nasnet.locator("#shallower").is_enabled():
            break
        nasnet.click("#shallower")
    assert shown(nasnet) < counts[0] and nasnet.locator("#graph .open").count() == 0


def test_a_layer_and_its_box_lead_to_one_another(browser: Browser, tmp_path: Path) -> None:
    archdsl.explorer("densenet121").save(tmp_path / "dense.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "dense.html")
    for _ in range(3):
        page.click("#shallower")
        if not page.locator("#shallower").is_enabled():
            break
    assert "denseblock2.7" not in page.locator("#graph").inner_text()
    page.locator("#rows tr", has_text="features.denseblock2.7.conv2").click()
    chosen = page.locator("#graph .node[aria-current]")
    assert chosen.count() == 1
    page.locator("#graph").scroll_into_view_if_needed()
    view, box = page.locator("#graph").bounding_box(), chosen.locator("> rect").first.bounding_box()
    assert view and box and view["x"] <= box["x"] and view["y"] <= box["y"]
    assert box["x"] + box["width"] <= view["x"] + view["width"]
    assert box["y"] + box["height"] <= view["y"] + view["height"]
    page.keyboard.press("Escape")
    assert chosen.count() == 0
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.locator("#layer h3").inner_text().startswith("features.denseblock2.7")
    page.fill("#search", "classifier")
    assert page.locator("#graph .found").count() == 1
    watched.close()


def test_the_graph_moves(resnet: Page) -> None:
    place = "[document.querySelector('#graph svg').style.transform, document.querySelector('#graph svg > g').getAttribute('transform')].join()"
    seen = {resnet.evaluate(place)}
    resnet.locator("#graph").focus()
    for key in ("ArrowDown", "ArrowRight", "+", "+"):
        resnet.keyboard.press(key)
        seen.add(resnet.evaluate(place))
    assert len(seen) == 5
    view = resnet.locator("#graph").bounding_box()
    assert view
    x, y = view["x"] + 300, view["y"] + 200
    resnet.mouse.move(x, y)
    resnet.mouse.down()
    resnet.mouse.move(x + 50, y + 30, steps=3)
    resnet.mouse.up()
    assert resnet.evaluate(place) not in seen
    assert resnet.locator("#graph [aria-current]").count() == 0  # a drag is no click


def test_where_it_goes_is_told_at_once(browser: Browser, folder: Path, resnet: Page) -> None:
    plan, table = archdsl.memory("resnet18"), archdsl.cost("resnet18")
    assert f"{plan.at} runs" in resnet.locator("#peak").inner_text()
    names = resnet.locator("#where th").all_inner_texts()
    assert [f"layer{i}" for i in range(1, 5)] == [name for name in names if name.startswith("layer")]
    macs = {row.path: int(str(row.work.mac if row.work else 0)) for row in table.rows}
    part = 100 * sum(count for path, count in macs.items() if path.startswith("layer3.")) / sum(macs.values())
    blocks: dict[str, int] = {}
    for path, count in macs.items():
        blocks[path.split(".")[0]] = blocks.get(path.split(".")[0], 0) + count
    layer, block = max(macs, key=lambda path: macs[path]), max(blocks, key=lambda name: blocks[name])
    assert f"in one layer: {layer}," in resnet.locator("#peak").inner_text()
    assert f"in one block: {block}," in resnet.locator("#peak").inner_text()
    resnet.locator("#where-heads [data-key=macs] button").click()
    order = [name for name in resnet.locator("#where th").all_inner_texts() if name.startswith("layer")]
    assert order == sorted(order, key=lambda name: -blocks[name])
    cells = resnet.locator("#where tr", has_text="layer3").locator("td")
    assert cells.first.inner_text() == f"{part:.1f}%"
    resnet.locator("#where button", has_text="layer3").click()
    assert resnet.locator("#layer h3").inner_text() == "layer3.0.conv1"
    assert resnet.locator("#rows tr.inside").count() == sum(row.path.startswith("layer3.") for row in table.rows)
    resnet.locator("[data-total=peak_activations] button").click()
    assert resnet.locator("#layer h3").inner_text() == plan.at
    watched = Watched(browser)
    page = watched.open(folder / "bert_base.html")
    found = [name for name in page.locator("#where th").all_inner_texts() if name.startswith("layers.")]
    assert found == [f"layers.{i}" for i in range(12)]
    watched.close()


def test_of_a_large_network_charts_are_drawn_where_they_are_seen(browser: Browser, tmp_path: Path) -> None:
    text = (
        "arch 1\nnetwork Flat() {\n  input x: f32[N, 4, 8, 8]\n  repeat 1400 { conv(4, 3) -> batch_norm -> relu }\n}\n"
    )
    graph = archdsl.load(text).graph()
    archdsl.explorer(graph).save(tmp_path / "large.html")
    watched = Watched(browser)
    page = watched.open(tmp_path / "large.html")
    assert page.locator("#graph .node").count() > 2 and page.locator("#rows tr").count() == 400
    assert page.locator("#arena rect, #charts svg, #roofline circle").count() == 0
    for box, drawn in (
        ("#charts", "#charts svg"),
        ("#roofline", "#roofline circle"),
        ("#memory-section", "#arena rect"),
    ):
        page.locator(box).scroll_into_view_if_needed()
        page.locator(drawn).first.wait_for()
    plan = archdsl.memory(graph)
    assert 0 < page.locator("#live tr").count() == len(plan.live)
    assert page.locator("#roofline circle").count() <= 1400
    watched.close()


def test_a_position_shows_what_it_sees(resnet: Page) -> None:
    resnet.locator("#rows tr", has_text="layer1.0.conv1").click()
    sight = resnet.locator(".sight")
    told = sight.get_by_role("status")
    # position 28: 27 to 29 of the pool's, 53 to 59 of the first convolution's, 2 * 53 - 3 to 2 * 59 + 3 of the image's
    assert "rows 103–121 of 224, columns 103–121 of 224: 19 × 19" in told.inner_text()
    corner = sight.locator(".board.map").bounding_box()
    assert corner
    resnet.mouse.move(corner["x"] + 2, corner["y"] + 2)
    assert "rows 0–9 of 224, columns 0–9 of 224" in told.inner_text()
    sight.get_by_role("slider", name="row").focus()
    resnet.keyboard.press("End")
    assert "rows 211–223 of 224, columns 0–9" in told.inner_text()
    resnet.locator("#rows tr", has_text="fc").click()
    assert sight.count() == 0


def test_colours_and_the_peak(resnet: Page) -> None:
    plan = archdsl.memory("resnet18")
    assert resnet.locator("#graph .peak").count() == 1
    label = resnet.locator("#graph .peak").get_attribute("aria-label") or ""
    table = archdsl.cost("resnet18")
    step = next(i for i, row in enumerate(table.rows) if row.path == plan.at)
    assert any(label.startswith(row.path) for row in table.rows[max(0, step - 3) : step + 1])
    resnet.select_option("#shade", "params")
    fills = "[...document.querySelectorAll('#graph .node:not(.open) > rect:first-child')].map(e => +(e.style.fill.match(/([\\d.]+)%/) ?? [0, 0])[1])"
    shades = resnet.evaluate(fills)
    assert max(shades) == 85 and min(shades) == 0
    resnet.select_option("#shade", "")
    assert "%" not in (resnet.locator("#graph .node > rect").first.get_attribute("style") or "")
