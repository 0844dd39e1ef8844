"""From a labelled expression set to training batches.

Every sample is a pure function of (seed, position in the run). Nothing has to be saved or skipped to resume exactly,
and the same pictures come out however many processes, workers or accumulation steps share the work.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ..data.augmentation import stylise
from ..data.caricature import Caricature, draw_caricature
from ..data.occluders import draw_occluder
from ..errors import SARGANError
from ..faces.alignment import canonical_eyes, canonical_mouth
from .faces import FaceCache
from .flow import MotionMaps, transform_flow

if TYPE_CHECKING:
    from .streaming import StreamedSamples


PHOTOGRAPH_SHARE = 0.5  # of the sources that are not neutral, where a pair has photographs


@dataclass(frozen=True)
class Draw:
    """How samples are drawn and varied. See `TrainingConfig` for the meaning of the shared names."""

    resolution: int
    neutral_source: float
    stylise: float
    occluders: float
    caricature: float
    motion: bool
    seed: int
    canonical: bool = True  # False where the pictures are no canonical crops: no spectacles, no caricatures
    pairs: bool = True  # False draws paired pictures as if they were not
    rotation: float = 12.0  # degrees either way
    zoom: tuple[float, float] = (0.92, 1.15)  # times the canonical crop
    shift: float = 0.05  # of the side


@dataclass(frozen=True)
class Face:
    """A stored picture, uint8 [N, N, 3] RGB, and the index of its expression."""

    picture: np.ndarray
    expression: int


class SampleMaker:
    """Turns the pictures of a sample into tensors, all by the same draw of geometry and style.

    Args:
        draw: how they are varied.
        stored: side of the pictures it is given.
        maps: estimates motion where it is not known.
    """

    def __init__(self, draw: Draw, stored: int, maps: MotionMaps):
        self.draw, self.stored, self.maps = draw, stored, maps

    def make(
        self,
        source: Face,
        target: Face | None,
        aim: int,
        exact: tuple[np.ndarray, np.ndarray] | None,
        rng: np.random.Generator,
    ) -> dict[str, torch.Tensor]:
        """A sample as `TrainingSamples` describes it.

        Args:
            source, target: pictures of a pair; no target where the true picture is not known.
            aim: index of the expression to turn the source into.
            exact: flow and valid from source to target, see `flow`, where the set brings it.
            rng: what is drawn is drawn from it.
        """
        matrix, flip = self._geometry(rng)
        eyes, mouth = self._places(matrix, flip) if self.draw.canonical else (None, None)
        shape = None
        if eyes is not None and rng.random() < self.draw.caricature:
            shape = draw_caricature(rng, self.draw.resolution, eyes, mouth)
            eyes = shape.points(eyes)
        faces = [source] if target is None else [source, target]
        pictures = np.stack([self._crop(face.picture, matrix, flip, shape) for face in faces])
        flow, valid = self._motion(pictures, exact, matrix, flip, shape)
        if rng.random() < self.draw.occluders:
            occluder = draw_occluder(rng, self.draw.resolution, eyes)
            pictures, (flow, valid) = occluder.before(pictures), occluder.stills(flow, valid)
        if self.draw.stylise > 0:
            pictures = stylise(pictures, rng, self.draw.stylise)
        pixels = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32) * 2 - 1)
        return {
            "motion": torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1))) * (2 / self.draw.resolution),
            "motion_valid": torch.from_numpy(valid)[None],
            "source": pixels[0],
            "target": pixels[-1],
            "source_expression": torch.tensor(int(source.expression)),
            "target_expression": torch.tensor(int(aim)),
            "paired": torch.tensor(float(target is not None)),
            "mix": torch.tensor(rng.random(), dtype=torch.float32).reshape(1, 1, 1),
        }

    def _geometry(self, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
        draw, stored = self.draw, self.stored
        zoom = draw.resolution / stored * rng.uniform(*draw.zoom)
        centre = (stored - 1) / 2
        matrix = cv2.getRotationMatrix2D((centre, centre), rng.uniform(-draw.rotation, draw.rotation), zoom)
        shift = rng.uniform(-draw.shift, draw.shift, 2) * draw.resolution
        matrix[:, 2] += (draw.resolution - 1) / 2 - centre + shift
        return matrix, bool(rng.random() < 0.5)

    def _crop(self, picture: np.ndarray, matrix: np.ndarray, flip: bool, shape: Caricature | None) -> np.ndarray:
        size = (self.draw.resolution, self.draw.resolution)
        if shape is None:
            crop = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            return (crop[:, ::-1] if flip else crop).astype(np.float32) / 255
        # All in one: a second resampling would blur.
        places = self._mirrored(shape.places()) if flip else shape.places()
        back = cv2.invertAffineTransform(matrix).astype(np.float32)
        places = places @ back[:, :2].T + back[:, 2]
        crop = cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return crop.astype(np.float32) / 255

    def _places(self, matrix: np.ndarray, flip: bool) -> tuple[np.ndarray, np.ndarray]:
        """Where a canonical crop has its pupils, [2, 2], the left one in the sample first, and its mouth, [2]."""
        points = np.vstack([canonical_eyes(self.stored), canonical_mouth(self.stored)]) @ matrix[:, :2].T + matrix[:, 2]
        eyes, mouth = points[:2], points[2]
        return (self._mirrored(eyes)[::-1], self._mirrored(mouth)) if flip else (eyes, mouth)

    def _mirrored(self, points: np.ndarray) -> np.ndarray:
        return points * np.float32([-1, 1]) + np.float32([self.draw.resolution - 1, 0])

    def _motion(self, pictures, exact, matrix, flip, shape) -> tuple[np.ndarray, np.ndarray]:
        size = self.draw.resolution
        flow, valid = np.zeros((size, size, 2), np.float32), np.zeros((size, size), np.float32)
        if exact is not None:
            # The columns may be at another size than the stored pictures; a similarity takes them to the crop.
            scale = self.stored / len(exact[0])
            to_stored = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])
            flow, valid = transform_flow(*exact, matrix @ to_stored, flip, size)
            if shape is not None:
                flow, valid = shape.bent(flow, valid)
        elif self.draw.motion and len(pictures) == 2:
            flow, valid = self.maps.estimated(pictures[0], pictures[1])
        return flow, valid


def draw_aim(expression: int, num_expressions: int, rng: np.random.Generator) -> int:
    """An expression to aim at where the true picture is not known: any but the picture's own."""
    return int(rng.choice([other for other in range(num_expressions) if other != expression]))


