"""`sargan web` and `sargan export --web` as people type them."""

import json
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest


def sargan(*words: str) -> list[str]:
    return [sys.executable, "-m", "sargan_hf.cli", *words]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(process: subprocess.Popen, url: str) -> httpx.Response:
    while process.poll() is None:
        try:
            return httpx.get(url, timeout=30)
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"`sargan web` ended: {process.stdout.read()}")


@pytest.mark.launch
def test_it_serves_a_folder_until_it_is_interrupted(web_folder):
    port = free_port()
    command = sargan("web", "--folder", str(web_folder), "--port", str(port), "--no-browser")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        page = answer(process, f"http://127.0.0.1:{port}/")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cross-origin-embedder-policy"] == "require-corp"
        manifest = httpx.get(f"http://127.0.0.1:{port}/sargan.json").json()
        assert httpx.get(f"http://127.0.0.1:{port}/models/").status_code == 404  # no listings
        for file in (*manifest["graphs"].values(), manifest["runtime"]["wasm"]):
            assert len(httpx.get(f"http://127.0.0.1:{port}/{file['path']}").content) == file["bytes"]
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert f"http://localhost:{port}/" in output
    assert output.rstrip().endswith("Ended.")
    assert process.returncode == 0


@pytest.mark.launch
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("export",), "Say where to write"),
        (("web", "--folder", "tests", "--no-browser"), "write it first"),
        (("web", "--folder", "tests", "--model", "weights/sargan-128"), "leave --model or --folder out"),
    ],
)
def test_mistakes_are_said_in_a_sentence(words, says):
    done = subprocess.run(sargan(*words), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_folder_is_small_and_complete(web_folder):
    files = {path: path.stat().st_size for path in web_folder.rglob("*") if path.is_file() and "lib" not in path.parts}
    listed = json.loads((web_folder / "examples.json").read_text())
    later = ("icon-", "film-")  # fetched when the page is usable, or when a film is asked for
    needed = sum(
        size for path, size in files.items() if path.parent.name != "examples" and not path.name.startswith(later)
    )
    first = [web_folder / listed["examples"][0][kind] for kind in ("picture", "edited", "previews")]
    thumbnails = [web_folder / example["thumbnail"] for example in listed["examples"]]
    assert needed + sum(files[path] for path in (*first, *thumbnails)) <= 12e6  # bytes until the editor is usable
    licences = (web_folder / "LICENSES.txt").read_text()
    assert all(
        name in licences for name in ("ONNX Runtime", "YuNet", "fast-png", "fflate", "gifenc", "iobuffer", "mediabunny")
    )
