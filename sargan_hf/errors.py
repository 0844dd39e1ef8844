"""Every error that `sargan_hf` raises on purpose.

They all derive from `SARGANError`, so a server can catch one class, and from `ValueError`, so a script that never heard
of us still catches them. A message says what came, what was expected, and what to do next.
"""

from ._moved import renamed


def one_line(error: BaseException, longest: int = 300) -> str:
    """What an error of a library says, in one line of at most `longest` characters; these can fill pages."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= longest else f"{text[:longest]} ..."


class SARGANError(Exception):
    """Base class of all errors raised on purpose by `sargan_hf`."""


class ImageError(SARGANError, ValueError):
    """A picture cannot be opened, is too large, or is not a picture."""


class NoFaceError(SARGANError, ValueError):
    """No face was found in a picture, or the requested one does not exist."""


class ExpressionError(SARGANError, ValueError):
    """An expression name, blend or vector is not one the model knows."""


class ControlError(SARGANError, ValueError):
    """A facial control does not exist, or its value is out of its range."""


class PresetError(SARGANError, ValueError):
    """A preset does not exist, cannot be read, or asks for what cannot be."""


class RecipeError(SARGANError, ValueError):
    """A recipe of an edit cannot be read, or asks for what cannot be."""


class DatasetError(SARGANError, ValueError):
    """A dataset is missing, empty, or does not fit the schema."""


class CheckpointError(SARGANError, ValueError):
    """A training checkpoint is incomplete, damaged, or belongs to another run."""


class ConfigurationError(SARGANError, ValueError):
    """A setting has a value that cannot work."""


class ModelFormatError(SARGANError, ValueError):
    """A file is not a model in the expected format."""


class RigError(SARGANError, ValueError):
    """A portrait cannot be used by the expression rig."""


__getattr__ = renamed(__name__, {"PictureError": "ImageError"})
