"""A figure for use while training: how far the model's edits are from the true pictures."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from ..modeling_sargan import SARGAN


@torch.inference_mode()
def paired_error(model: "SARGAN", source: torch.Tensor, target: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of each edit relative to that of leaving the picture unchanged.

    0 is perfect, 1 no better than no edit. Average over many held-out pairs, and compare models on the same ones.

    Args:
        model: a `SARGAN`; its training mode is left as it is.
        source, target: pictures in [-1, 1], [B, 3, H, W], of the same person with another expression.
        expression: the target's, [B, n].

    Returns:
        float32 [B]; NaN where source and target are the same picture.
    """
    edit = model(source, expression).sample.clamp(-1, 1)
    error = (edit - target).abs().flatten(1).mean(1)
    unchanged = (source - target).abs().flatten(1).mean(1)
    return torch.where(unchanged > 0, error / unchanged, torch.nan).float()
