"""The endless stream of samples of a run, addressed by position."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from .image_cache import FaceCache
from .optical_flow import MotionMaps
from .pairing import allowed_targets, draw_source, draw_target
from .sample import Draw, Face, SampleMaker


class TrainingSamples(Dataset):
    """The endless stream of samples of one run, addressed by position.

    Partners of a pair make each other's sources, unless the set says what each picture is made from (`before`).

    One sample is a dict of
        source, target: float32 [3, S, S] in [-1, 1]; `target` repeats the source where it is not known
        source_expression, target_expression: int64 scalars
        paired: float32 scalar, 1 where `target` is the true picture
        motion: float32 [2, S, S], as in `SARGANOutput.motion`; motion_valid: float32 [1, S, S]
        mix: float32 [1, 1, 1] uniform in [0, 1), for the gradient penalty
    """

    supports_workers: ClassVar[bool] = True

    def __init__(self, faces: FaceCache, draw: Draw, neutral: int, maps: MotionMaps, before: FaceCache | None = None):
        self.faces, self.draw, self.neutral, self.maps, self.before = faces, draw, neutral, maps, before
        self.maker = SampleMaker(draw, faces.size, maps)

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        picture = self._shuffled(position)
        rng = np.random.default_rng([self.draw.seed, 1, position])
        if self.before is not None:
            target = self._face(picture)
            source = Face(self.before.picture(picture), target.expression)
            return self.maker.make(source, target, target.expression, None, rng)
        source, target, expression = self._choose(picture, rng)
        exact = self.maps.exact(source, target) if self.draw.motion and target is not None else None
        return self.maker.make(
            self._face(source), None if target is None else self._face(target), expression, exact, rng
        )

    def loader_kwargs(self, first_step: int, local_batch: int, rank: int, world: int) -> dict[str, Any]:
        return {"dataset": self, "sampler": StreamSampler(first_step, local_batch, rank, world)}

    def _face(self, index: int) -> Face:
        return Face(self.faces.picture(index), int(self.faces.expression[index]))

    def _shuffled(self, position: int) -> int:
        epoch, place = divmod(position, len(self.faces))
        return int(_order(self.draw.seed, epoch, len(self.faces))[place])

    def _choose(self, picture: int, rng: np.random.Generator) -> tuple[int, int | None, int]:
        """The drawn picture is the target: all expressions are edited to equally often. A partner is its source.

        A drawn picture that may only be a source is edited to one of its partners with another expression.
        """
        partners, expression = self.faces.partners(picture), int(self.faces.expression[picture])
        of = self.faces.expression[partners], self.faces.source_only[partners]
        photograph = self.faces.source_only[picture]
        targets = partners[allowed_targets(*of, expression, photograph)]
        if len(targets) == 0 or not self.draw.pairs:
            return picture, None, draw_target(expression, self.faces.num_expressions, rng)
        if photograph:
            target = int(rng.choice(targets))
            return picture, target, int(self.faces.expression[target])
        source = draw_source(*of, expression, self.draw, self.neutral, rng)
        return int(partners[source]), picture, expression


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
