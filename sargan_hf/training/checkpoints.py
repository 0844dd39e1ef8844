"""Checkpoints that are whole or not there: temporary folder, fsync, rename, manifest with hashes.

output_dir/checkpoint-00000500/
    generator.safetensors, ema.safetensors, discriminator.safetensors
    optimizers.pt    both optimisers, read back with weights_only=True
    state.json       the step, the run that wrote it and everything else that is not a tensor
    manifest.json    sha256 of every file above

A folder counts as a checkpoint of the run by what its state.json says, not by its name: people keep copies beside them.
"""

import hashlib
import json
import logging
import pickle
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..errors import CheckpointError
from ..file_errors import PARTIAL, cause, remedy, sync_file, sync_folder
from .run_folder import RunRecord, new_record, read_record, write_record

Weights = dict[str, torch.Tensor]
FORMAT = 2  # of state.json; 1 had neither `format` nor `run`
WRITTEN = {f"{name}.safetensors" for name in ("generator", "discriminator", "ema")} | {
    "optimizers.pt",
    "state.json",
    "manifest.json",
}
logger = logging.getLogger(__name__)


def checkpoint_name(step: int) -> str:
    return f"checkpoint-{step:08d}"


def save_checkpoint(
    output_dir: Path,
    step: int,
    networks: dict[str, Weights],
    optimizers: dict[str, Any],
    state: dict[str, Any],
    keep: int,
) -> Path:
    """Writes a checkpoint, verifies it, and only then removes those that this run wrote before the `keep` newest.

    If a folder of another run has that name, it is renamed. Checkpoints of later steps are renamed too, because a run that
    resumed from an earlier step has abandoned them.

    Raises:
        CheckpointError: it cannot be written; what was written of it is removed, and the checkpoints before it stay.
    """
    final = output_dir / checkpoint_name(step)
    partial = output_dir / f"{PARTIAL}{final.name}"
    try:
        output_dir.mkdir(parents=True, exist_ok=True)  # it may have been removed since the run began
        _remove_half_written(output_dir)
        run = read_record(output_dir) or write_record(output_dir, new_record())
        partial.mkdir()
        try:
            _write(partial, networks, optimizers, state | {"step": step, "run": run.id, "format": FORMAT})
            verify(partial)
            _put_in_place(partial, final, run, step)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        sync_folder(output_dir)
    # safetensors and torch.save report a full disk in errors of their own.
    except (OSError, SafetensorError, RuntimeError, CheckpointError) as error:
        raise CheckpointError(
            f"The checkpoint of step {step} could not be written ({cause(error)}). {_after_failure(error, output_dir)}"
        ) from error
    _rotate(output_dir, run, step, keep)
    return final


def _after_failure(error: Exception, output_dir: Path) -> str:
    try:
        before = find_checkpoint(output_dir, "latest")
    except CheckpointError:
        before = None
    if before is None:
        return f"{remedy(error, output_dir)} and start again from the beginning: there is no checkpoint before it."
    return (
        f"{remedy(error, output_dir)} and resume with --resume_from_checkpoint latest: {before.name}, the one before it, "
        "is whole."
    )


def _write(folder: Path, networks: dict[str, Weights], optimizers: dict[str, Any], state: dict[str, Any]) -> None:
    """Writes all files of a checkpoint and waits until they are on the disk."""
    (folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
    mode = stat.S_IMODE((folder / "state.json").stat().st_mode)
    for name, weights in networks.items():
        tensors = {key: value.detach().contiguous().cpu() for key, value in weights.items()}
        path = folder / f"{name}.safetensors"
        save_file(tensors, path)
        path.chmod(mode)  # safetensors lets nobody but the owner read it, whatever the umask says
    with open(folder / "optimizers.pt", "wb") as file:  # given the path alone, torch hides what the disk said
        torch.save(optimizers, file)
    hashes = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps(hashes, indent=1), encoding="utf-8")
    for path in folder.iterdir():
        sync_file(path)
    sync_folder(folder)


