"""The processes that prepare batches: how they start, how they end, and their errors."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from ..errors import SARGANError
from ..file_errors import FULL, disk_error
from .config import TrainingConfig
from .freed_memory import keep_freed_memory
from .sample import Samples
from .stream_blocks import Place
from .stream_dataset import NOTE, StreamOrder

Batch = dict[str, torch.Tensor]


class Batches:
    """Endless micro-batches of this process, `gradient_accumulation_steps` of them for each update.

    Attributes:
        taken: samples that were handed out.
    """

    def __init__(self, loader: DataLoader):
        self._loader, self._batches = loader, _started(loader)
        self.taken = 0

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Batch:
        batch = next(self._batches)
        for place, why in batch.pop(NOTE, ()):
            sample = self._order.replacement(self.taken + place, why)
            for name, value in sample.items():
                batch[name][place] = value
        self.taken += len(batch["source"])
        return batch

    @property
    def _order(self) -> StreamOrder:
        order = self._loader.sampler
        assert isinstance(order, StreamOrder)  # other sets refuse damaged pictures before the first step
        return order

    def place(self) -> Place | None:
        """Where a stream goes on after the samples that were handed out; None of other sets, which know it by the step."""
        return self._order.place_of(self.taken) if isinstance(self._loader.sampler, StreamOrder) else None

    def close(self) -> None:
        """Ends the loader's processes."""
        if isinstance(self._batches, _MultiProcessingDataLoaderIter):
            self._batches._shutdown_workers()


def training_batches(
    samples: Samples,
    first_step: int,
    config: TrainingConfig,
    accelerator: Accelerator,
    workers: int | None = None,
    place: Place | None = None,
) -> Batches:
    """The batches of this process.

    Args:
        first_step: the update that the first of them is for.
        workers: processes that prepare them, where it is not the settings' number.
        place: where a stream goes on.
    """
    workers = config.dataloader_num_workers if workers is None else workers
    local_batch = config.train_batch_size * config.gradient_accumulation_steps
    rank, world = accelerator.process_index, accelerator.num_processes
    return Batches(
        DataLoader(
            **samples.loader_kwargs(first_step, local_batch, rank, world, place),
            batch_size=config.train_batch_size,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_prepare_worker,
            pin_memory=torch.cuda.is_available(),  # without it the copy to the GPU waits for the GPU
        )
    )


def _started(loader: DataLoader) -> Iterator[dict]:
    # A fork that has to stop OpenCV's threads waits without end for those that it did not inherit: there may be none by then.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return iter(loader)
    except OSError as error:
        if told := _loader_error(error):
            raise told from error
        raise
    finally:
        cv2.setNumThreads(threads)


def _prepare_worker(_: int) -> None:
    cv2.setNumThreads(1)
    keep_freed_memory()
    # Ctrl-C and a scheduler's SIGTERM reach all processes of a job. The training process finishes its step and stops the
    # workers itself; a worker gone before that would end it with an error instead.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def let_go(batches: Batches) -> Iterator[None]:
    """Ends the loader's processes with the block, and says in a sentence what happened to them or in them.

    After an error its traceback would keep them alive. They ignore the signal by which Python ends them, so that the exit of
    this process would wait for them without end.
    """
    try:
        yield
    except (SARGANError, RuntimeError, OSError) as error:
        if told := _loader_error(error):
            raise told from error
        raise
    finally:
        batches.close()


def _loader_error(error: Exception) -> SARGANError | None:
    text = " ".join(str(error).split())
    if isinstance(error, SARGANError) and re.match(r"Caught \w+ in DataLoader worker", text):
        return type(error)(str(error).strip().splitlines()[-1].partition(": ")[2])  # PyTorch puts a traceback before it
    if isinstance(error, SARGANError):
        return None
    if text.startswith("DataLoader worker (pid"):
        what = f"was killed ({text[:120]}...)"
    elif (
        (found := disk_error(error)) and found.errno in FULL
    ) or "/torch_" in text:  # the name that PyTorch shares memory under
        what = "has no shared memory left"
    else:
        return None
    return SARGANError(
        f"A process that prepares batches {what}. Give it more memory or a larger /dev/shm (docker run --shm-size), or "
        "train with --dataloader_num_workers 0. Resume with --resume_from_checkpoint latest."
    )
