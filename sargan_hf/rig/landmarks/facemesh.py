"""Dense landmarks for portraits that bring none: MediaPipe's FaceMesh and Iris networks, run with LiteRT.

FaceMesh gives 468 points of the face in a 192 px crop. Iris gives the contour of each eye (71) and its iris (5) in a 64 px
crop. We stack them into 620 dense points. `facemesh_map.npz` then says where the named landmarks lie among them and which
point of the face model each FaceMesh point is; `tools/rig_facemesh_map.py` learned both on portraits that have landmark
files.

Networks: Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs" (2019); Ablavatski et al.,
"Real-time Pupil Tracking from Monocular Video for Digital Puppetry" (2020). Apache-2.0, see assets/NOTICE.md.
"""

from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

import cv2
import numpy as np

from ...errors import NoFaceError
from ...faces.alignment import crop_face
from ...faces.detection import Face
from .correspondences import Correspondences
from .landmark_files import FRL_POINTS, landmarks_from_frl
from .landmark_types import Landmarks
from .mouth_line import follow_mouth_line, lengths_along, points_along

ASSETS = Path(__file__).parents[1] / "assets"
MESH_POINTS, CONTOUR_POINTS, IRIS_POINTS = 468, 71, 5
DENSE_POINTS = MESH_POINTS + 2 * (CONTOUR_POINTS + IRIS_POINTS)
MIN_SCORE, _SURE_SCORE = 0.5, 0.8
# How large a crop the search starts with, and how much the picture is softened first, both in units of the larger of the
# distances between the eyes and from eyes to mouth. The first one does for photographs.
_TRIES = ((3.6, 0.0), (4.4, 0.0), (3.6, 0.03), (4.4, 0.03), (3.0, 0.06), (3.6, 0.06))

# FaceMesh numbers of the eye corners, on the left and on the right of the picture; outer, inner.
_RIGHT_EYE, _LEFT_EYE = (33, 133), (263, 362)
_MESH_SIDE, _EYE_SIDE = 192, 64
_MESH_MARGIN, _EYE_MARGIN = 1.5, 2.3  # of the points' extent, of the eye's width: as the networks were trained
# The networks' noise is nearly independent between crops, so the last look is averaged over a few: scale, turn in radians,
# shift in crop sides.
_MESH_LOOKS = ((0.85, 0.06, 0.015), (0.95, -0.06, -0.015), (1.05, 0.06, -0.015), (1.15, -0.06, 0.015))
_EYE_LOOKS = ((1.0, 0.0, 0.0), (1.1, 0.0, 0.03), (0.95, 0.0, -0.03))
# FaceMesh numbers round the lips and the eyes. The named landmarks tell more exactly where those are, and on statues FaceMesh
# likes to part closed lips.
_CONTOURS = np.concatenate(
    [
        [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321, 375],  # lips, outer
        [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 95, 88, 178, 87, 14, 317, 402, 318, 324],  # lips, inner
        [33, 246, 161, 160, 159, 158, 157, 173, 133, 7, 163, 144, 145, 153, 154, 155],  # right eye
        [263, 466, 388, 387, 386, 385, 384, 398, 362, 249, 390, 373, 374, 380, 381, 382],  # left eye
    ]
)
# Ties of FaceMesh points to the face model: errors as shares of the inter-ocular distance, weight as in `correspondence`.
_MAX_TIE_ERROR, _TYPICAL_ERROR, _TIE_WEIGHT = 0.035, 0.02, 0.15

# Inner edges of the lips from the subject's right corner to the left one, the outer corners at the ends.
_INNER_UPPER_LIP = [61, 78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 291]
_INNER_LOWER_LIP = [61, 78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 291]
_WIDE_OPEN = 0.05  # distance of the lips as a share of the inter-ocular distance
_SMALLER_THAN_SEEN = 0.15  # share of an opening that lies beyond FaceMesh's edges; by eye, on ten smiles


def detection_anchors(face: Face) -> np.ndarray:
    """The rough points [3, 2] that `FaceMesh` starts from, out of a detected face."""
    return np.array([face.points[0], face.points[1], face.points[3:].mean(axis=0)])


def landmarks_from_dense(picture: np.ndarray, dense: np.ndarray) -> Landmarks:
    """Named landmarks out of dense points [620, 2], with the mouth line put on the shadow between the lips.

    They differ from a hand-marked landmark file by these shares of the inter-ocular distance: lids, iris and pupils 1.5 %, lips
    2.5 %, brows 4 %, jaw and hairline 8 % (mostly along the outline).
    """
    table = _learned_map()
    points = np.einsum("nk,nkd->nd", table["landmark_weights"], dense[table["landmark_points"]])
    return follow_mouth_line(picture, named_template().with_points(points))


