"""Heads drawn at random, to train on: statues, busts and avatars whose licence is ours to give.

Photographs put through a stone filter still have a photograph's eyes and lips; these have a statue's. `sargan rig` takes
the folder as it takes any portraits.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scene import Hair, Head, render

RACES, SEXES = ("african", "asian", "caucasian"), ("female", "male")
# Morph targets and how far they may go either way; "{}" is incr or decr, "?" is left and right together.
SHAPES = {
    "head/head-scale-depth-{}": 0.4, "head/head-scale-horiz-{}": 0.4, "head/head-scale-vert-{}": 0.3,
    "head/head-fat-{}": 0.5, "chin/chin-width-{}": 0.5, "chin/chin-height-{}": 0.4, "chin/chin-prominent-{}": 0.4,
    "mouth/mouth-scale-horiz-{}": 0.5, "mouth/mouth-upperlip-volume-{}": 0.6, "mouth/mouth-lowerlip-volume-{}": 0.6,
    "mouth/mouth-upperlip-height-{}": 0.4, "mouth/mouth-lowerlip-height-{}": 0.4, "nose/nose-scale-horiz-{}": 0.5,
    "nose/nose-scale-vert-{}": 0.4, "nose/nose-volume-{}": 0.4, "eyes/?-eye-scale-{}": 0.4,
    "cheek/?-cheek-bones-{}": 0.6, "cheek/?-cheek-volume-{}": 0.5, "forehead/forehead-nubian-{}": 0.5,
}  # fmt: skip
FORMS = ("head/head-oval", "head/head-round", "head/head-square", "head/head-rectangular", "head/head-triangular")
STONES = (
    "marble", "marble", "plaster", "sandstone", "basalt", "bronze", "bronze", "verdigris", "terracotta", "clay", "wood",
)  # fmt: skip
SKINS = ("doll", "skin-fair", "skin-tan", "skin-brown", "skin-brown", "avatar")
HAIRS = ("hair-black", "hair-brown", "hair-auburn", "hair-grey")
EYES = ("eyes-brown", "eyes-green", "eyes-blue")
CLOTHES = ("knit-red", "knit-teal", "knit-mustard", "robe-blue")
SIZE = (480, 440)


def random_head(rng: np.random.Generator) -> Head:
    """One head: two thirds are statues."""
    statue = rng.random() < 0.66
    targets = _person(rng)
    if not statue:
        targets["eyes/?-eye-scale-incr"] = rng.uniform(0.2, 1.4)
    stone = str(rng.choice(STONES))
    hair = _hair(rng) if rng.random() < 0.8 else None
    grey = rng.uniform(0.05, 0.6)
    return Head(
        targets=targets,
        hair=hair,
        skin=stone if statue else str(rng.choice(SKINS)),
        hair_material=stone if statue else str(rng.choice(HAIRS)),
        eye_material=stone if statue else str(rng.choice(EYES)),
        carved_iris=bool(rng.random() < 0.5),
        cloth=None if statue and rng.random() < 0.7 else stone if statue else str(rng.choice(CLOTHES)),
        backdrop=tuple(np.clip(grey * rng.uniform(0.6, 1.4, 3), 0.02, 0.9)),
        turn=rng.uniform(-20, 20),
        brows=0.0 if statue else rng.uniform(0.025, 0.04),
        lens=rng.uniform(50, 110),
        lights=(rng.uniform(0.5, 1.3), rng.uniform(0.05, 0.7), rng.uniform(0.2, 1.0)),
        key_side=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 1.2)),
        frame_height=rng.uniform(2.1, 2.6),
        look_at=7.15,
        size=SIZE,
        tint=tuple(rng.uniform(0.75, 1.25, 3)),
    )


def _person(rng: np.random.Generator) -> dict[str, float]:
    """Weights of macro targets that add up to one, a form of the head, and small details."""
    names = [f"macrodetails/{race}-{sex}-{age}" for race in RACES for sex in SEXES for age in ("young", "young", "old")]
    chosen = rng.choice(names, 2)
    share = rng.uniform(0.5, 1.0)
    targets = {str(chosen[0]): share}
    targets[str(chosen[1])] = targets.get(str(chosen[1]), 0.0) + 1 - share
    targets[str(rng.choice(FORMS))] = rng.uniform(0, 0.5)
    for name, most in SHAPES.items():
        amount = rng.uniform(-most, most)
        targets[name.format("incr" if amount > 0 else "decr")] = abs(amount)
    return targets


def _hair(rng: np.random.Generator) -> Hair:
    return Hair(
        count=int(rng.integers(160, 300)),
        length=rng.uniform(0.35, 0.8),
        radius=rng.uniform(0.055, 0.09),
        curl=rng.uniform(0.2, 2.6),
        wave=rng.uniform(0, 0.5),
        front=rng.uniform(0.6, 0.8),
        crown=(rng.uniform(-0.8, 0.8), rng.uniform(7.9, 8.4), rng.uniform(-0.2, 1.5)),
        gravity=rng.uniform(0, 0.15),
        seed=int(rng.integers(1 << 30)),
    )


def render_many(folder: Path, count: int, seed: int, samples: int) -> None:
    """Renders heads 0 to `count` - 1 of `seed` that `folder` lacks: head-SEED-NUMBER.png, and what each is in heads.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"head-{seed}-{number:04d}.png"
        if path.exists():
            continue
        head = random_head(np.random.default_rng([seed, number]))
        unfinished = path.with_name(f"unfinished-{path.name}")
        render(head, str(unfinished), samples=samples)
        unfinished.rename(path)
        with open(folder / "heads.jsonl", "a") as lines:
            lines.write(json.dumps({"file": path.name, **asdict(head)}) + "\n")
