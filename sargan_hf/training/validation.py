"""What a run shows while it trains: errors on people held out, and a grid of their faces in every expression."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np
import torch
from PIL import Image

from ..augmentation.style import old_photograph, painterly, stone
from ..file_errors import whole_file
from ..images.normalize import to_pixels
from ..modeling_sargan import SARGAN
from . import losses
from .control_validation import ControlValidator, crop_tensor
from .image_cache import FaceCache
from .setup_data import TrainingData

OTHER_DOMAINS = (old_photograph, painterly, stone)


class Validator:
    """A fixed selection of held-out pairs, evaluated from the neutral picture (or the first) to each expression."""

    def __init__(
        self,
        faces: FaceCache,
        expressions: tuple[str, ...],
        resolution: int,
        most_pairs: int = 24,
        before: FaceCache | None = None,
    ):
        self.expressions, self.resolution = expressions, resolution
        pairs: dict[str, np.ndarray] = {}
        for index in range(len(faces)):
            members = faces.partners(index) if before is None else _shows_the_same(faces, index)
            members = members[~faces.source_only[members] & faces.plain[members]]
            if len(members):
                pairs.setdefault(faces.subject[index], members)  # one pair of each person
        chosen = list(pairs.values())[:most_pairs]
        self.pairs = [self._stack(faces, members) for members in chosen]
        # What each picture of a pair is made from: its own `before`, else the neutral one.
        if before is None:
            self.starts = [_from_neutral(pair) for pair in self.pairs]
        else:
            self.starts = [self._stack(before, members) for members in chosen]
        self.refines = before is not None
        unpaired = [] if chosen else range(min(len(faces), 8))
        self.single = [self._crop(faces, index) for index in unpaired]
        neutral = expressions.index("neutral") if "neutral" in expressions else -1
        self.drawn = ControlValidator(faces, neutral, resolution, most_pairs)

    @classmethod
    def of(cls, data: TrainingData, resolution: int) -> Self | None:
        """For the pictures that a run keeps aside; None where it keeps none."""
        return cls(data.held_out, data.expressions, resolution, before=data.held_out_before) if data.held_out else None

    def _stack(self, faces: FaceCache, members: np.ndarray) -> dict[str, torch.Tensor]:
        return {self.expressions[faces.expression[index]]: self._crop(faces, index) for index in members}

    def _crop(self, faces: FaceCache, index: int) -> torch.Tensor:
        return crop_tensor(faces, index, self.resolution)

    @torch.inference_mode()
    def errors(self, generator: SARGAN, device: torch.device) -> dict[str, float]:
        """Error to the true picture divided by the error of no edit, mean over people, for each expression and overall.

        Below 1 the edit is closer to the truth than the untouched picture; 0 is perfect. Empty where no pair was held out.
        Where the set has controls, "controls" is the error of edits by these alone; "all" is without it.
        """
        ratios: dict[str, list[float]] = {}
        for pair, starts in zip(self.pairs, self.starts, strict=True):
            names = list(starts)
            source = torch.stack([starts[name] for name in names]).to(device)
            target = torch.stack([pair[name] for name in names]).to(device)
            sample = generator(source, self._one_hot(names, device)).sample
            weight = losses.change_weight(source, target)
            found, unedited = (losses.pyramid_error(each, target, weight).tolist() for each in (sample, source))
            for name, error, before in zip(names, found, unedited, strict=True):
                if before > 0:  # the same picture under two names has nothing to be measured by
                    ratios.setdefault(name, []).append(error / before)
        report = {name: float(np.mean(values)) for name, values in sorted(ratios.items())}
        report |= {"all": float(np.mean(list(report.values())))} if report else {}
        controls = self.drawn.error(generator, device)
        return report if controls is None else report | {"controls": controls}

    @torch.inference_mode()
    def grid(self, generator: SARGAN, device: torch.device, rows: int = 6) -> Image.Image:
        """Each row: the picture, its edits in the order of `expressions`; beneath it the truth where it is known.

        Where the set has controls, faces follow that were edited by these alone, each over its truth. The last rows show the
        first face again in other domains: as an old photograph, a painting and a sculpture.
        Where every picture has its own `before`: these, what is made of them, and the truth.
        """
        if self.refines:
            return _as_image(
                [line for number in range(len(self.pairs[:rows])) for line in self._refined(generator, number, device)]
            )
        lines = []
        starts = [pair.get("neutral", next(iter(pair.values()))) for pair in self.pairs[:rows]] or self.single[:rows]
        for number, start in enumerate(starts):
            lines.append(self._edits(generator, start, device))
            if self.pairs:
                truth = [self.pairs[number].get(name, torch.full_like(start, -1.0)) for name in self.expressions]
                lines.append(torch.cat([start, *truth], dim=2))
        lines += self.drawn.lines(generator, device, len(self.expressions))
        lines += [self._edits(generator, _restyled(starts[0], style), device) for style in OTHER_DOMAINS]
        return _as_image(lines)

    def _refined(self, generator: SARGAN, number: int, device: torch.device) -> list[torch.Tensor]:
        """Three lines [3, S, n S]: what each expression of a pair is made from, what becomes of it, the truth."""
        starts, truth = self.starts[number], self.pairs[number]
        missing = torch.full((3, self.resolution, self.resolution), -1.0)
        before = torch.stack([starts.get(name, missing) for name in self.expressions])
        edits = generator(before.to(device), self._one_hot(self.expressions, device)).sample.clamp(-1, 1).cpu()
        return [
            torch.cat(list(line), dim=2) for line in (before, edits, [truth.get(n, missing) for n in self.expressions])
        ]

    def _edits(self, generator: SARGAN, start: torch.Tensor, device: torch.device) -> torch.Tensor:
        """A face and its edits side by side, [3, S, (1 + n) S] on the CPU."""
        source = start.to(device).expand(len(self.expressions), -1, -1, -1)
        edits = generator(source, self._one_hot(self.expressions, device)).sample.clamp(-1, 1).cpu()
        return torch.cat([start, *edits], dim=2)

    def _one_hot(self, names: list[str] | tuple[str, ...], device: torch.device) -> torch.Tensor:
        indices = torch.tensor([self.expressions.index(name) for name in names], device=device)
        return torch.nn.functional.one_hot(indices, len(self.expressions)).float()


def _as_image(lines: list[torch.Tensor]) -> Image.Image:
    return Image.fromarray(to_pixels(torch.cat(lines, dim=1).numpy()))


def _from_neutral(pair: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    start = "neutral" if "neutral" in pair else next(iter(pair))
    return {name: pair[start] for name in pair if name != start}


def _shows_the_same(faces: FaceCache, index: int) -> np.ndarray:
    """One picture of each expression of the person in this one."""
    found: dict[int, int] = {}
    for other in range(len(faces)):
        if faces.subject[other] == faces.subject[index]:
            found.setdefault(int(faces.expression[other]), other)
    return np.array(list(found.values()))


def _restyled(face: torch.Tensor, style: Callable) -> torch.Tensor:
    """A face [3, S, S] in [-1, 1] in one of the styles of the augmentation, always by the same draw."""
    picture = (face.permute(1, 2, 0).numpy()[None] + 1) / 2
    styled = np.clip(style(picture, np.random.default_rng(0), 1.0)[0], 0, 1)
    return torch.from_numpy(np.ascontiguousarray(styled.transpose(2, 0, 1), dtype=np.float32)) * 2 - 1


def save_grid(grid: Image.Image, output_dir: Path, step: int) -> Path:
    """Writes the samples of a step as PNG; raises OSError where that cannot be done, and leaves nothing behind then."""
    folder = output_dir / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}.png"
    with whole_file(path) as file:
        grid.save(file, "PNG")
    return path
