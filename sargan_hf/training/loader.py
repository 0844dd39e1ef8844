"""From samples to the batches of one process."""

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import torch
from torch.utils.data import DataLoader

from .map_dataset import TrainingSamples

if TYPE_CHECKING:
    from .stream_dataset import StreamedSamples


def training_batches(
    samples: "TrainingSamples | StreamedSamples",
    first_step: int,
    micro_batch: int,
    accumulation: int,
    rank: int,
    world: int,
    workers: int,
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless micro-batches of this process, `accumulation` of them for each update."""
    workers = workers if samples.in_workers else 0
    loader = DataLoader(
        **samples.reader(first_step, micro_batch * accumulation, rank, world),
        batch_size=micro_batch,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_prepare_worker,
        pin_memory=torch.cuda.is_available(),  # without it the copy to the GPU waits for the GPU
    )
    # A fork that has to stop OpenCV's threads waits for ever for those that it did not inherit: there may be none by then.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return iter(loader)
    finally:
        cv2.setNumThreads(threads)


def _prepare_worker(_: int) -> None:
    cv2.setNumThreads(1)
    # Ctrl-C and a scheduler's SIGTERM reach all processes of a job. The training process finishes its step and stops the
    # workers itself; a worker gone before that would end it with an error instead.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
