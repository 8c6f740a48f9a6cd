"""The explorer's page in headless Chromium without a GPU: how soon large networks open, and how many frames a second
the graph makes while it is dragged, as Chromium's own trace has them.

Promises: a network of 100,000 operators opens folded in less than two seconds of the browser's processor time; with
2,000 boxes in sight the graph moves at 30 frames a second or more; the page of ResNet-50 is below 600 kB, that of
NASNet-A large, the largest of the zoo's networks, below 1.5 MB. ``--smoke``: 10,000 operators, and the rate is only
told, for it depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import ROOT, verdict

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SECONDS, FRAMES, BOXES = 2.0, 30, 2_000
NETWORKS = {"resnet50": 600_000, "nasnetalarge": 1_500_000}
FLAT = (
    "arch 1\nnetwork Flat() {{\n  input x: f32[N, 4, 8, 8]\n  repeat {0} {{ conv(4, 3) -> batch_norm -> relu }}\n}}\n"
)
NESTED = """arch 1
block unit(c) = residual {{ conv(c, 3) -> batch_norm -> relu -> conv(c, 3) -> batch_norm }} -> relu
block stage(c, n) = seq {{
  conv(c, 1)
  repeat n {{ unit(c) }}
}}
network Nested() {{
  input x: f32[N, 4, 8, 8]
  repeat {0} as i {{ stage(4 + i % 7, 8 + i % 5) -> stage(4 + i % 3, 6 + i % 4) }}
}}
"""
WIDE = """arch 1
block cell(c) = parallel(concat) {{
{0}}}
network Wide() {{
  input x: f32[N, 4, 8, 8]
  for c in range(1, 31) {{ "cell{{c}}": cell(c) }}
}}
"""
OPENED = "[performance.now(), document.querySelectorAll('#graph .node').length]"
DRAG = """(seconds) => new Promise((done) => {
  const graph = document.getElementById("graph");
  const { left, top, width, height } = graph.getBoundingClientRect();
  const send = (target, type, x, y) => target.dispatchEvent(
    new PointerEvent(type, { bubbles: true, buttons: 1, clientX: left + x, clientY: top + y }));
  send(graph, "pointerdown", width / 2, height / 2);
  const start = performance.now();
  const step = (now) => {
    const at = (now - start) / 1000;
    const [x, y] = [width / 2 + (width / 4) * Math.sin(3 * at), height / 2 + (height / 3) * Math.sin(2 * at)];
    send(window, "pointermove", x, y);
    if (at < seconds) return requestAnimationFrame(step);
    send(window, "pointerup", 0, 0);
    return done(at);
  };
  requestAnimationFrame(step);
})"""


def wide() -> str:
    """Cells of many branches: 2,000 boxes that fit into a window together."""
    ways = [f"  | b{i}: seq {{ conv(c + {i}, 1) -> conv(c + {i}, 3) -> relu -> conv(c, 3) }}\n" for i in range(22)]
    return WIDE.format("".join(ways))


def chromium_seconds(browser: Browser) -> float:
    """Processor seconds of all processes of a browser."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return sum(float(one["cpuTime"]) for one in found)


def opened(browser: Browser, path: Path) -> tuple[Page, float, float, int]:
    """A page, the processor seconds and the seconds on the clock until its first picture is drawn, and its boxes."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    before = chromium_seconds(browser)
    page.goto(path.as_uri(), timeout=180_000)
    page.wait_for_function("document.documentElement.dataset.ready !== undefined", timeout=180_000)
    clock, boxes = page.evaluate(
        f"new Promise((done) => requestAnimationFrame(() => setTimeout(() => done({OPENED}))))"
    )
    return page, chromium_seconds(browser) - before, clock / 1000, boxes


def frames(browser: Browser, page: Page, seconds: float) -> tuple[float, float]:
    """Frames a second while the graph is dragged, and processor seconds of each."""
    page.locator("#graph").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    browser.start_tracing(
        page=page, categories=["disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame"]
    )
    before = chromium_seconds(browser)
    took = page.evaluate(DRAG, seconds)
    worked = chromium_seconds(browser) - before
    events: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]
    drawn = sum(event["name"] == "DrawFrame" for event in events)
    return drawn / took, worked / max(drawn, 1)


def pages(folder: Path, operators: int) -> Iterator[tuple[str, Path, float]]:
    """The pages, with the seconds that Python takes to write them."""
    import archdsl

    texts = {
        "nested repeats": NESTED.format(operators // 124),
        "flat": FLAT.format(operators // 3),
        "2,000 boxes": wide(),
    }
    for name, text in {**dict.fromkeys(NETWORKS, ""), **texts}.items():
        target = folder / f"{name.replace(' ', '_').replace(',', '')}.html"
        start = time.process_time()
        archdsl.explorer(archdsl.load(text).graph() if text else name).save(target)
        yield name, target, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="10,000 operators, and rates that are only told")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    try:
        import playwright.sync_api  # noqa: F401
        from browser import chromium
    except ImportError:
        print("left out: no Playwright (`pip install playwright`, and Debian's `chromium`)")
        return
    broken = []
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    heads = ("page", "operators", "kB", "written in", "opens in", "on clock", "boxes", "frames/s", "each")
    print("{:16}{:>11}{:>8}{:>12}{:>10}{:>10}{:>7}{:>10}{:>11}".format(*heads))
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, path, written in pages(Path(folder), 10_000 if options.smoke else 100_000):
            page, took, clock, boxes = opened(browser, path)
            moved = ""
            if name in ("2,000 boxes", "nasnetalarge"):
                while page.locator("#deeper").is_enabled():
                    page.click("#deeper")
                page.click("#whole")
                boxes = page.locator("#graph .node").count()
                rate, each = frames(browser, page, 2 if options.smoke else 5)
                moved = f"{rate:10.0f}{1000 * each:8.0f} ms"
                if name == "2,000 boxes" and (boxes < BOXES or (rate < FRAMES and not options.smoke)):
                    broken.append(f"{boxes} boxes move at {rate:.0f} frames a second")
            operators = page.evaluate("JSON.parse(document.getElementById('data').textContent).rows.length")
            size = path.stat().st_size
            figures = f"{operators:11,}{size / 1000:8,.0f}{written:10.1f} s{took:8.2f} s{clock:8.2f} s{boxes:7,}"
            print(f"{name:16}{figures}{moved}", flush=True)
            if size > NETWORKS.get(name, size):
                broken.append(f"{name} has {size:,} bytes")
            if name in ("nested repeats", "flat") and took > SECONDS:
                broken.append(f"{name} opens in {took:.1f} s")
            page.close()
    verdict(broken)


if __name__ == "__main__":
    main()