def _put_in_place(partial: Path, final: Path, run: RunRecord, step: int) -> None:
    """Gives a written checkpoint its name, and ends the course that a run left when it was resumed before its end."""
    own = dict(_checkpoints(final.parent, run))
    replaced = None
    if final in own and run.wrote(own[final]) and not _of_others(final):
        replaced = final.rename(final.with_name(f"{PARTIAL}{final.name}-replaced"))
    elif final.exists() or final.is_symlink():
        _set_aside(final, "is not this run's own")
    try:
        partial.rename(final)
    except OSError:
        if replaced:
            replaced.rename(final)
        raise
    if replaced:
        shutil.rmtree(replaced, ignore_errors=True)
    for path, state in own.items():
        if state["step"] > step and is_whole(path):
            _set_aside(path, f"belongs to a course that the run abandoned before step {step}")


def _set_aside(path: Path, why: str) -> None:
    names = [f"{path.name}-set-aside", *(f"{path.name}-set-aside-{number}" for number in range(2, 1000))]
    target = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    path.rename(target)
    logger.warning("%s %s: it is called %s now.", path, why, target.name)


def _rotate(output_dir: Path, run: RunRecord, step: int, keep: int) -> None:
    """Removes what this run wrote before the `keep` newest checkpoints, the one of `step` among these in any case."""
    before = [(path, state) for path, state in _checkpoints(output_dir, run) if state["step"] < step]
    for path, state in before[: max(0, len(before) - keep + 1)]:
        try:
            if run.wrote(state) and not _of_others(path):
                # Renamed first: what a kill leaves of it is never taken for a checkpoint, and removed by the next one.
                shutil.rmtree(path.rename(path.with_name(f"{PARTIAL}{path.name}")))
        except OSError as error:
            logger.warning("%s is not needed any more and could not be removed (%s).", path, cause(error))


def _remove_half_written(output_dir: Path) -> None:
    """Removes what killed processes of a run left behind; folders with anything else in them are not ours."""
    for path in output_dir.glob(f"{PARTIAL}*"):
        if re.fullmatch(rf"{re.escape(PARTIAL)}checkpoint-[0-9]{{8,}}(-replaced)?", path.name) and not _of_others(path):
            shutil.rmtree(path, ignore_errors=True)


def _of_others(folder: Path) -> bool:
    """Whether a folder is a link, or holds what no run writes: somebody keeps something there."""
    if folder.is_symlink() or not folder.is_dir():
        return True
    return any(path.name not in WRITTEN and not path.name.startswith(".") for path in folder.iterdir())


def list_checkpoints(output_dir: Path) -> list[Path]:
    """The checkpoints that the run in a folder wrote or goes on from, by their steps, whole or not."""
    return [path for path, _ in _checkpoints(output_dir, read_record(output_dir))]


def _checkpoints(output_dir: Path, run: RunRecord | None) -> list[tuple[Path, dict[str, Any]]]:
    """These folders with their states, the earliest step first; those of any run where there is no record of one."""
    found = []
    for path in output_dir.glob("checkpoint-*"):
        try:
            state = read_state(path)
        except CheckpointError:
            continue
        if path.name == checkpoint_name(state["step"]) and (run is None or run.may_resume(state)):
            found.append((path, state))
    return sorted(found, key=lambda each: each[1]["step"])


def foreign_checkpoints(output_dir: Path) -> list[Path]:
    """Folders that are checkpoints by name or content, but none of the run: people's copies, other runs', damaged ones."""
    own = list_checkpoints(output_dir)
    return [
        path
        for path in sorted(output_dir.glob("checkpoint-*"))
        if path.is_dir()
        and path not in own
        and (re.fullmatch("checkpoint-[0-9]{8,}", path.name) or any((path / name).is_file() for name in WRITTEN))
    ]


