"""Ctrl-C and SIGTERM: asked for between steps, so that a run ends with a checkpoint."""

import signal
import threading

import torch
from accelerate import Accelerator
from torch import distributed


class Interruption:
    """Turns Ctrl-C and a scheduler's SIGTERM into a flag that all processes look at between steps.

    Signals belong to a process's main thread: where a run is started in another one, they stay what they were.
    """

    def __init__(self, accelerator: Accelerator):
        self.accelerator, self._asked = accelerator, False
        self._previous: dict = {}
        # Asked over the network between hosts: with NCCL the answer would wait for the GPU in every step.
        nccl = accelerator.num_processes > 1 and distributed.get_backend() == "nccl"
        self._hosts = distributed.new_group(backend="gloo") if nccl else None

    def asked(self) -> bool:
        """Whether any process was asked to stop. All get the same answer, so that none is left waiting for another."""
        if self.accelerator.num_processes == 1:
            return self._asked
        total = torch.tensor(float(self._asked))
        distributed.all_reduce(total, group=self._hosts)
        return total.item() > 0

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._previous = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _ask(self, *_) -> None:
        self._asked = True

    def __exit__(self, *_) -> None:
        for number, handler in self._previous.items():
            # None stands for a handler that was not set from Python, and cannot be set from it either.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
