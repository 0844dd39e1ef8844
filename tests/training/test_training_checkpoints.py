"""Checkpoints beside people's own folders: what a run goes on from, what it removes, and what it leaves alone."""

import hashlib
import json
import os
import shutil
import stat
from pathlib import Path

import pytest
import torch

from sargan_hf.errors import CheckpointError, ConfigurationError
from sargan_hf.training.checkpoints import find_checkpoint, list_checkpoints, save_checkpoint, verify
from sargan_hf.training.loop import train

LATEST = {"resume_from_checkpoint": "latest"}


def write(folder: Path, step: int, keep: int = 2) -> Path:
    """A checkpoint of one number, its step."""
    folder.mkdir(exist_ok=True)
    return save_checkpoint(folder, step, {"generator": {"weight": torch.tensor([float(step)])}}, {}, {}, keep)


def content(folder: Path) -> dict[str, str]:
    """Every file with its hash: what must be the same afterwards."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*checkpoint*"))


def rewrite_state(checkpoint: Path, **changes) -> None:
    """Changes a state as a run of another kind would have written it: with its hash."""
    state = json.loads((checkpoint / "state.json").read_text()) | changes
    text = json.dumps({name: value for name, value in state.items() if value is not None})
    replace_file(checkpoint, "state.json", text.encode())


def replace_file(checkpoint: Path, name: str, data: bytes) -> None:
    (checkpoint / name).write_bytes(data)
    hashes = json.loads((checkpoint / "manifest.json").read_text())
    (checkpoint / "manifest.json").write_text(json.dumps(hashes | {name: hashlib.sha256(data).hexdigest()}))


def test_copies_that_people_keep_are_neither_gone_on_from_nor_removed(make_config, tmp_path, capsys):
    run = train(make_config(checkpointing_steps=1))
    others = train(make_config("others", max_train_steps=9, checkpointing_steps=9))
    early, late = run / "checkpoint-00000003", run / "checkpoint-00000004"
    copies = {"checkpoint-best": early, "checkpoint-keep-me": late, "checkpoint-00000003-good": early}
    copies |= {"checkpoint-00000099": early, "checkpoint-4": late, "checkpoint-٠٠٠٠٠٠٠٤": late, "old-checkpoint": early}
    copies |= {"checkpoint-00000009": others / "checkpoint-00000009", "checkpoint-000000004": late}
    for name, original in copies.items():
        shutil.copytree(original, run / name)
    (run / "checkpoint-notes").mkdir()
    shutil.copytree(late, tmp_path / "elsewhere")
    (run / "checkpoint-00000050").symlink_to(tmp_path / "elsewhere")
    before = {name: content(run / name) for name in copies}

    train(make_config(max_train_steps=8, checkpointing_steps=1, **LATEST))
    said = capsys.readouterr()
    assert f"Resuming from {late}" in said.out
    assert [path.name for path in list_checkpoints(run)] == ["checkpoint-00000007", "checkpoint-00000008"]
    assert {name: content(run / name) for name in copies} == before
    assert (run / "checkpoint-notes").is_dir()
    assert (run / "checkpoint-00000050").is_symlink()
    assert content(tmp_path / "elsewhere") == before["checkpoint-keep-me"]
    assert not early.exists()


def test_steps_are_compared_as_numbers(tmp_path):
    for step in (99_999_998, 99_999_999, 100_000_000, 100_000_001):
        assert write(tmp_path, step).is_dir()
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint-100000000", "checkpoint-100000001"]
    assert find_checkpoint(tmp_path, "latest").name == "checkpoint-100000001"


@pytest.mark.parametrize("keep", [1, 2])
def test_a_course_that_was_left_does_not_come_back_as_the_latest(make_config, tmp_path, keep, caplog):
    """Resumed from an earlier step, a run used to delete what it wrote, and `latest` took the course that was left."""
    settings = {"checkpointing_steps": 1, "checkpoints_total_limit": 4, "validation_steps": 50}
    run = train(make_config(max_train_steps=4, **settings))
    left = content(run / "checkpoint-00000004")
    settings |= {"checkpoints_total_limit": keep, "learning_rate": 1e-5}
    train(make_config(max_train_steps=3, resume_from_checkpoint="checkpoint-00000002", **settings))
    assert find_checkpoint(run, "latest") == run / "checkpoint-00000003"
    assert content(run / "checkpoint-00000004-set-aside") == left
    assert "checkpoint-00000004-set-aside now" in caplog.text
    assert len(list_checkpoints(run)) == keep


def test_a_folder_in_the_place_of_a_checkpoint_is_set_aside(tmp_path):
    write(tmp_path, 2)
    shutil.copytree(tmp_path / "checkpoint-00000002", tmp_path / "checkpoint-00000003")
    (tmp_path / "checkpoint-00000003-set-aside").mkdir()
    before = content(tmp_path / "checkpoint-00000003")
    assert find_checkpoint(tmp_path, "latest").name == "checkpoint-00000002"
    write(tmp_path, 3)
    assert find_checkpoint(tmp_path, "latest").name == "checkpoint-00000003"
    assert content(tmp_path / "checkpoint-00000003-set-aside-2") == before


def test_a_checkpoint_in_which_somebody_keeps_a_file_is_not_removed(tmp_path):
    (write(tmp_path, 1) / "what-i-saw.txt").write_text("teeth!")
    for step in (2, 3, 4):
        write(tmp_path, step, keep=1)
    assert names(tmp_path) == ["checkpoint-00000001", "checkpoint-00000004"]


def test_a_checkpoint_that_cannot_be_removed_does_not_end_the_run(tmp_path, monkeypatch, caplog):
    write(tmp_path, 1)
    with monkeypatch.context() as context:
        context.setattr(
            shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(OSError(16, "Device or resource busy"))
        )
        write(tmp_path, 2, keep=1)
    assert "could not be removed (Device or resource busy)" in caplog.text
    write(tmp_path, 3, keep=1)
    assert names(tmp_path) == ["checkpoint-00000003"]


def test_what_killed_processes_left_behind_goes_and_nothing_else(make_config):
    config = make_config(max_train_steps=1)
    folder = Path(config.output_dir)
    left_over = folder / ".partial-checkpoint-00000700"
    left_over.mkdir(parents=True)
    (left_over / "state.json").write_text('{"step": 700}')
    (left_over / ".tmpWeights").write_text("half")
    kept = [folder / ".partial-checkpoint-00000800", folder / ".partial-notes", folder / ".partial-checkpoint-best"]
    for path in kept:
        path.mkdir()
        (path / "notes.txt").write_text("mine")
    train(config)
    assert not left_over.exists()
    assert [(path / "notes.txt").read_text() for path in kept] == ["mine"] * 3


def test_latest_is_the_newest_complete_checkpoint(make_config, tmp_path):
    folder = train(make_config(max_train_steps=4))
    newest = list_checkpoints(folder)[-1]
    weights = newest / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"generator\.safetensors is missing or changed"):
        verify(newest)
    assert find_checkpoint(folder, "latest") == list_checkpoints(folder)[0]
    with pytest.raises(CheckpointError):
        find_checkpoint(folder, str(newest))
    assert find_checkpoint(tmp_path / "nothing here", "latest") is None


def test_where_none_is_whole_a_run_does_not_start_over(tmp_path):
    """It would write over the model of the run before."""
    newest = write(tmp_path, 5)
    (newest / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"no whole checkpoint of its run, only checkpoint-00000005"):
        find_checkpoint(tmp_path, "latest")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("runs/nothing", "There is no checkpoint runs/nothing here"),
        ("", "is not a complete checkpoint|folder of a run"),
        ("{run}", r"is the folder of a run, not a checkpoint: name one in it, such as .*checkpoint-00000005"),
        ("checkpoint-00000006", "There is no checkpoint checkpoint-00000006 here"),
    ],
)
def test_a_checkpoint_that_is_not_there_is_told(tmp_path, wanted, message):
    write(tmp_path, 5)
    with pytest.raises(CheckpointError, match=message):
        find_checkpoint(tmp_path, wanted.format(run=tmp_path))


def test_a_checkpoint_is_found_by_its_name_in_the_runs_folder(tmp_path):
    assert write(tmp_path, 5) == find_checkpoint(tmp_path, "checkpoint-00000005")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"step": "4"}', b'{"step": true}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_state_is_one_sentence(make_config, data):
    folder = train(make_config())
    before = list_checkpoints(folder)[0]
    replace_file(folder / "checkpoint-00000004", "state.json", data)
    with pytest.raises(CheckpointError, match=r"checkpoint-00000004 is damaged: its state\.json"):
        train(make_config(resume_from_checkpoint=str(folder / "checkpoint-00000004"), max_train_steps=6))
    assert find_checkpoint(folder, "latest") == before


@pytest.mark.parametrize(
    "text", ["", "[]", "[1]", "{", "{}", '{"generator.safetensors": 5}', '{"state.json": null}', "7"]
)
def test_a_damaged_manifest_is_one_sentence(tmp_path, text):
    (write(tmp_path, 5) / "manifest.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"is damaged|is not a complete checkpoint"):
        verify(tmp_path / "checkpoint-00000005")


def test_a_folder_with_checkpoints_is_not_trained_in_anew(make_config):
    folder = train(make_config(max_train_steps=1))
    (folder / "checkpoint-00000001").rename(folder / "checkpoint-best")
    with pytest.raises(ConfigurationError, match=r"checkpoints of an earlier run.*--resume_from_checkpoint latest"):
        train(make_config(max_train_steps=2))


def test_checkpoints_of_the_version_before_are_gone_on_from_and_kept(make_config, capsys):
    folder = train(make_config(max_train_steps=4))
    (folder / ".run.json").unlink()
    old = list_checkpoints(folder)
    for checkpoint in old:
        rewrite_state(checkpoint, run=None, format=None, generator=None)
    before = [content(checkpoint) for checkpoint in old]
    train(make_config(max_train_steps=5, checkpointing_steps=1, **LATEST))
    train(make_config(max_train_steps=8, checkpointing_steps=1, **LATEST))
    assert f"Resuming from {old[-1]}" in capsys.readouterr().out
    assert [content(checkpoint) for checkpoint in old] == before
    assert names(folder)[2:] == ["checkpoint-00000007", "checkpoint-00000008"]


def test_a_checkpoint_of_a_later_version_says_so(make_config):
    folder = train(make_config())
    rewrite_state(folder / "checkpoint-00000004", format=3)
    with pytest.raises(CheckpointError, match="written by a newer version"):
        train(make_config(resume_from_checkpoint=str(folder / "checkpoint-00000004"), max_train_steps=6))


def test_a_run_goes_on_in_a_copy_of_its_folder(make_config, tmp_path, capsys):
    folder = train(make_config())
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied, ignore=lambda _, found: [name for name in found if name.startswith(".")])
    train(make_config("copied", max_train_steps=6, **LATEST))
    assert f"Resuming from {copied / 'checkpoint-00000004'}" in capsys.readouterr().out
    train(make_config("copied", max_train_steps=8, **LATEST))
    assert find_checkpoint(copied, "latest").name == "checkpoint-00000008"


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o027, 0o640)])
def test_weights_may_be_read_by_whom_the_umask_lets(make_config, umask, mode):
    before = os.umask(umask)
    try:
        folder = train(make_config(max_train_steps=1))
    finally:
        os.umask(before)
    written = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert {path.suffix for path in written} >= {".safetensors", ".pt", ".json", ".png", ".yaml"}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in written} == {path.name: mode for path in written}
