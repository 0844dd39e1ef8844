"""What a device makes of real training: pictures per second, how long it is busy, how long it waits for pictures.

Called by `training_speed.py --device cuda`. On a CPU (`--device cpu`) the same code runs, and busy is CPU time.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator
from loader_speed import write_set
from torch.profiler import ProfilerActivity, profile

from sargan_hf.training import TrainingConfig
from sargan_hf.training.loader import let_go, training_batches
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.trainer import Trainer, to_device


class Speed(NamedTuple):
    """Attributes:
    images: pictures per second.
    busy: share of the time in which the device computed.
    waited: share of the time in which the loop waited for pictures.
    """

    images: float
    busy: float
    waited: float


def device_config(given: argparse.Namespace, folder: Path) -> TrainingConfig:
    return TrainingConfig(
        train_data_dir=str(folder),
        motion=True,
        held_out=0.0,
        discriminator_layers=min(4, given.resolution.bit_length() - 3),
        report_to="none",
        resolution=given.resolution,
        train_batch_size=given.batch_size,
        base_channels=given.base_channels,
        dataloader_num_workers=given.workers,
        mixed_precision=given.mixed_precision,
    )


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of spans of time."""
    total, end = 0.0, float("-inf")
    for first, last in sorted(spans):
        total += max(0.0, last - max(first, end))
        end = max(end, last)
    return total


def busy_share(trainer: Trainer, batch: dict, steps: int, device: torch.device) -> float:
    """Of a GPU the share of the time in which a kernel ran; of a CPU the CPU time in units of its threads."""
    began, used = time.perf_counter(), time.process_time()
    if device.type != "cuda":
        run_steps(trainer, [batch] * steps)
        seconds = time.perf_counter() - began
        return (time.process_time() - used) / (seconds * torch.get_num_threads())
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        run_steps(trainer, [batch] * steps)
        wait_for(device)
    kernels = [event for event in recorded.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    spans = [(event.time_range.start, event.time_range.end) for event in kernels]
    whole = max(end for _, end in spans) - min(start for start, _ in spans)
    return covered(spans) / whole


def run_steps(trainer: Trainer, batches: Iterable[dict]) -> None:
    for step, batch in enumerate(batches):
        trainer.update([batch], step + 1)


def loop_speed(trainer: Trainer, given: argparse.Namespace) -> tuple[float, float, dict]:
    """Pictures per second and share of waiting of the loop as training runs it, and a batch to go on with."""
    config, accelerator = trainer.config, trainer.accelerator
    batches = training_batches(trainer.data.samples, 0, config, accelerator)
    with let_go(batches):
        ready = to_device(next(batches), accelerator.device)
        run_steps(trainer, [ready] * 4)  # memory, kernels, cuDNN's choice
        wait_for(accelerator.device)
        waited, began = 0.0, time.perf_counter()
        for step in range(given.steps):
            before = time.perf_counter()
            ready = to_device(next(batches), accelerator.device)
            waited += time.perf_counter() - before
            trainer.update([ready], step + 1)
        wait_for(accelerator.device)
        seconds = time.perf_counter() - began
    return given.steps * config.train_batch_size / seconds, waited / seconds, ready


def measure_device(given: argparse.Namespace) -> Speed:
    """Prints and returns the speed of the fast objective with motion, and its share of the speed without a loader."""
    accelerator = Accelerator(cpu=given.device == "cpu", mixed_precision=given.mixed_precision)
    device = accelerator.device
    if device.type != given.device:
        raise SystemExit(f"There is no {given.device} here; PyTorch found {device}.")
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
    with tempfile.TemporaryDirectory() as folder:
        config = device_config(given, write_set(Path(folder) / "set", given.people))
        trainer = Trainer(config, accelerator, prepare_data(config, accelerator))
        images, waited, ready = loop_speed(trainer, given)
        began = time.perf_counter()
        run_steps(trainer, [ready] * given.steps)
        wait_for(device)
        bare = given.steps * config.train_batch_size / (time.perf_counter() - began)
        busy = busy_share(trainer, ready, min(given.steps, 20), device)
    print(f"{device}, batch {given.batch_size}, {given.resolution} x {given.resolution}, {given.workers} workers")
    print(f"{images:.1f} images/s, {images / bare:.0%} of {bare:.1f} without a loader")
    print(f"device busy {busy:.0%} of the time in steps, loader waited for {waited:.1%} of the time")
    return Speed(images, busy, waited)
