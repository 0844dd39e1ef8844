"""Disks that are full or closed, file systems without locks, threads, other systems: one sentence, nothing lost."""

import errno
import fcntl
import os
import resource
import shlex
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
from sargan_hf.errors import CheckpointError, DatasetError, SARGANError
from sargan_hf.training import resuming
from sargan_hf.training.checkpoints import find_checkpoint
from sargan_hf.training.image_cache import FaceCache
from sargan_hf.training.loop import train
from sargan_hf.training.map_dataset import TrainingSamples
from sargan_hf.training.run_folder import run_lock

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = ["unshare", "--map-root-user", "--mount"]


def may_mount() -> bool:
    try:
        return (
            subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0
        )
    except FileNotFoundError:
        return False


mounts = pytest.mark.skipif(not may_mount(), reason="This system lets nobody mount a disk of his own.")


def command(data: Path, output: Path, *flags: str) -> str:
    """A run of which a checkpoint takes 3.5 MB and the model 0.9 MB."""
    script = [
        sys.executable,
        str(ROOT / "train_accelerate.py"),
        "--train_data_dir",
        str(data),
        "--output_dir",
        str(output),
    ]
    given = "--checkpointing_steps 2 --validation_steps 1 --logging_steps 1 --max_train_steps 4".split()
    return shlex.join([*script, *FLAGS, *given, *flags])


