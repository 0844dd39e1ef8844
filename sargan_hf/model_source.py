"""Where a model comes from: a folder, one that ships with the repository, or a repository on the Hub.

A path is never taken for somebody's repository, and a Hub that cannot be reached is asked once.
"""

import os
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from .errors import ModelFormatError

DEFAULT_MODEL = "weights/sargan-motion-128"
ROOT = Path(__file__).resolve().parent.parent  # of a checkout; an installed package has no weights beside it
FILE_SUFFIXES = (".onnx", ".safetensors", ".json", ".bin", ".ckpt", ".pt", ".pth", ".zip")


@dataclass(frozen=True)
class ModelSource:
    """A model that is here, or a repository that the Hub was asked about.

    Attributes:
        name: path of the folder or file, or id of the repository.
        is_local: whether `name` is a path.
        asks_hub: whether the Hub may be asked; if not, only what was downloaded before is used.
        reason: why not, as the end of a sentence that starts with "the Hub".
    """

    name: str
    is_local: bool
    asks_hub: bool = False
    reason: str = ""

    def __str__(self) -> str:
        return self.name

    def hub_kwargs(self, given: dict[str, Any]) -> dict[str, Any]:
        """`given`, of the Hub's client, without asking the Hub where that is in vain."""
        return given if self.is_local or self.asks_hub else given | {"local_files_only": True}

    def not_cached(self) -> ModelFormatError:
        """The error for a file of the repository that is neither here nor on the Hub."""
        return ModelFormatError(
            f"{self.name} is not among the models that were downloaded before, and the Hub "
            f"{self.reason or 'cannot be reached'}: connect once, or give the model's folder."
        )


def resolve_model(name_or_path: str | os.PathLike) -> str:
    """The path or the repository id that is meant, without a query to the Hub.

    An existing path stays as it is. Any other name below `weights/` means that folder of the repository that this package was
    started from. The rest is an id, if it can be one and does not look like a path.

    Raises:
        ModelFormatError: neither.
    """
    given = os.fsdecode(name_or_path)
    name = os.path.expanduser(given)
    if os.path.exists(name):
        return name
    if PurePath(name).parts[:1] == ("weights",):
        return _shipped(name)
    folder, _, last = name.partition("/")
    if not _may_be_an_id(folder, last):
        raise ModelFormatError(
            f"{given} is neither a folder nor the name of a repository on the Hub (name/model): check the path."
        )
    if os.path.isdir(folder):
        raise ModelFormatError(
            f"There is no {last} in the folder {folder}: check the path. If a model on the Hub is meant, start where no "
            f"folder is called {folder}."
        )
    return name


def find_source(name_or_path: "str | os.PathLike | ModelSource", **hub_kwargs: Any) -> ModelSource:
    """Where a model is, and whether the Hub answers; a source that was found before is given back.

    Args:
        name_or_path: see `resolve_model`.
        hub_kwargs: `revision`, `token` and `local_files_only` count here.

    Raises:
        ModelFormatError: as `resolve_model`.
    """
    if isinstance(name_or_path, ModelSource):
        return name_or_path
    name = resolve_model(name_or_path)
    if os.path.exists(name):
        return ModelSource(name, is_local=True)
    reason = _why_not_asked(name, hub_kwargs)
    return ModelSource(name, is_local=False, asks_hub=not reason, reason=reason)


def _shipped(name: str) -> str:
    beside = ROOT / name
    if beside.exists():
        return str(beside)
    raise ModelFormatError(
        f"There is no folder {name} here or in {ROOT}: the weights come with the repository and not with the installed "
        "package, so give the path of its folder, or a model on the Hub (name/model)."
    )


def _may_be_an_id(folder: str, last: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if not folder or not last or folder.startswith((".", "~")) or last.lower().endswith(FILE_SUFFIXES):
        return False
    try:
        validate_repo_id(f"{folder}/{last}")
    except HFValidationError:
        return False
    return True


def _why_not_asked(repo_id: str, hub_kwargs: dict[str, Any]) -> str:
    """Asks the Hub for one file's head. Its client retries for 23 seconds for each file that is not in the cache."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HTTPError,  # pyright: ignore[reportPrivateImportUsage]  # of whichever HTTP library the client uses
    )

    if hub_kwargs.get("local_files_only"):
        return "is not asked (local_files_only=True)"
    if constants.is_offline_mode():
        return "is not asked (HF_HUB_OFFLINE is set)"
    url = hf_hub_url(repo_id, "config.json", revision=hub_kwargs.get("revision"))
    try:
        get_hf_file_metadata(url, token=hub_kwargs.get("token"), timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except HfHubHTTPError as error:
        status = error.response.status_code
        return f"cannot be reached (it answers {status})" if status >= 500 else ""
    except HTTPError as error:
        return f"cannot be reached ({' '.join(str(error).split()) or type(error).__name__})"
    return ""
