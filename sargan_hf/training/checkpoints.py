"""Checkpoints that are whole or not there: temporary folder, fsync, rename, manifest with hashes.

output_dir/checkpoint-00000500/
    generator.safetensors, ema.safetensors, discriminator.safetensors
    optimizers.pt    both optimisers, read back with weights_only=True
    state.json       the step and everything else that is not a tensor
    manifest.json    sha256 of every file above
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..errors import CheckpointError

Weights = dict[str, torch.Tensor]
logger = logging.getLogger(__name__)


def save_checkpoint(
    output_dir: Path,
    step: int,
    networks: dict[str, Weights],
    optimizers: dict[str, Any],
    state: dict[str, Any],
    keep: int,
) -> Path:
    """Writes a checkpoint, verifies it, and only then removes those older than the `keep` newest complete ones.

    Raises:
        CheckpointError: it cannot be written; what was written of it is removed, and the checkpoints before it stay.
    """
    final = output_dir / f"checkpoint-{step:08d}"
    partial = output_dir / f".partial-{final.name}"
    for left_over in output_dir.glob(".partial-*"):  # of a process that was killed while it wrote
        shutil.rmtree(left_over)
    try:
        _write(partial, networks, optimizers, state | {"step": step})
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        _fsync(output_dir)
    # safetensors and torch.save report a full disk in errors of their own.
    except (OSError, SafetensorError, RuntimeError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        complete = find_checkpoint(output_dir, "latest")
        before = f"{complete.name} is whole: go on" if complete else "There is none before it: start again"
        raise CheckpointError(
            f"The checkpoint of step {step} could not be written ({error}). Free some space in {output_dir}. "
            f"{before} with --resume_from_checkpoint latest."
        ) from error
    verify(final)
    for old in list_checkpoints(output_dir)[:-keep]:
        shutil.rmtree(old)
    return final


def _write(folder: Path, networks: dict[str, Weights], optimizers: dict[str, Any], state: dict[str, Any]) -> None:
    """Writes all files of a checkpoint and waits until they are on the disk."""
    folder.mkdir(parents=True)
    for name, weights in networks.items():
        tensors = {key: value.detach().contiguous().cpu() for key, value in weights.items()}
        save_file(tensors, folder / f"{name}.safetensors")
    torch.save(optimizers, folder / "optimizers.pt")
    (folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
    hashes = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps(hashes, indent=1), encoding="utf-8")
    for path in [*folder.iterdir(), folder]:
        _fsync(path)


def list_checkpoints(output_dir: Path) -> list[Path]:
    """The checkpoint folders of a run, oldest first, complete or not."""
    return sorted(path for path in output_dir.glob("checkpoint-*") if path.is_dir())


def find_checkpoint(output_dir: Path, wanted: str) -> Path | None:
    """The folder to resume from: `wanted` itself, or for "latest" the newest complete one; None where a run is new.

    Raises:
        CheckpointError: `wanted` is not a complete checkpoint.
    """
    if wanted != "latest":
        verify(Path(wanted))
        return Path(wanted)
    for path in reversed(list_checkpoints(output_dir)):
        try:
            verify(path)
        except CheckpointError as error:
            logger.warning("%s Trying the one before it.", error)
            continue
        return path
    return None


def verify(folder: Path) -> None:
    """Raises CheckpointError unless every file of the manifest is there with its hash."""
    try:
        hashes = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} is not a complete checkpoint: its manifest.json cannot be read.") from error
    for name, expected in hashes.items():
        if not (folder / name).is_file() or _sha256(folder / name) != expected:
            raise CheckpointError(f"{folder} is damaged: {name} is missing or changed. Resume from another checkpoint.")


def load_checkpoint(folder: Path) -> tuple[dict[str, Weights], dict[str, Any], dict[str, Any]]:
    """Reads networks, optimisers and state of a checkpoint that `find_checkpoint` returned."""
    networks = {path.stem: load_file(path) for path in folder.glob("*.safetensors")}
    optimizers = torch.load(folder / "optimizers.pt", map_location="cpu", weights_only=True)
    return networks, optimizers, json.loads((folder / "state.json").read_text(encoding="utf-8"))


@contextmanager
def run_lock(output_dir: Path) -> Iterator[None]:
    """Holds the run's folder for this process; a second process is refused.

    Raises:
        CheckpointError: another process trains in this folder, or the folder cannot be made.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    with open(output_dir / ".lock", "w", encoding="utf-8") as file:
        try:
            # Not flock: the loader's workers would inherit it, and outlive a killed run by seconds.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CheckpointError(
                f"Another run is training in {output_dir}. Wait for it, or give this one another output_dir."
            ) from error
        yield


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
