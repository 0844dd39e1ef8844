"""The endless stream of samples of a run, addressed by position."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from ..expressions import NO_CLASS
from .image_cache import FaceCache
from .optical_flow import MotionMaps
from .pairing import Pair, choose
from .sample import Draw, Face, SampleMaker


class TrainingSamples(Dataset):
    """The endless stream of samples of one run, addressed by position.

    Partners of a pair make each other's sources, unless the set says what each picture is made from (`before`).

    One sample is a dict of
        source, target: float32 [3, S, S] in [-1, 1]; `target` repeats the source where it is not known
        source_expression, target_expression: int64 scalars, the class shown and the one requested; `NO_CLASS` is none
        paired: float32 scalar, 1 where `target` is the true picture
        motion: float32 [2, S, S], as in `SARGANOutput.motion`; motion_valid: float32 [1, S, S]
        controls: float32 [K], if controls are trained: requested with that class, 0 leaves a part as it is
        source_controls: float32 [K], what turns the edit back, beside the class of the source
        mix: float32 [1, 1, 1] uniform in [0, 1), for the gradient penalty
    """

    def __init__(self, faces: FaceCache, draw: Draw, neutral: int, maps: MotionMaps, before: FaceCache | None = None):
        self.faces, self.draw, self.neutral, self.maps, self.before = faces, draw, neutral, maps, before
        self.maker = SampleMaker(draw, faces.size, maps)
        self.batch = 1  # pictures of an update, of all processes

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        picture = self._shuffled(position)
        rng = np.random.default_rng([self.draw.seed, 1, position])
        if self.before is not None:
            target = self._face(picture)
            source = Face(self.before.picture(picture), target.expression)
            # Moved by controls alone, a mouth has no class: its outline must do.
            dropped = self.draw.class_dropout > 0 and rng.random() < self.draw.class_dropout
            asked = NO_CLASS if dropped else target.expression
            return self.maker.make(source, target, asked, None, rng)
        members = self.faces.partners(picture)
        members = members if len(members) else np.array([picture])
        drawn = int(np.flatnonzero(members == picture)[0])
        dealt = self._dealt(position) if self.draw.dealt else None
        choice = choose(self._pair(members), drawn, self.draw, self.neutral, self.faces.classes, rng, dealt)
        source = int(members[choice.source])
        target = None if choice.target is None else int(members[choice.target])
        exact = self.maps.exact(source, target) if self.draw.motion and target is not None else None
        true = None if target is None else self._face(target)
        return self.maker.make(self._face(source), true, choice.expression, exact, rng, choice.controls)

    def loader_kwargs(
        self, first_step: int, local_batch: int, rank: int, world: int, place: Any = None
    ) -> dict[str, Any]:
        self.batch = local_batch * world
        return {"dataset": self, "sampler": StreamSampler(first_step, local_batch, rank, world)}

    def _face(self, index: int) -> Face:
        return Face(self.faces.picture(index), int(self.faces.expression[index]))

    def _dealt(self, position: int) -> int:
        """The label that this place of a batch gets when the labels of its pictures are dealt anew."""
        update, place = divmod(position, self.batch)
        order = np.random.default_rng([self.draw.seed, 2, update]).permutation(self.batch)
        other = self._shuffled(update * self.batch + int(order[place]))
        return int(self.faces.expression[other])

    def _shuffled(self, position: int) -> int:
        epoch, place = divmod(position, len(self.faces))
        return int(_order(self.draw.seed, epoch, len(self.faces))[place])

    def _pair(self, members: np.ndarray) -> Pair:
        faces = self.faces
        controls, added = (None if of is None else of[members] for of in (faces.controls, faces.controls_added))
        return Pair(faces.expression[members], faces.source_only[members], controls, added)


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, length: int) -> np.ndarray:
    return np.random.default_rng([seed, 0, epoch]).permutation(length)


class StreamSampler(Sampler[int]):
    """The positions of one process, from update `first_step` on, endlessly.

    Update s of the whole run covers the positions [s * G, (s + 1) * G), G being the global batch; each process takes an
    equal, contiguous share of it.
    """

    def __init__(self, first_step: int, local_batch: int, rank: int, world: int):
        self.first_step, self.local_batch, self.rank, self.world = first_step, local_batch, rank, world

    def __iter__(self) -> Iterator[int]:
        step = self.first_step
        while True:
            start = step * self.local_batch * self.world + self.rank * self.local_batch
            yield from range(start, start + self.local_batch)
            step += 1
