"""Progress bar, tracker and numbers of a run."""

import resource
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from accelerate.utils import gather_object
from PIL import Image
from tqdm.auto import tqdm

if TYPE_CHECKING:
    from .trainer import Trainer


class Progress:
    """Shows and tracks losses, pictures per second, the loader's share of the time and peak memory."""

    def __init__(self, trainer: "Trainer"):
        self.trainer, config = trainer, trainer.config
        accelerator = trainer.accelerator
        self.main = accelerator.is_main_process
        if self.main and config.report_to != "none":
            accelerator.init_trackers("sargan", config={k: v for k, v in vars(config).items() if v is not None})
        self.bar = tqdm(
            total=config.max_train_steps,
            initial=trainer.step,
            disable=not self.main,
            desc="Training",
            dynamic_ncols=True,
        )
        self._sums: dict[str, list[torch.Tensor]] = {}
        self._waited, self._since, self._steps = 0.0, time.perf_counter(), 0

    def log(self, parts: dict[str, torch.Tensor], waited: float) -> None:
        for name, value in parts.items():
            self._sums.setdefault(name, []).append(value)
        self._waited += waited
        self._steps += 1
        self.bar.update()
        if self.trainer.step % self.trainer.config.logging_steps == 0:
            self._flush()

    def _flush(self) -> None:
        accelerator, config = self.trainer.accelerator, self.trainer.config
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
        if self.main and config.report_to != "none":
            accelerator.log(means | speed, step=self.trainer.step)
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
        accelerator = self.trainer.accelerator
        names = sorted(set(gather_object(list(self._sums))))
        totals = torch.zeros(len(names), 2, device=accelerator.device)  # sum and count
        for row, name in enumerate(names):
            values = self._sums.get(name, [])
            totals[row] = torch.tensor([sum(value.item() for value in values), len(values)])
        sums, counts = accelerator.reduce(totals, reduction="sum").T.tolist()
        return {name: total / count for name, total, count in zip(names, sums, counts, strict=True)}

    def validation(self, errors: dict[str, float], grid: Image.Image) -> None:
        accelerator, step = self.trainer.accelerator, self.trainer.step
        if self.trainer.config.report_to == "none":
            return
        accelerator.log({f"held_out/{name}": value for name, value in errors.items()}, step=step)
        for tracker in accelerator.trackers:
            if tracker.name == "tensorboard":
                tracker.writer.add_image("held_out/samples", np.asarray(grid), step, dataformats="HWC")
            else:
                tracker.log_images({"held_out/samples": [grid]}, step=step)

    def say(self, text: str) -> None:
        if self.main:
            self.bar.write(text)

    def close(self) -> None:
        self.bar.close()


def peak_memory(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
