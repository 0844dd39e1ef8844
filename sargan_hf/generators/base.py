"""What the pipeline asks of a generator, and where to get one."""

from typing import NamedTuple, Protocol

import numpy as np

from ..errors import ConfigurationError

BACKENDS = ("torch", "onnx")


class GeneratorEdit(NamedTuple):
    """What a generator returns for N crops of side S, all float32, at intensity 1.

    Attributes:
        residual: [N, 3, S, S] in [-1, 1], to be added to the (moved) crop.
        attention: [N, 1, h, w] in [0, 1], or None for a model without attention.
        motion: [N, 2, S, S], x and y in normalised image coordinates (2.0 is the full width): where each pixel is fetched
            from, relative to itself; None for a model without motion.
    """

    residual: np.ndarray
    attention: np.ndarray | None
    motion: np.ndarray | None


class Generator(Protocol):
    """A trained model, whatever runs it. Safe to call from several threads at once."""

    expressions: tuple[str, ...]
    sample_size: int

    def __call__(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorEdit:
        """Edits crops [N, 3, S, S] in [-1, 1] (float32, RGB) towards expression vectors [N, len(expressions)]."""


def load_generator(name_or_path: str, backend: str = "torch", **kwargs: object) -> Generator:
    """Loads a generator from a folder or a Hub repository.

    Args:
        name_or_path: folder or Hub id.
        backend: "torch", or "onnx" to run an exported model without torch.
        kwargs: `revision`, `subfolder`, `cache_dir` and the like, and for torch `device`.

    Raises:
        ConfigurationError: another backend.
    """
    if backend == "torch":
        from .torch_generator import TorchGenerator

        return TorchGenerator.from_pretrained(name_or_path, **kwargs)
    if backend == "onnx":
        from .onnx_generator import ONNXGenerator

        return ONNXGenerator.from_pretrained(name_or_path, **kwargs)
    raise ConfigurationError(f"backend={backend!r} is not known: use one of {', '.join(BACKENDS)}.")
