"""From a labelled expression set to training batches.

Every sample is a pure function of (seed, position in the run). Nothing has to be saved or skipped to resume exactly,
and the same pictures come out however many processes, workers or accumulation steps share the work.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from ..augmentation.occluders import draw_occluder
from ..augmentation.proportions import Proportions, draw_proportions
from ..augmentation.style import stylise
from ..controls import mirrored_controls
from ..data.pair_flow import transform_flow
from ..faces.alignment import canonical_eyes, canonical_mouth
from ..images.warp import fetched
from .optical_flow import MotionMaps


class Samples(Protocol):
    """What the data loader needs from a source of samples; `TrainingSamples` says what a sample is."""

    def loader_kwargs(
        self, first_step: int, local_batch: int, rank: int, world: int, place: Any = None
    ) -> dict[str, Any]:
        """The arguments of `torch.utils.data.DataLoader` for one process, from update `first_step` on.

        Args:
            local_batch: samples of this process for each update.
            rank, world: of the process, and how many there are.
            place: where a stream goes on, see `stream_blocks.Place`; other sets know it by the step.
        """
        ...


@dataclass(frozen=True)
class ControlShares:
    """How often pairs are requested by controls; the rest is requested by a class alone.

    Attributes:
        alone: share that names no class: the controls are what the target shows less what the source shows.
        added: share that names the class of the target, and controls by which it differs from its class.
    """

    alone: float
    added: float

    def draw(self, rng: np.random.Generator) -> str:
        """One of "alone", "added" and "class"."""
        place = rng.random()
        return "alone" if place < self.alone else "added" if place < self.alone + self.added else "class"


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
    shares: ControlShares | None = None  # None trains no controls
    blank_eyes: bool = True  # imitated stone loses its irises
    geometry: float = 1.0  # strength of the three below; 0 leaves flips only
    class_dropout: float = 0.0  # share asked for without their class, of a set that says what pictures are made from
    dealt: bool = False  # unpaired pictures get the labels of the other pictures of their batch, not any class alike
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
        self._canonical = np.vstack([canonical_eyes(stored), canonical_mouth(stored)])

    def make(
        self,
        source: Face,
        target: Face | None,
        expression: int,
        exact: tuple[np.ndarray, np.ndarray] | None,
        rng: np.random.Generator,
        controls: np.ndarray | None = None,
    ) -> dict[str, torch.Tensor]:
        """A sample as `TrainingSamples` describes it.

        Args:
            source, target: pictures of a pair; no target where the true picture is not known.
            expression: index of the one to turn the source into, `NO_CLASS` for none.
            exact: flow and valid from source to target, see `flow`, where the set brings it.
            rng: what is drawn is drawn from it.
            controls: as in `pairing.Choice`, where controls are trained.
        """
        matrix, flip = self._geometry(rng)
        eyes, mouth = self._places(matrix, flip) if self.draw.canonical else (None, None)
        shape = None
        if eyes is not None and mouth is not None and rng.random() < self.draw.caricature:
            shape = draw_proportions(rng, self.draw.resolution, eyes, mouth)
            eyes = shape.points(eyes)
        faces = [source] if target is None else [source, target]
        pictures = np.stack([self._crop(face.picture, matrix, flip, shape) for face in faces]) / np.float32(255)
        flow, valid = self._motion(pictures, exact, matrix, flip, shape)
        if rng.random() < self.draw.occluders:
            occluder = draw_occluder(rng, self.draw.resolution, eyes)
            pictures, (flow, valid) = occluder.before(pictures), occluder.stills(flow, valid)
        if self.draw.stylise > 0:
            pictures = stylise(pictures, rng, self.draw.stylise, self.draw.blank_eyes)
        planes = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        planes *= 2
        planes -= 1
        pixels = torch.from_numpy(planes)
        sample = {
            "motion": torch.from_numpy(np.stack(cv2.split(flow))) * (2 / self.draw.resolution),
            "motion_valid": torch.from_numpy(valid)[None],
            "source": pixels[0],
            "target": pixels[-1],
            "source_expression": torch.tensor(int(source.expression)),
            "target_expression": torch.tensor(int(expression)),
            "paired": torch.tensor(float(target is not None)),
            "mix": torch.tensor(rng.random(), dtype=torch.float32).reshape(1, 1, 1),
        }
        if controls is None:
            return sample
        asked, back = torch.from_numpy(mirrored_controls(controls) if flip else controls.astype(np.float32))
        return sample | {"controls": asked, "source_controls": back}

    def _geometry(self, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
        draw, stored, strength = self.draw, self.stored, self.draw.geometry
        smallest, largest = (1 + (end - 1) * strength for end in draw.zoom) if strength != 1 else draw.zoom
        zoom = draw.resolution / stored * rng.uniform(smallest, largest)
        centre, rotation = (stored - 1) / 2, draw.rotation * strength
        matrix = cv2.getRotationMatrix2D((centre, centre), rng.uniform(-rotation, rotation), zoom)
        shift = rng.uniform(-draw.shift * strength, draw.shift * strength, 2) * draw.resolution
        matrix[:, 2] += (draw.resolution - 1) / 2 - centre + shift
        return matrix, bool(rng.random() < 0.5)

    def _crop(self, picture: np.ndarray, matrix: np.ndarray, flip: bool, shape: Proportions | None) -> np.ndarray:
        size = (self.draw.resolution, self.draw.resolution)
        if shape is None:
            crop = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            return cv2.flip(crop, 1) if flip else crop
        # All in one: a second resampling would blur.
        places = self._mirrored(shape.places()) if flip else shape.places()
        back = cv2.invertAffineTransform(matrix).astype(np.float32)
        return fetched(picture, cv2.transform(places, back), cv2.BORDER_REFLECT)

    def _places(self, matrix: np.ndarray, flip: bool) -> tuple[np.ndarray, np.ndarray]:
        """Where a canonical crop has its pupils, [2, 2], the left one in the sample first, and its mouth, [2]."""
        points = self._canonical @ matrix[:, :2].T + matrix[:, 2]
        eyes, mouth = points[:2], points[2]
        return (self._mirrored(eyes)[::-1], self._mirrored(mouth)) if flip else (eyes, mouth)

    def _mirrored(self, points: np.ndarray) -> np.ndarray:
        return points * np.array([-1, 1], np.float32) + np.array([self.draw.resolution - 1, 0], np.float32)

    def _motion(
        self,
        pictures: np.ndarray,
        exact: tuple[np.ndarray, np.ndarray] | None,
        matrix: np.ndarray,
        flip: bool,
        shape: Proportions | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        size = self.draw.resolution
        flow, valid = np.zeros((size, size, 2), np.float32), np.zeros((size, size), np.float32)
        if exact is not None:
            # The columns may be at another size than the stored pictures; a similarity takes them to the crop.
            scale = self.stored / len(exact[0])
            to_stored = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])
            flow, valid = transform_flow(exact[0], exact[1], matrix @ to_stored, flip, size)
            if shape is not None:
                flow, valid = shape.bent(flow, valid)
        elif self.draw.motion and len(pictures) == 2:
            flow, valid = self.maps.estimated(pictures[0], pictures[1])
        return flow, valid
