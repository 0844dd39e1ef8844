"""File systems without locks, threads, killed loaders, other systems: one sentence, nothing lost."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_training_checkpoints import LATEST, names
from test_training_command import FLAGS

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import CheckpointError, SARGANError
from sargan_hf.training import resuming
from sargan_hf.training.checkpoints import find_checkpoint
from sargan_hf.training.image_cache import FaceCache
from sargan_hf.training.loop import train
from sargan_hf.training.map_dataset import TrainingSamples
from sargan_hf.training.run_folder import run_lock, waiting_lock
from sargan_hf.training.validation import Validator

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
def test_without_locks_a_run_trains_and_warns(make_config, monkeypatch, caplog, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(fcntl, "lockf", flock)
    folder = train(make_config(max_train_steps=1))
    assert names(folder) == ["checkpoint-00000001"]
    assert f"without locks ({os.strerror(number)}): make sure that no other run trains there" in caplog.text


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES])
def test_a_lock_that_is_held_is_another_run(make_config, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
    with pytest.raises(CheckpointError, match="Another run is training in"):
        train(make_config(max_train_steps=1))


def test_the_lock_holds_within_a_process_too_and_an_unused_folder_goes(tmp_path):
    folder = tmp_path / "some" / "run"
    refused = []

    def second() -> None:
        with pytest.raises(CheckpointError, match="Another run is training") as refusal, run_lock(folder):
            raise AssertionError("Two runs in one folder.")
        refused.append(refusal)

    with run_lock(folder):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert refused
        assert folder.is_dir()
    assert not (tmp_path / "some").exists()


def test_a_run_in_a_thread_trains_and_leaves_signals_alone(make_config):
    """As in a notebook's widget or a handler of a web page."""
    before, done = signal.getsignal(signal.SIGINT), []
    config = make_config(max_train_steps=2, dataloader_num_workers=1)
    thread = threading.Thread(target=lambda: done.append(train(config)))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert find_checkpoint(done[0], "latest").name == "checkpoint-00000002"
    train(make_config(max_train_steps=3, **LATEST))  # and the lock is free


def test_pictures_may_have_been_worked_on_in_the_process_before(make_config):
    """As in a notebook: the loader's worker waited for OpenCV's threads, which a fork does not have."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        cv2.warpAffine(np.zeros((2000, 2000, 3), np.uint8), np.eye(2, 3), (2000, 2000))
        config, done = make_config(max_train_steps=1, dataloader_num_workers=1), []
        thread = threading.Thread(target=lambda: done.append(train(config)), daemon=True)
        thread.start()
        thread.join(200)
        assert done
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(before)


def test_a_loader_that_is_killed_is_one_sentence(make_config, monkeypatch):
    parent = os.getpid()

    def die(self, position):
        assert os.getpid() != parent
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(TrainingSamples, "__getitem__", die)
    with pytest.raises(SARGANError, match=r"prepares batches was killed.*--dataloader_num_workers 0") as told:
        train(make_config(max_train_steps=2, dataloader_num_workers=1))
    assert "\n" not in str(told.value)


def test_an_error_in_a_loader_is_one_sentence_and_ends_the_process(expression_folder, tmp_path):
    """Its process ignores the signal by which Python ends it, and Python waited for it."""
    code = f"""
import sys
from sargan_hf.errors import DatasetError, SARGANError
from sargan_hf.training.map_dataset import TrainingSamples
from sargan_hf.training.command import main
def fail(self, position):
    raise DatasetError("Picture 7 of the data set is damaged.")
TrainingSamples.__getitem__ = fail
try:
    main({["--train_data_dir", str(expression_folder), "--output_dir", str(tmp_path / "run"), *FLAGS]} + sys.argv[1:])
except SARGANError as error:
    sys.exit(f"error: {{error}}")
