"""Progress bar, tracker and numbers of a run."""

import logging
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from PIL import Image
from tqdm.auto import tqdm

from ..errors import ConfigurationError
from ..file_errors import cause, remedy
from .config import TrainingConfig

logger = logging.getLogger(__name__)


class Progress:
    """Shows and tracks losses, pictures per second, the loader's share of the time and peak memory.

    Args:
        first_step: steps made before, where a run is resumed.
    """

    def __init__(self, config: TrainingConfig, accelerator: Accelerator, first_step: int):
        self.config, self.accelerator = config, accelerator
        self.main = accelerator.is_main_process
        self._track = self.main and config.report_to != "none"
        if self._track:
            try:
                accelerator.init_trackers(
                    config.tracker_project_name, config={k: v for k, v in vars(config).items() if v is not None}
                )
            except OSError as error:
                raise ConfigurationError(
                    f"report_to {config.report_to} cannot write its logs ({cause(error)}). "
                    f"{remedy(error, Path(config.output_dir))}, or train with --report_to none."
                ) from error
        self.bar = tqdm(
            total=config.max_train_steps,
            initial=first_step,
            disable=not self.main,
            desc="Training",
            dynamic_ncols=True,
        )
        self._excepthook = threading.excepthook
        self._sums: dict[str, list[torch.Tensor]] = {}
        self._waited, self._since, self._steps = 0.0, time.perf_counter(), 0

    def log(self, step: int, parts: dict[str, torch.Tensor], waited: float) -> None:
        """Notes the parts of the losses of a step, the `step`-th of the run, and the seconds its pictures were waited for."""
        for name, value in parts.items():
            self._sums.setdefault(name, []).append(value)
        self._waited += waited
        self._steps += 1
        self.bar.update()
        if step % self.config.logging_steps == 0:
            self._flush(step)

    def _flush(self, step: int) -> None:
        accelerator, config = self.accelerator, self.config
        means = self._means()
        elapsed = time.perf_counter() - self._since
        pictures = (
            self._steps * config.train_batch_size * config.gradient_accumulation_steps * accelerator.num_processes
        )
        speed = {
            "images_per_second": pictures / elapsed,
            "loader_wait": self._waited / elapsed,
            "peak_memory_gb": peak_memory(accelerator.device),
        }
        self._send(step, means | speed)
        shown = (
            "error",
            "flow_error",
            "g_adversarial",
            "g_expression",
            "d_expression",
            "d_adversarial",
            "d_wasserstein",
        )
        self.bar.set_postfix({name: f"{means[name]:.3f}" for name in shown if name in means}, refresh=False)
        self._sums, self._waited, self._since, self._steps = {}, 0.0, time.perf_counter(), 0

    def _means(self) -> dict[str, float]:
        """Over the steps since the last line and all processes; a loss on pairs is unknown where a process drew none."""
        accelerator = self.accelerator
        names = sorted(set(gather_object(list(self._sums))))
        totals = torch.zeros(len(names), 2, device=accelerator.device)  # sum and count
        for row, name in enumerate(names):
            values = self._sums.get(name, [])
            totals[row] = torch.tensor([sum(value.item() for value in values), len(values)])
        totals = accelerator.reduce(totals, reduction="sum")
        assert isinstance(totals, torch.Tensor)  # what went in; Accelerate reduces structures too
        sums, counts = totals.T.tolist()
        return {name: total / count for name, total, count in zip(names, sums, counts, strict=True)}

    def _send(self, step: int, values: dict[str, float], grid: Image.Image | None = None) -> None:
        """To the tracker. One that cannot write any more is given up: its disk says nothing of the checkpoints' one."""
        if not self._track:
            return
        try:
            self.accelerator.log(values, step=step)
            for tracker in self.accelerator.trackers if grid is not None else ():
                if tracker.name == "tensorboard":
                    tracker.writer.add_image("held_out/samples", np.asarray(grid), step, dataformats="HWC")
                else:
                    tracker.log_images({"held_out/samples": [grid]}, step=step)
        except OSError as error:
            self._track = False
            self.say(f"{self.config.report_to} receives no more values from here on ({cause(error)}).")

    def validation(self, step: int, errors: dict[str, float], grid: Image.Image) -> None:
        self._send(step, {f"held_out/{name}": value for name, value in errors.items()}, grid)

    def say(self, text: str) -> None:
        if self.main:
            self.bar.write(text)

    def __enter__(self) -> "Progress":
        threading.excepthook = self._thread_failed
        return self

    def __exit__(self, *_) -> None:
        threading.excepthook = self._excepthook
        self.bar.close()  # so that what an error says has a line of its own

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        """TensorBoard writes in a thread, whose error comes with the next value: one sentence then instead of a traceback."""
        if not (isinstance(failure.exc_value, OSError) and type(failure.thread).__module__.startswith("tensorboard")):
            self._excepthook(failure)


def end_tracking(accelerator: Accelerator) -> None:
    """Closes trackers and the process group; a tracker's last lines may be lost, the run is not."""
    try:
        accelerator.end_training()
    except OSError as error:
        logger.warning("The tracker could not be closed (%s).", cause(error))


def peak_memory(device: torch.device) -> float:
    """In GiB: of the GPU what PyTorch had at most at a time, of a CPU the most that the process had."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    try:
        import resource
    except ModuleNotFoundError:  # Windows, where psutil knows the peak
        memory = psutil.Process().memory_info()
        return getattr(memory, "peak_wset", memory.rss) / 2**30
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
