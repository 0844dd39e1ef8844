"""Spares a process that edits a few pictures the seconds in which diffusers imports what no edit uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import cast

# What diffusers imports when it is there and does without when it is not: torch's compiler, with sympy behind it, for one
# decorator of its transformer models, and transformers for the type of a quantisation setting.
UNUSED_IN_EDITING = ("torch._dynamo", "transformers")


@contextmanager
def lean_imports(names: tuple[str, ...] = UNUSED_IN_EDITING) -> Iterator[None]:
    """Makes modules that are not imported yet count as not installed inside of the block, and as before after it.

    What is imported meanwhile does without them for as long as the process lives. That is for a command which owns its
    process, not for a library: whoever imports `sargan_hf` may want to compile or quantise other models.
    """
    hidden = [name for name in names if name not in sys.modules]
    absent = cast(ModuleType, None)  # Python's own mark for a module that must not be found
    sys.modules.update(dict.fromkeys(hidden, absent))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
