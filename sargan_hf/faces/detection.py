"""Finds faces and five points on each with YuNet (W. Wu, H. Peng, S. Yu, Machine Intelligence Research 20, 2023)."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import as_file, files

import cv2
import numpy as np

from ..errors import ConfigurationError, NoFaceError
from .alignment import canonical_transform, checked_points, crop_corners, crop_face

MODEL_FILE = "face_detection_yunet_2023mar.onnx"
CLOSEUP_SIDE = 320
CONVINCING = 0.9  # a score that upright close-ups of photographs reach and turned ones do not
# A close-up that corrects turn (radians) and scale (share) by less than this was as good as upright already. One more is as
# far off: against 65 hand-marked portraits, the crop's rotation by 1.2 degrees instead of 1.3, its scale by 3 % either way.
STEADY = 0.15
MIRRORED_POINTS = [1, 0, 2, 4, 3]
# Where the five points lie in the detector's own box (mean over 65 neutral portraits), as fractions of width and height.
POINTS_IN_BOX = np.array([[0.26, 0.373], [0.74, 0.373], [0.5, 0.586], [0.286, 0.722], [0.714, 0.722]])


@dataclass(frozen=True)
class Face:
    """One face.

    Attributes:
        box: left, top, right, bottom in pixels; may reach over the picture's border.
        points: float32 [5, 2], x and y in pixels: the subject's right eye (left in the picture), left eye, nose tip, right
            and left corner of the mouth.
        score: the detector's confidence, 0 to 1; 1 for a face given by hand.
        tried: what was looked at until it was found, in order; the last one found it.
    """

    box: tuple[float, float, float, float]
    points: np.ndarray
    score: float
    tried: tuple[str, ...] = ()

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    def scaled(self, across: float, down: float) -> "Face":
        """The same face in the picture at another size: `across` times as wide and `down` times as high."""
        left, top, right, bottom = self.box
        box = (across * left, down * top, across * right, down * bottom)
        return replace(self, box=box, points=(self.points * np.array([across, down])).astype(np.float32))


@dataclass(frozen=True)
class Look:
    """One way of showing a picture to the detector.

    `side` is the length of the longer side in pixels, `border` the width of an empty border around it (a face that fills
    the picture is missed without), `angle` turns the picture clockwise by degrees.
    """

    name: str
    side: int
    border: int = 0
    angle: int = 0
    mirrored: bool = False
    equalised: bool = False
    threshold: float = 0.6


# From what nearly always works to what rarely helps. The turned and treated looks see faces in wallpaper, hence their
# higher thresholds.
LOOKS = (
    Look("640 px", 640),
    Look("640 px with a border", 640, border=120),
    Look("320 px with a border", 320, border=120),
    Look("1280 px", 1280),
    Look("2560 px", 2560),
    Look("contrast equalised", 640, border=120, equalised=True, threshold=0.65),
    Look("mirrored", 640, border=120, mirrored=True, threshold=0.65),
    Look("turned by 90 degrees", 640, border=120, angle=90, threshold=0.7),
    Look("turned by -90 degrees", 640, border=120, angle=-90, threshold=0.7),
    Look("turned by 180 degrees", 640, border=120, angle=180, threshold=0.7),
    Look("turned by 40 degrees", 640, border=120, angle=40, threshold=0.7),
    Look("turned by -40 degrees", 640, border=120, angle=-40, threshold=0.7),
)
EVERY_FACE = (LOOKS[0], LOOKS[1], LOOKS[3])
CROWD_LOOK = LOOKS[4]
# Of the longer side: where a face is smaller than this there may be more that only a large look shows.
CROWD_FACE = 0.04


class FaceDetector:
    """YuNet behind a lock, so that one detector serves all threads of a web server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._network = None

    def find(self, picture: np.ndarray, *, every: bool = False, name: str = "the picture") -> list[Face]:
        """All faces of a uint8 RGB picture [H, W, 3], the largest first.

        Stops at the first of `LOOKS` that shows a face; with `every`, small faces are searched at higher resolutions too.

        Raises:
            NoFaceError: none of `LOOKS` shows a face.
        """
        tried, found = [], []
        for look in LOOKS:
            if found and not (every and _worthwhile(look, found, max(picture.shape[:2]))):
                continue
            tried.append(look.name)
            found += [
                replace(face, tried=tuple(tried)) for face in self._look(picture, look) if not _known(face, found)
            ]
        if not found:
            raise NoFaceError(
                f"No face was found in {name} (tried: {', '.join(tried)}). Say where it is: "
                f"box=(left, top, right, bottom) in pixels, or points= the two eyes, nose tip and corners of the mouth."
            )
        refined = [self._refined(picture, face) for face in found]
        return sorted(refined, key=lambda face: -face.area)

    def in_box(self, picture: np.ndarray, box: tuple[float, float, float, float]) -> Face:
        """The face in a box given by hand: the detector's points where it sees a face there, else the usual places.

        Raises:
            ConfigurationError: the box is not four finite numbers in the order left, top, right, bottom.
            NoFaceError: the box lies outside the picture.
        """
        box = checked_box(box, picture.shape)
        width, height = box[2] - box[0], box[3] - box[1]
        corner = np.array(box[:2])
        guess = Face(box, (corner + POINTS_IN_BOX * (width, height)).astype(np.float32), 1.0, ("box given by hand",))
        seen = self._refined(picture, guess, threshold=0.3)
        return replace(seen, box=box, score=1.0)

    def _look(self, picture: np.ndarray, look: Look) -> Iterator[Face]:
        """Shows the picture as `look` says and maps what was found back to the picture's pixels."""
        height, width = picture.shape[:2]
        scale = min(look.side / max(height, width), 2.0)
        small = _resized(picture, scale)
        if look.equalised:
            small = _equalised(small)
        canvas, to_canvas = _arranged(small, look)
        to_small = np.linalg.inv(to_canvas)
        actual = np.array([small.shape[1] / width, small.shape[0] / height])
        for row in self._detect(canvas, look.threshold):
            points = _mapped(row[4:14].reshape(5, 2), to_small)
            if look.mirrored:
                points = points[MIRRORED_POINTS]
            x, y, w, h = row[:4]
            corners = _mapped(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]), to_small)
            points, corners = ((values + 0.5) / actual - 0.5 for values in (points, corners))
            box = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
            yield Face(box, points.astype(np.float32), float(row[14]))

    def _refined(self, picture: np.ndarray, face: Face, threshold: float = 0.5) -> Face:
        """The same face with its points found again in close-ups.

        YuNet sees turned faces too, but takes them for upright: at 90 degrees its points are useless while its score is
        high. So unless an upright close-up is convincing, the other three quarter turns are looked at.
        """
        score, points = self._closer(picture, face.points, threshold)
        if score < CONVINCING:
            middle = np.array([face.box[0] + face.box[2], face.box[1] + face.box[3]]) / 2
            turned = [self._closer(picture, _quarter_turned(face.points, middle, n), threshold) for n in (1, 2, 3)]
            best_score, best = max(turned, key=lambda found: found[0])
            score, points = (best_score, best) if best_score > score + 0.03 else (score, points)
        if score == 0:
            return face
        if score >= CONVINCING and _correction(face.points, points) < STEADY:
            return replace(face, points=points.astype(np.float32))
        # The first close-up may have been up to 45 degrees off; the second is upright.
        again, better = self._closer(picture, points, threshold)
        return replace(face, points=(better if again > 0 else points).astype(np.float32))

    def _closer(self, picture: np.ndarray, points: np.ndarray, threshold: float) -> tuple[float, np.ndarray]:
        """Score and points of the face that `points` lie on, found in a close-up they make upright; score 0 if none.

        YuNet's points jump with the face's place on its grid of strides. Looking at the close-up and at its mirror image
        and taking the mean halves the error: against 65 hand-marked portraits the crop's rotation is then off by
        0.0 +- 1.3 degrees instead of 0.6 +- 2.8, its scale by 1 +- 3 %.
        """
        to_closeup = canonical_transform(points, CLOSEUP_SIDE, margin=0.25)
        closeup = crop_face(picture, to_closeup, CLOSEUP_SIDE)
        score, seen = self._central_points(closeup, threshold)
        mirrored_score, mirrored = self._central_points(np.ascontiguousarray(closeup[:, ::-1]), threshold)
        if seen is None or mirrored is None:
            return 0.0, points
        mirrored = np.array([CLOSEUP_SIDE - 1, 0]) + mirrored[MIRRORED_POINTS] * (-1, 1)
        back = np.linalg.inv(np.vstack([to_closeup, [0, 0, 1]]))
        return (score + mirrored_score) / 2, _mapped((seen + mirrored) / 2, back)

    def _central_points(self, closeup: np.ndarray, threshold: float) -> tuple[float, np.ndarray | None]:
        """Score and five points of the most certain face in the middle of a square picture; (0, None) without one."""
        side = closeup.shape[0]
        rows = [
            row
            for row in self._detect(closeup, threshold)
            if np.hypot(*(row[4:14].reshape(5, 2).mean(axis=0) - (side - 1) / 2)) < 0.2 * side
        ]
        if not rows:
            return 0.0, None
        best = max(rows, key=lambda row: row[14])
        return float(best[14]), best[4:14].reshape(5, 2)

    def _detect(self, rgb: np.ndarray, threshold: float) -> np.ndarray:
        """YuNet's rows [n, 15]: left, top, width, height, five points, score."""
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        with self._lock:
            if self._network is None:
                self._network = _load_network()
            self._network.setScoreThreshold(threshold)
            self._network.setInputSize((bgr.shape[1], bgr.shape[0]))
            rows = self._network.detect(bgr)[1]
        return np.empty((0, 15), np.float32) if rows is None else rows


