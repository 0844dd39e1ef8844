"""The SARGAN generator: an encoder-decoder that paints the change of an expression onto its own input.

Paper: "Spatial Attention-based Residuals for Facial Expression Manipulation", A. Akram and N. Khan, IEEE TCSVT 2023,
https://arxiv.org/abs/2303.17212 (sections III-A to III-C). The network follows the authors' reference implementation
layer by layer; `motion=True` is this project's extension.

This file imports nothing of `sargan_hf` but `modeling_layers.py`: both are uploaded beside the weights, so that
`diffusers.AutoModel.from_pretrained(repo, trust_remote_code=True)` works where the package is not installed.
"""

# pyright: reportAttributeAccessIssue=false
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.outputs import BaseOutput
from torch import Tensor, nn

from .modeling_layers import ControlField, ControlModulation, InstanceNorm, SpatialAttentionResidualBlock


@dataclass
class SARGANOutput(BaseOutput):
    """What one edit consists of.

    Attributes:
        sample: [B, 3, H, W], the edited pictures. Not clamped: the published network reaches [-2, 2].
        residual: [B, 3, H, W] in [-1, 1], what the network added, before `intensity` scales it.
        attention: [B, 1, H/4, W/4] in [0, 1], where the last attention block let features through; None without
            attention.
        motion: [B, 2, H, W], x and y, where each output pixel is fetched from, relative to itself, in normalised image
            coordinates (2.0 is the full width or height), before `intensity` scales it; None when the config says
            `motion=False`.
        occlusion: [B, 1, H, W] in [0, 1], where the input does not hold what the edit shows, as inside a mouth that opens;
            None when the config says `occlusion=False`.
        painted: [B, 3, H, W] in [-1, 1], what is there instead; None with `occlusion`.
    """

    sample: Tensor
    residual: Tensor
    attention: Tensor | None = None
    motion: Tensor | None = None
    occlusion: Tensor | None = None
    painted: Tensor | None = None


