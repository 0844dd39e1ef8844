"""The generator run by torch."""

import numpy as np
import torch

from ..hub import load_model
from ..model_source import ModelSource
from ..modeling_sargan import SARGAN
from .cpu_generator import FastGenerator
from .protocol import GeneratorOutput, one_by_one
from .strength import match_strength


class TorchGenerator:
    """Runs a `SARGAN` on arrays, on the model's own device and in its own precision; on a CPU in its fast form."""

    def __init__(self, model: SARGAN):
        self.model = FastGenerator(model) if _device(model).type == "cpu" else model.eval()
        self.expressions = tuple(model.config.expressions)
        self.sample_size = model.config.sample_size
        self.typical_motion = model.config.typical_motion

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | ModelSource, device: str | None = None, **kwargs: object
    ) -> "TorchGenerator":
        """Loads a model; `device` defaults to the GPU where there is one. `kwargs` go to `hub.load_model`."""
        model = load_model(name_or_path, **kwargs)
        device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        return cls(model if _device(model) == device else model.to(device))

    def __call__(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorOutput:
        """See `Generator.__call__`."""
        return one_by_one(self._run, crops, expression)

    @torch.inference_mode()
    def _run(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorOutput:
        weights = next(self.model.parameters())
        pixel_values = torch.from_numpy(crops).to(weights)
        output = self.model(pixel_values, torch.from_numpy(expression).to(weights))
        # Without the ultimate skip the network paints the whole picture; what is to be added is the difference.
        residual = output.residual if self.model.config.ultimate_skip else output.sample - pixel_values
        edit = GeneratorOutput(_array(residual), _array(output.attention), _array(output.motion), expression)
        return match_strength(edit, self.typical_motion)


def _device(model: SARGAN) -> torch.device:
    # `device`, `dtype` and `to` of diffusers would first import hooks for offloading and torch's compiler: 1.7 seconds.
    return next(model.parameters()).device


def _array(values: torch.Tensor | None) -> np.ndarray | None:
    return None if values is None else values.float().cpu().numpy()
