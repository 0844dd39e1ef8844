"""Faces are found, turned, small and large, and cut out where training has them."""

import cv2
import numpy as np
import pytest
from skimage import data

from sargan_hf.faces.alignment import EYES_CENTRE, canonical_transform
from sargan_hf.faces.detection import FaceDetector


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return data.astronaut()


@pytest.mark.parametrize("angle", [0, 90, 180, -40])
def test_turned_faces_are_found(astronaut, angle):
    matrix = cv2.getRotationMatrix2D((255.5, 255.5), angle, 0.7)
    turned = cv2.warpAffine(astronaut, matrix, (512, 512))
    upright = FaceDetector().find(astronaut)[0].points
    expected = upright @ matrix[:, :2].T + matrix[:, 2]
    found = FaceDetector().find(turned)[0]
    assert np.abs(found.points - expected).max() < 8
    assert found.tried


@pytest.mark.parametrize("size", [60, 3000])
def test_small_and_large_faces_are_found(astronaut, size):
    face = astronaut[:260, 110:370]
    resized = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA if size < 260 else cv2.INTER_CUBIC)
    found = FaceDetector().find(resized)[0].points / size
    assert np.abs(found - FaceDetector().find(face)[0].points / 260).max() < 0.04


def test_canonical_crop_puts_eyes_where_training_has_them():
    points = np.array([[300, 200], [360, 230], [320, 260], [290, 280], [345, 305.0]])
    transform = canonical_transform(points, 128)
    eyes = cv2.transform(points[None], transform)[0][:2]
    assert eyes.mean(axis=0) == pytest.approx(np.array(EYES_CENTRE) * 128 - 0.5)
    assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    assert eyes[1, 0] > eyes[0, 0]
