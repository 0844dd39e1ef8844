"""Starts app.py as a user would, in a process of its own, for the tests and the benchmarks of the app."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RunningApp:
    url: str
    folder: Path
    pid: int


@contextmanager
def running_app(model: Path, folder: Path, **environment: str) -> Iterator[RunningApp]:
    """`python app.py` with a model, its temporary files below `folder`, on a free port; stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = os.environ | {"SARGAN_REQUESTS_PER_MINUTE": "5000"} | environment | {
        "SARGAN_MODEL": str(model),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "files"),
        "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    url, log = f"http://127.0.0.1:{port}", folder / "app.log"
    with open(log, "w") as output:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=variables, stdout=output, stderr=output)
        try:
            _wait_for(url, process, log)
            yield RunningApp(url, folder, process.pid)
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(url: str, process: subprocess.Popen, log: Path, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.TransportError:
            time.sleep(0.3)
    raise RuntimeError(f"app.py did not come up:\n{log.read_text()[-2000:]}")


def portrait(path: Path) -> Path:
    """Eileen Collins, a NASA photograph in the public domain that scikit-image ships, 512 x 512."""
    import skimage.data

    Image.fromarray(skimage.data.astronaut()).save(path)
    return path
