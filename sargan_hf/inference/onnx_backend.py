"""The generator run by ONNX Runtime; nothing here needs torch."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigurationError, ModelFormatError, one_line
from ..model_source import ModelSource, find_source
from .protocol import GeneratorOutput, PaintedLayer, one_by_one

FILES = {"fp32": "model.onnx", "fp16": "model_fp16.onnx", "int8": "model_quantized.onnx"}


class ONNXGenerator:
    """Runs a model that `sargan export` wrote, on the CPU. Its expressions and size come from the file itself.

    Args:
        path: the .onnx file.
        threads: threads per operation; None lets ONNX Runtime choose.

    Raises:
        ConfigurationError: ONNX Runtime is not installed.
        ModelFormatError: the file is no such export.
    """

    def __init__(self, path: str | Path, threads: int | None = None):
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigurationError("backend='onnx' needs ONNX Runtime: pip install -e '.[onnx]'.") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            config = json.loads(self.session.get_modelmeta().custom_metadata_map["sargan_config"])
        except Exception as error:  # the errors of ONNX Runtime share no other base class
            raise ModelFormatError(f"{path} is not an ONNX file that `sargan export MODEL OUT` wrote.") from error
        self.expressions = tuple(config["expressions"])
        self.sample_size = int(config["sample_size"])
        self.ultimate_skip = bool(config["ultimate_skip"])
        self.typical_motion = config.get("typical_motion")  # exports of before do not have it
        self.controls = tuple(config.get("controls") or ())

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path | ModelSource,
        *,
        dtype: str = "fp32",
        threads: int | None = None,
        **hub_kwargs: Any,
    ) -> "ONNXGenerator":
        """Loads an export.

        Args:
            name_or_path: an .onnx file, a folder that holds `onnx/model.onnx`, or a repository id (see
                `model_source.resolve_model`).
            dtype: "fp32", "fp16" or "int8" (weights in 8 bits), the files that `sargan export` writes.
            threads: threads per operation.
            hub_kwargs: `revision`, `subfolder`, `cache_dir`, `token`, `local_files_only`.

        Raises:
            ConfigurationError: another dtype, or ONNX Runtime is missing.
            ModelFormatError: there is no such export.
        """
        if dtype not in FILES:
            raise ConfigurationError(f"dtype={dtype!r} is not known: use one of {', '.join(FILES)}.")
        source = find_source(name_or_path, **hub_kwargs)
        if os.path.isfile(source.name):
            return cls(source.name, threads)
        parts = [str(hub_kwargs.pop("subfolder", None) or ""), "onnx", FILES[dtype]]
        filename = "/".join(part for part in parts if part)
        if not source.is_local:
            return cls(_download(source, filename, hub_kwargs), threads)
        path = Path(source.name, filename)
        if not path.is_file():
            raise ModelFormatError(f"{source} has no {filename}; write it with `sargan export {source} {source}`.")
        return cls(path, threads)

    def __call__(
        self, crops: np.ndarray, expression: np.ndarray, controls: np.ndarray | None = None
    ) -> GeneratorOutput:
        """See `Generator.__call__`."""
        return one_by_one(self._run, crops, expression, controls)

    def _run(self, crops: np.ndarray, expression: np.ndarray, controls: np.ndarray | None) -> GeneratorOutput:
        crops = np.ascontiguousarray(crops, dtype=np.float32)
        feed = {
            "pixel_values": crops,
            "expression": np.ascontiguousarray(expression, dtype=np.float32),
            "intensity": np.ones(len(crops), dtype=np.float32),
        }
        if self.controls:
            zeros = np.zeros((len(crops), len(self.controls)), np.float32)
            feed["controls"] = zeros if controls is None else np.ascontiguousarray(controls, dtype=np.float32)
        names = [output.name for output in self.session.get_outputs()]
        edit: dict[str, Any] = dict(zip(names, self.session.run(names, feed), strict=True))
        residual = edit["residual"] if self.ultimate_skip else edit["sample"] - crops
        layer = PaintedLayer(edit["occlusion"], edit["painted"]) if "occlusion" in edit else None
        return GeneratorOutput(residual, edit.get("attention"), edit.get("motion"), expression, layer)


def _download(source: ModelSource, filename: str, hub_kwargs: dict[str, Any]) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source.name, filename, **source.hub_kwargs(hub_kwargs)))
    except LocalEntryNotFoundError as error:
        raise source.not_cached() from error
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise ModelFormatError(f"Could not download {filename} from {source}. {one_line(error)}") from error
