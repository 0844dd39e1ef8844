"""A face under an expression, moved and rasterised, before it is coloured."""

from dataclasses import dataclass

import numpy as np

from ..face_model.mesh import INSIDE_MOUTH
from .control_shapes import Movement
from .deform import Deformation
from .mouth_blend import LipOpening
from .rasterizer import Raster


@dataclass(frozen=True, eq=False)
class Shot:
    """A face under an expression, before it is coloured.

    Attributes:
        deformation: the moved vertices of the face.
        vertices: float32 [N, 3], vertices of mesh and backdrop in the oversampled picture.
        places: float32 [N, 2], where in the photograph they take their colour.
        raster: which of their triangles each pixel shows.
        part: int [H, W], `Part` that each pixel shows, -1 for the background.
        opening: where the inside of the mouth is seen, with a smooth edge; None for a shut mouth.
        movement: what controls moved; None where a recipe alone did.
    """

    deformation: Deformation
    vertices: np.ndarray
    places: np.ndarray
    raster: Raster
    part: np.ndarray
    opening: LipOpening | None
    movement: Movement | None = None

    @property
    def mouth(self) -> np.ndarray:
        """bool [H, W], pixels that show the inside of the mouth."""
        return np.isin(self.part, INSIDE_MOUTH)
