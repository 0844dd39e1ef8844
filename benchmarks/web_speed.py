"""How quick and how large the editor for browsers is, in headless Chromium without a window.

    python benchmarks/web_speed.py [FOLDER] [--threads 1 2]

FOLDER is what `sargan export --web` wrote; without it one is made. It is served on loopback. Prints the bytes and the
seconds of the first and the second visit. Usable means: the finished edit of the example is shown, all files are here, and
an expression can be chosen; the first edit that is chosen comes later, as the graphs are made ready behind the page. What is
kept for visits without a network arrives meanwhile, a part of it before the editor is usable. Then, for each number of
threads: an edit of one face in 1 megapixel from file to pixels, seven previews, a step of the slider and, with a model that
has controls, a step of one of these.

Memory is the private memory (USS) of all renderer processes, with a picture of 12 megapixels (4000 x 3000) whose face fills
most of its height, a JPEG of some megabytes with grain. It is chosen as a visitor does, in a file field. A thread reads it
every 0.03 s, from before the picture is opened until after the last of seven edits. Printed are what is held right after each
edit, and the highest reading of all, which counts what the browser has not collected yet. After that comes a small picture
and 100 more edits.
"""

import argparse
import base64
import io
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from sargan_hf.commands.export import write_web
from sargan_hf.model_source import DEFAULT_MODEL
from sargan_hf.web.static_server import static_server

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPH = ROOT / "examples/photos/grace-hopper.jpg"
FLAGS = ["--no-sandbox", "--enable-precise-memory-info"]
LARGE = (4000, 3000)
GRAIN = 4  # levels of 255, as a camera's
CHOSEN = """async () => { window.portrait = await window.editor.open(document.querySelector("input").files[0]); }"""
OPEN = """async ([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  window.portrait = await window.editor.open(new Blob([bytes]), name);
}"""
TIMED = """async (options) => {
  const start = performance.now();
  const edited = await window.portrait.edit(options);
  const seconds = (performance.now() - start) / 1000;
  edited.close();
  return seconds;
}"""
SEVEN = """async () => {
  const start = performance.now();
  for (const expression of window.editor.expressions) await window.portrait.preview({ expression });
  return (performance.now() - start) / 1000;
}"""


