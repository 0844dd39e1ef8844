"""Every setting of a training run: a typed dataclass that prints, saves, loads and refuses wrong values at once."""

import dataclasses
import difflib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml

from ..errors import ConfigurationError
from ..expressions import EXPRESSIONS
from ..file_errors import whole_file

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


# Settings by the names that they had in earlier versions, for files and flags written then.
OLD_NAMES = {"widen_init": "init_widen_factor", "still_init": "init_drop_motion"}
MOST_CLASSES = 40
PRECISIONS = ("no", "fp16", "bf16")
# The network's settings where there is no `init_from` to decide them.
ARCHITECTURE: dict[str, Any] = {
    "base_channels": 64,
    "num_blocks": 1,
    "attention": True,
    "ultimate_skip": True,
    "motion": False,
}


def setting(default: Any, help_text: str, **limits: Any) -> Any:
    """A dataclass field with its help text, its limits (`minimum`, `maximum`, `choices`, `above`) and, for a
    default of None, `otherwise`: what it stands for."""
    return field(default=default, metadata={"help": help_text, **limits})


def of_network(name: str, help_text: str, **limits: Any) -> Any:
    return setting(None, f"{help_text}; given by init_from where there is one", otherwise=ARCHITECTURE[name], **limits)


@dataclass
class TrainingConfig:
    """Settings of one run. Names are those of diffusers' example scripts where these have one.

    With `init_from`, settings of the network that are not given stay None until the model is loaded, and become its own.
    """

    # Data
    train_data_dir: str | None = setting(None, "folder with pictures, metadata or Parquet shards")
    dataset_name: str | None = setting(None, "data set id on the Hub")
    split: str | None = setting(None, "part of the set to train on", otherwise="train, or the only one")
    revision: str | None = setting(None, "branch, tag or commit of the data set on the Hub")
    cache_dir: str | None = setting(None, "folder for data that is downloaded or converted", otherwise="Hugging Face's")
    expressions: str | None = setting(
        None, "names of the classes in the model's order, with commas between them", otherwise="the seven"
    )
    adapter: str | None = setting(None, "file-name rules to read the folder by; recognised automatically when left out")
    streaming: bool = setting(False, "read pictures as they come instead of decoding them to disk first")
    held_out: float = setting(0.12, "share of the people kept for validation", minimum=0.0, maximum=0.9)
    neutral_source: float = setting(0.6, "share of pairs that start from the neutral picture", minimum=0.0, maximum=1.0)
    stylise: float = setting(1.0, "strength of the style augmentation, 0 turns it off", minimum=0.0, maximum=2.0)
    occluders: float = setting(
        0.15, "share of samples with spectacles or something else in front of the face", minimum=0.0, maximum=1.0
    )
    caricature: float = setting(0.0, "share of samples bent into faces of other proportions", minimum=0.0, maximum=1.0)
    controls: bool = setting(False, "train facial controls too, on a set drawn by `sargan rig --controls`")
    controls_alone: float = setting(
        0.4, "with controls, share of pairs requested by controls and no class", minimum=0.0, maximum=1.0
    )
    controls_added: float = setting(
        0.2, "with controls, share of pairs requested by a class and controls on top of it", minimum=0.0, maximum=1.0
    )
    dataloader_num_workers: int = setting(1, "processes that prepare batches", minimum=0)
    # Network
    base_channels: int | None = of_network("base_channels", "width of the generator's first convolution", minimum=4)
    num_blocks: int | None = of_network("num_blocks", "spatial-attention residual blocks", minimum=1)
    attention: bool | None = of_network("attention", "attention inside the blocks")
    ultimate_skip: bool | None = of_network("ultimate_skip", "add the input to what the network painted")
    motion: bool | None = of_network("motion", "move that skip by a predicted flow")
    init_from: str | None = setting(None, "model folder or Hub id to start from")
    init_widen_factor: int = setting(1, "times the width of init_from; its channels are copied", minimum=1)
    init_drop_motion: bool = setting(False, "leave out the flow field of init_from, for a network without motion")
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
    mixed_precision: str | None = setting(
        None, "precision of the generator", choices=PRECISIONS, otherwise="Accelerate's"
    )
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
        if not self.init_from:
            for name, value in ARCHITECTURE.items():
                setattr(self, name, value if getattr(self, name) is None else getattr(self, name))
        if self.resolution % 16:
            raise ConfigurationError(f"resolution must be a multiple of 16; got {self.resolution}.")
        if self.resolution % 2**self.discriminator_layers:
            raise ConfigurationError(
                f"resolution {self.resolution} cannot be halved {self.discriminator_layers} times: use a multiple of "
                f"{2**self.discriminator_layers} or fewer discriminator_layers."
            )
        if self.push_to_hub and not self.hub_model_id:
            raise ConfigurationError("push_to_hub needs hub_model_id, the repository to upload to.")
        self._check_classes()
        self._check_start()
        self._check_effects()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The expressions to train, in the order of the model."""
        if self.expressions is None:
            return EXPRESSIONS
        return tuple(name.strip() for name in self.expressions.split(","))

    def _check_classes(self) -> None:
        names = self.class_names
        if not 2 <= len(names) <= MOST_CLASSES or not all(names) or len({name.lower() for name in names}) < len(names):
            raise ConfigurationError(
                f"expressions must be 2 to {MOST_CLASSES} different names with commas between them, such as "
                f"happy,contempt,smirk; got {self.expressions!r}."
            )

    def _check_start(self) -> None:
        """What a run starts from, and what it makes of that."""
        if self.controls and not self.paired_weight:
            raise ConfigurationError("controls are learned from pairs: give paired_weight, or train without controls.")
        if self.controls and self.controls_alone + self.controls_added > 1:
            raise ConfigurationError(
                f"controls_alone and controls_added are shares of the same pairs, at most 1 together; got "
                f"{self.controls_alone} and {self.controls_added}."
            )
        if self.motion and self.ultimate_skip is False:
            raise ConfigurationError("motion moves the ultimate skip: use it with ultimate_skip.")
        if self.init_widen_factor > 1 and not self.init_from:
            raise ConfigurationError(
                "init_widen_factor copies the channels of a trained generator: name it with init_from."
            )
        if self.init_drop_motion and not self.init_from:
            raise ConfigurationError(
                "init_drop_motion leaves out the flow field of a trained generator: name it with init_from."
            )
        if self.init_drop_motion and self.motion:
            raise ConfigurationError("init_drop_motion removes the flow field that motion needs: use one of them.")

    def _check_effects(self) -> None:
        """A setting that nothing would come of is a mistake: whoever gives it expects something."""
        changed = {each.name for each in dataclasses.fields(self) if getattr(self, each.name) != each.default}
        if self.objective == "paper":
            for name in sorted(changed & {"adversarial_focus", "feature_weight"}):
                raise ConfigurationError(
                    f"{name} has no effect in the paper's objective: leave it out, or train with objective fast."
                )
        if self.motion is False and "flow_weight" in changed:
            raise ConfigurationError("flow_weight has no effect without motion: leave it out, or train with motion.")
        if not self.controls:
            for name in sorted(changed & {"controls_alone", "controls_added"}):
                raise ConfigurationError(
                    f"{name} has no effect without controls: leave it out, or train with controls."
                )
        if self.revision and not self.dataset_name:
            raise ConfigurationError("revision has no effect without dataset_name: leave it out for a folder.")
        if self.hub_private and not self.push_to_hub:
            raise ConfigurationError("hub_private has no effect without push_to_hub: give both or neither.")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Builds settings from names and values; an unknown name is refused with the nearest known ones.

        Old names warn.

        Raises:
            ConfigurationError: an unknown name or a value that cannot work.
        """
        values = by_new_names(values)
        if isinstance(names := values.get("expressions"), list | tuple):  # as YAML writes them
            values["expressions"] = ",".join(map(str, names))
        known = [each.name for each in dataclasses.fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ConfigurationError(f"Unknown settings: {nearest(unknown, known)}.")
        return cls(**values)

    @classmethod
    def load(cls, path: str | Path) -> dict[str, Any]:
        """Reads settings from a YAML or JSON file, as a dict to be overridden by flags.

        Raises:
            ConfigurationError: the file cannot be read, or holds no names and values.
        """
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"Cannot read settings from {path}: {error}.") from error
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path} must hold names and values; got {type(values).__name__}.")
        values = by_new_names(values)
        return values | {
            each.name: float(values[each.name])
            for each in dataclasses.fields(cls)
            if each.type is float and _is_number(values.get(each.name))
        }

    def to_yaml(self) -> str:
        """The settings as YAML text, in the order of the class."""
        return yaml.safe_dump(dataclasses.asdict(self), sort_keys=False)

    def save(self, path: str | Path) -> None:
        """Writes the settings as YAML; what was under `path` stays where that fails.

        Raises:
            OSError: the folder cannot be written.
        """
        with whole_file(Path(path)) as file:
            file.write(self.to_yaml().encode())


