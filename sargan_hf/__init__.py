"""Facial expression editing with SARGAN (Akram & Khan, IEEE TCSVT 2023, arXiv 2303.17212).

The public names are loaded when first used, so `import sargan_hf` costs milliseconds and pulls in neither torch nor
gradio.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from . import _moved
from ._version import __version__ as __version__

_HOME = {
    "CONTROLS": "controls",
    "controls_vector": "controls",
    "Preset": "presets",
    "load_preset": "presets",
    "load_presets": "presets",
    "EditRecipe": "editing.recipe",
    "EXPRESSIONS": "expressions",
    "expression_vector": "expressions",
    "resolve_expression": "expressions",
    "SARGANError": "errors",
    "SARGAN": "modeling_sargan",
    "SARGANOutput": "modeling_sargan",
    "SARGANDiscriminator": "modeling_discriminator",
    "SARGANPipeline": "editing.pipeline_sargan",
    "load_expression_dataset": "data.loading",
    "split_by_subject": "data.loading",
}

__all__ = [
    "CONTROLS",
    "EXPRESSIONS",
    "SARGAN",
    "EditRecipe",
    "Preset",
    "SARGANDiscriminator",
    "SARGANError",
    "SARGANOutput",
    "SARGANPipeline",
    "__version__",
    "controls_vector",
    "expression_vector",
    "load_expression_dataset",
    "load_preset",
    "load_presets",
    "resolve_expression",
    "split_by_subject",
]

if TYPE_CHECKING:
    from .controls import CONTROLS, controls_vector
    from .data.loading import load_expression_dataset, split_by_subject
    from .editing.pipeline_sargan import SARGANPipeline
    from .editing.recipe import EditRecipe
    from .errors import SARGANError
    from .expressions import EXPRESSIONS, expression_vector, resolve_expression
    from .modeling_discriminator import SARGANDiscriminator
    from .modeling_sargan import SARGAN, SARGANOutput
    from .presets import Preset, load_preset, load_presets


_moved.install()


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'sargan_hf' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
