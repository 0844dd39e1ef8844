"""What a run of the rig makes: its settings, and the list of people in a fixed order.

The order and every random draw depend on the settings alone. So a run can be interrupted anywhere, resumed, or spread over any
number of processes, and it still gives the same bytes.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import RigError
from ...expressions import EXPRESSIONS, resolve_expression
from ..portraits.reader import find_portraits
from ..rendering.variation import RenderOptions
from .left_out import without_people

SHARES = (0.4, 0.6)  # of the second person in a morph
SETS_PER_PAIRED_PHOTOGRAPH = 3  # times the variants: such people are few, and their mouths are no paint


@dataclass(frozen=True)
class RigSettings:
    """What to make, from what, where.

    Attributes:
        portraits: folders or pictures of neutral faces.
        output: folder of the data set.
        variants: sets of seven expressions per person.
        morphs: additional people, each mixed from two portraits.
        size: side of the pictures in pixels.
        seed: of everything that is drawn.
        real: (folder, expression) pairs: pictures that show an expression for real. Where one bears the name of a portrait it
            shows the same person, and joins further sets of that person (see `real.py`); others are cut to the same crop and
            added unpaired.
        options: what varies between sets.
        left_out: expressions to leave out, by the stem of a portrait's file name; with neutral, the whole person.
        model: the face model's file; None for the one in SARGAN_ASSETS, or else the package's own.
        command: the command line to be quoted in the data set card.
    """

    portraits: tuple[Path, ...]
    output: Path
    variants: int = 2
    morphs: int = 0
    size: int = 160
    seed: int = 0
    real: tuple[tuple[Path, str], ...] = ()
    options: RenderOptions = field(default_factory=RenderOptions)
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    model: Path | None = None
    command: str = ""


@dataclass(frozen=True)
class Unit:
    """One person to make pictures of; the smallest piece of work that is stored on its own.

    Attributes:
        index: place in the plan.
        kind: "portrait", "morph", "real", or "paired_photograph": a person photographed neutral and with an expression.
        paths: the picture, or the two pictures of a morph or of one person.
        expression: the label of the real picture; "" without one.
        share: of the second person in a morph.
    """

    index: int
    kind: str
    paths: tuple[str, ...]
    expression: str = ""
    share: float = 0.0

    @property
    def subject(self) -> str:
        """File stem, or the two stems of a morph joined by "+", which no single stem may hold."""
        paths = self.paths[:1] if self.kind == "paired_photograph" else self.paths
        return "+".join(Path(path).stem.replace("+", "-") for path in paths)

    @property
    def source(self) -> str:
        """What the data set says of where its rendered pictures come from."""
        return "portrait" if self.kind == "paired_photograph" else self.kind

    def variants(self, settings: RigSettings) -> int:
        """Sets of pictures to make of it."""
        return settings.variants * (SETS_PER_PAIRED_PHOTOGRAPH if self.kind == "paired_photograph" else 1)

    @property
    def name(self) -> str:
        """What a message calls it: the file name, or both."""
        return " + ".join(Path(path).name for path in self.paths)

    def seed(self, run_seed: int, variant: int) -> int:
        """Seed of one variant. It depends on the person, not on the place in the plan."""
        name = zlib.crc32(f"{self.kind}:{self.subject}".encode())
        return int(np.random.SeedSequence([run_seed, name, variant]).generate_state(1, np.uint64)[0])


def make_plan(settings: RigSettings) -> list[Unit]:
    """All units of a run.

    Raises:
        RigError: no portraits, too few of them for the morphs, a count that is not positive, or nobody to leave out.
        ExpressionError: a label in `real` is not an expression.
    """
    for name, smallest in (("variants", 1), ("morphs", 0), ("size", 32), ("seed", 0)):
        if getattr(settings, name) < smallest:
            raise RigError(f"{name} is {getattr(settings, name)}; at least {smallest} is needed.")
    # The output may lie among the portraits, and contact sheets in it are no portraits.
    inside = settings.output.resolve()
    found = find_portraits(settings.portraits)
    portraits = [str(path) for path in found if not path.resolve().is_relative_to(inside)]
    portraits = without_people(portraits, settings.left_out)
    rows = [("portrait", (path,), "", 0.0) for path in portraits]
    rows += [("morph", pair, "", share) for pair, share in _draw_pairs(portraits, settings)]
    same_person = _by_unique_name(portraits)
    for folder, label in settings.real:
        expression = resolve_expression(label, EXPRESSIONS)
        for path in find_portraits([folder]):
            neutral = same_person.get(path.stem)
            rows.append(
                ("real", (str(path),), expression, 0.0)
                if neutral is None
                else ("paired_photograph", (neutral, str(path)), expression, 0.0)
            )
    return [Unit(index, *row) for index, row in enumerate(rows)]


def _by_unique_name(portraits: Sequence[str]) -> dict[str, str]:
    """Portraits by their stem, without those that share one: they need not be the same person."""
    found: dict[str, list[str]] = {}
    for path in portraits:
        found.setdefault(Path(path).stem, []).append(path)
    return {stem: paths[0] for stem, paths in found.items() if len(paths) == 1}


def _draw_pairs(portraits: Sequence[str], settings: RigSettings) -> list[tuple[tuple[str, str], float]]:
    """Distinct unordered pairs with the second one's share.

    Both come from one folder: people who keep photographs, paintings and statues apart do not want them mixed.
    """
    folders: dict[Path, list[str]] = {}
    for path in portraits:
        folders.setdefault(Path(path).parent, []).append(path)
    sizes = [len(members) * (len(members) - 1) // 2 for members in folders.values()]
    if settings.morphs > sum(sizes):
        raise RigError(
            f"You requested {settings.morphs} morphs, but {len(portraits)} portraits make only {sum(sizes)} pairs within "
            f"their folders. Ask for at most {sum(sizes)}."
        )
    rng = np.random.default_rng([settings.seed, zlib.crc32(b"morphs")])
    chosen = rng.choice(sum(sizes), settings.morphs, replace=False) if settings.morphs else []
    pairs = []
    for number in chosen:
        folder = int(np.searchsorted(np.cumsum(sizes), number, side="right"))
        members = list(folders.values())[folder]
        first, second = _unranked(int(number) - sum(sizes[:folder]), len(members))
        if rng.random() < 0.5:
            first, second = second, first
        pairs.append(((members[first], members[second]), round(float(rng.uniform(*SHARES)), 3)))
    return pairs


def _unranked(number: int, count: int) -> tuple[int, int]:
    """The `number`-th of all pairs (i, j), i < j < `count`."""
    for first in range(count):
        remaining = count - first - 1
        if number < remaining:
            return first, first + 1 + number
        number -= remaining
    raise IndexError(number)


def fingerprint(settings: RigSettings, plan: Sequence[Unit]) -> str:
    """JSON of everything the pictures depend on: what a resumed run must agree on."""
    described = {
        "variants": settings.variants,
        "size": settings.size,
        "seed": settings.seed,
        "options": repr(settings.options),
        **({"left_out": _by_name(settings.left_out)} if settings.left_out else {}),
        "units": [[unit.kind, unit.subject, unit.expression, unit.share] for unit in plan],
    }
    return json.dumps(described, indent=1)


def _by_name(left_out: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    return {subject: sorted(expressions) for subject, expressions in sorted(left_out.items())}
