"""Runs a training from start, or from a checkpoint, to the end."""

import dataclasses
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from accelerate.utils import broadcast_object_list, gather_object, set_seed
from datasets import IterableDataset, IterableDatasetDict

from ..data.loading import DataSource
from ..errors import CheckpointError, ConfigurationError
from ..file_errors import cause, remedy
from .architecture import with_architecture
from .checkpoints import find_checkpoint, foreign_checkpoints, list_checkpoints
from .config import TrainingConfig
from .freed_memory import freed_memory_kept
from .interruption import Interruption
from .launching import make_accelerator
from .loader import Batches, let_go, training_batches
from .objectives import Batch
from .progress import Progress, end_tracking
from .publish import reserve_repository, save_model
from .resuming import changed_faces, changed_settings
from .run_folder import begin_run, run_lock
from .run_summary import run_summary
from .schedule import with_length
from .setup_data import prepare_data
from .stream_blocks import START, Place
from .trainer import Trainer, to_device
from .validation import Validator, save_grid


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        step: steps made in all.
        errors: held-out error of each expression at that step; may be empty.
        interrupted: whether the run had more steps to do.
    """

    step: int
    errors: dict[str, float]
    interrupted: bool


def train(config: TrainingConfig, dataset: DataSource | None = None) -> Path:
    """Trains from start, or from a checkpoint, to the end; returns the folder that holds the finished model.

    Args:
        config: the settings.
        dataset: what to train on where the settings name neither `train_data_dir` nor `dataset_name`: a `Dataset` or
            `IterableDataset` with columns as `load_expression_dataset` knows them, or a folder. An `IterableDataset` is
            trained on as a stream.

    Raises:
        SARGANError: wrong settings or data, a damaged checkpoint, another run on the folder, a disk that is full, a loss
            that is not finite.
    """
    config = with_architecture(_with_source(config, dataset))
    accelerator, config = make_accelerator(config)
    output_dir = Path(config.output_dir)
    with run_lock(output_dir) if accelerator.is_main_process else nullcontext():
        _refuse_a_used_folder(config)
        if config.push_to_hub and accelerator.is_main_process:
            reserve_repository(config)
        set_seed(config.seed)
        data = prepare_data(config, accelerator, dataset)
        config = with_length(config, len(data.faces), accelerator.num_processes)
        trainer = Trainer(config, accelerator, data)
        first_step, place = _start(trainer)
        accelerator.print(run_summary(trainer, first_step))
        keeping = freed_memory_kept() if accelerator.device.type == "cpu" else nullcontext()
        with Interruption(accelerator) as interruption, keeping:
            outcome = _run(trainer, first_step, place, interruption)
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            with trainer.averaged_generator() as generator:
                save_model(generator, config, trainer.data, outcome.step, outcome.errors)
        accelerator.print(f"{'The model so far' if outcome.interrupted else 'Finished: the model'} is in {output_dir}")
        end_tracking(accelerator)
    return output_dir


def _with_source(config: TrainingConfig, dataset: DataSource | None) -> TrainingConfig:
    """The settings, after it is clear that there is one set to train on, and whether it is a stream."""
    sources = [config.train_data_dir, config.dataset_name, dataset]
    if sum(each is not None for each in sources) != 1:
        raise ConfigurationError(
            "Give the data as one of train_data_dir FOLDER and dataset_name HUB_ID, or in Python as train(config, dataset=...)."
        )
    if isinstance(dataset, IterableDataset | IterableDatasetDict):
        return dataclasses.replace(config, streaming=True)
    return config


def _refuse_a_used_folder(config: TrainingConfig) -> None:
    folder = Path(config.output_dir)
    if not config.resume_from_checkpoint and (list_checkpoints(folder) or foreign_checkpoints(folder)):
        raise ConfigurationError(
            f"{config.output_dir} holds checkpoints of an earlier run. Resume with --resume_from_checkpoint latest, or give "
            "this run another output_dir."
        )


def _start(trainer: Trainer) -> tuple[int, Place | None]:
    """Goes on from the checkpoint that the settings name, if there is one.

    Returns:
        The first step to make, and where a stream goes on.
    """
    config, accelerator, output_dir = trainer.config, trainer.accelerator, trainer.output_dir
    start = [None]
    if config.resume_from_checkpoint and accelerator.is_main_process:
        start = [find_checkpoint(output_dir, config.resume_from_checkpoint)]
    (start,) = broadcast_object_list(start)  # all from the same, whatever each of them would find
    state = None
    if start:
        state = trainer.resume(start)
        accelerator.print(f"Resuming from {start}.")
        if changes := changed_settings(trainer, state):
            accelerator.print(f"Settings changed since then: {changes}.")
        if others := changed_faces(trainer, state):
            accelerator.print(f"It was trained on another set ({others}). Is this meant? Else give another output_dir.")
    else:
        trainer.begin()
        if config.resume_from_checkpoint:
            accelerator.print(f"No checkpoint in {output_dir} yet: starting from the beginning.")
    if accelerator.is_main_process:
        try:
            begin_run(output_dir, state)
            config.save(output_dir / "training_config.yaml")
        except OSError as error:
            raise CheckpointError(
                f"{output_dir} cannot be written ({cause(error)}). {remedy(error, output_dir)}, or give another output_dir."
            ) from error
    return (state["step"], _place(trainer, state)) if state else (0, None)


def _place(trainer: Trainer, state: dict[str, Any]) -> Place | None:
    """Where this process goes on in a stream; from a new pass where the checkpoint is of another number of processes."""
    accelerator, places = trainer.accelerator, state.get("stream")
    if not trainer.config.streaming:
        return None
    if isinstance(places, list) and len(places) == accelerator.num_processes:
        return places[accelerator.process_index]
    accelerator.print("The checkpoint does not say where these processes go on in the stream: a new pass begins.")
    return {**START, "epoch": 1 + max((place["epoch"] for place in places or ()), default=0)}


def _run(trainer: Trainer, first_step: int, place: Place | None, interruption: Interruption) -> Outcome:
    """Runs to the end or to an interruption."""
    config, main = trainer.config, trainer.accelerator.is_main_process
    validator = Validator.of(trainer.data, config.resolution) if main else None
    batches = training_batches(trainer.data.samples, first_step, config, trainer.accelerator, place=place)
    done, stop, errors = first_step, False, None
    with let_go(batches), Progress(config, trainer.accelerator, first_step) as progress:
        while done < config.max_train_steps and not stop:
            micro_batches, waited = _next(batches, trainer)
            parts = trainer.update(micro_batches, step=done)
            done, errors = done + 1, None
            if done % config.logging_steps == 0:
                trainer.check.tell()
            progress.log(done, parts, waited)
            stop = interruption.asked()
            if validator and done % config.validation_steps == 0:
                errors = _validate(trainer, validator, done, progress)
            if done == config.max_train_steps or stop or done % config.checkpointing_steps == 0:
                places = gather_object([batches.place()]) if config.streaming else None  # of all processes
                if main:
                    trainer.save(done, places)
        if validator and errors is None:
            errors = _validate(trainer, validator, done, progress)
        interrupted = stop and done < config.max_train_steps
        if interrupted:
            progress.say(f"Interrupted at step {done}. Resume with --resume_from_checkpoint latest.")
    return Outcome(done, errors or {}, interrupted)


def _next(batches: Batches, trainer: Trainer) -> tuple[list[Batch], float]:
    """The micro-batches of a step, on the device, and how many seconds they were waited for."""
    start = time.perf_counter()
    count, device = trainer.config.gradient_accumulation_steps, trainer.accelerator.device
    micro_batches = [to_device(next(batches), device) for _ in range(count)]
    return micro_batches, time.perf_counter() - start


def _validate(trainer: Trainer, validator: Validator, step: int, progress: Progress) -> dict[str, float]:
    with trainer.averaged_generator() as generator:
        errors = validator.errors(generator, trainer.accelerator.device)
        grid = validator.grid(generator, trainer.accelerator.device)
    progress.validation(step, errors, grid)
    measured = (
        f"held-out error {errors['all']:.3f} of no edit"
        if "all" in errors
        else "nobody held out is in a pair to measure it on"
    )
    try:
        samples = f"samples in {save_grid(grid, trainer.output_dir, step)}"
    except OSError as error:  # the checkpoints are what must not be lost, and they say so themselves
        samples = f"no samples, as they could not be written ({cause(error)})"
    progress.say(f"step {step}: {measured}; {samples}")
    return errors
