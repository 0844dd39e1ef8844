"""The generator behind the pipeline, as arrays in and arrays out, so that torch is one way to run it and not a need."""

from .base import Generator, GeneratorEdit, evened, load_generator, load_mouth, one_by_one, reach_of

__all__ = ["Generator", "GeneratorEdit", "evened", "load_generator", "load_mouth", "one_by_one", "reach_of"]
