"""From a portrait file to a fitted face: pixels, landmarks (from a file, or found by FaceMesh), fit and correction."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from ..errors import RigError
from .correction import screen_vertices
from .face_model import FaceModel
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


def fit_portrait(model: FaceModel, path: str | Path) -> FittedFace:
    """Reads one portrait and fits the face model to it.

    Raises:
        RigError: the picture or its landmark file cannot be read, no face is found, or the fit is bad.
    """
    path = Path(path)
    picture = _read_picture(path)
    beside = landmark_file(path)
    landmarks = read_landmarks(beside)
    return fit_picture(model, picture, landmarks, path.stem, "frl189")


def fit_picture(
    model: FaceModel, picture: np.ndarray, landmarks: Landmarks, subject: str, landmark_source: str
) -> FittedFace:
    """Fits the face model to a picture with known landmarks.

    Args:
        model: the face model.
        picture: uint8 [H, W, 3], RGB.
        landmarks: in pixels of `picture`.
        subject: identifier of the person.
        landmark_source: "frl189" or "facemesh".

    Raises:
        RigError: the landmarks lie outside the picture, or the fit is bad.
    """
    picture, landmarks = _reduced(picture, landmarks)
    fit = fit_landmarks(model, landmarks)
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
        landmark_source=landmark_source,
    )


def _read_picture(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as opened:
            return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise RigError(f"{path.name} cannot be read as a picture: {error}.") from error


def _reduced(picture: np.ndarray, landmarks: Landmarks) -> tuple[np.ndarray, Landmarks]:
    """Cuts the picture to the head's surroundings and shrinks it to what the renderer can use."""
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
    return np.ascontiguousarray(picture), landmarks.transformed(matrix)
