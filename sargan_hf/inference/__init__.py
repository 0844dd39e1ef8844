"""The generator behind the pipeline, as arrays in and arrays out, so that torch is one way to run it and not a need."""

from .load_generator import load_generator, load_mouth
from .protocol import Generator, GeneratorEdit, one_by_one
from .strength import evened, reach_of

__all__ = ["Generator", "GeneratorEdit", "evened", "load_generator", "load_mouth", "one_by_one", "reach_of"]
