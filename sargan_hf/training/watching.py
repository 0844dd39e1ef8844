"""What a run shows while it trains: errors on people held out, and a grid of their faces in every expression."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from ..data.augmentation import old_photograph, painterly, stone
from ..modeling_sargan import SARGAN
from . import losses
from .faces import FaceCache

OTHER_DOMAINS = (old_photograph, painterly, stone)


class HeldOut:
    """A fixed selection of held-out pairs, evaluated from the neutral picture (or the first) to each expression."""

    def __init__(self, faces: FaceCache, expressions: tuple[str, ...], resolution: int, most_pairs: int = 24):
        self.expressions, self.resolution = expressions, resolution
        pairs: dict[str, np.ndarray] = {}
        for index in range(len(faces)):
            members = faces.partners(index)
            if len(members):
                pairs.setdefault(faces.subject[index], members)  # one pair of each person
        chosen = list(pairs.values())[:most_pairs]
        self.pairs = [self._stack(faces, members) for members in chosen]
        unpaired = [] if chosen else range(min(len(faces), 8))
        self.single = [self._crop(faces, index) for index in unpaired]

    def _stack(self, faces: FaceCache, members: np.ndarray) -> dict[str, torch.Tensor]:
        return {self.expressions[faces.expression[index]]: self._crop(faces, index) for index in members}

    def _crop(self, faces: FaceCache, index: int) -> torch.Tensor:
        picture = cv2.resize(faces.picture(index), (self.resolution, self.resolution), interpolation=cv2.INTER_AREA)
        return torch.from_numpy(picture).permute(2, 0, 1).float() / 127.5 - 1

    @torch.inference_mode()
    def errors(self, generator: SARGAN, device: torch.device) -> dict[str, float]:
        """Error to the true picture divided by the error of no edit, mean over people, for each expression and overall.

        Below 1 the edit is closer to the truth than the untouched picture; 0 is perfect.
        """
        ratios: dict[str, list[float]] = {}
        for pair in self.pairs:
            start = "neutral" if "neutral" in pair else next(iter(pair))
            names = [name for name in pair if name != start]
            source = pair[start].to(device).expand(len(names), -1, -1, -1)
            target = torch.stack([pair[name] for name in names]).to(device)
            sample = generator(source, self._one_hot(names, device)).sample
            weight = losses.change_weight(source, target)
            ratio = losses.pyramid_error(sample, target, weight) / losses.pyramid_error(source, target, weight)
            for name, value in zip(names, ratio.tolist(), strict=True):
                ratios.setdefault(name, []).append(value)
        report = {name: float(np.mean(values)) for name, values in sorted(ratios.items())}
        return report | ({"all": float(np.mean(list(report.values())))} if report else {})

    @torch.inference_mode()
    def grid(self, generator: SARGAN, device: torch.device, rows: int = 6) -> Image.Image:
        """Each row: the picture, its edits in the order of `expressions`; beneath it the truth where it is known.

        The last rows show the first face again in other domains: as an old photograph, a painting and a sculpture.
        """
        lines = []
        starts = [pair.get("neutral", next(iter(pair.values()))) for pair in self.pairs[:rows]] or self.single[:rows]
        for number, start in enumerate(starts):
            lines.append(self._edits(generator, start, device))
            if self.pairs:
                truth = [self.pairs[number].get(name, torch.full_like(start, -1.0)) for name in self.expressions]
                lines.append(torch.cat([start, *truth], dim=2))
        lines += [self._edits(generator, _restyled(starts[0], style), device) for style in OTHER_DOMAINS]
        pixels = ((torch.cat(lines, dim=1) + 1) * 127.5).round().byte().permute(1, 2, 0)
        return Image.fromarray(pixels.numpy())

    def _edits(self, generator: SARGAN, start: torch.Tensor, device: torch.device) -> torch.Tensor:
        """A face and its edits side by side, [3, S, (1 + n) S] on the CPU."""
        source = start.to(device).expand(len(self.expressions), -1, -1, -1)
        edits = generator(source, self._one_hot(self.expressions, device)).sample.clamp(-1, 1).cpu()
        return torch.cat([start, *edits], dim=2)

    def _one_hot(self, names: list[str] | tuple[str, ...], device: torch.device) -> torch.Tensor:
        indices = torch.tensor([self.expressions.index(name) for name in names], device=device)
        return torch.nn.functional.one_hot(indices, len(self.expressions)).float()


def _restyled(face: torch.Tensor, style: Callable) -> torch.Tensor:
    """A face [3, S, S] in [-1, 1] in one of the styles of the augmentation, always by the same draw."""
    picture = (face.permute(1, 2, 0).numpy()[None] + 1) / 2
    styled = np.clip(style(picture, np.random.default_rng(0), 1.0)[0], 0, 1)
    return torch.from_numpy(np.ascontiguousarray(styled.transpose(2, 0, 1), dtype=np.float32)) * 2 - 1


def save_grid(grid: Image.Image, output_dir: Path, step: int) -> Path:
    folder = output_dir / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}.png"
    grid.save(path)
    return path