"""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1"}
    start = [sys.executable, "-c", code, "--report_to", "none", "--dataloader_num_workers", "1"]
    done = subprocess.run(start, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: Picture 7 of the data set is damaged."
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_removed_under_a_run_is_made_again(make_config, monkeypatch):
    validate = Validator.grid

    def grid(self, *arguments):
        shutil.rmtree(folder, ignore_errors=True)
        return validate(self, *arguments)

    config = make_config(max_train_steps=2)
    folder = Path(config.output_dir)
    monkeypatch.setattr(Validator, "grid", grid)
    train(config)
    assert find_checkpoint(folder, "latest").name == "checkpoint-00000002"
    assert (folder / "diffusion_pytorch_model.safetensors").is_file()


def test_samples_that_cannot_be_written_do_not_end_a_run(make_config, monkeypatch, capfd):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sargan_hf.training.loop.save_grid", fail)
    folder = train(make_config(max_train_steps=2))
    assert "no samples, as they could not be written (No space left on device)" in capfd.readouterr().out
    assert find_checkpoint(folder, "latest")


def test_a_model_that_cannot_be_written_leaves_the_one_before(make_config, monkeypatch):
    folder = train(make_config(max_train_steps=2))
    files = ("config.json", "README.md", "diffusion_pytorch_model.safetensors")
    before = [(folder / name).read_bytes() for name in files]

    def stage(model, draft, **_):
        model.save_pretrained(draft)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sargan_hf.training.publish.stage", stage)
    with pytest.raises(SARGANError, match=r"The model could not be written .*the checkpoint of step 4 is whole"):
        train(make_config(max_train_steps=4, **LATEST))
    assert [(folder / name).read_bytes() for name in files] == before
    assert not list(folder.glob(".partial*"))


def test_nothing_is_taken_over_from_a_checkpoint_that_does_not_fit(make_config, monkeypatch):
    """Checked first, then loaded: a run must not go on with half of a checkpoint."""
    train(make_config(max_train_steps=2))
    order = []
    monkeypatch.setattr(resuming, "_check_optimizer", lambda *_: order.append("checked"))
    monkeypatch.setattr("torch.nn.Module.load_state_dict", lambda *_: order.append("loaded"))
    train(make_config(max_train_steps=2, **LATEST))
    assert order == ["checked", "checked", "loaded", "loaded"]


WITHOUT = """
import sys
import accelerate.tracking, datasets, diffusers.training_utils, psutil, torch, torch.utils.tensorboard  # have ways of their own
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
for name in ("fcntl", "resource"):
    sys.modules.pop(name, None)
from sargan_hf.commands.train import main
from sargan_hf.training.progress import peak_memory
main(sys.argv[1:])
assert 0.01 < peak_memory(torch.device("cpu")) < 64
"""


def test_it_trains_where_fcntl_and_resource_are_missing(expression_folder, tmp_path):
    """As on Windows."""
    flags = ["--train_data_dir", str(expression_folder), "--output_dir", str(tmp_path / "run"), *FLAGS]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1"}
    start = [sys.executable, "-c", WITHOUT, *flags, "--max_train_steps", "2", "--logging_steps", "1"]
    done = subprocess.run(start, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert find_checkpoint(tmp_path / "run", "latest").name == "checkpoint-00000002"


def test_two_processes_decode_one_set_one_after_the_other(expression_folder, tmp_path, caplog):
    dataset = load_expression_dataset(expression_folder)
    FaceCache(dataset, 40, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.unlink()
    made = []
    with waiting_lock(file) as alone:
        assert alone
        thread = threading.Thread(target=lambda: made.append(FaceCache(dataset, 40, tmp_path)))
        thread.start()
        while "waiting for it" not in caplog.text:
            thread.join(0.05)
        assert not made
        file.write_bytes(whole)
    thread.join()
    assert np.array_equal(made[0].picture(3), np.frombuffer(whole, np.uint8).reshape(-1, 40, 40, 3)[3])
    assert list(tmp_path.iterdir()) == [file]
