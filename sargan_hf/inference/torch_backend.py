"""The generator run by torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..hub import load_model
from ..images.warp import NormalizedFlow
from ..model_source import ModelSource
from ..modeling_sargan import SARGAN
from .cpu_generator import FastGenerator
from .protocol import GeneratorOutput, PaintedLayer, one_by_one


class TorchGenerator:
    """Runs a `SARGAN` on arrays, on the model's own device and in its own precision; on a CPU in its fast form.

    Attributes:
        source: the model itself; what is changed in it later shows on a GPU only.
        typical_motion, controls: see `SARGAN`.
    """

    def __init__(self, model: SARGAN):
        self.source = model
        # Networks of users run as they are: their layers are not known (docs/changing_the_loss.md).
        rearranged = type(model) is SARGAN and device_of(model).type == "cpu"
        self.model = FastGenerator(model) if rearranged else model.eval()
        config: Any = model.config
        self.ultimate_skip = bool(config.get("ultimate_skip", True))
        self.expressions = tuple(config["expressions"])
        self.sample_size = int(config["sample_size"])
        self.typical_motion: Sequence[float] | None = config.get("typical_motion")
        self.controls = tuple(config.get("controls") or ())

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | ModelSource, device: str | None = None, **kwargs: Any
    ) -> "TorchGenerator":
        """Loads a model; `device` defaults to the GPU where there is one. `kwargs` go to `hub.load_model`."""
        model = load_model(name_or_path, **kwargs)
        return cls(_moved(model, torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))))

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return device_of(self.model)

    def to(self, device: str | torch.device) -> "TorchGenerator":
        """One on another device; this one must not be used any more."""
        return TorchGenerator(_moved(self.source, torch.device(device)))

    def __call__(
        self, crops: np.ndarray, expression: np.ndarray, controls: np.ndarray | None = None
    ) -> GeneratorOutput:
        """See `Generator.__call__`."""
        return one_by_one(self._run, crops, expression, controls)

    @torch.inference_mode()
    def _run(self, crops: np.ndarray, expression: np.ndarray, controls: np.ndarray | None) -> GeneratorOutput:
        weights = next(self.model.parameters())
        pixel_values = torch.from_numpy(crops).to(weights)
        parts = {} if controls is None else {"controls": torch.from_numpy(controls).to(weights)}
        output = self.model(pixel_values, torch.from_numpy(expression).to(weights), **parts)
        # Without the ultimate skip the network paints the whole picture; what is to be added is the difference.
        residual = output.residual if self.ultimate_skip else output.sample - pixel_values
        motion = output.motion
        return GeneratorOutput(
            _array(residual),
            None if output.attention is None else _array(output.attention),
            None if motion is None else NormalizedFlow(_array(motion)),
            expression,
            None if output.occlusion is None else PaintedLayer(_array(output.occlusion), _array(output.painted)),
        )


def device_of(model: torch.nn.Module) -> torch.device:
    """Where the weights of a model are."""
    # `device`, `dtype` and `to` of diffusers would first import hooks for offloading and torch's compiler: 1.7 seconds.
    return next(model.parameters()).device


def _moved(model: SARGAN, device: torch.device) -> SARGAN:
    if device_of(model) != device:
        torch.nn.Module.to(model, device)  # in place
    return model


def _array(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
