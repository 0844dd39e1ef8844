"""A generator that tells how it was called."""

from typing import Any

import numpy as np

from sargan_hf.inference import GeneratorOutput


class Counted:
    """A generator that notes how many crops each call has."""

    def __init__(self, generator):
        self.generator, self.calls = generator, []
        self.expressions, self.sample_size = generator.expressions, generator.sample_size

    def __getattr__(self, name: str) -> Any:  # what not every generator has, such as controls
        return getattr(self.generator, name)

    def __call__(self, crops: np.ndarray, expression: np.ndarray, *controls: np.ndarray) -> GeneratorOutput:
        self.calls.append(len(crops))
        return self.generator(crops, expression, *controls)
