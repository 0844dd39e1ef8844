"""How quick the page feels in a browser: the first page with its finished edit, all seven previews, steps of sliders.

    python benchmarks/space_page.py

Starts `app.py` on a free port of loopback and drives it with headless Chromium. Beside the wall time it prints how many seconds
of processor the server used, which says what a machine that does nothing else would need. Linux, for that.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _timing import seconds_of
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "demo")]
from app_server import RunningApp, running_app  # noqa: E402
from test_app_browser import FLAGS, installed_chromium  # noqa: E402

# Seven expressions, and with a model that has controls the face as it is.
SEVEN = """(({length}) => length && length === document.querySelectorAll('#expressions button img').length)(
    document.querySelectorAll('#expressions button'))"""
OTHER_RESULT = "last => ![undefined, last].includes(document.querySelectorAll('#result img')[1]?.src)"
LIMITS = {"first page": 2.0, "seven previews": 2.0, "12 megapixels": 4.0, "intensity": 0.3, "control": 0.3}


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(pid: int, action: Callable[[], object]) -> tuple[float, float]:
    """Wall time of an action and the server's processor time meanwhile."""
    processor = processor_seconds(pid)
    wall = seconds_of(action, time.perf_counter)
    return wall, processor_seconds(pid) - processor


def arrive(page: Page, url: str) -> None:
    page.goto(url, wait_until="domcontentloaded")
    page.wait_for_function(SEVEN)
    page.wait_for_function(
        "() => [...document.querySelectorAll('#result img')].filter((one) => one.naturalWidth).length === 2"
    )
    page.locator("#picture input[type=file]").wait_for(state="attached")


def add(page: Page, path: Path) -> None:
    page.locator("#picture input[type=file]").set_input_files(path)
    page.wait_for_function(SEVEN)
    page.locator("#result img").nth(1).wait_for()


def set_intensity(page: Page, steps: int) -> None:
    """Moves the slider by the keyboard, as a pointer does in the end: change, then release."""
    last = page.locator("#result img").nth(1).get_attribute("src")
    slider = page.locator("#intensity input[type=range]")
    slider.evaluate(
        """(input, steps) => {
            input.value = 1 + 0.05 * steps;
            input.dispatchEvent(new Event("input", {bubbles: true}));
            input.dispatchEvent(new PointerEvent("pointerup", {bubbles: true}));
        }""",
        steps,
    )
    page.wait_for_function(OTHER_RESULT, arg=last)


def set_control(page: Page, value: float) -> None:
    """Moves the slider of one facial control."""
    last = page.locator("#result img").nth(1).get_attribute("src")
    page.locator("#controls input[name=jaw_open]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})); }", value
    )
    page.wait_for_function(OTHER_RESULT, arg=last)


def visit(browser: Browser, app: RunningApp, picture: Path, large: Path) -> list[tuple[str, tuple[float, float]]]:
    """One new visitor: the page, a picture, three changes of intensity and of a control, a large picture; the times of each."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    rows = [("first page", timed(app.pid, lambda: arrive(page, app.url)))]
    rows.append(("seven previews", timed(app.pid, lambda: add(page, picture))))
    page.wait_for_timeout(500)
    for steps in (-4, 4, -8):
        rows.append(("intensity", timed(app.pid, lambda steps=steps: set_intensity(page, steps))))
    for value in (0.3, 0.6, -0.4) if page.locator("#controls").count() else ():
        rows.append(("control", timed(app.pid, lambda value=value: set_control(page, value))))
    rows.append(("12 megapixels", timed(app.pid, lambda: add(page, large))))
    page.context.close()
    return rows


def measure(model: Path, repeats: int) -> dict[str, list[tuple[float, float]]]:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in LIMITS}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(model, Path(folder)) as app,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=installed_chromium(), args=FLAGS)
        for turn in range(repeats + 1):
            picture = Path(folder) / f"{turn}.jpg"
            large = Path(folder) / f"{turn}-large.jpg"
            with Image.open(ROOT / "examples/photos/eileen-collins.jpg") as photograph:
                for path, side in ((picture, 1024), (large, 3464)):
                    photograph.resize((side, side)).save(path, quality=90 + turn % 6)  # no two files alike
            rows = visit(browser, app, picture, large)
            for name, row in rows if turn else ():  # the first visitor warms the server and is not counted
                times[name].append(row)
        browser.close()
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--model", default=str(ROOT / "weights/sargan-motion-128"))
    asked = parser.parse_args()
    times = measure(Path(asked.model), asked.repeats)
    good = True
    for name, limit in LIMITS.items():
        if not times[name]:
            print(f"{name:15} this model has none")
            continue
        walls, processors = zip(*times[name], strict=True)
        median = statistics.median(walls)
        good &= median <= limit
        print(
            f"{name:15} median {median:.2f} s, worst {max(walls):.2f} s (limit {limit} s); "
            f"processor of the server {statistics.median(processors):.2f} s"
        )
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
