"""What the pipeline asks of a generator, and where to get one."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from ..errors import ConfigurationError, ModelFormatError
from ..faces.transfer import moved
from ..model_source import ModelSource, find_source

BACKENDS = ("torch", "onnx")
MOUTH_FOLDER = "mouth"  # of a model: where its mouth refiner is
_HUB_KWARGS = ("revision", "cache_dir", "token", "local_files_only")

# How many times an edit may be made as strong as the network gave it. What would need more may be a face unlike those trained
# on, but it is mostly one that shows the expression already: a smile that is to be happy became a grimace with 1.75.
MOST_EVENING = 1.3

log = logging.getLogger(__name__)


class GeneratorEdit(NamedTuple):
    """What a generator returns for N crops of side S, all float32, at intensity 1.

    Attributes:
        residual: [N, 3, S, S] in [-1, 1], to be added to the (moved) crop.
        attention: [N, 1, h, w] in [0, 1], or None for a model without attention.
        motion: [N, 2, S, S], x and y in normalised image coordinates (2.0 is the full width): where each pixel is fetched
            from, relative to itself; None for a model without motion.
        expression: [N, n], the condition it was made for: what refines an edit later must know it.
    """

    residual: np.ndarray
    attention: np.ndarray | None
    motion: np.ndarray | None
    expression: np.ndarray

    def one(self, index: int) -> "GeneratorEdit":
        """The edit of one of the N crops alone, N = 1."""
        return GeneratorEdit(*(None if field is None else field[index : index + 1] for field in self))


class Generator(Protocol):
    """A trained model, whatever runs it. Safe to call from several threads at once."""

    expressions: tuple[str, ...]
    sample_size: int

    def __call__(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorEdit:
        """Edits crops [N, 3, S, S] in [-1, 1] (float32, RGB) towards expression vectors [N, len(expressions)].

        What it makes of a crop must not depend on the other crops, not even in the last bit (see `one_by_one`).
        """


def one_by_one(
    run: Callable[[np.ndarray, np.ndarray], GeneratorEdit], crops: np.ndarray, expression: np.ndarray
) -> GeneratorEdit:
    """What `run` makes of each crop alone, joined; arguments as for `Generator.__call__`.

    Libraries choose other kernels for other batches, whose sums differ in the last bits. The same face must become the same
    pixels, whether it is edited alone, with the others of its picture, or in all expressions at once.
    """
    edits = [run(crops[i : i + 1], expression[i : i + 1]) for i in range(len(crops))]
    return GeneratorEdit(*(None if field[0] is None else np.concatenate(field) for field in zip(*edits, strict=True)))


def evened(edit: GeneratorEdit, typical_motion: Sequence[float] | None) -> GeneratorEdit:
    """Edits of the strength that they should have, whatever face they are of.

    A network trained by its mean error does too little where it is unsure; on statues, robots and drawings, of which it has
    seen few, it moves the face half as far as it moves people. Edits that reach less than `typical_motion` are made as strong
    as that, `MOST_EVENING` times as strong at most; others stay as they are.

    Args:
        edit: of N crops.
        typical_motion: [n] as in the config of `SARGAN`; None leaves everything as it is.
    """
    if typical_motion is None or edit.motion is None:
        return edit
    wanted = edit.expression @ np.asarray(typical_motion)
    factors = np.clip(wanted / np.maximum(reach_of(edit.motion), 1e-9), 1, MOST_EVENING)
    stronger = [_stronger(*each) for each in zip(edit.motion, edit.residual, factors, strict=True)]
    return edit._replace(motion=np.stack([m for m, _ in stronger]), residual=np.stack([r for _, r in stronger]))


def _stronger(motion: np.ndarray, residual: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Motion [2, S, S] and residual [3, S, S] of an edit `factor` times as strong.

    The edited face is moved on by the rest of the way. A motion that is only made longer fetches the inside of a mouth from
    beyond the lips, where the residual, made for other pixels, leaves it grey.
    """
    if factor == 1:
        return motion, residual
    further = ((factor - 1) * motion).astype(np.float32)
    fields = np.ascontiguousarray(np.concatenate([motion, residual]).transpose(1, 2, 0), dtype=np.float32)
    fields = moved(fields, further.transpose(1, 2, 0) * (motion.shape[1] / 2)).transpose(2, 0, 1)
    return further + fields[:2], np.clip(np.float32(factor) * fields[2:], -1, 1)


def reach_of(motion: np.ndarray) -> np.ndarray:
    """[N], the root mean square length of each of the motions [N, 2, S, S], in their own units."""
    return np.sqrt(np.square(motion).sum(axis=1).mean(axis=(1, 2)))


def load_generator(name_or_path: "str | ModelSource", backend: str = "torch", **kwargs: object) -> Generator:
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
        from .torch_generator import TorchGenerator

        return TorchGenerator.from_pretrained(name_or_path, **kwargs)
    if backend == "onnx":
        from .onnx_generator import ONNXGenerator

        return ONNXGenerator.from_pretrained(name_or_path, **kwargs)
    raise ConfigurationError(f"backend={backend!r} is not known: use one of {', '.join(BACKENDS)}.")


def load_mouth(name_or_path: "str | ModelSource", backend: str = "torch", **kwargs: object) -> Generator | None:
    """Loads the mouth refiner that a model brings in its sub-folder `mouth`; None where it has none.

    Arguments and errors as for `load_generator`.
    """
    source = find_source(name_or_path, **kwargs)
    folder = mouth_folder(source, **kwargs)
    return None if folder is None else load_generator(source, backend, **kwargs | {"subfolder": folder})


def mouth_folder(name_or_path: "str | ModelSource", **kwargs: object) -> str | None:
    """The sub-folder of a model that holds its mouth refiner, or None; `kwargs` as for `load_generator`."""
    source = find_source(name_or_path, **kwargs)
    folder = "/".join(part for part in (str(kwargs.get("subfolder") or ""), MOUTH_FOLDER) if part)
    filename = f"{folder}/config.json"
    # A single ONNX file has nothing inside.
    exists = Path(source.name, filename).is_file() if source.is_local else _is_in_repository(source, filename, kwargs)
    return folder if exists else None


def _is_in_repository(source: ModelSource, filename: str, kwargs: dict[str, object]) -> bool:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    wanted = source.hub_kwargs({key: kwargs[key] for key in _HUB_KWARGS if key in kwargs})
    try:
        hf_hub_download(source.name, filename, **wanted)
    except LocalEntryNotFoundError as error:  # the Hub cannot be reached, and the file is not in the cache
        if not _is_known_to_be_absent(source.name, filename, wanted):
            log.warning("Mouths are not refined: %s of %s is not at hand. %s", filename, source, error)
        return False
    except EntryNotFoundError:
        return False
    except HfHubHTTPError as error:
        reason = " ".join(str(error).split())
        raise ModelFormatError(f"{filename} cannot be had from {source}. {reason}") from error
    return True


def _is_known_to_be_absent(repo_id: str, filename: str, wanted: dict[str, object]) -> bool:
    """Whether the Hub said, when the model was downloaded, that it has no such file."""
    from huggingface_hub import _CACHED_NO_EXIST, try_to_load_from_cache

    where = {key: wanted[key] for key in ("revision", "cache_dir") if key in wanted}
    return try_to_load_from_cache(repo_id, filename, **where) is _CACHED_NO_EXIST