def _correction(before: np.ndarray, after: np.ndarray) -> float:
    """How far the canonical crop of the points `after` turns and scales that of `before`: 0 where it does not."""
    old, new = (canonical_transform(points, CLOSEUP_SIDE)[:, :2] for points in (before, after))
    return float(np.abs(new @ np.linalg.inv(old) - np.eye(2)).max())


def face_from_points(points: np.ndarray, size: tuple[int, int]) -> Face:
    """A face from five points given by hand, in a picture of `size` (width, height).

    Raises:
        ConfigurationError: the points cannot be a face.
        NoFaceError: their middle lies outside the picture.
    """
    points = checked_points(points)
    x, y = points.mean(axis=0)
    if not (0 <= x < size[0] and 0 <= y < size[1]):
        raise NoFaceError(f"The points given lie outside the picture of {size[0]} x {size[1]} pixels.")
    corners = crop_corners(canonical_transform(points, 100, margin=-0.17), 100)
    box = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    return Face(box, points.astype(np.float32), 1.0, ("points given by hand",))


def checked_box(box: tuple[float, ...], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """`box` as four floats; it may reach over the border of a picture of `shape` (height, width, ...), not lie outside.

    Raises:
        ConfigurationError: not four finite numbers with left < right and top < bottom, at least 8 pixels apart.
        NoFaceError: less than a quarter of the box lies inside the picture.
    """
    try:
        left, top, right, bottom = (float(value) for value in box)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"A box is four numbers (left, top, right, bottom) in pixels; got {box!r}.") from error
    if not np.isfinite([left, top, right, bottom]).all() or right - left < 8 or bottom - top < 8:
        raise ConfigurationError(
            f"A box is (left, top, right, bottom) in pixels, at least 8 wide and high; got {(left, top, right, bottom)}."
        )
    height, width = shape[:2]
    seen = max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(bottom, height) - max(top, 0))
    if seen < 0.25 * (right - left) * (bottom - top):
        raise NoFaceError(
            f"The box {(left, top, right, bottom)} lies outside the picture of {width} x {height} pixels."
        )
    return left, top, right, bottom


