"""Old names of modules and objects: they still work, and warn with the new name.

Version 0.2 gave each journey a folder of its own. Whoever imports by an old name gets the module at its new place.
"""

import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MODULES: dict[str, str] = {
}


class _MovedModules(MetaPathFinder, Loader):
    """Finds a moved module by its old name."""

    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == __package__ and name in MODULES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = f"{__package__}.{MODULES[spec.name.partition('.')[2]]}"
        warnings.warn(f"{spec.name} is now {new}.", FutureWarning, stacklevel=2)
        module = import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just given the module the spec of its old name.
        if module.__spec__ is not None and module.__spec__.loader is self:
            module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Lets old module names be imported."""
    if not any(isinstance(finder, _MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(_MovedModules())


def renamed(module: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """A module's `__getattr__` that knows its old names.

    Args:
        module: `__name__` of the module.
        names: old name to new name; a new name with a colon, such as "sargan_hf.images.warp:warp_field", lies elsewhere.
    """

    def look_up(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = names[name].rpartition(":")
        warnings.warn(f"{module}.{name} is now {place or module}.{new}.", FutureWarning, stacklevel=2)
        return getattr(import_module(place or module), new)

    return look_up