class Disk:
    """A disk of its own: what is run on it is run in one shell, after which it is gone."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()

    def run(self, size: str, *commands: str, cache: Path | None = None) -> list[str]:
        """What each command wrote, with `left: ...` of every file on the disk at the end."""
        lines = [f"mount -t tmpfs -o size={size} tmpfs {self.folder}"]
        lines += [f"echo @@; {each}" for each in commands] + [
            f"echo @@; find {self.folder} -mindepth 1 -printf 'left: %P\\n'"
        ]
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_HOME": str(cache or self.folder)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run([*NAMESPACE, "sh", "-c", "\n".join(lines)], env=environment, timeout=600, **pipes)
        return done.stdout.split("@@\n")[1:]


@pytest.fixture
def disk(tmp_path) -> Disk:
    return Disk(tmp_path / "disk")


def errors(text: str) -> list[str]:
    assert "Traceback" not in text, text[-3000:]
    return [line for line in text.splitlines() if line.startswith("error: ")]


@mounts
@pytest.mark.parametrize(
    ("size", "message", "whole"),
    [
        ("4k", "disk cannot be written (No space left on device). Free some space in", []),
        ("16k", "report_to tensorboard cannot write its logs (No space left on device)", []),
        ("28k", "The checkpoint of step 2 could not be written (No space left on device).", []),
        ("1m", "The checkpoint of step 2 could not be written (No space left on device).", []),
        ("2m", "The checkpoint of step 2 could not be written (No space left on device).", []),
        ("3700k", "latest: checkpoint-00000002, the one before it, is whole.", ["checkpoint-00000002"]),
        ("6m", "latest: checkpoint-00000002, the one before it, is whole.", ["checkpoint-00000002"]),
        ("7200k", "The model could not be written to", ["checkpoint-00000002", "checkpoint-00000004"]),
    ],
)
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_from_there(
    expression_folder, disk, tmp_path, size, message, whole
):
    start = command(expression_folder, disk.folder)
    again = f"mount -o remount,size=40m {disk.folder}; {start} --resume_from_checkpoint latest"
    look = f"ls -d {disk.folder}/checkpoint*; find {disk.folder} -name '*part*'"
    text, found, after, left = disk.run(size, start, look, again, cache=tmp_path / "cache")
    (said,) = errors(text)
    assert message in said
    assert [Path(line).name for line in found.splitlines() if "/checkpoint" in line and "cannot" not in line] == whole
    assert "part" not in found
    assert errors(after) == []
    assert f"Finished: the model is in {disk.folder}" in after
    assert (f"Resuming from {disk.folder / whole[-1]}" if whole else "starting from the beginning") in after
    assert "left: checkpoint-00000004/manifest.json" in left


@mounts
@pytest.mark.parametrize("size", ["4k", "24k", "100k", "180k"])
def test_a_cache_that_fills_its_disk_is_one_sentence(expression_folder, disk, tmp_path, size):
    """Through a memory map it was a bus error."""
    text, left = disk.run(size, command(expression_folder, tmp_path / "runs" / "new"))
    (said,) = errors(text)
    assert "The decoded pictures cannot be written to" in said
    assert "(No space left on device)" in said
    assert "part" not in left
    assert not (tmp_path / "runs").exists()


@mounts
def test_a_disk_that_cannot_be_written_is_one_sentence(expression_folder, disk, tmp_path):
    closed = f"mkdir {disk.folder}/old; mount -o remount,ro {disk.folder}; "
    starts = [closed + command(expression_folder, disk.folder / "old"), command(expression_folder, disk.folder / "new")]
    old, new, _ = disk.run("4m", *starts, cache=tmp_path / "cache")
    assert errors(old) == [
        f"error: {disk.folder}/old cannot be written (Read-only file system). Make {disk.folder}/old writable, or give "
        "another output_dir."
    ]
    assert errors(new) == [
        f"error: The folder {disk.folder}/new cannot be made (Read-only file system). Give an output_dir that can be "
        "written."
    ]
    cache, _ = disk.run("4m", f"mount -o remount,ro {disk.folder}; " + command(expression_folder, tmp_path / "run"))
    assert "(Read-only file system)" in errors(cache)[0]
    assert "name another folder with HF_HOME" in errors(cache)[0]


def test_files_that_may_not_grow_are_one_sentence_too(expression_folder, tmp_path):
    """The same where nobody may mount: no file over 100 KB, the decoded pictures take 134."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # noqa: E731
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    start = shlex.split(command(expression_folder, tmp_path / "run", "--report_to", "none"))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(start, env=environment, preexec_fn=limit, timeout=300, **pipes)
    assert done.returncode == 1
    (said,) = errors(done.stdout)
    assert "The decoded pictures cannot be written to" in said
    assert "(File too large)" in said
    assert not list(tmp_path.rglob("*.part"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("step", ["save_checkpoint", "sync_folder", "rename"])
def test_a_disk_that_fails_late_loses_nothing(make_config, monkeypatch, step):
    """Some file systems tell of a full disk or quota only when they are made to write."""
    folder = train(make_config(max_train_steps=2))

    def fail(*_, **__):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    with monkeypatch.context() as context:
        if step == "save_checkpoint":
            context.setattr("sargan_hf.training.checkpoints.save_file", fail)
        elif step == "sync_folder":
            context.setattr("sargan_hf.training.checkpoints.sync_folder", fail)
        else:
            context.setattr(Path, "rename", fail)
        with pytest.raises(
            CheckpointError, match=r"step 4 could not be written \(Disk quota exceeded\)\. Free some space"
        ):
            train(make_config(**LATEST))
    assert names(folder) == ["checkpoint-00000002"]
    train(make_config(**LATEST))
    assert names(folder) == ["checkpoint-00000002", "checkpoint-00000004"]


def test_a_cache_that_was_cut_short_is_made_again(expression_folder, tmp_path):
    dataset = load_expression_dataset(expression_folder)
    whole = FaceCache(dataset, 40, tmp_path)
    last = np.array(whole.picture(len(whole) - 1))
    (file,) = tmp_path.iterdir()
    with open(file, "rb+") as opened:
        opened.truncate(1000)
    (tmp_path / f"{file.stem}.part").write_text("of a process that was killed")
    assert np.array_equal(FaceCache(dataset, 40, tmp_path).picture(len(whole) - 1), last)
    assert list(tmp_path.iterdir()) == [file]


def test_a_picture_that_does_not_fit_leaves_no_part_of_a_cache(expression_folder, tmp_path):
    dataset = load_expression_dataset(expression_folder)
    with pytest.raises(DatasetError, match="sargan crop"):
        FaceCache(dataset.map(lambda row: {"image": row["image"].resize((64, 90))}), 40, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
def test_without_locks_a_run_trains_and_warns(make_config, monkeypatch, caplog, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(fcntl, "lockf", flock)
    folder = train(make_config(max_train_steps=1))
    assert names(folder) == ["checkpoint-00000001"]
    assert f"without locks ({os.strerror(number)}): see to it that no other run trains there" in caplog.text


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


def test_samples_that_cannot_be_written_do_not_end_a_run(make_config, monkeypatch, capfd):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sargan_hf.training.trainer.save_grid", fail)
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
