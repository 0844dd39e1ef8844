"""Sixteen clients at once against the app: errors, lost requests, growth of memory and the time of an edit.

    python benchmarks/space_load.py --minutes 10

Starts `app.py` on a free port of loopback. First one client alone gives the idle time of an edit, then all clients call /edit
as gradio_client and curl do: upload, call, wait for the answer, fetch the edited picture. Linux, for the memory.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from app_server import RunningApp, running_app  # noqa: E402

EXPRESSIONS = ("afraid", "angry", "disgusted", "happy", "neutral", "sad", "surprised")


@dataclass
class Tally:
    """What all clients saw."""

    seconds: list[float] = field(default_factory=list)
    begun: int = 0
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def pictures(side: int) -> list[bytes]:
    """The example photographs and portraits at `side` pixels on their longer side, as JPEG."""
    made = []
    for path in sorted(ROOT.glob("examples/[ps]*/*.jpg")):
        with Image.open(path) as image:
            image.thumbnail((side, side))
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "JPEG", quality=90)
        made.append(buffer.getvalue())
    return made


def edit(client: httpx.Client, path: str, expression: str, intensity: float) -> bytes:
    """One call of /edit and its result.

    Raises:
        RuntimeError: the app answered with an error, or not at all.
    """
    data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, expression, intensity, "largest"]
    started = client.post("/gradio_api/call/edit", json={"data": data})
    started.raise_for_status()
    answer = client.get(f"/gradio_api/call/edit/{started.json()['event_id']}").text
    event, _, rest = answer.rpartition("event: ")[2].partition("\n")
    if event != "complete":
        raise RuntimeError(f"the last event was {event!r}: {rest[:200]}")
    [result] = json.loads(rest.partition("data: ")[2])
    content = client.get(f"/gradio_api/file={result['path']}").raise_for_status().content
    if not content.startswith(b"\x89PNG"):
        raise RuntimeError("the result is not a PNG file")
    return content


def visit(app: RunningApp, files: list[bytes], seed: int, until: float, tally: Tally) -> None:
    """One client: edits until the time is over, a new upload for every fifth edit."""
    rng = np.random.default_rng(seed)
    with httpx.Client(base_url=app.url, timeout=300) as client:
        turn = 0
        while time.monotonic() < until:
            try:
                with tally.lock:
                    tally.begun += 1
                if turn % 5 == 0:
                    file = ("picture.jpg", files[(seed + turn) % len(files)])
                    [path] = client.post("/gradio_api/upload", files={"files": file}).raise_for_status().json()
                start = time.perf_counter()
                edit(client, path, EXPRESSIONS[rng.integers(7)], round(float(rng.uniform(0.3, 1.5)), 2))
                with tally.lock:
                    tally.seconds.append(time.perf_counter() - start)
            except (httpx.HTTPError, RuntimeError, ValueError) as error:
                with tally.lock:
                    tally.errors.append(f"{type(error).__name__}: {error}"[:300])
            turn += 1


def together(app: RunningApp, files: list[bytes], clients: int, seconds: float) -> Tally:
    tally, until = Tally(), time.monotonic() + seconds
    threads = [threading.Thread(target=visit, args=(app, files, seed, until, tally)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def resident_mb(pid: int) -> float:
    """Memory of a process in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def watched(pid: int, seconds: float, every: float = 60.0) -> list[float]:
    """The memory of a process in MB after each minute: a list that a thread fills."""
    noted: list[float] = []

    def note() -> None:
        for _ in range(int(seconds // every)):
            time.sleep(every)
            noted.append(resident_mb(pid))

    threading.Thread(target=note, daemon=True).start()
    return noted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--side", type=int, default=1024, help="longer side of the pictures in pixels")
    parser.add_argument("--model", default=str(ROOT / "weights/sargan-motion-128"))
    asked = parser.parse_args()
    files = pictures(asked.side)
    with tempfile.TemporaryDirectory() as folder, running_app(Path(asked.model), Path(folder)) as app:
        together(app, files, 1, 5)
        idle = statistics.median(together(app, files, 1, 20).seconds)
        together(app, files, asked.clients, 30)  # every thread and buffer of the server exists after this
        before = resident_mb(app.pid)
        by_minute = watched(app.pid, 60 * asked.minutes)
        tally = together(app, files, asked.clients, 60 * asked.minutes)
        growth = resident_mb(app.pid) - before
        trouble = Path(folder, "app.log").read_text().count("Traceback")
    p50, p95 = np.percentile(tally.seconds, [50, 95])
    lost = tally.begun - len(tally.seconds) - len(tally.errors)
    print(f"{asked.clients} clients, {asked.minutes:g} min, pictures of {asked.side} px: {len(tally.seconds)} edits")
    print(f"errors {len(tally.errors)}, lost {lost}, tracebacks in the log {trouble}")
    print(
        f"memory {before:.0f} MB, growth {growth:+.0f} MB; by minute {' '.join(f'{mb - before:+.0f}' for mb in by_minute)}"
    )
    print(f"edit: alone {idle:.2f} s; together median {p50:.2f} s, p95 {p95:.2f} s = {p95 / idle:.1f} x alone")
    for error in tally.errors[:5]:
        print(error)
    good = not tally.errors and not lost and not trouble and growth < 50 and p95 <= 16 * idle
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