def visit(browser: Browser, address: str) -> None:
    """The bytes and seconds until the editor is usable, on the first and on the second visit."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(300_000)
    for number in ("first", "second"):
        before = served_bytes[0]
        start = time.perf_counter()
        page.goto(address)
        page.locator("#previews button:enabled").first.wait_for()
        seconds, size = time.perf_counter() - start, served_bytes[0] - before
        page.get_by_role("button", name="Angry").click()
        page.locator("#status", has_text="Now angry").wait_for()
        chosen = time.perf_counter() - start
        print(
            f"{number} visit: {size / 1e6:.2f} MB, usable after {seconds:.1f} s, first chosen edit after {chosen:.1f} s"
        )
        page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
        print(f"    {(served_bytes[0] - before) / 1e6:.2f} MB with what is kept for visits without a network")
        page.locator("#download:enabled").wait_for()
    context.close()


def library_page(browser: Browser, address: str, threads: int) -> Page:
    """A page that holds the library alone."""
    page = browser.new_context(service_workers="block").new_page()
    page.set_default_timeout(300_000)
    page.goto(f"{address}lib/index.html")
    page.evaluate(f"async () => {{ window.editor = await window.lib.Sargan.load('../', {{ threads: {threads} }}); }}")
    print(f"threads: {page.evaluate('window.editor.threads')}")
    return page


def picture(width: int, height: int) -> str:
    """The photograph at a size, as base64 of a JPEG."""
    buffer = io.BytesIO()
    Image.open(PHOTOGRAPH).resize((width, height), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=92)
    return base64.b64encode(buffer.getvalue()).decode()


def speed(page: Page) -> None:
    """One edit from file to pixels, previews and slider, at 1 megapixel; the median of five."""
    one = picture(924, 1082)
    edits, sliders, controls, previews = [], [], [], []
    has_controls = page.evaluate("window.editor.controls.length > 0")
    for _ in range(5):
        start = time.perf_counter()
        page.evaluate(OPEN, [one, "one.jpg"])
        page.evaluate(TIMED, {"expression": "happy"})
        edits.append(time.perf_counter() - start)
        sliders.append(page.evaluate(TIMED, {"expression": "happy", "intensity": 0.7}))
        if has_controls:
            controls.append(page.evaluate(TIMED, {"expression": "happy", "controls": {"jaw_open": 0.3}}))
        page.evaluate("window.portrait.close()")
        page.evaluate(OPEN, [one, "one.jpg"])
        page.evaluate("window.portrait.faces({ faces: 'largest' })")
        previews.append(page.evaluate(SEVEN))
        page.evaluate("window.portrait.close()")
    for name, times in (
        ("edit at 1 MP", edits),
        ("seven previews", previews),
        ("slider step", sliders),
        ("control step", controls),
    ):
        if times:
            print(f"{name}: {statistics.median(times):.2f} s (best {min(times):.2f})")


def large_picture(path: Path) -> None:
    """Writes the photograph's upper part at 12 megapixels, with grain: without, it would pack far smaller than a camera's."""
    photograph = Image.open(PHOTOGRAPH).convert("RGB")
    top = 60  # above the hair
    part = photograph.crop((0, top, photograph.width, top + photograph.width * LARGE[1] // LARGE[0]))
    levels = np.asarray(part.resize(LARGE, Image.Resampling.BICUBIC))
    noise = np.random.default_rng(0).normal(0, GRAIN, (*levels.shape[:2], 1)).astype(np.float32)
    Image.fromarray(np.clip(levels + noise, 0, 255).astype(np.uint8)).save(path, quality=92)


class Readings:
    """Reads the memory in a thread, as long as it is entered."""

    def __init__(self) -> None:
        self.highest = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Readings":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._ended.wait(0.03):
            self.highest = max(self.highest, megabytes())


def memory(page: Page, scratch: Path) -> None:
    """Memory of the page, in MB: with a large picture, and after many edits of a small one."""
    page.evaluate(OPEN, [picture(600, 703), "small.jpg"])  # all graphs are loaded after an edit, and no sooner
    page.evaluate(TIMED, {"expression": "happy"})
    page.evaluate("window.portrait.close()")
    print(f"memory with the model loaded: {megabytes():.0f} MB")
    path = scratch / "twelve.jpg"
    large_picture(path)
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { type: 'file' }))")
    page.set_input_files("input", path)
    held = []
    with Readings() as readings:
        page.evaluate(CHOSEN)
        opened = megabytes()
        for number, expression in enumerate(page.evaluate("window.editor.expressions")):
            seconds = page.evaluate(TIMED, {"expression": expression})
            held.append(megabytes())
            if number == 0:
                print(f"edit at 12 MP: {seconds:.2f} s")
    print(f"memory at 12 MP: {opened:.0f} MB opened; after each edit {', '.join(f'{value:.0f}' for value in held)}")
    print(f"memory at 12 MP, the most: {max(held):.0f} MB after an edit, {readings.highest:.0f} MB at any time")
    page.evaluate("window.portrait.close()")
    page.evaluate(OPEN, [picture(600, 703), "small.jpg"])
    for number in (10, 100):
        for step in range(number):
            page.evaluate(TIMED, {"expression": "happy", "intensity": 0.2 + step / 100})
        print(f"memory after {number} more edits: {megabytes():.0f} MB")


def megabytes() -> float:
    """Private memory of the browser's renderer processes."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                total += process.memory_full_info().uss
        except psutil.Error:
            continue
    return total / 1e6


served_bytes = [0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", choices=("visit", "speed", "memory"), help="Measure one of these alone.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "web")
        if arguments.folder is None:
            write_web(DEFAULT_MODEL, folder)
        else:
            shutil.copytree(arguments.folder, folder)
        shutil.copytree(ROOT / "web/dist-lib", folder / "lib", dirs_exist_ok=True)
        (folder / "lib/start.js").write_text("import * as lib from './sargan.js'; window.lib = lib;")
        (folder / "lib/index.html").write_text("<!doctype html><script type=module src=start.js></script>")
        with static_server(folder, "127.0.0.1", 0, count_bytes) as server, sync_playwright() as started:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{server.server_address[1]}/"
            browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            if arguments.only in (None, "visit"):
                visit(browser, address)
            for threads in arguments.threads:
                page = library_page(browser, address, threads)
                if arguments.only in (None, "speed"):
                    speed(page)
                if threads == arguments.threads[0] and arguments.only in (None, "memory"):
                    memory(page, Path(scratch))
                page.context.close()
            browser.close()
            server.shutdown()


def count_bytes(size: int) -> None:
    served_bytes[0] += size


if __name__ == "__main__":
    main()
