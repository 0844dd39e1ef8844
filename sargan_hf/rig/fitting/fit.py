"""Fits the face model to landmarks: camera, identity and what expression the portrait shows.

Alternates a camera step (six parameters, scipy) with a linear ridge step for identity and expression. The jaw landmarks lie
on the visible outline, which is another set of vertices for every head and pose. So each round ties them again to the outline
vertex that projects nearest.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from ...errors import RigError
from ..face_model.model import FaceModel, Part
from ..landmarks.correspondences import Correspondences, named_correspondences
from ..landmarks.landmark_types import Landmarks
from .camera import Camera
from .fitted_face import Residual

# Shapes that may explain a trace of expression in a "neutral" portrait; their prior is tight, so identity comes first.
FITTED_EXPRESSIONS = (
    ["jawOpen", "mouthClose", "mouthRollUpper", "mouthRollLower", "mouthPucker", "mouthShrugLower"]
    + [f"{name}_{side}" for name in ("mouthSmile", "mouthFrown", "mouthPress") for side in "LR"]
    + [f"{name}_{side}" for name in ("browDown", "browInnerUp", "browOuterUp", "eyeBlink", "eyeWide") for side in "LR"]
)
IDENTITY_SIGMA, EXPRESSION_SIGMA = 1.0, 0.25
LANDMARK_SIGMA = 0.015  # of the inter-ocular distance
JAW_WEIGHT = 0.8
# A vertex lies on the outline where its normal is seen edge-on: |n_z| below the first number; facing the camera fully
# counts like the second in distance (model units).
EDGE_ON, FACING_COST = 0.3, 3.0
ROUNDS = 14

# A fit beyond these is refused. Over the 129 portraits with landmark files the mean residual is 1.7 % and at most 2.2 %;
# paintings above 3 % are nearly profiles or look down.
MAX_MEAN_RESIDUAL, MAX_RESIDUAL = 3.0, 35.0  # percent of the inter-ocular distance
MAX_TURN, MAX_YAW = 40.0, 34.0  # degrees away from frontal, and to the side
MIN_INTER_OCULAR_DISTANCE = 18.0  # pixels


@dataclass(frozen=True)
class Fit:
    """A fitted model: coefficients, camera, and what the thin-plate correction holds on to: the named landmarks and the jaw."""

    camera: Camera
    identity: np.ndarray  # float32 [60]
    expression: np.ndarray  # float32 [E]
    vertices: np.ndarray  # float32 [26719, 3], model space
    correspondences: Correspondences
    residual: Residual


class _Subset:
    """The few thousand vertices the rounds need, and the shape basis on them."""

    def __init__(self, model: FaceModel, correspondences: Correspondences, basis: np.ndarray):
        candidate = (model.vertex_part == Part.FACE) & (model.mean[:, 1] < -1.0) & (model.mean[:, 2] > -4.0)
        touching = model.faces[(model.triangle_part <= Part.HEAD_AND_NECK) & candidate[model.faces].any(axis=1)]
        wanted = [correspondences.vertices.ravel(), touching.ravel()]
        self.vertices, where = np.unique(np.concatenate(wanted), return_inverse=True)
        split = correspondences.vertices.size
        self.tied = where[:split].reshape(-1, 3)
        self.triangles = where[split:].reshape(-1, 3)
        self.outline = np.flatnonzero(candidate[self.vertices])
        self.mean = model.mean[self.vertices].astype(np.float64)
        self.basis = basis[:, self.vertices].astype(np.float64)
        self._flat_basis = np.ascontiguousarray(self.basis.reshape(len(basis), -1))

    def shape(self, coefficients: np.ndarray) -> np.ndarray:
        return self.mean + (coefficients @ self._flat_basis).reshape(-1, 3)

    def outline_vertices(self, points: np.ndarray, camera: Camera, jaw: np.ndarray) -> np.ndarray:
        """For each jaw landmark [J, 2] the vertex, seen edge-on, that projects nearest to it."""
        turned = points @ camera.matrix.T
        a, b, c = (turned[self.triangles[:, i]] for i in range(3))
        normals = np.zeros_like(turned)
        facing = np.cross(b - a, c - a)
        for corner in range(3):
            np.add.at(normals, self.triangles[:, corner], facing)
        facing = np.abs(normals[self.outline, 2]) / np.linalg.norm(normals[self.outline], axis=1)
        screen, k = camera.project(points[self.outline])
        distance = np.linalg.norm(screen[None, :, :2] - jaw[:, None], axis=2) / k
        # A hard limit would leave no vertex at all under a chin that is held up.
        cost = distance + FACING_COST * np.maximum(facing - EDGE_ON, 0.0)
        return self.outline[cost.argmin(axis=1)]


def fit_landmarks(model: FaceModel, landmarks: Landmarks, extra: Correspondences | None = None) -> Fit:
    """Fits camera, identity and expression to the landmarks of one picture.

    Args:
        model: the face model.
        landmarks: named landmarks in pixels.
        extra: further correspondences, as dense landmarks have them.

    Raises:
        RigError: the face is too small, turned too far, or the model does not fit the landmarks (the residual in percent of
            the inter-ocular distance is in the message).
    """
    iod = landmarks.inter_ocular_distance
    if iod < MIN_INTER_OCULAR_DISTANCE:
        raise RigError(f"The pupils are {iod:.0f} pixels apart; at least {MIN_INTER_OCULAR_DISTANCE:.0f} are needed.")
    named = named_correspondences(model, landmarks)
    fixed = named if extra is None else named + extra
    expression_rows = [model.expression_index(name) for name in FITTED_EXPRESSIONS]
    basis = np.concatenate([model.identity, model.expressions[expression_rows]])
    subset = _Subset(model, fixed, basis)
    camera, coefficients, jaw = _alternate(subset, fixed, landmarks, len(model.identity))

    identity, fitted = np.split(coefficients.astype(np.float32), [len(model.identity)])
    expression = np.zeros(len(model.expressions), np.float32)
    expression[expression_rows] = fitted
    vertices = model.mean + np.tensordot(coefficients.astype(np.float32), basis, 1)
    residual = _checked_residual(camera, vertices, fixed + jaw, iod)
    return Fit(camera, identity, expression, vertices, named + jaw, residual)


def project_correspondences(camera: Camera, vertices: np.ndarray, correspondences: Correspondences) -> np.ndarray:
    """float64 [N, 2], where the tied points of the model project."""
    points = _mix(vertices.astype(np.float64), correspondences)
    return camera.project(points)[0][:, :2]


def _mix(points: np.ndarray, tied: Correspondences) -> np.ndarray:
    return np.einsum("nk,nkd->nd", tied.mixing, points[tied.vertices])


def _alternate(
    subset: _Subset, fixed: Correspondences, landmarks: Landmarks, modes: int
) -> tuple[Camera, np.ndarray, Correspondences]:
    """The rounds; returns camera, coefficients and the jaw's ties of the last one."""
    sigma = LANDMARK_SIGMA * landmarks.inter_ocular_distance
    targets = landmarks.jaw[1:-1]
    tied = Correspondences(subset.tied, fixed.mixing, fixed.targets, fixed.weights / sigma)
    with_jaw = tied
    coefficients = np.zeros(len(subset.basis))
    prior = np.full(len(coefficients), EXPRESSION_SIGMA**-2)
    prior[:modes] = IDENTITY_SIGMA**-2
    camera = Camera(landmarks.inter_ocular_distance / 6.7, np.zeros(3), fixed.targets.mean(axis=0))
    for _ in range(ROUNDS):
        points = subset.shape(coefficients)
        camera = _fit_camera(camera, _mix(points, with_jaw), with_jaw)
        coefficients = _fit_shape(subset, camera, _mix(points, with_jaw), with_jaw, prior)
        outline = subset.outline_vertices(subset.shape(coefficients), camera, targets)
        with_jaw = tied + _at_vertices(outline, targets, JAW_WEIGHT / sigma)
    return camera, coefficients, _at_vertices(subset.vertices[outline], targets, JAW_WEIGHT)


