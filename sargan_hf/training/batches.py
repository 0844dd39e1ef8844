"""From a labelled expression set to training batches.

Every sample is a pure function of (seed, position in the run). Nothing has to be saved or skipped to resume exactly,
and the same pictures come out however many processes, workers or accumulation steps share the work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ..data.augmentation import stylise
from .faces import FaceCache
from .flow import MotionMaps, transform_flow


@dataclass(frozen=True)
class Draw:
    """How samples are drawn and varied. See `TrainingConfig` for the meaning of the shared names."""

    resolution: int
    neutral_source: float
    stylise: float
    motion: bool
    seed: int
    pairs: bool = True  # False draws paired pictures as if they were not
    rotation: float = 12.0  # degrees either way
    zoom: tuple[float, float] = (0.92, 1.15)  # times the canonical crop
    shift: float = 0.05  # of the side


class TrainingSamples(Dataset):
    """The endless stream of samples of one run, addressed by position.

    One sample is a dict of
        source, target: float32 [3, S, S] in [-1, 1]; `target` repeats the source where it is not known
        source_expression, target_expression: int64 scalars
        paired: float32 scalar, 1 where `target` is the true picture
        motion: float32 [2, S, S], as in `SARGANOutput.motion`; motion_valid: float32 [1, S, S]
        mix: float32 [1, 1, 1] uniform in [0, 1), for the gradient penalty
    """

    def __init__(self, faces: FaceCache, draw: Draw, neutral: int, maps: MotionMaps):
        self.faces, self.draw, self.neutral, self.maps = faces, draw, neutral, maps

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        picture = self._shuffled(position)
        rng = np.random.default_rng([self.draw.seed, 1, position])
        source, target, target_expression = self._choose(picture, rng)
        paired = target is not None
        matrix, flip = self._geometry(rng)
        pictures = np.stack([self._crop(i, matrix, flip) for i in ((source, target) if paired else (source,))])
        sample = self._motion(source, target, pictures, matrix, flip)
        if self.draw.stylise > 0:
            pictures = stylise(pictures, rng, self.draw.stylise)
        pixels = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32) * 2 - 1)
        return sample | {
            "source": pixels[0],
            "target": pixels[-1],
            "source_expression": torch.tensor(int(self.faces.expression[source])),
            "target_expression": torch.tensor(int(target_expression)),
            "paired": torch.tensor(float(paired)),
            "mix": torch.tensor(rng.random(), dtype=torch.float32).reshape(1, 1, 1),
        }

    def _shuffled(self, position: int) -> int:
        epoch, place = divmod(position, len(self.faces))
        return int(_order(self.draw.seed, epoch, len(self.faces))[place])

    def _choose(self, picture: int, rng: np.random.Generator) -> tuple[int, int | None, int]:
        """The drawn picture is the target: all expressions are aimed at equally often. A partner is its source."""
        partners = self.faces.partners(picture)
        if len(partners) == 0 or not self.draw.pairs:
            others = [e for e in range(self.faces.num_expressions) if e != self.faces.expression[picture]]
            return picture, None, int(rng.choice(others))
        expression = int(self.faces.expression[picture])
        neutrals = partners[self.faces.expression[partners] == self.neutral]
        from_neutral = expression != self.neutral and len(neutrals) and rng.random() < self.draw.neutral_source
        return int(rng.choice(neutrals if from_neutral else partners)), picture, expression

    def _geometry(self, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
        draw, stored = self.draw, self.faces.size
        zoom = draw.resolution / stored * rng.uniform(*draw.zoom)
        centre = (stored - 1) / 2
        matrix = cv2.getRotationMatrix2D((centre, centre), rng.uniform(-draw.rotation, draw.rotation), zoom)
        shift = rng.uniform(-draw.shift, draw.shift, 2) * draw.resolution
        matrix[:, 2] += (draw.resolution - 1) / 2 - centre + shift
        return matrix, bool(rng.random() < 0.5)

    def _crop(self, index: int, matrix: np.ndarray, flip: bool) -> np.ndarray:
        size = (self.draw.resolution, self.draw.resolution)
        crop = cv2.warpAffine(
            self.faces.picture(index), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        return (crop[:, ::-1] if flip else crop).astype(np.float32) / 255

    def _motion(self, source, target, pictures, matrix, flip) -> dict[str, torch.Tensor]:
        size = self.draw.resolution
        flow, valid = np.zeros((size, size, 2), np.float32), np.zeros((size, size), np.float32)
        if self.draw.motion and target is not None:
            exact = self.maps.exact(source, target)
            if exact is not None:
                # The columns may be at another size than the stored pictures; a similarity takes them to the crop.
                scale = self.faces.size / len(exact[0])
                to_stored = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])
                flow, valid = transform_flow(*exact, matrix @ to_stored, flip, size)
            else:
                flow, valid = self.maps.estimated(pictures[0], pictures[1])
        motion = torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1))) * (2 / size)
        return {"motion": motion, "motion_valid": torch.from_numpy(valid)[None]}


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


def training_batches(
    samples: TrainingSamples, first_step: int, micro_batch: int, accumulation: int, rank: int, world: int, workers: int
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless micro-batches of this process, `accumulation` of them for each update."""
    sampler = StreamSampler(first_step, micro_batch * accumulation, rank, world)
    loader = DataLoader(
        samples,
        batch_size=micro_batch,
        sampler=sampler,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_one_thread,
    )
    return iter(loader)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(1)
