"""Small models with random weights, one with all that a model may have and one with nothing of it."""

import torch

from sargan_hf import SARGAN
from sargan_hf.controls import CONTROL_NAMES

SHAPE = {"base_channels": 8, "attention_channels": 8, "sample_size": 64}


def heeding_controls(model: SARGAN) -> SARGAN:
    """The model with random layers of the controls: those of a new one are 0, so that no control moves anything."""
    with torch.no_grad():
        for modulation in model.modulations.values():
            modulation.weight.normal_(std=0.03)
        if model.control_field is not None:
            model.control_field.weight.normal_(std=0.01)
    return model


def layered_model() -> SARGAN:
    """It moves faces a good deal, by the expression and the controls, and its layer covers a tenth to a third of them."""
    torch.manual_seed(0)
    made = SARGAN(
        motion=True, motion_reach=0.1, typical_motion=[0.08] * 7, occlusion=True, controls=CONTROL_NAMES, **SHAPE
    ).eval()
    with torch.no_grad():
        made.conv_out.weight.normal_(std=0.03)
        made.conv_in.weight[:, 3:] *= 8
        heeding_controls(made)
        # Before training the layer hides next to nothing. Here it hides patches some pixels wide.
        patches = torch.randn(8, 1, 1, generator=torch.Generator().manual_seed(11))
        made.conv_out.weight[5] = 0.3 * patches
        made.conv_out.weight[6:] *= 3
    return made


def plain_model() -> SARGAN:
    """Without motion, layer and controls: it paints what can be seen, and serves as a mouth refiner too."""
    torch.manual_seed(1)
    made = SARGAN(**SHAPE).eval()
    with torch.no_grad():
        made.conv_out.weight.normal_(std=0.01)
    return made