def _at_vertices(vertices: np.ndarray, targets: np.ndarray, weight: float) -> Correspondences:
    mixing = np.tile([1.0, 0.0, 0.0], (len(vertices), 1))
    return Correspondences(np.repeat(vertices[:, None], 3, axis=1), mixing, targets, np.full(len(vertices), weight))


def _fit_camera(start: Camera, points: np.ndarray, tied: Correspondences) -> Camera:
    def errors(p: np.ndarray) -> np.ndarray:
        screen, _ = Camera(np.exp(p[0]), p[1:4], p[4:6]).project(points)
        return ((screen[:, :2] - tied.targets) * tied.weights[:, None]).ravel()

    guess = np.concatenate([[np.log(start.scale)], start.rotation, start.shift])
    found = least_squares(errors, guess, x_scale=[0.01, 0.01, 0.01, 0.01, 1.0, 1.0], max_nfev=30).x
    return Camera(float(np.exp(found[0])), found[1:4], found[4:6])


def _fit_shape(
    subset: _Subset, camera: Camera, points: np.ndarray, tied: Correspondences, prior: np.ndarray
) -> np.ndarray:
    """Ridge solution with the perspective held at the present shape's."""
    rotation = camera.matrix
    k = camera.project(points)[1]
    mean = _mix(subset.mean, tied) @ rotation.T
    modes = np.einsum("nk,mnkd->mnd", tied.mixing, subset.basis[:, tied.vertices]) @ rotation.T
    gain = (tied.weights * k)[None]
    design = np.concatenate([modes[:, :, 0] * gain, -modes[:, :, 1] * gain], axis=1).T
    offset = tied.targets - camera.shift
    wanted_x = offset[:, 0] - mean[:, 0] * k
    wanted_y = offset[:, 1] + mean[:, 1] * k
    wanted = np.concatenate([wanted_x * tied.weights, wanted_y * tied.weights])
    return np.linalg.solve(design.T @ design + np.diag(prior), design.T @ wanted)


