"""The weak-perspective camera between the face model and a picture."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

# Distance of the camera from the middle of the head in model units (about cm): far enough to be mild, near enough that a
# nose is nearer than the ears. The portraits are too frontal to fit it per picture.
DISTANCE = 160.0


@dataclass(frozen=True)
class Camera:
    """Turns model space (x to the subject's left, y up, z out of the face) into picture pixels.

    A model point p is rotated, then projected with k = scale / (1 - z / DISTANCE) pixels per model unit:
    x_px = k x + shift[0], y_px = -k y + shift[1].

    Attributes:
        scale: pixels per model unit at depth 0.
        rotation: float64 [3], rotation vector in radians.
        shift: float64 [2], where the model's origin falls, in pixels.
    """

    scale: float
    rotation: np.ndarray
    shift: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """float64 [3, 3], model axes to camera axes (y still up)."""
        return Rotation.from_rotvec(self.rotation).as_matrix()

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Projects model points [N, 3].

        Returns:
            screen [N, 3]: x and y in pixels, z towards the camera in pixels at `scale`; and k [N], pixels per model unit.
        """
        turned = points @ self.matrix.T.astype(points.dtype)
        k = self.scale / (1.0 - turned[:, 2] / DISTANCE)
        x = turned[:, 0] * k + self.shift[0]
        y = -turned[:, 1] * k + self.shift[1]
        return np.stack([x, y, turned[:, 2] * self.scale], axis=1), k
