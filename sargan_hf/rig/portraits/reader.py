"""From a portrait file to a fitted face: pixels, landmarks (from a file, or found by FaceMesh), fit and correction."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ...errors import ImageError, NoFaceError, RigError
from ...faces.detection import FaceDetector
from ...images import load_image
from ..face_model.model import FaceModel
from ..fitting.fit import fit_landmarks
from ..fitting.fitted_face import FittedFace
from ..fitting.thin_plate import screen_vertices
from ..landmarks.correspondences import Correspondences
from ..landmarks.facemesh import (
    FaceMesh,
    dense_correspondences,
    detection_anchors,
    landmarks_from_dense,
    lip_gap,
    with_opened_lips,
)
from ..landmarks.landmark_files import landmark_file, read_landmarks
from ..landmarks.landmark_types import Landmarks

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
# What the renderer can use, in inter-ocular distances: pixels between the pupils, and how far round the eyes to keep. A
# larger picture is reduced and cut, so that memory does not depend on what people bring.
MAX_INTER_OCULAR_DISTANCE = 300.0
KEPT_RADIUS = 4.0
# Percent of the inter-ocular distance. Between closed lips FaceMesh sees up to 10 in photographs; of the rig's own pictures of
# paintings and statues, most smiles and shouts and two fifths of the frightened faces show more.
MAX_LIP_GAP = 11.5


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


@dataclass(frozen=True)
class Portrait:
    """A picture and where the face is in it, before the fit.

    Attributes:
        picture: uint8 [H, W, 3], RGB, cut to the head and no larger than the renderer can use.
        landmarks: in pixels of `picture`.
        dense: ties of FaceMesh points to the face model where the landmarks come from FaceMesh, in the same pixels.
        subject: identifier of the person.
    """

    picture: np.ndarray
    landmarks: Landmarks
    dense: Correspondences | None
    subject: str


class PortraitReader:
    """Reads portrait files. Holds the detector and the landmark networks: make one per process."""

    def __init__(self) -> None:
        self._detector = FaceDetector()
        self._mesh = FaceMesh()

    def read(self, path: str | Path) -> Portrait:
        """Reads one portrait, with the landmark file beside it or else with landmarks found by FaceMesh.

        Raises:
            RigError: the picture or its landmark file cannot be read, no face is found, or the landmarks lie outside.
        """
        path = Path(path)
        picture, beside = read_picture(path), landmark_file(path)
        if beside is not None:
            return reduced_portrait(picture, read_landmarks(beside), None, path.stem)
        return self.find(picture, path.stem)

    def find(self, picture: np.ndarray, subject: str, *, neutral: bool = True) -> Portrait:
        """The largest face of a uint8 RGB picture [H, W, 3] with landmarks found by FaceMesh.

        Args:
            picture: uint8 [H, W, 3], RGB.
            subject: identifier of the person.
            neutral: refuse an open mouth, whose inside the rig could not take for skin.

        Raises:
            RigError: no face is found, or it is not neutral.
        """
        dense = self._dense(picture)
        gap = 100 * lip_gap(dense)
        if neutral and gap > MAX_LIP_GAP:
            raise RigError(
                f"The mouth is open ({gap:.0f} % of the inter-ocular distance, at most {MAX_LIP_GAP:.0f} are allowed); "
                "the rig starts from a neutral face with closed lips."
            )
        landmarks = landmarks_from_dense(picture, dense)
        return reduced_portrait(picture, landmarks, dense_correspondences(dense), subject)

    def find_pair(self, neutral: Portrait, expressing: np.ndarray) -> tuple[Portrait, Portrait]:
        """The same person neutral and with an expression, both with landmarks found by FaceMesh.

        Args:
            neutral: the neutral portrait.
            expressing: uint8 [H, W, 3], RGB, a photograph of the expression; the mouth may be open.

        Returns:
            `neutral` with the found landmarks, its picture as it is; the other portrait.

        Raises:
            RigError: no face is found.
        """
        neutral_dense, dense = self._dense(neutral.picture), self._dense(expressing)
        found = landmarks_from_dense(neutral.picture, neutral_dense)
        landmarks = with_opened_lips(landmarks_from_dense(expressing, dense), dense, found, neutral_dense)
        refound = replace(neutral, landmarks=found, dense=dense_correspondences(neutral_dense))
        return refound, reduced_portrait(expressing, landmarks, dense_correspondences(dense), neutral.subject)

    def _dense(self, picture: np.ndarray) -> np.ndarray:
        try:
            return self._mesh(picture, detection_anchors(self._detector.find(picture)[0]))
        except NoFaceError as error:
            raise RigError(f"{error} Or put a landmark file beside the picture.") from error


def fit_portrait(model: FaceModel, portrait: Portrait) -> FittedFace:
    """Fits the face model to a portrait.

    Raises:
        RigError: the fit is bad.
    """
    landmarks = portrait.landmarks
    fit = fit_landmarks(model, landmarks, portrait.dense)
    screen, perspective = screen_vertices(model, fit, landmarks.inter_ocular_distance)
    return FittedFace(
        picture=portrait.picture,
        landmarks=landmarks,
        camera=fit.camera,
        identity=fit.identity,
        expression=fit.expression,
        model_vertices=fit.vertices,
        screen_vertices=screen,
        perspective=perspective,
        residual=fit.residual,
        subject=portrait.subject,
        landmark_source="facemesh" if portrait.dense else "frl189",
    )


def read_picture(path: str | Path) -> np.ndarray:
    """uint8 [H, W, 3], RGB and upright.

    Raises:
        RigError: the file cannot be read as a picture.
    """
    try:
        return load_image(path).rgb8()
    except ImageError as error:
        raise RigError(str(error)) from error


def reduced_portrait(
    picture: np.ndarray, landmarks: Landmarks, dense: Correspondences | None, subject: str
) -> Portrait:
    """Cuts a uint8 RGB picture to the head's surroundings and shrinks it to what the renderer can use.

    Raises:
        RigError: the landmarks lie outside the picture.
    """
    height, width = picture.shape[:2]
    middle = landmarks.stacked().mean(axis=0)
    if (middle < 0).any() or (middle >= (width, height)).any():
        raise RigError(f"The landmarks lie outside the picture of {width} x {height} pixels; are they this picture's?")
    iod = landmarks.inter_ocular_distance
    centre = (landmarks.right_pupil + landmarks.left_pupil) / 2
    left, top = np.clip(np.floor(centre - KEPT_RADIUS * iod), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(centre + KEPT_RADIUS * iod), (left + 1, top + 1), (width, height)).astype(int)
    picture = picture[top:bottom, left:right]
    scale = min(1.0, MAX_INTER_OCULAR_DISTANCE / max(iod, 1.0))
    if scale < 1.0:
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    # Pixel centres: x' + .5 = scale (x - left + .5), with the whole-pixel size's own scale in each direction.
    sx, sy = picture.shape[1] / (right - left), picture.shape[0] / (bottom - top)
    matrix = np.array([[sx, 0, sx * (0.5 - left) - 0.5], [0, sy, sy * (0.5 - top) - 0.5]])
    moved = dense.transformed(matrix) if dense is not None else None
    return Portrait(np.ascontiguousarray(picture), landmarks.transformed(matrix), moved, subject)
