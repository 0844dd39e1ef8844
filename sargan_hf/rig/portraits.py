"""From a portrait file to a fitted face: pixels, landmarks (from a file, or found by FaceMesh), fit and correction."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from ..errors import NoFaceError, PictureError, RigError
from ..faces.detection import FaceDetector
from ..pictures import open_picture
from .correction import screen_vertices
from .correspondence import Correspondences
from .face_model import FaceModel
from .facemesh import FaceMesh, dense_correspondences, detection_anchors, landmarks_from_dense
from .fit import fit_landmarks
from .fitted import FittedFace, Landmarks
from .landmarks import landmark_file, read_landmarks

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
# What the renderer can use, in inter-ocular distances: pixels between the pupils, and how far round the eyes to keep. A
# larger picture is reduced and cut, so that memory does not depend on what people bring.
MAX_INTER_OCULAR_DISTANCE = 300.0
KEPT_RADIUS = 4.0


def find_portraits(folders: Iterable[str | Path]) -> list[Path]:
    """All pictures in the given folders (searched recursively) and files, sorted by path.

    Raises:
        RigError: a path does not exist, or there is no picture at all.
    """
    found: set[Path] = set()
    for folder in map(Path, folders):
        if not folder.exists():
            raise RigError(f"{folder} does not exist; a folder of portraits or a picture was expected.")
        candidates = [folder] if folder.is_file() else folder.rglob("*")
        found.update(path for path in candidates if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise RigError(f"No pictures ({', '.join(PICTURE_SUFFIXES)}) were found in {', '.join(map(str, folders))}.")
    return sorted(found)


class PortraitFitter:
    """Fits the face model to portrait files. Holds the detector and the landmark networks: make one per process."""

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self._detector = FaceDetector()
        self._mesh = FaceMesh()

    def __call__(self, path: str | Path) -> FittedFace:
        """Reads one portrait, with the landmark file beside it or else with landmarks found by FaceMesh, and fits it.

        Raises:
            RigError: the picture or its landmark file cannot be read, no face is found, or the fit is bad.
        """
        path = Path(path)
        picture, beside = read_picture(path), landmark_file(path)
        if beside is not None:
            return fit_picture(self.model, picture, read_landmarks(beside), path.stem)
        return self.fit_without_landmarks(picture, path.stem)

    def fit_without_landmarks(self, picture: np.ndarray, subject: str) -> FittedFace:
        """Finds the largest face of a uint8 RGB picture [H, W, 3], its landmarks, and fits it.

        Raises:
            RigError: no face is found, or the fit is bad.
        """
        try:
            face = self._detector.find(picture)[0]
            dense = self._mesh(picture, detection_anchors(face))
        except NoFaceError as error:
            raise RigError(f"{error} Or put a landmark file beside the picture.") from error
        landmarks = landmarks_from_dense(picture, dense)
        return fit_picture(self.model, picture, landmarks, subject, dense_correspondences(dense))


def fit_picture(
    model: FaceModel, picture: np.ndarray, landmarks: Landmarks, subject: str, dense: Correspondences | None = None
) -> FittedFace:
    """Fits the face model to a picture with known landmarks.

    Args:
        model: the face model.
        picture: uint8 [H, W, 3], RGB.
        landmarks: in pixels of `picture`.
        subject: identifier of the person.
        dense: ties of FaceMesh points to the model where the landmarks come from FaceMesh, in pixels too.

    Raises:
        RigError: the landmarks lie outside the picture, or the fit is bad.
    """
    picture, matrix = _reduced(picture, landmarks)
    landmarks = landmarks.transformed(matrix)
    fit = fit_landmarks(model, landmarks, dense.transformed(matrix) if dense else None)
    screen, perspective = screen_vertices(model, fit, landmarks.inter_ocular_distance)
    return FittedFace(
        picture=picture,
        landmarks=landmarks,
        camera=fit.camera,
        identity=fit.identity,
        expression=fit.expression,
        model_vertices=fit.vertices,
        screen_vertices=screen,
        perspective=perspective,
        residual=fit.residual,
        subject=subject,
        landmark_source="facemesh" if dense else "frl189",
    )


def read_picture(path: str | Path) -> np.ndarray:
    """uint8 [H, W, 3], RGB and upright.

    Raises:
        RigError: the file cannot be read as a picture.
    """
    try:
        return open_picture(path).rgb8()
    except PictureError as error:
        raise RigError(str(error)) from error


def _reduced(picture: np.ndarray, landmarks: Landmarks) -> tuple[np.ndarray, np.ndarray]:
    """The picture cut to the head's surroundings and shrunk to what the renderer can use, and the map [2, 3] into it."""
    height, width = picture.shape[:2]
    points = landmarks.stacked()
    if points.mean(axis=0).min() < 0 or (points.mean(axis=0) >= (width, height)).any():
        raise RigError(f"The landmarks lie outside the picture of {width} x {height} pixels; are they this picture's?")
    iod = landmarks.inter_ocular_distance
    centre = (landmarks.right_pupil + landmarks.left_pupil) / 2
    left, top = np.maximum(np.floor(centre - KEPT_RADIUS * iod), 0).astype(int)
    right, bottom = np.minimum(np.ceil(centre + KEPT_RADIUS * iod), (width, height)).astype(int)
    picture = picture[top:bottom, left:right]
    scale = min(1.0, MAX_INTER_OCULAR_DISTANCE / max(iod, 1e-6))
    if scale < 1.0:
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    # Pixel centres: x' + .5 = scale (x - left + .5), with the whole-pixel size's own scale in each direction.
    sx, sy = picture.shape[1] / (right - left), picture.shape[0] / (bottom - top)
    matrix = np.array([[sx, 0, sx * (0.5 - left) - 0.5], [0, sy, sy * (0.5 - top) - 0.5]])
    return np.ascontiguousarray(picture), matrix
