"""How well controls alone make the pictures that were drawn with them, for people held out."""

import cv2
import numpy as np
import torch

from ..images.normalize import to_tensor
from ..modeling_sargan import SARGAN
from . import losses
from .image_cache import FaceCache

MOST = 8  # pictures of a person


def crop_tensor(faces: FaceCache, index: int, resolution: int) -> torch.Tensor:
    """A stored picture as float32 [3, S, S] in [-1, 1], of the training's size."""
    picture = cv2.resize(faces.picture(index), (resolution, resolution), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(to_tensor(picture))


class ControlValidator:
    """For each of up to `most_people` people: the neutral picture of a pair, and pictures of it drawn with controls.

    Args:
        faces: held out, of a set with controls.
        neutral: index of the neutral expression.
    """

    def __init__(self, faces: FaceCache, neutral: int, resolution: int, most_people: int = 24):
        self.cases: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        if faces.controls is None:
            return
        known = np.isfinite(faces.controls.sum(axis=1))
        people: set[str] = set()
        starts = known & (faces.expression == neutral) & faces.plain & ~faces.source_only
        for index in map(int, np.flatnonzero(starts)):
            members = faces.partners(index)
            drawn = members[known[members] & ~faces.plain[members] & ~faces.source_only[members]][:MOST]
            if faces.subject[index] in people or not len(drawn) or len(people) == most_people:
                continue
            people.add(faces.subject[index])
            targets = torch.stack([crop_tensor(faces, int(other), resolution) for other in drawn])
            asked = torch.from_numpy(faces.controls[drawn] - faces.controls[index])
            self.cases.append((crop_tensor(faces, index, resolution), targets, asked))

    @torch.inference_mode()
    def error(self, generator: SARGAN, device: torch.device) -> float | None:
        """Error to the true pictures divided by the error of no edit, mean over people; None where there are none."""
        ratios = []
        for start, targets, asked in self.cases:
            source, target = start.to(device).expand_as(targets), targets.to(device)
            weight = losses.change_weight(source, target)
            made, unedited = (
                losses.pyramid_error(each, target, weight) for each in (_edit(generator, source, asked), source)
            )
            ratios += (
                [(made[unedited > 0] / unedited[unedited > 0]).mean().item()] if bool((unedited > 0).any()) else []
            )
        return float(np.mean(ratios)) if ratios else None

    @torch.inference_mode()
    def lines(self, generator: SARGAN, device: torch.device, columns: int, people: int = 3) -> list[torch.Tensor]:
        """Two lines [3, S, (1 + columns) S] for each person: the picture and its edits, and beneath them the truth."""
        lines = []
        for start, targets, asked in self.cases[:people]:
            edits = _edit(generator, start.to(device).expand_as(targets), asked).clamp(-1, 1).cpu()
            missing = [torch.full_like(start, -1.0)] * columns
            lines += [torch.cat([start, *[*row, *missing][:columns]], dim=2) for row in (edits, targets)]
        return lines


def _edit(generator: SARGAN, pictures: torch.Tensor, controls: torch.Tensor) -> torch.Tensor:
    no_class = pictures.new_zeros(len(pictures), len(generator.config["expressions"]))
    return generator(pictures, no_class, controls=controls.to(pictures.device)).sample