def aims(expressions: np.ndarray, photographs: np.ndarray, expression: int, photograph: bool) -> np.ndarray:
    """Which of the pictures of a pair one with `expression` may be edited to, bool [N]: no photograph, and where it is one
    itself, none with the expression that it shows already.

    Args:
        expressions, photographs: int and bool [N], of the pictures of the pair.
    """
    return ~photographs & (expressions != expression) if photograph else ~photographs


def draw_source(
    expressions: np.ndarray,
    photographs: np.ndarray,
    expression: int,
    draw: Draw,
    neutral: int,
    rng: np.random.Generator,
) -> int:
    """Which of the pictures of a pair, int [N] by their expressions, the one with `expression` is made from.

    It is a neutral one in the share `neutral_source` of the cases where there is one. Where there are photographs of another
    expression (bool [N]) among rendered ones, it is one of them in half of the other cases, as they are what people bring. Else
    it is any but a photograph of `expression`: a real smile is not to become the rendered one.
    """
    neutrals = np.flatnonzero(expressions == neutral)
    if expression != neutral and len(neutrals) and rng.random() < draw.neutral_source:
        return int(rng.choice(neutrals))
    brought = photographs & (expressions != expression)
    if brought.any() and rng.random() < PHOTOGRAPH_SHARE:
        return int(rng.choice(np.flatnonzero(brought)))
    return int(rng.choice(np.flatnonzero(brought | ~photographs)))


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

    in_workers = True

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
        source, target, aim = self._choose(picture, rng)
        exact = self.maps.exact(source, target) if self.draw.motion and target is not None else None
        return self.maker.make(self._face(source), None if target is None else self._face(target), aim, exact, rng)

    def reader(self, first_step: int, local_batch: int, rank: int, world: int) -> dict:
        """The data loader's arguments for one process, from update `first_step` on."""
        return {"dataset": self, "sampler": StreamSampler(first_step, local_batch, rank, world)}

    def _face(self, index: int) -> Face:
        return Face(self.faces.picture(index), int(self.faces.expression[index]))

    def _shuffled(self, position: int) -> int:
        epoch, place = divmod(position, len(self.faces))
        return int(_order(self.draw.seed, epoch, len(self.faces))[place])

    def _choose(self, picture: int, rng: np.random.Generator) -> tuple[int, int | None, int]:
        """The drawn picture is the target: all expressions are aimed at equally often. A partner is its source.

        A drawn picture that may only be a source is edited to one of its partners with another expression.
        """
        partners, expression = self.faces.partners(picture), int(self.faces.expression[picture])
        of = self.faces.expression[partners], self.faces.source_only[partners]
        photograph = self.faces.source_only[picture]
        targets = partners[aims(*of, expression, photograph)]
        if len(targets) == 0 or not self.draw.pairs:
            return picture, None, draw_aim(expression, self.faces.num_expressions, rng)
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


def training_batches(
    samples: "TrainingSamples | StreamedSamples",
    first_step: int,
    micro_batch: int,
    accumulation: int,
    rank: int,
    world: int,
    workers: int,
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless micro-batches of this process, `accumulation` of them for each update."""
    workers = workers if samples.in_workers else 0
    loader = DataLoader(
        **samples.reader(first_step, micro_batch * accumulation, rank, world),
        batch_size=micro_batch,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_prepare_worker,
        pin_memory=torch.cuda.is_available(),  # without it the copy to the GPU waits for the GPU
    )
    # A fork that has to stop OpenCV's threads waits for ever for those that it did not inherit: there may be none by then.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return iter(loader)
    finally:
        cv2.setNumThreads(threads)


def _prepare_worker(_: int) -> None:
    cv2.setNumThreads(1)
    # Ctrl-C and a scheduler's SIGTERM reach all processes of a job. The training process finishes its step and stops the
    # workers itself; a worker gone before that would end it with an error instead.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def told_loader_errors() -> Iterator[None]:
    """Says in a sentence that one of the loader's processes was killed, which PyTorch tells in a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker (pid"):
            raise
        raise SARGANError(
            f"A process that prepares batches was killed ({' '.join(str(error).split())[:120]}...). Where memory or /dev/shm "
            "is small (docker run --shm-size), train with --dataloader_num_workers 0. Go on with --resume_from_checkpoint "
            "latest."
        ) from error