def with_opened_lips(
    landmarks: Landmarks, dense: np.ndarray, neutral: Landmarks, neutral_dense: np.ndarray
) -> Landmarks:
    """The landmarks with the inner edges of the lips where they are on an open mouth.

    What was learned about named landmarks was learned on closed mouths, whose two edges are one line. Here the edges are
    FaceMesh's own, moved by what it misses on the same person's neutral picture, where they lie on that line.

    Args:
        landmarks, dense: of a face that may show its teeth.
        neutral, neutral_dense: of the same person's neutral picture.
    """
    larger = landmarks.inter_ocular_distance / neutral.inter_ocular_distance
    # Between closed lips FaceMesh sees a gap; the edges of an open mouth it sees where they are.
    opened = float(np.clip((lip_gap(dense) - lip_gap(neutral_dense)) / _WIDE_OPEN, 0, 1))
    larger *= 1 - opened
    edges = {}
    for name, contour in (("upper_lip_bottom", _INNER_UPPER_LIP), ("lower_lip_top", _INNER_LOWER_LIP)):
        on_line, line = getattr(neutral, name), getattr(landmarks, name).copy()
        shares = lengths_along(on_line) / lengths_along(on_line)[-1]
        missed = on_line - _at_shares(neutral_dense[contour], shares)
        line[1:-1] = (_at_shares(dense[contour], shares) + larger * missed)[1:-1]
        edges[name] = line
    # Lips that the errors of both pictures push through each other touch.
    middle = (edges["upper_lip_bottom"] + edges["lower_lip_top"]) / 2
    crossed = (edges["upper_lip_bottom"] > edges["lower_lip_top"])[:, 1]
    for line in edges.values():
        line += _SMALLER_THAN_SEEN * opened * (line - middle)
        line[crossed] = middle[crossed]
    return replace(landmarks, **edges)


