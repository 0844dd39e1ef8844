"""Runs a training from start, or from a checkpoint, to the end."""

import time
from contextlib import nullcontext
from pathlib import Path

from accelerate.utils import broadcast_object_list, set_seed

from ..errors import CheckpointError, ConfigurationError
from ..file_errors import cause, remedy
from .architecture import with_architecture
from .checkpoints import find_checkpoint, foreign_checkpoints, list_checkpoints
from .config import TrainingConfig
from .interruption import Interruption
from .launching import make_accelerator
from .loader import let_go, training_batches
from .progress import Progress, end_tracking
from .publish import reserve_repository, save_model
from .resuming import changed_settings
from .run_folder import begin_run, run_lock
from .setup_data import prepare_data
from .trainer import Trainer, to_device
from .validation import HeldOut, save_grid


def train(config: TrainingConfig) -> Path:
    """Trains from start, or from a checkpoint, to the end; returns the folder that holds the finished model.

    Raises:
        SARGANError: wrong settings or data, a damaged checkpoint, another run on the folder, a disk that is full, a loss
            that is not finite.
    """
    config = with_architecture(config)
    accelerator, config = make_accelerator(config)
    output_dir = Path(config.output_dir)
    with run_lock(output_dir) if accelerator.is_main_process else nullcontext():
        _refuse_a_used_folder(config)
        if config.push_to_hub and accelerator.is_main_process:
            reserve_repository(config)
        set_seed(config.seed)
        trainer = Trainer(config, accelerator, prepare_data(config, accelerator))
        _start(trainer)
        with Interruption(accelerator) as interruption:
            errors, interrupted = _run(trainer, interruption)
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            save_model(trainer, errors)
        accelerator.print(f"{'The model so far' if interrupted else 'Finished: the model'} is in {output_dir}")
        end_tracking(accelerator)
    return output_dir


def _refuse_a_used_folder(config: TrainingConfig) -> None:
    folder = Path(config.output_dir)
    if not config.resume_from_checkpoint and (list_checkpoints(folder) or foreign_checkpoints(folder)):
        raise ConfigurationError(
            f"{config.output_dir} holds checkpoints of an earlier run. Go on with --resume_from_checkpoint latest, or give "
            "this run another output_dir."
        )


def _start(trainer: Trainer) -> None:
    """Goes on from the checkpoint that the settings name, if there is one, and notes whose folder this is."""
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
    elif config.resume_from_checkpoint:
        accelerator.print(f"No checkpoint in {output_dir} yet: starting from the beginning.")
    if accelerator.is_main_process:
        try:
            begin_run(output_dir, state)
            config.save(output_dir / "training_config.yaml")
        except OSError as error:
            raise CheckpointError(
                f"{output_dir} cannot be written ({cause(error)}). {remedy(error, output_dir)}, or give another output_dir."
            ) from error


def _run(trainer: Trainer, interruption: Interruption) -> tuple[dict[str, float], bool]:
    """Runs to the end or to an interruption; returns the held-out errors at that step, and whether it was interrupted."""
    config, accelerator, data = trainer.config, trainer.accelerator, trainer.data
    accumulation = config.gradient_accumulation_steps
    batches = training_batches(
        data.samples,
        trainer.step,
        config.train_batch_size,
        accumulation,
        accelerator.process_index,
        accelerator.num_processes,
        config.dataloader_num_workers,
    )
    held_out = (
        HeldOut(data.held_out, data.expressions, config.resolution, before=data.held_out_before)
        if data.held_out
        else None
    )
    errors, stop = None, False
    with let_go(batches), Progress(trainer) as progress:
        while trainer.step < config.max_train_steps and not stop:
            waited = time.perf_counter()
            micro_batches = [to_device(next(batches), accelerator.device) for _ in range(accumulation)]
            waited = time.perf_counter() - waited
            parts, errors = trainer.update(micro_batches), None
            progress.log(parts, waited)
            last, stop = trainer.step == config.max_train_steps, interruption.asked()
            if accelerator.is_main_process:
                if held_out and trainer.step % config.validation_steps == 0:
                    errors = _validate(trainer, held_out, progress)
                if last or stop or trainer.step % config.checkpointing_steps == 0:
                    trainer.save()
        if held_out and accelerator.is_main_process and errors is None:
            errors = _validate(trainer, held_out, progress)
        interrupted = stop and trainer.step < config.max_train_steps
        if interrupted:
            progress.say(f"Interrupted at step {trainer.step}. Go on with --resume_from_checkpoint latest.")
    return errors or {}, interrupted


def _validate(trainer: Trainer, held_out: HeldOut, progress: Progress) -> dict[str, float]:
    with trainer.averaged_generator() as generator:
        errors = held_out.errors(generator, trainer.accelerator.device)
        grid = held_out.grid(generator, trainer.accelerator.device)
    progress.validation(errors, grid)
    measured = (
        f"held-out error {errors['all']:.3f} of no edit" if errors else "nobody held out is in a pair to measure it on"
    )
    try:
        samples = f"samples in {save_grid(grid, trainer.output_dir, trainer.step)}"
    except OSError as error:  # the checkpoints are what must not be lost, and they say so themselves
        samples = f"no samples, as they could not be written ({cause(error)})"
    progress.say(f"step {trainer.step}: {measured}; {samples}")
    return errors
