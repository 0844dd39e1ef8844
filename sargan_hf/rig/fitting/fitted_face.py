"""What the fit hands to the renderer: named landmarks and a face model posed on one picture."""

from dataclasses import dataclass, field

import numpy as np

from ..landmarks.landmark_types import Landmarks
from .camera import Camera


@dataclass(frozen=True)
class Residual:
    """Distance between projected model and landmarks after the fit, in percent of the inter-ocular distance."""

    mean: float
    maximum: float


@dataclass(frozen=True)
class FittedFace:
    """The face model posed and shaped like the person on one picture.

    Attributes:
        picture: uint8 [H, W, 3], RGB.
        landmarks: in pixels of `picture`.
        camera: fitted camera.
        identity: float32 [60], coefficients of the identity modes.
        expression: float32 [57], coefficients of the model's expression shapes that explain what little expression the
            "neutral" picture shows; 0 for shapes that are not fitted.
        model_vertices: float32 [26719, 3], model space, identity and fitted expression applied. An expression adds its
            deltas to these.
        screen_vertices: float32 [26719, 3], x and y in pixels of `picture` and z towards the camera (also pixels), after
            the thin-plate correction onto the landmarks and with the teeth hung behind the lips.
        perspective: float32 [26719], pixels per model unit at each vertex: a model-space move d (rotated into the camera)
            moves a vertex by perspective * d_x and -perspective * d_y pixels.
        residual: quality of the fit before the thin-plate correction.
        subject: who it is: the file's stem, or "a+b" for a morph.
        landmark_source: "frl189" (from a landmark file) or "facemesh".
    """

    picture: np.ndarray
    landmarks: Landmarks
    camera: Camera
    identity: np.ndarray
    expression: np.ndarray
    model_vertices: np.ndarray
    screen_vertices: np.ndarray
    perspective: np.ndarray
    residual: Residual
    subject: str
    landmark_source: str = field(default="frl189")

    @property
    def inter_ocular_distance(self) -> float:
        """Pixels between the pupils in `picture`."""
        return self.landmarks.inter_ocular_distance