def find_checkpoint(output_dir: Path, wanted: str) -> Path | None:
    """The folder to resume from: `wanted` itself, or for "latest" the run's newest whole one; None where a run is new.

    Args:
        wanted: "latest", a checkpoint folder, or the name of one in `output_dir`.

    Raises:
        CheckpointError: `wanted` is not a whole checkpoint; or there are checkpoints, and none of them is a whole one of
            the run.
    """
    if wanted != "latest":
        return _named_checkpoint(output_dir, wanted)
    own, foreign = list_checkpoints(output_dir), foreign_checkpoints(output_dir)
    if foreign:
        names = ", ".join(path.name for path in foreign)
        logger.warning("Left alone in %s, as the run did not write them: %s.", output_dir, names)
    for path in reversed(own):
        try:
            verify(path)
        except CheckpointError as error:
            logger.warning("%s", error)
            continue
        return path
    if own or foreign:
        raise CheckpointError(
            f"{output_dir} holds no whole checkpoint of its run, only {', '.join(p.name for p in own + foreign)}. Name "
            "the one to resume from with --resume_from_checkpoint, or give this run another output_dir."
        )
    return None


def _named_checkpoint(output_dir: Path, wanted: str) -> Path:
    inside = output_dir / wanted
    path = inside if not Path(wanted).exists() and inside.is_dir() else Path(wanted)
    if not (path / "manifest.json").exists() and (own := list_checkpoints(path)):
        raise CheckpointError(f"{path} is the folder of a run, not a checkpoint: name one in it, such as {own[-1]}.")
    verify(path)
    return path


def is_whole(folder: Path) -> bool:
    try:
        verify(folder)
    except CheckpointError:
        return False
    return True


def verify(folder: Path) -> None:
    """Raises CheckpointError unless every file of the manifest is there with its hash."""
    if not folder.is_dir():
        raise CheckpointError(f"There is no checkpoint {folder} here: name its folder, or latest.")
    try:
        hashes = dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
        # Nothing can be resumed without these two.
        names = sorted(hashes.keys() | {"state.json", "optimizers.pt"})
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder} is not a complete checkpoint: its manifest.json cannot be read.") from error
    for name in names:
        try:
            whole = _sha256(folder / name) == hashes.get(name)
        except OSError:
            whole = False
        if not whole:
            raise CheckpointError(f"{folder} is damaged: {name} is missing or changed. Resume from another checkpoint.")


def read_state(folder: Path) -> dict[str, Any]:
    """What a checkpoint's state.json says; `step` is in it.

    Raises:
        CheckpointError: the file is missing or damaged, or a newer version wrote it.
    """
    if not folder.is_dir():
        raise CheckpointError(f"There is no checkpoint {folder} on this machine.")
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        step, version = state["step"], state.get("format", 1)
        understood = type(step) is int and step >= 0 and type(version) is int
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{folder} is damaged: its state.json cannot be read.") from error
    if not understood:
        raise CheckpointError(f"{folder} is damaged: its state.json names no step.")
    if version > FORMAT:
        raise CheckpointError(f"{folder} was written by a newer version of sargan_hf: resume with that version.")
    return state


def load_checkpoint(folder: Path) -> tuple[dict[str, Weights], dict[str, Any], dict[str, Any]]:
    """Reads networks, optimisers and state of a checkpoint that `find_checkpoint` returned.

    Raises:
        CheckpointError: a file in it is not what a run writes.
    """
    state = read_state(folder)
    try:
        networks = {path.stem: load_file(path) for path in folder.glob("*.safetensors")}
        optimizers = torch.load(folder / "optimizers.pt", map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{folder} is damaged and cannot be read ({cause(error)}).") from error
    if not isinstance(optimizers, dict):
        raise CheckpointError(f"{folder} is damaged: its optimizers.pt holds no optimisers.")
    return networks, optimizers, state


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
