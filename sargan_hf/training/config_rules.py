"""What the settings of a run mean together: combinations that cannot work, and settings that would have no effect."""

import dataclasses

from ..errors import ConfigurationError
from .config_fields import MOST_CLASSES, preset_of
from .config_values import TrainingValues


def check_rules(config: TrainingValues) -> None:
    """Raises ConfigurationError where settings do not fit each other."""
    _check_sizes(config)
    if config.push_to_hub and not config.hub_model_id:
        raise ConfigurationError("push_to_hub needs hub_model_id, the repository to upload to.")
    _check_classes(config)
    _check_controls(config)
    _check_start(config)
    changed = _changed(config)
    _check_effects(config, changed)
    _check_length(config, changed)
    _check_own_generator(config)


def _check_sizes(config: TrainingValues) -> None:
    if config.resolution % 16:
        raise ConfigurationError(f"resolution must be a multiple of 16; got {config.resolution}.")
    if config.resolution % 2**config.discriminator_layers:
        raise ConfigurationError(
            f"resolution {config.resolution} cannot be halved {config.discriminator_layers} times: use a multiple of "
            f"{2**config.discriminator_layers} or fewer discriminator_layers."
        )


def _check_classes(config: TrainingValues) -> None:
    names = config.class_names
    if not 2 <= len(names) <= MOST_CLASSES or not all(names) or len({name.lower() for name in names}) < len(names):
        raise ConfigurationError(
            f"expressions must be 2 to {MOST_CLASSES} different names with commas between them, such as "
            f"happy,contempt,smirk; got {config.expressions!r}."
        )


def _check_controls(config: TrainingValues) -> None:
    if config.controls and not config.paired_weight:
        raise ConfigurationError("controls are learned from pairs: give paired_weight, or train without controls.")
    if config.controls and config.controls_alone + config.controls_added > 1:
        raise ConfigurationError(
            f"controls_alone and controls_added are shares of the same pairs, at most 1 together; got "
            f"{config.controls_alone} and {config.controls_added}."
        )


def _check_start(config: TrainingValues) -> None:
    """What a run starts from, and what it makes of that."""
    if config.occlusion and config.motion is False:
        raise ConfigurationError("occlusion says where motion finds nothing: use it with motion.")
    if config.motion and config.ultimate_skip is False:
        raise ConfigurationError("motion moves the ultimate skip: use it with ultimate_skip.")
    if config.init_widen_factor > 1 and not config.init_from:
        raise ConfigurationError(
            "init_widen_factor copies the channels of a trained generator: name it with init_from."
        )
    if config.init_drop_motion and not config.init_from:
        raise ConfigurationError(
            "init_drop_motion leaves out the flow field of a trained generator: name it with init_from."
        )
    if config.init_drop_motion and config.motion:
        raise ConfigurationError("init_drop_motion removes the flow field that motion needs: use one of them.")


def _changed(config: TrainingValues) -> set[str]:
    """The settings that are neither the preset's nor the default."""
    preset = preset_of(config.objective)
    fields = dataclasses.fields(config)
    return {each.name for each in fields if getattr(config, each.name) != preset.get(each.name, each.default)}


def _check_effects(config: TrainingValues, changed: set[str]) -> None:
    """A setting that nothing would come of is a mistake: whoever gives it expects something."""
    if config.objective == "paper":
        for name in sorted(changed & {"adversarial_focus", "feature_weight"}):
            raise ConfigurationError(
                f"{name} has no effect in the paper's objective: leave it out, or train with objective fast."
            )
    if config.paired_weight == 0 and "small_edits" in changed:
        raise ConfigurationError("small_edits has no effect without paired_weight: leave it out, or give both.")
    if config.stylise == 0 and "blank_eyes" in changed:
        raise ConfigurationError("blank_eyes has no effect without stylise: leave it out, or give both.")
    if config.motion is False:
        for name in sorted(changed & {"flow_weight", "flow_focus"}):
            raise ConfigurationError(f"{name} has no effect without motion: leave it out, or train with motion.")
    if config.occlusion is False and "occlusion_weight" in changed:
        raise ConfigurationError("occlusion_weight has no effect without occlusion: leave it out, or use occlusion.")
    if not config.controls:
        for name in sorted(changed & {"controls_alone", "controls_added"}):
            raise ConfigurationError(f"{name} has no effect without controls: leave it out, or train with controls.")
    if config.revision and not config.dataset_name:
        raise ConfigurationError("revision has no effect without dataset_name: leave it out for a folder.")
    if config.hub_private and not config.push_to_hub:
        raise ConfigurationError("hub_private has no effect without push_to_hub: give both or neither.")
    if config.init_from and "zero_output" in changed:
        raise ConfigurationError("zero_output has no effect with init_from, which brings its weights: leave it out.")
    if config.logging_dir and config.report_to == "none":
        raise ConfigurationError("logging_dir has no effect without a tracker: give report_to, or leave it out.")
    if not config.streaming and "max_damaged" in changed:
        raise ConfigurationError(
            "max_damaged has no effect without streaming: other sets are decoded before the first step, and a damaged "
            "picture is refused then."
        )


def _check_length(config: TrainingValues, changed: set[str]) -> None:
    if config.lr_scheduler == "constant" and config.decay_fraction and "decay_fraction" in changed:
        raise ConfigurationError("decay_fraction has no effect with lr_scheduler constant: leave one of them out.")
    if config.num_train_epochs and "max_train_steps" in changed:
        raise ConfigurationError("num_train_epochs and max_train_steps both say how long to train: give one of them.")
    for name in ("num_train_epochs", "max_train_samples"):
        if config.streaming and getattr(config, name):
            raise ConfigurationError(
                f"{name} needs a set that is counted beforehand: train without streaming, or give max_train_steps."
            )


def _check_own_generator(config: TrainingValues) -> None:
    if config.generator == "sargan":
        return
    if config.init_from or config.controls:
        raise ConfigurationError(
            f"init_from and controls are of the generator sargan, and generator is {config.generator}: leave them out."
        )
