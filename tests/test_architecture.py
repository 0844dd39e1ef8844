"""The house keeps its order: imports go down, files are short, names are unique."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sargan_hf"

# From the ground up; a room may import rooms of lower floors only. CONTRIBUTING.md says what belongs where.
FLOORS = (
    ("_version", "_moved"),
    ("errors", "file_names", "file_errors"),
    ("expressions", "controls", "model_source"),
    ("presets",),
    ("images",),
    ("faces", "modeling_layers", "modeling_discriminator"),
    ("modeling_sargan",),
    ("hub", "convert"),
    ("inference",),
    ("editing",),
    ("augmentation", "batch", "web"),
    ("data",),
    ("rig.face_model",),
    ("rig.landmarks",),
    ("rig.fitting",),
    ("rig.portraits",),
    ("rig.rendering",),
    ("rig.dataset",),
    ("training", "evaluation", "rig"),
    ("demo",),
    ("commands",),
    ("cli",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# The package itself hands on names of all rooms, and none of them imports it but for its version.
ENTRANCE = ""


def modules() -> dict[str, Path]:
    """Every module of the package, named without `sargan_hf.`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room_of(module: str) -> str:
    """The innermost room that a module lies in."""
    parts = module.split(".")
    return next((".".join(parts[:n]) for n in (2, 1) if ".".join(parts[:n]) in FLOOR_OF), module)


def imports_of(module: str) -> set[str]:
    """Modules of the package that a module imports, wherever in the file, for type checkers too."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [part for part in package if part][: len(package) - node.level + 1]
            base = base + (node.module.split(".") if node.module else [])
            for alias in node.names:
                full = ".".join([*base, alias.name])
                found.add(full if full in MODULES else ".".join(base))
    return found - {module}


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Groups of nodes that reach one another."""
    reach = {node: set(others) for node, others in graph.items()}
    changed = True
    while changed:
        changed = False
        for _, others in reach.items():
            further = others.union(*(reach.get(other, set()) for other in others)) - others
            changed |= bool(further)
            others |= further
    return [{node} | others for node, others in reach.items() if node in others]


def test_every_room_has_a_floor():
    rooms = {room_of(module) for module in MODULES if module != ENTRANCE}
    assert rooms <= set(FLOOR_OF), f"Give these a floor in FLOORS and CONTRIBUTING.md: {rooms - set(FLOOR_OF)}"


@pytest.mark.parametrize("module", [module for module in MODULES if module != ENTRANCE])
def test_imports_go_down(module):
    room = room_of(module)
    for other in imports_of(module) - {ENTRANCE}:
        there = room_of(other)
        assert there == room or FLOOR_OF[there] < FLOOR_OF[room], f"{module} imports {other}, on no lower floor"


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: imports_of(module) for module in MODULES if module != ENTRANCE}
    assert circles(graph) == []


def test_circles_are_seen():
    assert circles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == [{"a", "b"}, {"a", "b"}]


def python_files() -> list[Path]:
    folders = ("sargan_hf", "tests", "tools", "benchmarks", "release", "examples", "docs")
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


# Longer than the rule allows, with their lines: they may shrink, and nothing joins them.
LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {}


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONG_FILES.get(str(path.relative_to(ROOT)), 350)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= LONG_FUNCTIONS.get(node.name, 50), f"{node.name} has {lines} lines"


def test_a_file_name_means_one_thing():
    places = defaultdict(set)
    for module, path in MODULES.items():
        # A command is named after what it calls; a published set's file after the set.
        if path.name != "__init__.py" and not module.startswith(("commands.", "data.sources.")):
            places[path.name].add(module)
    assert {name: sorted(found) for name, found in places.items() if len(found) > 1} == {}
