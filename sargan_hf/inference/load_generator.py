"""What the pipeline asks of a generator, and where to get one."""

import logging
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, ModelFormatError, one_line
from ..model_source import ModelSource, find_source
from .protocol import Generator

BACKENDS = ("torch", "onnx")
MOUTH_FOLDER = "mouth"  # of a model: where its mouth refiner is
_HUB_KWARGS = ("revision", "cache_dir", "token", "local_files_only")

log = logging.getLogger(__name__)


def load_generator(name_or_path: "str | ModelSource", backend: str = "torch", **kwargs: Any) -> Generator:
    """Loads a generator from a folder or a Hub repository.

    Args:
        name_or_path: folder or Hub id (see `model_source.resolve_model`).
        backend: "torch", or "onnx" to run an exported model without torch.
        kwargs: `revision`, `subfolder`, `cache_dir` and the like, and for torch `device`.

    Raises:
        ConfigurationError: another backend.
        ModelFormatError: the model cannot be loaded.
    """
    if backend == "torch":
        from .torch_backend import TorchGenerator

        return TorchGenerator.from_pretrained(name_or_path, **kwargs)
    if backend == "onnx":
        from .onnx_backend import ONNXGenerator

        return ONNXGenerator.from_pretrained(name_or_path, **kwargs)
    raise ConfigurationError(f"backend={backend!r} is not known: use one of {', '.join(BACKENDS)}.")


def load_mouth(name_or_path: "str | ModelSource", backend: str = "torch", **kwargs: Any) -> Generator | None:
    """Loads the mouth refiner that a model brings in its sub-folder `mouth`; None where it has none.

    Arguments and errors as for `load_generator`.
    """
    source = find_source(name_or_path, **kwargs)
    folder = mouth_folder(source, **kwargs)
    return None if folder is None else load_generator(source, backend, **kwargs | {"subfolder": folder})


def mouth_folder(name_or_path: "str | ModelSource", **kwargs: Any) -> str | None:
    """The sub-folder of a model that holds its mouth refiner, or None; `kwargs` as for `load_generator`."""
    source = find_source(name_or_path, **kwargs)
    folder = "/".join(part for part in (str(kwargs.get("subfolder") or ""), MOUTH_FOLDER) if part)
    filename = f"{folder}/config.json"
    # A single ONNX file has nothing inside.
    exists = Path(source.name, filename).is_file() if source.is_local else _is_in_repository(source, filename, kwargs)
    return folder if exists else None


def _is_in_repository(source: ModelSource, filename: str, kwargs: dict[str, Any]) -> bool:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    wanted = source.hub_kwargs({key: kwargs[key] for key in _HUB_KWARGS if key in kwargs})
    try:
        hf_hub_download(source.name, filename, **wanted)
    except LocalEntryNotFoundError as error:  # the Hub cannot be reached, and the file is not in the cache
        if not _is_known_to_be_absent(source.name, filename, wanted):
            log.warning(
                "Mouth refinement is off: %s of %s is not in the cache and the Hub is offline. %s",
                filename,
                source,
                error,
            )
        return False
    except EntryNotFoundError:
        return False
    except HfHubHTTPError as error:
        raise ModelFormatError(f"Could not download {filename} from {source}. {one_line(error)}") from error
    return True


def _is_known_to_be_absent(repo_id: str, filename: str, wanted: dict[str, Any]) -> bool:
    """Whether the Hub said, when the model was downloaded, that it has no such file."""
    from huggingface_hub import _CACHED_NO_EXIST, try_to_load_from_cache

    where = {key: wanted[key] for key in ("revision", "cache_dir") if key in wanted}
    return try_to_load_from_cache(repo_id, filename, **where) is _CACHED_NO_EXIST
