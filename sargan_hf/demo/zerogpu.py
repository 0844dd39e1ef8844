"""A GPU for the moment of an edit, on a Space with ZeroGPU hardware; without it, nothing here does anything."""

import importlib
import importlib.util
import os
from collections.abc import Mapping

import numpy as np

from ..inference import Generator, GeneratorOutput
from ..inference.protocol import controls_of, typical_motion_of

SECONDS = 15  # a call takes far less, but the first one also waits for the weights to reach the GPU


def prepare(environment: Mapping[str, str] = os.environ) -> bool:
    """Loads Hugging Face's `spaces` where this is a ZeroGPU Space; to be called before torch first looks for a GPU.

    Returns:
        Whether edits can borrow a GPU.
    """
    asked = environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
    if not asked or importlib.util.find_spec("spaces") is None:
        return False
    importlib.import_module("spaces")  # its import prepares torch
    return True


class BorrowedGPU:
    """A generator whose calls run in a process that has a GPU for their duration.

    Arrays go in and come out, so nothing of a visitor's session has to cross to that process.
    """

    def __init__(self, generator: Generator):
        self.expressions = generator.expressions
        self.sample_size = generator.sample_size
        self.typical_motion = typical_motion_of(generator)
        self.controls = controls_of(generator)
        self._run = importlib.import_module("spaces").GPU(duration=SECONDS)(generator.__call__)

    def __call__(
        self, crops: np.ndarray, expression: np.ndarray, controls: np.ndarray | None = None
    ) -> GeneratorOutput:
        """See `Generator.__call__`."""
        return self._run(crops, expression, controls) if controls is not None else self._run(crops, expression)