def _checked_residual(camera: Camera, vertices: np.ndarray, tied: Correspondences, iod: float) -> Residual:
    # On a head turned away the model would be squeezed onto what is left of the face, and fit no better for it.
    sideways, upwards = np.degrees(camera.rotation[1]), np.degrees(camera.rotation[0])
    if abs(sideways) > MAX_YAW:
        raise RigError(
            f"The head is turned {abs(sideways):.0f} degrees to the side, nearly to a profile; at most {MAX_YAW:.0f} are "
            "allowed. Use a portrait that shows both eyes and both corners of the mouth."
        )
    landed = project_correspondences(camera, vertices, tied)
    distance = 100.0 * np.linalg.norm(landed - tied.targets, axis=1) / iod
    # The many dense points count as little here as in the fit.
    residual = Residual(float(np.average(distance, weights=tied.weights)), float(distance.max()))
    if not np.isfinite(distance).all() or residual.mean > MAX_MEAN_RESIDUAL or residual.maximum > MAX_RESIDUAL:
        raise RigError(
            f"The face model does not fit: residual {residual.mean:.1f} % of the inter-ocular distance on average and "
            f"{residual.maximum:.1f} % at worst, where {MAX_MEAN_RESIDUAL} and {MAX_RESIDUAL} are allowed. "
            "Use a frontal portrait with an unobstructed face, or correct its landmarks."
        )
    turn = float(np.hypot(sideways, upwards))
    if turn > MAX_TURN:
        raise RigError(f"The head is turned {turn:.0f} degrees from frontal; at most {MAX_TURN:.0f} are allowed.")
    return residual
