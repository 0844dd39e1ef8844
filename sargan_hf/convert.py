"""Official checkpoints into this project's format: `sargan convert CKPT OUT`.

The reference implementation of arXiv 2303.17212 saves `torch.save(generator.state_dict())`. Its names are those of
nested `nn.Sequential`s; `REFERENCE_MODULES` says which layer each of them is.
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from .errors import ModelFormatError
from .expressions import EXPRESSIONS
from .modeling_sargan import SARGAN

# The attention encoder-decoder numbers its levels from the inside: 1 is the quarter size, 2 the full feature map.
_ATTENTION = {
    "b1_2": "skip_outer",
    "b2_2": "down_outer",
    "b1_1": "skip_inner",
    "b2_1": "down_inner",
    "b2_plus_1": "bottom",
    "b3_1": "up_inner",
    "b3_2": "up_outer",
}
_CONV_NORM = {"main.9.conv1": "blocks.0.conv1", "main.9.conv2": "blocks.0.conv2"} | {
    f"main.9.att_func.{theirs}": f"blocks.0.attention.{ours}" for theirs, ours in _ATTENTION.items()
}
REFERENCE_MODULES = {
    "main.0": "conv_in",
    "main.1": "norm_in",
    "main.3": "down1",
    "main.4": "norm_down1",
    "main.6": "down2",
    "main.7": "norm_down2",
    **{f"{theirs}.conv2d": f"{ours}.conv" for theirs, ours in _CONV_NORM.items()},
    **{f"{theirs}.norm.norm": f"{ours}.norm" for theirs, ours in _CONV_NORM.items()},
    "main.9.att_func.out_block.0.conv2d": "blocks.0.attention.to_map",
    "main.10": "up1",
    "main.11": "norm_up1",
    "main.13": "up2",
    "main.14": "norm_up2",
    "main.16": "conv_out",
}
"""Module of a reference checkpoint -> module of `SARGAN`."""

_RUNNING_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_WRAPPERS = ("state_dict", "model", "generator", "G", "netG")


def convert_checkpoint(checkpoint: str | Path, output: str | Path, expressions: Sequence[str] = EXPRESSIONS) -> SARGAN:
    """Reads a reference checkpoint and saves it as a model folder.

    Args:
        checkpoint: a file written by `torch.save`, a mapping of names to tensors; only tensors are read from it, and no
            code in it is run. One level of wrapping (`{"state_dict": ...}`) and the prefix of `DataParallel` are seen
            through.
        output: the folder to write; nothing is written unless the whole checkpoint fits.
        expressions: the expressions in the order the checkpoint was trained with.

    Returns:
        The model, as it was saved.

    Raises:
        ModelFormatError: not such a file, or names or shapes that are missing, unexpected or wrong; all are listed.
    """
    if Path(output).is_file():
        raise ModelFormatError(f"{output} is a file; give a folder to write the model to.")
    model = from_reference_state_dict(read_tensors(checkpoint), expressions)
    model.save_pretrained(output)
    return model


def read_tensors(checkpoint: str | Path) -> dict[str, Tensor]:
    """Reads the tensors of a `torch.save` file, by name, on the CPU.

    Raises:
        ModelFormatError: no such file, no torch file, or it holds anything but named tensors.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise ModelFormatError(f"{path} is not a file; give the generator's checkpoint, such as sargan_G.ckpt.")
    if path.suffix == ".safetensors":
        raise ModelFormatError(f"{path} is safetensors already; `convert` reads the reference's torch.save files.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelFormatError(
            f"{path} holds more than tensors, or is no torch.save file. Loading it could run code, so it was refused; "
            f"save `generator.state_dict()` alone. ({_first_line(error)})"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelFormatError(f"{path} is damaged or no torch.save file ({_first_line(error)}).") from error
    return _unwrapped(content, path)


def from_reference_state_dict(tensors: Mapping[str, Tensor], expressions: Sequence[str] = EXPRESSIONS) -> SARGAN:
    """Builds the model that a reference checkpoint describes. The width is read from the first convolution.

    Attention weights at the top level (`att_func.*`), which the reference never runs, and running statistics, which it
    tracks but never uses, are dropped.

    Raises:
        ModelFormatError: names or shapes that are missing, unexpected or wrong; all are listed.
    """
    first = tensors.get("main.0.weight")
    if first is None or first.ndim != 4:
        raise ModelFormatError(
            "This is no checkpoint of the reference generator: it has no convolution main.0.weight. "
            f"It starts with {', '.join(list(tensors)[:3]) or 'nothing'}."
        )
    if first.shape[1] != 3 + len(expressions):
        raise ModelFormatError(
            f"The checkpoint was trained with {first.shape[1] - 3} expressions, and {len(expressions)} are named "
            f"({', '.join(expressions)}). Name them in the order of its training, with --expressions."
        )
    model = SARGAN(base_channels=first.shape[0], expressions=list(expressions))
    renamed, unexpected = _renamed(tensors)
    _check_fit(renamed, unexpected, model.state_dict())
    model.load_state_dict(renamed)
    return model.eval()


def _unwrapped(content: object, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        inner = [content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)]
        content = inner[0] if len(inner) == 1 else content
    if not isinstance(content, Mapping) or not content or not all(isinstance(t, Tensor) for t in content.values()):
        raise ModelFormatError(f"{path} holds no mapping of names to tensors; save `generator.state_dict()`.")
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _renamed(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    renamed, unexpected = {}, []
    for name, tensor in tensors.items():
        module, _, parameter = name.rpartition(".")
        if name.startswith("att_func.") or parameter in _RUNNING_STATISTICS:
            continue
        if module in REFERENCE_MODULES:
            renamed[f"{REFERENCE_MODULES[module]}.{parameter}"] = tensor
        else:
            unexpected.append(name)
    return renamed, unexpected


def _check_fit(renamed: Mapping[str, Tensor], unexpected: list[str], expected: Mapping[str, Tensor]) -> None:
    """Compares with what the model needs; the list uses the reference's names."""
    theirs = {ours: reference for reference, ours in REFERENCE_MODULES.items()}

    def reference_name(name: str) -> str:
        module, _, parameter = name.rpartition(".")
        return f"{theirs[module]}.{parameter}"

    problems = [f"unexpected: {name}" for name in unexpected]
    problems += [f"unexpected: {reference_name(name)}" for name in renamed.keys() - expected.keys()]
    for name, wanted in expected.items():
        if name not in renamed:
            problems.append(f"missing: {reference_name(name)} {list(wanted.shape)}")
        elif renamed[name].shape != wanted.shape:
            problems.append(
                f"wrong shape: {reference_name(name)} is {list(renamed[name].shape)}, not {list(wanted.shape)}"
            )
        elif not renamed[name].isfinite().all():
            problems.append(f"not finite: {reference_name(name)}")
    if problems:
        raise ModelFormatError("The checkpoint does not fit the reference generator:\n  " + "\n  ".join(problems))
