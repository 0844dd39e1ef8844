"""Start from a trained generator of another form: a narrower one, one that moves its input, or one without controls.

A half-width generator takes a third of the time per step. Trained first and widened by copying its channels (Net2Net,
arXiv 1511.05641), it hands the full-width network what it has learned: the wide network starts with the same output.

From exact motion, a generator with motion learns where brows, lids and lips are and where they go. That is many times faster
than learning from pictures alone. Without its flow field, it passes this on to the published network.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError
from ..modeling_sargan import SARGAN


def widen(narrow: SARGAN, base_channels: int, seed: int = 0) -> SARGAN:
    """A generator of `base_channels`, a multiple of the narrow one's, that gives the same output to rounding.

    Channels are copied. What reads them shares its weight among the copies at random: equal copies would get equal
    gradients and always stay copies.

    Raises:
        ConfigurationError: `base_channels` is not a multiple of the narrow generator's.
    """
    width = narrow.config["base_channels"]
    times, rest = divmod(base_channels, width)
    if base_channels == width:
        return narrow
    if rest or not times:
        raise ConfigurationError(
            f"A generator of {width} base channels widens to a multiple of these; got "
            f"{base_channels}. Leave out init_from to start afresh."
        )
    wide = _like(narrow, base_channels=base_channels)
    random = torch.Generator().manual_seed(seed)
    known = dict(narrow.named_modules())
    with torch.no_grad():
        for name, module in wide.named_modules():
            reads = {nn.Conv2d: 1, nn.ConvTranspose2d: 0}.get(type(module))  # the dimension of the input channels
            for key, weight in module.named_parameters(recurse=False):
                weight.copy_(_expand(getattr(known[name], key), weight.shape, reads, random))
    return wide


def without_motion(moving: SARGAN) -> SARGAN:
    """The generator without the channels that give its flow field: it paints what it painted, and moves nothing.

    `motion_reach`, `typical_motion` and an occlusion layer go with them. A generator without motion is returned as it is.
    """
    if not moving.config["motion"]:
        return moving
    of_motion = ("motion", "motion_reach", "typical_motion", "occlusion")
    still = SARGAN(**{name: value for name, value in _settings(moving).items() if name not in of_motion})
    weights = moving.state_dict()
    weights["conv_out.weight"] = weights["conv_out.weight"][:3]
    still.load_state_dict(weights)
    return still


def with_controls(plain: SARGAN, controls: Sequence[str]) -> SARGAN:
    """The generator with facial controls: whatever their values, it edits as it did until it is trained.

    Raises:
        ConfigurationError: it has other controls already.
    """
    if (known := plain.config["controls"]) is not None:
        if list(known) == list(controls):
            return plain
        raise ConfigurationError(
            f"The generator has the controls {', '.join(known)}; got {', '.join(controls)}. Start from a "
            "generator without controls, or with the same."
        )
    controlled = _like(plain, controls=list(controls))
    controlled.load_state_dict(controlled.state_dict() | plain.state_dict())
    return controlled


def with_occlusion(plain: SARGAN) -> SARGAN:
    """The generator with an occlusion layer whose weights are 0, which hides 2 % of what was there.

    Raises:
        ConfigurationError: it moves nothing, so it has nothing to hide.
    """
    if plain.config["occlusion"]:
        return plain
    if not plain.config["motion"]:
        raise ConfigurationError("An occlusion layer needs a generator with motion; got one without.")
    layered = _like(plain, occlusion=True)
    weights = plain.state_dict()
    weights["conv_out.weight"] = _padded(weights["conv_out.weight"], layered.conv_out.weight, 0)
    layered.load_state_dict(weights)
    return layered


def _padded(weight: Tensor, like: Tensor, dimension: int) -> Tensor:
    """`weight` with zeros behind it along a dimension, up to the shape of `like`."""
    further = list(weight.shape)
    further[dimension] = like.shape[dimension] - weight.shape[dimension]
    return torch.cat([weight, weight.new_zeros(further)], dim=dimension)


def _like(generator: SARGAN, **changes: Any) -> SARGAN:
    """A generator of the same form but for `changes`, with new weights."""
    return SARGAN(**_settings(generator) | changes)


def _settings(generator: SARGAN) -> dict[str, Any]:
    """The arguments it was made with, without what diffusers notes beside them."""
    return {name: value for name, value in generator.config.items() if not name.startswith("_")}


def _expand(weight: Tensor, shape: torch.Size, reads: int | None, random: torch.Generator) -> Tensor:
    """Repeats `weight` along every dimension that is larger in `shape`, and splits it along the one that is read."""
    for dimension in range(weight.dim()):
        times = shape[dimension] // weight.shape[dimension]
        if times == 1:
            continue
        copies = [weight] * times
        if dimension == reads:
            shares = torch.rand([times, *weight.shape], generator=random) + 0.5
            copies = list(weight * shares / shares.sum(dim=0))
        weight = torch.cat(copies, dim=dimension)
    return weight