def _load_network() -> cv2.FaceDetectorYN:
    level = cv2.utils.logging.getLogLevel()
    # OpenCV 5 warns on every load about a setting that its own default makes.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        with as_file(files(__name__.rpartition(".")[0]) / "assets" / MODEL_FILE) as path:
            return cv2.FaceDetectorYN.create(str(path), "", (320, 320))
    finally:
        cv2.utils.logging.setLogLevel(level)


def _worthwhile(look: Look, found: list[Face], longer_side: int) -> bool:
    """Whether `look` may show more faces beside those found; the dearest look only in pictures of crowds."""
    smallest = min(face.box[3] - face.box[1] for face in found)
    return look in EVERY_FACE or (look is CROWD_LOOK and smallest < CROWD_FACE * longer_side)


def _known(face: Face, found: list[Face]) -> bool:
    """Whether the face's nose lies in a box that was found already."""
    x, y = face.points[2]
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in (other.box for other in found))


def _resized(picture: np.ndarray, scale: float) -> np.ndarray:
    height, width = picture.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _equalised(picture: np.ndarray) -> np.ndarray:
    lightness = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(cv2.createCLAHE(clipLimit=4.0, tileGridSize=(4, 4)).apply(lightness), cv2.COLOR_GRAY2RGB)


def _arranged(picture: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
    """The picture turned, mirrored and bordered as `look` says, and the 3x3 matrix that maps its pixels to the canvas."""
    height, width = picture.shape[:2]
    cos, sin = np.cos(np.radians(look.angle)), np.sin(np.radians(look.angle))
    flip = -1.0 if look.mirrored else 1.0
    linear = np.array([[flip * cos, -flip * sin], [sin, cos]])
    canvas_width = round(abs(cos) * width + abs(sin) * height) + 2 * look.border
    canvas_height = round(abs(sin) * width + abs(cos) * height) + 2 * look.border
    centre = (np.array([canvas_width, canvas_height]) - 1) / 2
    matrix = np.eye(3)
    matrix[:2] = np.column_stack([linear, centre - linear @ ((np.array([width, height]) - 1) / 2)])
    if np.allclose(matrix, np.eye(3)):
        return picture, matrix
    return cv2.warpAffine(picture, matrix[:2], (canvas_width, canvas_height), flags=cv2.INTER_LINEAR), matrix


def _quarter_turned(points: np.ndarray, middle: np.ndarray, quarters: int) -> np.ndarray:
    """The points of a face turned by quarters of a circle about the middle of its box."""
    turn = np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), quarters)
    return (points - middle) @ turn + middle


def _mapped(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points.astype(np.float64) @ matrix[:2, :2].T + matrix[:2, 2]