def by_new_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings with old names replaced, which are warned of.

    Raises:
        ConfigurationError: a setting is given by both of its names.
    """
    renamed = {}
    for name, value in values.items():
        new = OLD_NAMES.get(name, name)
        if new != name:
            warnings.warn(f"The setting {name} is now {new}.", FutureWarning, stacklevel=3)
            if new in values:
                raise ConfigurationError(f"{name} is the old name of {new}: give the latter only.")
        renamed[new] = value
    return renamed


def nearest(unknown: Iterable[str], known: Iterable[str]) -> str:
    """Names that nobody knows, each with the known one that it looks like."""
    found = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    return ", ".join(f"{name} (did you mean {near[0]}?)" if near else name for name, near in found.items())


def _is_number(value: Any) -> bool:
    """Whether a text is a number all the same: to YAML 1.1, 1e-4 is a word."""
    try:
        return isinstance(value, str) and float(value) == float(value)
    except ValueError:
        return False


def _check(name: str, value: Any, each: dataclasses.Field) -> None:
    kinds = get_args(each.type) or (each.type,)
    number_ok = float in kinds and isinstance(value, int) and not isinstance(value, bool)
    if not number_ok and type(value) not in kinds:
        wanted = " or ".join(
            "nothing" if kind is type(None) else str(getattr(kind, "__name__", kind)) for kind in kinds
        )
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
