"""What the fit hands to the renderer: named landmarks and a face model posed on one picture."""

from dataclasses import dataclass, field, fields

import numpy as np

from .camera import Camera


@dataclass(frozen=True)
class Landmarks:
    """Named polylines on a face, float64 pixels (x, y), whichever landmark scheme they came from.

    "right" and "left" are the subject's, as in the `_R` and `_L` of the blendshapes: the subject's right eye is on the left
    of the picture. Every polyline runs from the left of the picture to its right; a ring starts anywhere. The sizes are
    fixed, so the landmarks of two people correspond point by point.
    """

    right_pupil: np.ndarray  # [2]
    left_pupil: np.ndarray  # [2]
    right_iris: np.ndarray  # [8, 2] ring on the rim of the iris
    left_iris: np.ndarray  # [8, 2]
    right_upper_lid: np.ndarray  # [5, 2] corner to corner, at the edge of the opening
    right_lower_lid: np.ndarray  # [5, 2] with the same corners
    left_upper_lid: np.ndarray  # [5, 2]
    left_lower_lid: np.ndarray  # [5, 2]
    right_brow_top: np.ndarray  # [6, 2] tail to head
    right_brow_bottom: np.ndarray  # [2, 2] tail to head
    left_brow_top: np.ndarray  # [6, 2] head to tail
    left_brow_bottom: np.ndarray  # [2, 2] head to tail
    right_nose_side: np.ndarray  # [5, 2] root to wing
    left_nose_side: np.ndarray  # [5, 2] root to wing
    nose_base: np.ndarray  # [3, 2] nostril, subnasale, nostril
    upper_lip_top: np.ndarray  # [7, 2] corner to corner
    upper_lip_bottom: np.ndarray  # [7, 2] with the same corners
    lower_lip_top: np.ndarray  # [7, 2] with the same corners
    lower_lip_bottom: np.ndarray  # [7, 2] with the same corners
    jaw: np.ndarray  # [11, 2] ear lobe over the chin to the other ear lobe; the visible outline
    hairline: np.ndarray  # [11, 2] temple to temple
    cheeks: np.ndarray  # [4, 2] plain skin: two on the right cheek, two on the left
    right_face_edge: np.ndarray  # [3, 2] in front of the ear, top down
    left_face_edge: np.ndarray  # [3, 2]

    @property
    def right_eye_opening(self) -> np.ndarray:
        """float64 [8, 2], closed polygon round the visible right eyeball."""
        return np.concatenate([self.right_upper_lid, self.right_lower_lid[-2:0:-1]])

    @property
    def left_eye_opening(self) -> np.ndarray:
        """float64 [8, 2], closed polygon round the visible left eyeball."""
        return np.concatenate([self.left_upper_lid, self.left_lower_lid[-2:0:-1]])

    @property
    def inter_ocular_distance(self) -> float:
        """Pixels between the pupils."""
        return float(np.linalg.norm(self.left_pupil - self.right_pupil))

    @property
    def mouth_corners(self) -> np.ndarray:
        """float64 [2, 2]: the subject's right corner, then the left one."""
        return self.upper_lip_top[[0, -1]]

    def stacked(self) -> np.ndarray:
        """float64 [N, 2], all points in the order of the fields; corners shared by two polylines appear twice."""
        return np.concatenate([np.atleast_2d(getattr(self, f.name)) for f in fields(self)])

    def with_points(self, points: np.ndarray) -> "Landmarks":
        """The landmarks whose `stacked` is `points` [N, 2]."""
        arrays, start = {}, 0
        for f in fields(self):
            shape = getattr(self, f.name).shape
            count = 1 if len(shape) == 1 else shape[0]
            arrays[f.name] = points[start : start + count].reshape(shape)
            start += count
        return Landmarks(**arrays)

    def transformed(self, matrix: np.ndarray) -> "Landmarks":
        """The landmarks after an affine map of the picture, `matrix` [2, 3] as OpenCV's `warpAffine` takes it."""
        return self.with_points(self.stacked() @ matrix[:, :2].T + matrix[:, 2])


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
