"""The end of a run: the finished model with its card, and the upload."""

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

from huggingface_hub import HfApi, ModelCard, ModelCardData
from huggingface_hub.errors import HFValidationError, HTTPError  # pyright: ignore[reportPrivateImportUsage]
from safetensors import SafetensorError

from ..errors import ConfigurationError, SARGANError
from ..file_errors import PARTIAL, cause, remedy
from ..hub import push_model, stage
from ..modeling_sargan import SARGAN
from .config import TrainingConfig
from .setup_data import TrainingData


def reserve_repository(config: TrainingConfig) -> None:
    """Creates the repository to upload to, so that a missing token is reported before the first step, not after the last.

    Raises:
        ConfigurationError: the Hub refused or cannot be reached.
    """
    assert config.hub_model_id  # the settings are checked
    try:
        HfApi().create_repo(config.hub_model_id, private=config.hub_private, exist_ok=True)
    except (HTTPError, OSError, HFValidationError) as error:
        raise ConfigurationError(
            f"Cannot upload to {config.hub_model_id}: {error}. Log in with `hf auth login`, or train without push_to_hub."
        ) from error


def save_model(
    generator: SARGAN, config: TrainingConfig, data: TrainingData, step: int, errors: dict[str, float]
) -> None:
    """Writes a generator to the run's folder in Hub layout and, if the settings say so, uploads it.

    Args:
        generator: the averaged one.
        step: steps it was trained for.
        errors: held-out error of each expression, as `Validator.errors` gives it; may be empty.

    Raises:
        SARGANError: the folder cannot be written, and holds what it held before; or the upload failed, and the model is in
            the run's folder.
    """
    card = training_card(config, data, step, errors)
    _write_model(generator, Path(config.output_dir), step, card)
    if not config.hub_model_id or not config.push_to_hub:
        return
    try:
        _push(generator, Path(config.output_dir), config.hub_model_id, config.hub_private, card)
    except (HTTPError, OSError) as error:
        raise SARGANError(
            f"The model is in {config.output_dir}, but its upload to {config.hub_model_id} failed: {error}. "
            "Start the same command again with --resume_from_checkpoint latest to upload it."
        ) from error


def _write_model(generator: SARGAN, folder: Path, step: int, card: ModelCard) -> None:
    """All files first, then their names: a full disk leaves the model of an earlier end of the run as it is."""
    draft = folder / f"{PARTIAL}model"
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
        stage(generator, draft, card=card)
        for path in draft.iterdir():
            os.replace(path, folder / path.name)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise SARGANError(
            f"The model could not be written to {folder} ({cause(error)}). {remedy(error, folder)} and "
            f"start the same command again with --resume_from_checkpoint latest: the checkpoint of step {step} is whole."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _push(generator: SARGAN, run: Path, repository: str, private: bool, card: ModelCard) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # What the run folder holds besides the model, less checkpoints and logs.
        shutil.copy(run / "training_config.yaml", folder)
        if samples := sorted((run / "samples").glob("step-*.png")):
            shutil.copy(samples[-1], Path(folder, "samples.png"))
        stage(generator, folder, card=card)
        commit = push_model(folder, repository, private=private)
    print(f"Uploaded: {commit.commit_url}")


def training_card(config: TrainingConfig, data: TrainingData, step: int, errors: dict[str, float]) -> ModelCard:
    """A card that says what was trained, on what, how, and how far it got."""
    faces, name = data.faces, Path(config.output_dir).name
    example = "happy" if "happy" in data.expressions else data.expressions[0]
    metadata = ModelCardData(
        license="apache-2.0",
        library_name="diffusers",
        pipeline_tag="image-to-image",
        tags=["sargan", "facial-expression-editing", "arxiv:2303.17212"],
        datasets=[config.dataset_name] if config.dataset_name else None,
    )
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in errors.items())
    nothing = (
        "No held-out person is in a pair, so there is no true picture to measure against."
        if data.held_out
        else "No people were held out."
    )
    table = f"| expression | error relative to no edit |\n|---|---|\n{rows}\n" if rows else f"{nothing}\n"
    return ModelCard(
        f"---\n{metadata.to_yaml()}\n---\n\n"
        "# SARGAN\n\n"
        f"Edits facial expressions: {', '.join(data.expressions)}.\n\n"
        "```python\nfrom sargan_hf import SARGANPipeline\n\n"
        f'pipe = SARGANPipeline.from_pretrained("{config.hub_model_id or name}")\n'
        f'pipe("portrait.jpg", expression="{example}").images[0].save("edited.png")\n```\n\n'
        "## Training\n\n"
        f"{step} steps of the `{config.objective}` objective on {'' if data.whole else 'more than '}{len(faces)} pictures of "
        f"{len(set(faces.subject))} people from {_set_name(config)}. "
        "Check the licence of that data before publishing this model.\n\n"
        f"## People held out\n\n{table}\n"
        f"## Settings\n\n```yaml\n{_without_paths(config).to_yaml()}```\n"
    )


def _set_name(config: TrainingConfig) -> str:
    name = config.dataset_name or Path(config.train_data_dir or "").name
    return f"`{name}`" if name else "a data set that was given in Python"


def _without_paths(config: TrainingConfig) -> TrainingConfig:
    """The settings without folders of the machine that trained."""
    names = {name: Path(value).name for name in ("train_data_dir", "output_dir") if (value := getattr(config, name))}
    others = {name: getattr(config, name) for name in ("init_from", "discriminator_from")}
    names |= {name: Path(value).name for name, value in others.items() if value and Path(value).exists()}
    return dataclasses.replace(config, **names, resume_from_checkpoint=None, cache_dir=None)
