"""Models to and from the Hugging Face Hub: `load_model`, `push_model`, `sargan push`.

A model repository is flat: config.json, diffusion_pytorch_model.safetensors, modeling_sargan.py and modeling_layers.py
(what `diffusers.AutoModel` runs where `sargan_hf` is not installed), README.md, and where exported onnx/.
"""

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from huggingface_hub import CommitInfo, HfApi, ModelCard, ModelCardData
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from safetensors import SafetensorError

from .errors import ModelFormatError, one_line
from .model_source import ModelSource, find_source
from .modeling_sargan import SARGAN

# What must not reach a repository: pickles can run code when loaded, and the others are no part of a model.
NOT_UPLOADED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", ".*", "__pycache__", "*.pyc")


def load_model(name_or_path: str | Path | ModelSource, **hub_kwargs: Any) -> SARGAN:
    """Loads a model, or says in one sentence why it cannot.

    Unlike `SARGAN.from_pretrained`, weights that do not fill the model exactly are an error and not a warning.

    Args:
        name_or_path: a folder written by `save_pretrained`, or a repository id such as "name/sargan-motion-128" (see
            `model_source.resolve_model`).
        hub_kwargs: `revision`, `subfolder`, `cache_dir`, `token`, `local_files_only`, `torch_dtype` and others.

    Raises:
        ModelFormatError: no such folder, repository or revision; a model that is not in the cache while the Hub cannot be
            reached; another kind of model; a pickle in place of safetensors (convert it with `sargan convert`); weights
            that are damaged or do not fit the config.
    """
    source = find_source(name_or_path, **hub_kwargs)
    name, hub_kwargs = source.name, source.hub_kwargs(hub_kwargs)
    if os.path.isfile(name):
        raise ModelFormatError(f"{name} is a file: give the folder that holds the model.")
    try:
        config = cast(dict, SARGAN.load_config(name, **{k: v for k, v in hub_kwargs.items() if k in _CONFIG_KWARGS}))
        if config.get("_class_name") != "SARGAN":
            raise ModelFormatError(
                f"{name} holds a {config.get('_class_name') or 'model without a class name'}, not a SARGAN."
            )
        loaded: Any = SARGAN.from_pretrained(name, output_loading_info=True, **hub_kwargs)
        model, report = loaded
    except ModelFormatError:
        raise
    except (OSError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
        if _missed_the_cache(error):
            raise source.not_cached() from error
        raise ModelFormatError(f"{name} cannot be loaded as a SARGAN model. {one_line(error)}") from error
    unfit = [f"{problem[:-5]} {key}" for problem in ("missing_keys", "unexpected_keys") for key in report[problem]]
    if unfit:
        raise ModelFormatError(
            f"The weights in {name} do not fit its config.json: {', '.join(unfit[:5])}"
            f"{' and ' + str(len(unfit) - 5) + ' more' if len(unfit) > 5 else ''}."
        )
    return model


_CONFIG_KWARGS = {"revision", "subfolder", "cache_dir", "token", "local_files_only", "force_download", "proxies"}


def push_model(
    model: SARGAN | str | Path,
    repo_id: str,
    *,
    card: str | Path | ModelCard | None = None,
    private: bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    commit_message: str = "Upload SARGAN model",
    token: str | None = None,
) -> CommitInfo:
    """Uploads a model, with its code and card, so that `from_pretrained(repo_id)` works everywhere.

    Args:
        model: a model, or a folder written by `save_pretrained`, whose other files (onnx/, pictures) go along.
        repo_id: "name/repository"; created when missing.
        card: the README.md, as a card or a file; by default that of the folder, else a short one.
        private: whether a new repository is private; None leaves that to the account's settings.
        revision: branch to upload to; created when missing.
        create_pr: opens a pull request instead of committing.
        commit_message: first line of the commit.
        token: access token; by default the one of `hf auth login`.

    Returns:
        What the Hub says about the commit (`commit_url`, `oid`, `pr_url`).

    Raises:
        ModelFormatError: the folder holds no model that loads. Nothing is uploaded then.
        HfHubHTTPError, HFValidationError: the Hub refused (token, rights, name).
    """
    if not isinstance(model, SARGAN):
        source, model = Path(model), load_model(_existing_folder(model))
    else:
        source = None
    with tempfile.TemporaryDirectory() as staging:
        stage(model, staging, source=source, card=card)
        api = HfApi(token=token)
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        return api.upload_folder(
            repo_id=repo_id,
            folder_path=staging,
            revision=revision,
            create_pr=create_pr,
            commit_message=commit_message,
        )


def stage(
    model: SARGAN, folder: str | Path, *, source: Path | None = None, card: str | Path | ModelCard | None = None
) -> None:
    """Writes a folder as it is uploaded: what `source` holds, the model as safetensors, its code, a card."""
    if source is not None:
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*NOT_UPLOADED), dirs_exist_ok=True)
    model.save_pretrained(folder)
    readme = Path(folder, "README.md")
    if card is not None:
        card = card if isinstance(card, ModelCard) else ModelCard.load(card)
        card.save(readme)
    elif not readme.exists():
        short_card(model).save(readme)


def short_card(model: SARGAN) -> ModelCard:
    """A card that says what the model is and how to use it, for models that nobody has written one for."""
    data = ModelCardData(
        license="apache-2.0",
        library_name="diffusers",
        pipeline_tag="image-to-image",
        tags=["sargan", "facial-expression-editing", "arxiv:2303.17212"],
    )
    config, parameters = SimpleNamespace(**model.config), sum(p.numel() for p in model.parameters())
    skip = (
        "moves the input by a predicted flow and adds a residual" if config.motion else "adds a residual to the input"
    )
    return ModelCard(
        f"---\n{data.to_yaml()}\n---\n\n"
        "# SARGAN\n\n"
        f"A generator that edits the expression of a face: it {skip}. {parameters:,} parameters, trained on crops of "
        f"{config.sample_size} x {config.sample_size} pixels. Expressions: {', '.join(config.expressions)}.\n\n"
        "```python\n"
        "from diffusers import AutoModel\n\n"
        'model = AutoModel.from_pretrained("<this repository>", trust_remote_code=True)\n'
        "edit = model(pixel_values, expression)  # [B, 3, H, W] in [-1, 1], [B, "
        f"{len(config.expressions)}]\n"
        "```\n\n"
        "Paper: [Spatial Attention-based Residuals for Facial Expression Manipulation]"
        "(https://arxiv.org/abs/2303.17212), A. Akram and N. Khan, IEEE TCSVT 2023.\n"
    )


def _existing_folder(path: str | Path) -> Path:
    if not Path(path).is_dir():
        raise ModelFormatError(f"{path} is not a folder; give one that `save_pretrained` or `sargan convert` wrote.")
    return Path(path)


def _missed_the_cache(error: BaseException | None) -> bool:
    """Whether a file that is not in the cache could not be downloaded; diffusers words that as one that does not exist."""
    while error is not None:
        if isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled):
            return True
        error = error.__cause__ or error.__context__
    return False
