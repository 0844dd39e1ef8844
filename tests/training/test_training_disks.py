"""Disks that are full or closed: one sentence, nothing lost, nothing left behind."""

import errno
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from drawing import write_expression_folder
from test_training_checkpoints import LATEST, names
from test_training_command import FLAGS

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.mouth_pairs import make_mouths
from sargan_hf.errors import CheckpointError, DatasetError
from sargan_hf.inference import load_generator
from sargan_hf.training.image_cache import FaceCache
from sargan_hf.training.loop import train

ROOT = Path(__file__).resolve().parents[2]
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
        ("28k", "The checkpoint of step 2 could not be written (No space left on device).", []),
        ("2m", "The checkpoint of step 2 could not be written (No space left on device).", []),
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
@pytest.mark.parametrize("size", ["4k", "100k"])
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


@mounts
@pytest.mark.parametrize("size", ["4k", "64k"])
def test_shared_memory_that_is_too_small_is_one_sentence(expression_folder, tmp_path, size):
    """As in a container that was started without --shm-size."""
    start = command(expression_folder, tmp_path / "run", "--report_to", "none", "--dataloader_num_workers", "1")
    text, _ = Disk(tmp_path / "disk").run(
        "1m", f"mount -t tmpfs -o size={size} tmpfs /dev/shm; {start}", cache=tmp_path
    )
    said = [line for line in text.splitlines() if line.startswith("error: ")]
    assert said == [
        "error: A process that prepares batches has no shared memory left. Give it more memory or a larger /dev/shm "
        "(docker run --shm-size), or train with --dataloader_num_workers 0. Resume with --resume_from_checkpoint latest."
    ]


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


def test_mouths_that_fill_their_disk_leave_nothing_behind(tiny_model_folder, tmp_path, monkeypatch):
    dataset = load_expression_dataset(write_expression_folder(tmp_path / "drawn", people=1, size=256))
    generator = load_generator(tiny_model_folder)
    assert make_mouths(dataset, generator, tmp_path / "mouths") == 7
    assert sorted(path.name for path in (tmp_path / "mouths" / "data").iterdir()) == ["train-00000.parquet"]

    def fill(self, path, **_):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Dataset, "to_parquet", fill)
    with pytest.raises(
        DatasetError, match=r"second cannot be written \(No space left on device\)\. Free some space in"
    ):
        make_mouths(dataset, generator, tmp_path / "second")
    assert not list(tmp_path.glob("second*"))