def _at_shares(line: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """[M, 2], points of a polyline at these shares [M] of its length."""
    return points_along(line, shares * lengths_along(line)[-1])


def dense_correspondences(dense: np.ndarray) -> Correspondences:
    """The FaceMesh points that lie at one place of the face model for everybody, tied to it.

    Left out are the outline of the face, which is elsewhere on every head and pose, and the contours of lips and eyes.
    """
    table = _learned_map()
    kept = table["error"] < _MAX_TIE_ERROR
    kept[_CONTOURS] = False
    weights = _TIE_WEIGHT * _TYPICAL_ERROR / np.maximum(table["error"][kept], _TYPICAL_ERROR)
    return Correspondences(
        table["vertices"][kept], table["mixing"][kept].astype(np.float64), dense[:MESH_POINTS][kept], weights
    )


def lip_gap(dense: np.ndarray) -> float:
    """Distance between the lips in the middle of the mouth, as a share of the distance between the pupils."""
    upper, lower, right_pupil, left_pupil = dense[[13, 14, MESH_POINTS + CONTOUR_POINTS, -IRIS_POINTS]]
    return float(np.linalg.norm(upper - lower) / np.linalg.norm(right_pupil - left_pupil))


def named_template() -> Landmarks:
    """Landmarks of the right sizes, to be filled."""
    return landmarks_from_frl(np.zeros((FRL_POINTS, 2)))


@cache
def _learned_map() -> dict[str, np.ndarray]:
    with np.load(ASSETS / "facemesh_map.npz", allow_pickle=False) as data:
        return dict(data)


class FaceMesh:
    """Finds the dense landmarks of a face. Holds two interpreters: make one per process."""

    def __init__(self) -> None:
        self._mesh = _Network(ASSETS / "face_landmark.tflite")
        self._iris = _Network(ASSETS / "iris_landmark.tflite")

    def __call__(self, picture: np.ndarray, eyes_and_mouth: np.ndarray) -> np.ndarray:
        """Dense landmarks of one face.

        Args:
            picture: uint8 [H, W, 3], RGB.
            eyes_and_mouth: float [3, 2], rough pixel positions of the eye on the left of the picture, the eye on its right
                and the middle of the mouth.

        Returns:
            float64 [620, 2] in pixels: 468 mesh points, then contour (71) and iris (5) of the subject's right eye, then of
            the left one.

        Raises:
            NoFaceError: the network sees no face there.
        """
        picture, box = self._found(picture, np.asarray(eyes_and_mouth, dtype=np.float64))
        looks = [self._look_at_mesh(picture, _jittered(box, look))[0] for look in _MESH_LOOKS]
        mesh = np.mean(looks, axis=0)
        eyes = [self._eye(picture, mesh[list(corners)]) for corners in (_RIGHT_EYE, _LEFT_EYE)]
        return np.concatenate([mesh, *eyes])

    def _found(self, picture: np.ndarray, anchors: np.ndarray) -> tuple[np.ndarray, tuple]:
        """The picture as the network knows its face best, and the box round it.

        Hatching and the screens of prints hide a face from the network; softened, it sees it.
        """
        right, left, mouth = anchors
        middle = (right + left) / 2
        size = float(max(np.linalg.norm(left - right), np.linalg.norm(mouth - middle)))
        best, found = -1.0, (picture, ())
        for zoom, softness in _TRIES:
            seen = cv2.GaussianBlur(picture, (0, 0), softness * size) if softness else picture
            box = ((middle + mouth) / 2, zoom * size, _angle(right, left))
            for _ in range(3):  # each look centres the next one, as MediaPipe does from frame to frame
                points, score = self._look_at_mesh(seen, box)
                box = _box_round(points)
            if score > best:
                best, found = score, (seen, box)
            if best >= _SURE_SCORE:
                break
        if best < MIN_SCORE:
            raise NoFaceError(f"No face was recognised well enough to place landmarks (score {best:.2f} of 1).")
        return found

    def _look_at_mesh(self, picture: np.ndarray, box: tuple) -> tuple[np.ndarray, float]:
        crop, to_picture = _cut(picture, box, _MESH_SIDE)
        raw, logit = self._mesh(crop)
        points = raw.reshape(MESH_POINTS, 3)[:, :2]
        return _apply(to_picture, points), float(1.0 / (1.0 + np.exp(-logit[0])))

    def _eye(self, picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Contour and iris, [76, 2]. The network knows the subject's right eye; the left one is shown to it mirrored."""
        outer, inner = corners
        mirrored = outer[0] > inner[0]
        angle = _angle(inner, outer) if mirrored else _angle(outer, inner)
        box = ((outer + inner) / 2, _EYE_MARGIN * np.linalg.norm(outer - inner), angle)
        looks = []
        for look in _EYE_LOOKS:
            crop, to_picture = _cut(picture, _jittered(box, look), _EYE_SIDE)
            contour, iris = self._iris(crop[:, ::-1] if mirrored else crop)
            points = np.concatenate([contour.reshape(-1, 3), iris.reshape(-1, 3)])[:, :2].astype(np.float64)
            if mirrored:
                points[:, 0] = _EYE_SIDE - 1 - points[:, 0]
            looks.append(_apply(to_picture, points))
        return np.mean(looks, axis=0)


class _Network:
    """One TFLite network with an RGB input in [0, 1]."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _interpreter(self):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(self._path), num_threads=1)
        interpreter.allocate_tensors()
        return interpreter

    def __call__(self, crop: np.ndarray) -> list[np.ndarray]:
        batch = np.ascontiguousarray(crop[None], dtype=np.float32) / 255.0
        self._interpreter.set_tensor(self._interpreter.get_input_details()[0]["index"], batch)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(o["index"]).ravel() for o in self._interpreter.get_output_details()]


def _angle(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.arctan2(right[1] - left[1], right[0] - left[0]))


def _rotation(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _box_round(points: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Centre, side and angle of the square that FaceMesh expects round its own points."""
    angle = _angle(points[_RIGHT_EYE[0]], points[_LEFT_EYE[0]])
    level = points @ _rotation(angle)
    low, high = level.min(axis=0), level.max(axis=0)
    return _rotation(angle) @ ((low + high) / 2), _MESH_MARGIN * float((high - low).max()), angle


def _jittered(box: tuple, look: tuple[float, float, float]) -> tuple:
    (centre, size, angle), (scale, turn, shift) = box, look
    return centre + shift * size, size * scale, angle + turn


def _cut(picture: np.ndarray, box: tuple, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The square `box` as uint8 [side, side, 3], and the [2, 3] map from its pixels to the picture's."""
    centre, size, angle = box
    turn = _rotation(angle) * (size / side)
    to_picture = np.column_stack([turn, centre - turn @ np.full(2, (side - 1) / 2)])
    return crop_face(picture, cv2.invertAffineTransform(to_picture), side), to_picture


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]
