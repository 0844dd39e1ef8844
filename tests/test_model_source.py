"""Where a model is looked for: here, beside the package, on the Hub; and what is said when it cannot be had."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import Hub
from test_hub import python  # noqa: F401, a fixture

from sargan_hf.errors import ModelFormatError
from sargan_hf.model_source import DEFAULT_MODEL, ModelSource, find_source, resolve_model

ROOT = Path(__file__).resolve().parent.parent
NO_SERVER = "http://127.0.0.1:9"

LOAD = """
import sys
from sargan_hf import SARGANPipeline
from sargan_hf.errors import ModelFormatError
try:
    pipe = SARGANPipeline.from_pretrained({name!r}, **{options})
    print(pipe.generator.sample_size, pipe.mouth is not None)
except ModelFormatError as error:
    print(error)
"""

NO_WAITING = """
import sys, time
time.sleep = lambda seconds: sys.exit(f"waited {seconds} seconds to ask again")
"""


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def with_mouth(tiny_model_folder, tmp_path) -> Path:
    folder = tmp_path / "two-networks"
    shutil.copytree(tiny_model_folder, folder)
    shutil.copytree(tiny_model_folder, folder / "mouth")
    return folder


def test_the_shipped_weights_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Path(resolve_model(DEFAULT_MODEL)) == ROOT / DEFAULT_MODEL
    assert find_source(DEFAULT_MODEL).is_local
    (tmp_path / DEFAULT_MODEL).mkdir(parents=True)  # one that is here goes first
    assert resolve_model(DEFAULT_MODEL) == DEFAULT_MODEL


@pytest.mark.launch
def test_a_command_started_elsewhere_uses_the_shipped_weights(tmp_path):
    shutil.copy(ROOT / "examples/photos/eileen-collins.jpg", tmp_path / "photo.jpg")
    command = [sys.executable, "-m", "sargan_hf.cli", "edit", "photo.jpg", "-o", "out"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (finished.returncode, finished.stdout.strip()) == (0, "1 edited"), finished.stderr[-2000:]


def test_an_installed_package_without_weights_says_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr("sargan_hf.model_source.ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFormatError, match="come with the repository and not with the installed package"):
        resolve_model(DEFAULT_MODEL)


@pytest.mark.parametrize(
    "path",
    [
        "weights/sargan-motion-129",
        "runs/no-such-model",
        "runs/deep/er",
        "./name/model",
        "../model",
        "/no/such",
        "model",
        "name/model.onnx",
        "name/",
        "~nobody/model",
        "back\\slash",
        "",
    ],
)
def test_a_path_that_is_not_there_never_becomes_a_repository(path, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url, **_: asked.append(url))
    with pytest.raises(ModelFormatError):
        find_source(path)
    assert not asked
    assert find_source("name/model") == ModelSource("name/model", is_local=False, asks_hub=True)
    assert len(asked) == 1


def test_a_downloaded_model_loads_at_once_when_the_hub_cannot_be_reached(hub, python, with_mouth, tiny_model_folder):  # noqa: F811
    hub.add("lab/faces", with_mouth)
    hub.add("lab/plain", tiny_model_folder)
    for name, expected in (("lab/faces", "64 True"), ("lab/plain", "64 False")):
        code = LOAD.format(name=name, options={})
        assert python(code) == expected
        # The client alone waits 1 + 2 + 4 + 8 + 8 seconds for each of the files that the repository lacks.
        assert python(NO_WAITING + code, HF_ENDPOINT=NO_SERVER) == expected
        assert python(code, HF_HUB_OFFLINE="1") == expected


@pytest.mark.parametrize(
    ("environment", "options", "says"),
    [
        ({"HF_ENDPOINT": NO_SERVER}, {}, "the Hub cannot be reached ("),
        ({"HF_HUB_OFFLINE": "1"}, {}, "the Hub is not asked (HF_HUB_OFFLINE is set)"),
        ({}, {"local_files_only": True}, "the Hub is not asked (local_files_only=True)"),
        ({"HF_ENDPOINT": NO_SERVER}, {"backend": "onnx"}, "the Hub cannot be reached ("),
    ],
)
def test_a_model_that_cannot_be_downloaded_is_not_called_incomplete(
    hub,
    python,  # noqa: F811
    tiny_model_folder,
    environment,
    options,
    says,
):
    hub.add("lab/faces", tiny_model_folder)
    printed = python(NO_WAITING + LOAD.format(name="lab/faces", options=options), **environment)
    assert printed.startswith("lab/faces is not among the models that were downloaded before, and the Hub ")
    assert says in printed
    assert "config.json" not in printed
    assert "connect once, or give the model's folder" in printed
