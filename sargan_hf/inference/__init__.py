"""The generator behind the pipeline, as arrays in and arrays out, so that torch is one way to run it and not a need."""

from .._moved import renamed
from .load_generator import load_generator, load_mouth
from .protocol import Generator, GeneratorOutput, one_by_one
from .strength import match_strength, rms_motion

__all__ = ["Generator", "GeneratorOutput", "load_generator", "load_mouth", "match_strength", "one_by_one", "rms_motion"]

__getattr__ = renamed(
    __name__, {"GeneratorEdit": "GeneratorOutput", "evened": "match_strength", "reach_of": "rms_motion"}
)
