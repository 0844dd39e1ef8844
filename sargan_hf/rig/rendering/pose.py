"""Brings a fitted face into the frame of the picture to be rendered: crop, texture, head turn."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ..face_model.mesh import DRAWN_VERTICES, LID_MIDDLES, SKIN, RigMesh
from ..face_model.model import MOUTH_CORNERS, NOSE_TIP, Part
from ..fitting.fitted_face import FittedFace
from ..landmarks.landmark_types import Landmarks
from .downsample import crop_matrix, cut_out, oversampled
from .rasterizer import vertex_normals
from .variation import Variation

# Room round the picture in the texture, as a share of its side: a turned head shows what lay outside of the crop.
MARGIN = 0.28
_FLAT_TURN, _FARTHEST = 0.5, 22.0  # share of a drawn turn; degrees to the side
# The head turns about a point between the ears, so that the outline of the head hardly moves (model units).
_PIVOT = np.array([[0.0, 1.0, 1.5]], np.float32)


@dataclass(frozen=True, eq=False)
class PosedFace:
    """A fitted face in the picture to be rendered, at zero expression. S is the side of the (oversampled) picture.

    Attributes:
        side: S in pixels.
        texture: uint8 [S + 2 M, S + 2 M, 3] RGB, the photograph in the crop's frame with a margin of M pixels.
        margin: M.
        landmarks: in pixels of the texture.
        photo: float32 [V, 3], vertices in the texture's frame (x, y pixels; z pixels towards the camera).
        screen: float32 [V, 3], vertices in the picture's frame after the head turn.
        turn: float64 [3, 3] and turn_origin float64 [3]: the head turn in texture pixels (y down), and what it leaves fixed.
        axes: float32 [3, 3], model axes to picture axes before the turn (y up); view_axes: after it.
        pixels_per_unit: float32 [V], at each vertex.
        unit: median of the latter.
        enlargement: side of a pixel of the photograph in pixels of the picture as it will be shown.
        model: float32 [V, 3], vertices in model space.
        normals: float32 [9409, 3], skin normals in picture axes before the turn.
    """

    side: int
    texture: np.ndarray
    margin: int
    landmarks: Landmarks
    photo: np.ndarray
    screen: np.ndarray
    turn: np.ndarray
    turn_origin: np.ndarray
    axes: np.ndarray
    view_axes: np.ndarray
    pixels_per_unit: np.ndarray
    unit: float
    enlargement: float
    model: np.ndarray
    normals: np.ndarray

    def turned(self, points: np.ndarray) -> np.ndarray:
        """Points [N, 3] of the texture's frame in the picture's frame, after the head turn."""
        origin = self.turn_origin.astype(np.float32)
        turned = (points - origin) @ self.turn.T.astype(np.float32) + origin
        turned[:, :2] -= self.margin
        return turned

    @property
    def iod(self) -> float:
        """Inter-ocular distance in pixels before the turn."""
        return self.landmarks.inter_ocular_distance


def pose_face(face: FittedFace, mesh: RigMesh, variation: Variation, size: int, supersample: int) -> PosedFace:
    """Crops the photograph as `size` x `size` at `supersample` times the resolution and turns the head."""
    turn = head_turn(*allowed_turn(face, variation.yaw, variation.pitch))
    origin = face.camera.project(_PIVOT)[0][0]
    vertices = face.screen_vertices[:DRAWN_VERTICES].astype(np.float64)
    matrix = crop_matrix(_five_points(face, turn, origin), size, variation)
    matrix = oversampled(matrix, supersample)
    side = size * supersample
    margin = round(MARGIN * side)
    matrix[:, 2] += margin
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))

    photo = vertices.copy()
    photo[:, :2] = vertices[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    photo[:, 2] *= scale
    origin = np.array([*(matrix[:, :2] @ origin[:2] + matrix[:, 2]), origin[2] * scale])
    roll = np.eye(3)
    roll[:2, :2] = matrix[:, :2] / scale
    flip = np.diag([1.0, -1.0, 1.0])  # pictures count y downwards
    axes = flip @ roll @ flip @ face.camera.matrix
    # The turn is about the picture's axes: head turns of a tilted head stay turns of the head.
    turn = roll @ turn @ roll.T
    screen = (photo - origin) @ turn.T + origin
    screen[:, :2] -= margin
    model = face.model_vertices[:DRAWN_VERTICES].astype(np.float32)
    k = (face.perspective[:DRAWN_VERTICES] * scale).astype(np.float32)
    skin_triangles = mesh.model.faces[mesh.model.triangle_part == Part.FACE]
    return PosedFace(
        side=side,
        texture=cut_out(face.picture, matrix, side + 2 * margin),
        margin=margin,
        landmarks=face.landmarks.transformed(matrix),
        photo=photo.astype(np.float32),
        screen=screen.astype(np.float32),
        turn=turn,
        turn_origin=origin,
        axes=axes.astype(np.float32),
        view_axes=(flip @ turn @ flip @ axes).astype(np.float32),
        pixels_per_unit=k,
        unit=float(np.median(k)),
        enlargement=scale / supersample,
        model=model,
        normals=vertex_normals(model[SKIN], skin_triangles) @ axes.astype(np.float32).T,
    )


def allowed_turn(face: FittedFace, yaw: float, pitch: float) -> tuple[float, float]:
    """The head turn in degrees that this picture bears.

    Without a landmark file the outline is a guess, and a painting is flat: turned far, it shears along it. A head that is
    turned already is turned further only as far as `_FARTHEST`.
    """
    if face.landmark_source == "facemesh":
        yaw, pitch = _FLAT_TURN * yaw, _FLAT_TURN * pitch
        now = float(np.degrees(face.camera.rotation[1]))
        low, high = min(-_FARTHEST, now) - now, max(_FARTHEST, now) - now
        yaw = float(np.clip(yaw, low, high))
    return yaw, pitch


def head_turn(yaw: float, pitch: float) -> np.ndarray:
    """float64 [3, 3], rotation of picture coordinates (x right, y down, z to the camera); degrees, see `Variation`."""
    return Rotation.from_euler("yx", [yaw, pitch], degrees=True).as_matrix()


def _five_points(face: FittedFace, turn: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """float64 [5, 2], eyes, nose tip and mouth corners in the photograph after the head turn."""
    flat, vertices = face.landmarks, face.screen_vertices
    eye_depths = [vertices[list(LID_MIDDLES[side][0] + LID_MIDDLES[side][1]), 2].mean() for side in "RL"]
    corner_depths = vertices[list(MOUTH_CORNERS), 2]
    right_corner, left_corner = flat.mouth_corners
    points = np.array(
        [
            [*flat.right_pupil, eye_depths[0]],
            [*flat.left_pupil, eye_depths[1]],
            vertices[NOSE_TIP],
            [*right_corner, corner_depths[0]],
            [*left_corner, corner_depths[1]],
        ]
    )
    return ((points - origin) @ turn.T + origin)[:, :2]
