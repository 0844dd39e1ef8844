"""Fixtures shared by all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import RunningApp, portrait, running_app
from drawing import write_expression_folder

# No test may reach a hub; those that need one start a server on loopback and set HF_ENDPOINT themselves.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# An edit by two threads differs from one by a single thread in the last bits. Tests compare the two across processes, and
# several test processes share the cores anyway. This must stand before the first import of torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent

# slow.txt has what takes long, from the times of a whole run (`tools/list_slow_tests.py`).
# A fixture tells what a test needs; `pytest -m "not browser"` and the like leave such tests out. The face model of the rig,
# a training run and an ONNX export take seconds each.
MARK_OF_FIXTURE = {
    "assets": "assets",
    "browser": "browser",
    "hub": "hub",
    "model": "slow",
    "reader": "slow",
    "make_config": "slow",
    "exports": "slow",
    "app": "launch",
    "public_app": "launch",
    "odd": "launch",
}


# Files of a minute and more. They come first, or one process would end long after the others.
LONGEST = (
    "test_training_disks.py",
    "test_training_command.py",
    "test_hub.py",
    "test_app_touches.py",
    "test_training_launch.py",
    "test_app_api.py",
    "test_app_browser.py",
    "test_app_stage.py",
    "test_model_source.py",
    "test_app_pictures.py",
    "test_same_pixels.py",
    "test_edit_command.py",
    "test_app_faces.py",
    "test_training_settings.py",
    "test_training_faults.py",
    "test_release.py",
    "test_rig_dataset.py",
    "test_data_places.py",
    "test_mouth.py",
    "test_page.py",
    "test_app_limits.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first, and marks tests by the fixtures that they use, directly or through others."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
    slow = set((ROOT / "tests" / "slow.txt").read_text(encoding="utf-8").split())
    for item in items:
        file, test = item.path.relative_to(ROOT).as_posix(), item.nodeid.partition("::")[2].partition("[")[0]
        if {file, f"{file}::{test}"} & slow:
            item.add_marker("slow")
        for fixture in set(getattr(item, "fixturenames", ())) & set(MARK_OF_FIXTURE):
            item.add_marker(MARK_OF_FIXTURE[fixture])


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder with portraits and the 3D face model (see docs/data.md), or a skip that says how to get it."""
    folder = Path(os.environ.get("SARGAN_ASSETS", ROOT.parent / "shared" / "data"))
    if not (folder / "portraits").is_dir():
        pytest.skip(f"No portraits in {folder}: set SARGAN_ASSETS to the folder that docs/data.md describes.")
    return folder


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory) -> Path:
    """A saved motion model of 8 channels with random weights: quick to run, real to load."""
    import torch

    from sargan_hf import SARGAN

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny-model")
    SARGAN(base_channels=8, motion=True, attention_channels=8, sample_size=64).save_pretrained(folder)
    return folder


@pytest.fixture
def run(tiny_model_folder):
    """Runs `sargan edit` in this process with the tiny model, and returns what typer reports."""
    import typer
    from typer.testing import CliRunner

    from sargan_hf.commands.edit import command

    app = typer.Typer()
    app.command()(command)

    def call(*arguments):
        return CliRunner().invoke(app, [*map(str, arguments), "--model", str(tiny_model_folder)])

    return call


@pytest.fixture(scope="session")
def public_app(tiny_model_folder, tmp_path_factory) -> Iterator[RunningApp]:
    """The app as a host starts it, with its default settings, for tests of what it says to programs."""
    with running_app(tiny_model_folder, tmp_path_factory.mktemp("public-app")) as started:
        yield started


@pytest.fixture(scope="session")
def photo(tmp_path_factory) -> Path:
    """A photograph with one face, 512 x 512."""
    return portrait(tmp_path_factory.mktemp("photo") / "portrait.png")


@pytest.fixture(scope="session")
def expression_folder(tmp_path_factory) -> Path:
    """Six drawn people in the seven expressions, paired, with metadata.csv."""
    return write_expression_folder(tmp_path_factory.mktemp("expressions") / "drawn")


@pytest.fixture(scope="module")
def model(assets):
    """The 3D face model of the rig."""
    from sargan_hf.rig.face_model.model import load_face_model

    return load_face_model(assets / "ict_facekit_light.npz")


@pytest.fixture(scope="module")
def reader():
    """Reads portraits for the rig, with or without landmark files."""
    from sargan_hf.rig.portraits.reader import PortraitReader

    return PortraitReader()


SMALL_RUN = {
    "base_channels": 4,
    "motion": True,
    "resolution": 32,
    "discriminator_channels": 4,
    "discriminator_layers": 3,
    "train_batch_size": 4,
    "dataloader_num_workers": 0,
    "held_out": 0.3,
    "decay_fraction": 0.0,
    "report_to": "none",
    "max_train_steps": 4,
    "checkpointing_steps": 2,
    "validation_steps": 2,
}


@pytest.fixture
def make_config(expression_folder, tmp_path, monkeypatch):
    """Makes the settings of a tiny training run on the drawn people in the folder `run` of the test's own."""
    from sargan_hf.training.config import TrainingConfig

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")

    def make(run: str = "run", **changes) -> TrainingConfig:
        given = {"train_data_dir": str(expression_folder), "output_dir": str(tmp_path / run)} | changes
        return TrainingConfig(**SMALL_RUN | given)

    return make
