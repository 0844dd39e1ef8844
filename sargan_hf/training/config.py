"""Every setting of a training run: a typed dataclass that prints, saves, loads and refuses wrong values at once."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml

from ..errors import ConfigurationError

# What an objective needs besides its losses, where it differs from the defaults below. Flags and files override it.
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {},
    # Paper, section IV: five critic steps for each generator step, Adam 1e-4 (.5, .999), batch 8, 200,000 critic steps.
    "paper": {
        "critic_steps": 5,
        "discriminator_channels": 64,
        "discriminator_layers": 6,
        "paired_weight": 0.0,  # it does without pairs; give a weight to learn from them as well
        "learning_rate": 1e-4,
        "discriminator_learning_rate": 1e-4,
        "adam_beta2": 0.999,
        "warmup_steps": 0,
        "decay_fraction": 0.0,
        "ema_decay": 0.0,
        "max_train_steps": 200_000,
        "stylise": 0.0,
        "occluders": 0.0,
        "caricature": 0.0,
    },
}


def setting(default: Any, help_text: str, **limits: Any) -> Any:
    """A dataclass field with its help text and its limits (`minimum`, `maximum`, `choices`, `above`)."""
    return field(default=default, metadata={"help": help_text, **limits})


@dataclass
class TrainingConfig:
    """Settings of one run. Names are those of diffusers' example scripts where these have one."""

    # Data
    train_data_dir: str | None = setting(None, "folder with pictures, metadata or Parquet shards")
    dataset_name: str | None = setting(None, "data set id on the Hub")
    adapter: str | None = setting(None, "file-name rules to read the folder by; found by itself when left out")
    streaming: bool = setting(False, "read pictures as they come instead of decoding them to disk first")
    held_out: float = setting(0.12, "share of the people kept for validation", minimum=0.0, maximum=0.9)
    neutral_source: float = setting(0.6, "share of pairs that start from the neutral picture", minimum=0.0, maximum=1.0)
    stylise: float = setting(1.0, "strength of the style augmentation, 0 turns it off", minimum=0.0, maximum=2.0)
    occluders: float = setting(
        0.15, "share of samples with spectacles or something else before the face", minimum=0.0, maximum=1.0
    )
    caricature: float = setting(0.0, "share of samples bent into faces of other proportions", minimum=0.0, maximum=1.0)
    dataloader_num_workers: int = setting(1, "processes that prepare batches", minimum=0)
    # Network
    base_channels: int = setting(64, "width of the generator's first convolution", minimum=4)
    num_blocks: int = setting(1, "spatial-attention residual blocks", minimum=1)
    attention: bool = setting(True, "attention inside the blocks")
    ultimate_skip: bool = setting(True, "add the input to what the network painted")
    motion: bool = setting(False, "move that skip by a predicted flow")
    init_from: str | None = setting(None, "model folder or Hub id to start from")
    widen_init: int = setting(1, "times the width of init_from; its channels are copied", minimum=1)
    still_init: bool = setting(False, "leave out the flow field of init_from, for a network without motion")
    resolution: int = setting(128, "side of the training crops, a multiple of 16", minimum=16)
    # Objective
    objective: str = setting("fast", "which losses", choices=("fast", "paper"))
    critic_steps: int = setting(1, "discriminator steps for each generator step", minimum=1)
    discriminator_channels: int = setting(32, "width of the discriminator's first convolution", minimum=4)
    discriminator_layers: int = setting(4, "stride-2 convolutions of the discriminator", minimum=1)
    discriminator_from: str | None = setting(
        None, "folder of another run, or its checkpoint, whose discriminator to take"
    )
    adversarial_start: int = setting(0, "first step of the adversary", minimum=0)
    adversarial_weight: float = setting(1.0, "weight of the adversarial loss", minimum=0.0)
    adversarial_focus: float = setting(
        30.0, "how much more the fast adversary looks at places that the expression changes", minimum=0.0
    )
    expression_weight: float = setting(1.0, "weight of the expression loss", minimum=0.0)
    feature_weight: float = setting(0.0, "weight of the discriminator's feature distance, on paired data", minimum=0.0)
    cycle_weight: float = setting(1.0, "weight of the cycle loss on unpaired pictures", minimum=0.0)
    gradient_penalty: float = setting(10.0, "weight of the WGAN-GP or R1 penalty", minimum=0.0)
    paired_weight: float = setting(10.0, "weight of the loss to the true picture, on paired data", minimum=0.0)
    flow_weight: float = setting(30.0, "weight of the loss to the true motion, for motion models", minimum=0.0)
    # Optimisation
    train_batch_size: int = setting(8, "pictures per process and forward pass", minimum=1)
    gradient_accumulation_steps: int = setting(1, "forward passes per update", minimum=1)
    max_train_steps: int = setting(20_000, "discriminator steps in all", minimum=1)
    learning_rate: float = setting(6e-4, "of the generator", above=0.0)
    discriminator_learning_rate: float = setting(2e-4, "of the discriminator", above=0.0)
    adam_beta1: float = setting(0.5, "Adam's first moment", minimum=0.0, maximum=0.9999)
    adam_beta2: float = setting(0.99, "Adam's second moment", minimum=0.0, maximum=0.99999)
    warmup_steps: int = setting(200, "steps of linear warm-up", minimum=0)
    decay_fraction: float = setting(0.4, "last share of the run with a linearly falling rate", minimum=0.0, maximum=1.0)
    ema_decay: float = setting(0.998, "of the averaged generator, 0 turns it off", minimum=0.0, maximum=0.99999)
    mixed_precision: str = setting("no", "as Accelerate's", choices=("no", "fp16", "bf16"))
    seed: int = setting(0, "of weights, order and augmentation", minimum=0)
    # Run
    output_dir: str = setting("runs/sargan", "where checkpoints, samples and the model go")
    checkpointing_steps: int = setting(500, "steps between checkpoints", minimum=1)
    checkpoints_total_limit: int = setting(2, "checkpoints to keep", minimum=1)
    resume_from_checkpoint: str | None = setting(None, '"latest" or a checkpoint folder')
    validation_steps: int = setting(500, "steps between sample grids and held-out errors", minimum=1)
    logging_steps: int = setting(10, "steps between log lines", minimum=1)
    report_to: str = setting("tensorboard", "tracker", choices=("tensorboard", "wandb", "trackio", "none"))
    push_to_hub: bool = setting(False, "upload the model when the run ends or is interrupted")
    hub_model_id: str | None = setting(None, "repository to upload to")
    hub_private: bool = setting(False, "make that repository private")

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            _check(each.name, getattr(self, each.name), each)
        if self.resolution % 16:
            raise ConfigurationError(f"resolution must be a multiple of 16; got {self.resolution}.")
        if self.resolution % 2**self.discriminator_layers:
            raise ConfigurationError(
                f"resolution {self.resolution} cannot be halved {self.discriminator_layers} times: use a multiple of "
                f"{2**self.discriminator_layers} or fewer discriminator_layers."
            )
        if self.motion and not self.ultimate_skip:
            raise ConfigurationError("motion moves the ultimate skip: use it with ultimate_skip.")
        if self.widen_init > 1 and not self.init_from:
            raise ConfigurationError("widen_init copies the channels of a trained generator: name it with init_from.")
        if self.still_init and not self.init_from:
            raise ConfigurationError(
                "still_init leaves out the flow field of a trained generator: name it with init_from."
            )
        if self.still_init and self.motion:
            raise ConfigurationError("still_init leaves out what motion asks for: use one of them.")
        if self.push_to_hub and not self.hub_model_id:
            raise ConfigurationError("push_to_hub needs hub_model_id, the repository to upload to.")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Builds settings from names and values; an unknown name is refused with the nearest known ones.

        Raises:
            ConfigurationError: an unknown name or a value that cannot work.
        """
        known = {each.name for each in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigurationError(f"Unknown settings: {', '.join(unknown)}. Known are: {', '.join(sorted(known))}.")
        return cls(**values)

    @classmethod
    def load(cls, path: str | Path) -> dict[str, Any]:
        """Reads settings from a YAML or JSON file, as a dict to be overridden by flags."""
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"Cannot read settings from {path}: {error}.") from error
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path} must hold names and values; got {type(values).__name__}.")
        return values

    def to_yaml(self) -> str:
        """The settings as YAML text, in the order of the class."""
        return yaml.safe_dump(dataclasses.asdict(self), sort_keys=False)

    def save(self, path: str | Path) -> None:
        Path(path).write_text(self.to_yaml(), encoding="utf-8")


def _check(name: str, value: Any, each: dataclasses.Field) -> None:
    kinds = get_args(each.type) or (each.type,)
    number_ok = float in kinds and isinstance(value, int) and not isinstance(value, bool)
    if not number_ok and type(value) not in kinds:
        wanted = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in kinds)
        raise ConfigurationError(f"{name} must be {wanted}; got {value!r}.")
    limits = each.metadata
    if value is None:
        return
    if "choices" in limits and value not in limits["choices"]:
        raise ConfigurationError(f"{name} must be one of {', '.join(limits['choices'])}; got {value!r}.")
    too_low = ("minimum" in limits and value < limits["minimum"]) or ("above" in limits and value <= limits["above"])
    if too_low or value > limits.get("maximum", value) or value != value:
        bounds = [f">= {limits['minimum']}"] if "minimum" in limits else []
        bounds += [f"> {limits['above']}"] if "above" in limits else []
        bounds += [f"<= {limits['maximum']}"] if "maximum" in limits else []
        raise ConfigurationError(f"{name} must be {' and '.join(bounds)}; got {value!r}.")
