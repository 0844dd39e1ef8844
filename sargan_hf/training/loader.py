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
from .sample import Samples


def training_batches(
    samples: Samples, first_step: int, config: TrainingConfig, accelerator: Accelerator, workers: int | None = None
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless micro-batches of this process, `gradient_accumulation_steps` of them for each update.

    Args:
        first_step: the update that the first of them is for.
        workers: processes that prepare them, where it is not the settings' number.
    """
    workers = (config.dataloader_num_workers if workers is None else workers) if samples.supports_workers else 0
    local_batch = config.train_batch_size * config.gradient_accumulation_steps
    loader = DataLoader(
        **samples.loader_kwargs(first_step, local_batch, accelerator.process_index, accelerator.num_processes),
        batch_size=config.train_batch_size,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_prepare_worker,
        pin_memory=torch.cuda.is_available(),  # without it the copy to the GPU waits for the GPU
    )
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
    # Ctrl-C and a scheduler's SIGTERM reach all processes of a job. The training process finishes its step and stops the
    # workers itself; a worker gone before that would end it with an error instead.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def let_go(batches: Iterator[dict[str, torch.Tensor]]) -> Iterator[None]:
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
        if isinstance(batches, _MultiProcessingDataLoaderIter):
            batches._shutdown_workers()


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