class SARGAN(ModelMixin, ConfigMixin):
    """The generator of SARGAN.

    The defaults give the published network: 3,014,145 parameters, 4.27 GMAC at 128 x 128. The paper's ablations are
    settings: `attention=False` is US-GAN (2,533,440 parameters; with this network's reflect padding), and with
    `ultimate_skip=False` it paints the whole picture.

    With `motion=True` the ultimate skip moves: the last convolution also gives a flow field that warps the input. The residual
    then paints only what the input does not show (the inside of a mouth, folds). Such a skip moves brows, lids and lips to
    their new place without losing sharpness, at any resolution. With `occlusion=True` the network also says where the input
    has nothing to show, and paints alone there (A. Siarohin et al., arXiv 2003.00196, section 3.2).

    Args:
        base_channels: width of the first convolution; it doubles at each of the two reductions.
        num_blocks: number of spatial-attention residual blocks.
        attention: whether these blocks weigh their change by an attention map.
        ultimate_skip: whether the input is added to what the network painted.
        motion: whether that skip is moved by a predicted flow; needs `ultimate_skip`.
        motion_reach: largest flow, in normalised image coordinates (0.2 is a tenth of the width).
        attention_channels: width of the attention encoder-decoder.
        expressions: the expressions in the order of the condition vector.
        sample_size: side in pixels of the crops the model was trained on.
        typical_motion: for each expression, how far the motion of an edit should reach: the root of its mean squared
            length, in normalised image coordinates. The network makes no use of it; `inference.match_strength` does.
        occlusion: whether it paints by itself what the input does not hold; needs `motion`.
        controls: names of the facial controls that move parts of a face beside its expression, or by themselves. They scale and
            shift the features (`ControlModulation`), and with `motion` add to the flow (`ControlField`). As further input
            planes they would hardly be heard: the instance norm behind the first convolution takes a constant plane away.
        control_field_size: side of the grid on which `ControlField` holds the mean motion of each control.
    """

    _no_split_modules = ["SpatialAttentionResidualBlock"]
    _auto_class = "AutoModel"  # writes `auto_map` into config.json

    @register_to_config
    def __init__(
        self,
        base_channels: int = 64,
        num_blocks: int = 1,
        attention: bool = True,
        ultimate_skip: bool = True,
        motion: bool = False,
        motion_reach: float = 0.2,
        attention_channels: int = 64,
        expressions: Sequence[str] = ("afraid", "angry", "disgusted", "happy", "neutral", "sad", "surprised"),
        sample_size: int = 128,
        typical_motion: Sequence[float] | None = None,
        occlusion: bool = False,
        controls: Sequence[str] | None = None,
        control_field_size: int = 32,
    ):
        super().__init__()
        if motion and not ultimate_skip:
            raise ValueError("motion=True moves the ultimate skip, so it needs ultimate_skip=True.")
        if occlusion and not motion:
            raise ValueError("occlusion=True says where motion finds nothing, so it needs motion=True.")
        if typical_motion is not None and len(typical_motion) != len(expressions):
            raise ValueError(f"typical_motion must have {len(expressions)} numbers, one for each of expressions.")
        if min(num_blocks, base_channels) < 1:
            raise ValueError(f"num_blocks and base_channels must be >= 1; got {num_blocks} and {base_channels}.")
        c1, c2, c3 = base_channels, 2 * base_channels, 4 * base_channels
        self.conv_in = nn.Conv2d(3 + len(expressions), c1, 7, padding=3, bias=False)
        self.norm_in = InstanceNorm(c1)
        self.down1 = nn.Conv2d(c1, c2, 4, stride=2, padding=1, bias=False)
        self.norm_down1 = InstanceNorm(c2)
        self.down2 = nn.Conv2d(c2, c3, 4, stride=2, padding=1, bias=False)
        self.norm_down2 = InstanceNorm(c3)
        self.blocks = nn.ModuleList(
            SpatialAttentionResidualBlock(c3, attention_channels if attention else None) for _ in range(num_blocks)
        )
        self.up1 = nn.ConvTranspose2d(c3, c2, 4, stride=2, padding=1, bias=False)
        self.norm_up1 = InstanceNorm(c2)
        self.up2 = nn.ConvTranspose2d(c2, c1, 4, stride=2, padding=1, bias=False)
        self.norm_up2 = InstanceNorm(c1)
        self.conv_out = nn.Conv2d(c1, 3 + 2 * motion + 4 * occlusion, 7, padding=3, bias=False)
        widths = {"down2": c3, **{f"block{place}": c3 for place in range(num_blocks)}, "up1": c2, "up2": c1}
        self.modulations = nn.ModuleDict(
            {name: ControlModulation(len(controls), width) for name, width in widths.items()} if controls else {}
        )
        self.control_field = ControlField(len(controls), control_field_size) if controls and motion else None

    def forward(
        self,
        pixel_values: Tensor,
        expression: Tensor,
        intensity: float | Tensor = 1.0,
        return_dict: bool = True,
        controls: Tensor | None = None,
    ) -> SARGANOutput | tuple[Tensor, ...]:
        """Edits a batch of aligned faces.

        Args:
            pixel_values: [B, 3, H, W] in [-1, 1], RGB; H and W multiples of 16, 32 or more.
            expression: [B, n] weights of `config.expressions`, a one-hot row or a convex blend.
            intensity: a number or [B]; scales residual and motion. 0 gives the input back bit for bit, 1 is the edit as
                trained, more exaggerates.
            return_dict: False returns the fields of `SARGANOutput` that are not None, as a tuple.
            controls: [B, k] values of `config.controls` in [-1, 1], relative to what each face shows; None is all zeros.

        Raises:
            ValueError: a shape that does not fit.
        """
        self.check_shapes(pixel_values, expression, controls)
        height, width = pixel_values.shape[-2:]
        if not self.config.controls:
            controls = None
        elif controls is None and self.training:
            controls = expression.new_zeros(len(expression), len(self.config.controls))  # DDP wants every weight used
        planes = expression.to(pixel_values.dtype)[:, :, None, None].expand(-1, -1, height, width)

        hidden = torch.cat([pixel_values, planes], dim=1)
        hidden = F.relu(self.norm_in(self.conv_in(hidden)))
        hidden = F.relu(self.norm_down1(self.down1(hidden)))
        hidden = F.relu(self._modulated("down2", self.norm_down2(self.down2(hidden)), controls))
        attention = None
        for place, block in enumerate(self.blocks):
            hidden, attention = block(hidden)
            hidden = self._modulated(f"block{place}", hidden, controls)
        hidden = F.relu(self._modulated("up1", self.norm_up1(self.up1(hidden)), controls))
        hidden = F.relu(self._modulated("up2", self.norm_up2(self.up2(hidden)), controls))
        planes = self.conv_out(hidden)
        residual = torch.tanh(planes[:, :3])
        motion = self._motion(planes[:, 3:5], controls) if self.config.motion else None
        # Before training, with weights of 0, it hides next to nothing.
        occlusion = torch.sigmoid(planes[:, 5:6] - 4) if self.config.occlusion else None
        painted = torch.tanh(planes[:, 6:]) if self.config.occlusion else None
        sample = self.compose(pixel_values, residual, motion, intensity, occlusion, painted)
        fields = SARGANOutput(sample, residual, attention, motion, occlusion, painted)
        return fields if return_dict else fields.to_tuple()

    def _motion(self, planes: Tensor, controls: Tensor | None) -> Tensor:
        if self.control_field is not None and controls is not None:
            planes = planes + self.control_field(controls, planes.shape[-2:]).to(planes.dtype)
        return self.config.motion_reach * torch.tanh(planes)

    def _modulated(self, name: str, hidden: Tensor, controls: Tensor | None) -> Tensor:
        return hidden if controls is None else self.modulations[name](hidden, controls)

    def compose(
        self,
        pixel_values: Tensor,
        residual: Tensor,
        motion: Tensor | None,
        intensity: float | Tensor = 1.0,
        occlusion: Tensor | None = None,
        painted: Tensor | None = None,
    ) -> Tensor:
        """Applies an edit to pictures: the ultimate skip. Shapes as in `SARGANOutput`.

        Without the ultimate skip `residual` is a whole picture, and `intensity` mixes it with the input.
        """
        residual = residual.to(pixel_values.dtype)
        intensity = torch.as_tensor(intensity, dtype=residual.dtype, device=residual.device).reshape(-1, 1, 1, 1)
        if not self.config.ultimate_skip:
            return torch.lerp(pixel_values, residual, intensity)
        if motion is None:
            return pixel_values + intensity * residual
        edited = warp(pixel_values, intensity * motion) + intensity * residual
        if occlusion is not None and painted is not None:
            edited = torch.lerp(edited, painted.to(edited.dtype), (intensity * occlusion.to(edited.dtype)).clamp(0, 1))
        return torch.where(intensity == 0, pixel_values, edited)  # fetching a pixel from its own place may round

    @classmethod
    def extract_init_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> tuple[dict[str, Any], ...]:
        # diffusers would warn about the `auto_map` that it writes itself.
        return super().extract_init_dict({k: v for k, v in config_dict.items() if k != "auto_map"}, **kwargs)

    def save_pretrained(self, save_directory: str | os.PathLike, **kwargs: Any) -> None:
        """Writes this file and its layers, config.json and the weights as safetensors: what a model repository holds.

        `AutoModel` runs the file where `sargan_hf` is not installed.

        Args:
            save_directory: created when missing.
            kwargs: of `diffusers.ModelMixin.save_pretrained`.

        Raises:
            ValueError: `safe_serialization=False`, which would write a pickle.
        """
        if not kwargs.setdefault("safe_serialization", True):
            raise ValueError("SARGAN is saved as safetensors only; leave out safe_serialization=False.")
        for source in (Path(__file__), Path(__file__).with_name("modeling_layers.py")):
            code = Path(save_directory, source.name)
            code.parent.mkdir(parents=True, exist_ok=True)
            if not (code.exists() and code.samefile(source)):
                shutil.copyfile(source, code)
        super().save_pretrained(save_directory, **kwargs)
        readable = (Path(save_directory) / "config.json").stat().st_mode & 0o777
        for weights in Path(save_directory).glob("*.safetensors"):
            weights.chmod(readable)  # safetensors leaves out what the umask grants to a group

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike, **kwargs: Any) -> Self:
        """Loads a model from a folder or a Hub repository; safetensors only, as a pickle can run any code.

        Args:
            pretrained_model_name_or_path: a folder written by `save_pretrained`, or a repository id.
            kwargs: of `diffusers.ModelMixin.from_pretrained`, such as `revision`, `subfolder`, `token`, `torch_dtype`.

        Raises:
            OSError: no such folder, repository, revision or file, or no weights as safetensors.
        """
        inner = Path(pretrained_model_name_or_path, kwargs.get("subfolder") or "")
        if kwargs.get("subfolder") and inner.is_dir():
            # diffusers would take the config from the sub-folder, but weights of the folder itself where it has some
            pretrained_model_name_or_path, kwargs = inner, kwargs | {"subfolder": None}
        try:
            return super().from_pretrained(pretrained_model_name_or_path, **(kwargs | {"use_safetensors": True}))
        except OSError as error:
            if not re.search("(no|a) file named diffusion_pytorch", str(error)):
                raise
            raise OSError(
                f"{pretrained_model_name_or_path} has no diffusion_pytorch_model.safetensors, and pickles are never loaded. "
                "Turn a .bin, .pt or .ckpt into this format with `sargan convert CKPT OUT`."
            ) from error

    def check_shapes(self, pixel_values: Tensor, expression: Tensor, controls: Tensor | None = None) -> None:
        shape = tuple(pixel_values.shape)
        if len(shape) != 4 or shape[1] != 3 or shape[2] % 16 or shape[3] % 16 or min(shape[2:]) < 32 or not shape[0]:
            raise ValueError(
                "pixel_values must be [batch, 3, height, width] with height and width multiples of 16, 32 or more; "
                f"got {list(shape)}. Resize or pad the pictures first."
            )
        vectors = {"expression": (expression, self.config.expressions)}
        if controls is not None:
            vectors["controls"] = (controls, self.config.controls or ())
        for name, (vector, known) in vectors.items():
            if tuple(vector.shape) != (shape[0], len(known)):
                parts = f"one weight for each of {', '.join(known)}" if known else "as this network has none"
                raise ValueError(f"{name} must be [{shape[0]}, {len(known)}], {parts}; got {list(vector.shape)}.")


def warp(pixel_values: Tensor, motion: Tensor) -> Tensor:
    """Fetches every pixel from where `motion` points: output(p) = input(p + motion(p)), bilinear, clamped at borders.

    Args:
        pixel_values: [B, C, H, W].
        motion: [B, 2, H, W], x and y in normalised image coordinates (2.0 is the full width or height).
    """
    height, width = pixel_values.shape[-2:]
    # A half-precision coordinate is off by a quarter of a pixel, so places are always computed in float32 or better.
    precise = torch.promote_types(motion.dtype, torch.float32)
    # Pixel centres, as grid_sample(align_corners=False) counts them: an identity grid gives the input back.
    xs = (torch.arange(width, device=motion.device, dtype=precise) * 2 + 1) / width - 1
    ys = (torch.arange(height, device=motion.device, dtype=precise) * 2 + 1) / height - 1
    grid = torch.stack([xs[None, None, :] + motion[:, 0], ys[None, :, None] + motion[:, 1]], dim=-1)
    fetched = F.grid_sample(pixel_values.to(precise), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return fetched.to(pixel_values.dtype)
