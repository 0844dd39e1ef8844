"""Landmark files: the 189 points of the Face Research Lab (WebMorph), as .csv or .tem.

Both formats list the points in the same order. `.csv`: a header `x,y` and one line per point (the published London Set).
`.tem` (WebMorph, Psychomorph): a line with the number of points, one line `x y` per point, then curves that are not needed.
"""

import csv
from pathlib import Path

import numpy as np

from ...errors import RigError
from .landmark_types import Landmarks

FRL_POINTS = 189
LANDMARK_SUFFIXES = (".csv", ".tem")

# Which of the 189 points make up each polyline of `Landmarks`. The scheme's own "left" is the picture's left.
FRL_189 = {
    "right_pupil": 0,
    "left_pupil": 1,
    "right_iris": [2, 3, 4, 5, 6, 7, 8, 9],
    "left_iris": [10, 11, 12, 13, 14, 15, 16, 17],
    "right_upper_lid": [18, 19, 20, 21, 22],
    "right_lower_lid": [18, 28, 29, 30, 22],
    "left_upper_lid": [23, 24, 25, 26, 27],
    "left_lower_lid": [23, 31, 32, 33, 27],
    "right_brow_top": [71, 72, 73, 74, 75, 76],
    "right_brow_bottom": [83, 84],
    "left_brow_top": [77, 78, 79, 80, 81, 82],
    "left_brow_bottom": [85, 86],
    "right_nose_side": [50, 51, 52, 53, 54],
    "left_nose_side": [56, 57, 58, 59, 60],
    "nose_base": [64, 55, 69],
    "upper_lip_top": [87, 88, 89, 90, 91, 92, 93],
    "upper_lip_bottom": [87, 94, 95, 96, 97, 98, 93],
    "lower_lip_top": [87, 99, 100, 101, 102, 103, 93],
    "lower_lip_bottom": [87, 104, 105, 106, 107, 108, 93],
    "jaw": [111, 125, 126, 127, 128, 129, 130, 131, 132, 133, 114],
    "hairline": [134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144],
    "cheeks": [165, 168, 166, 169],
    "right_face_edge": [109, 110, 111],
    "left_face_edge": [112, 113, 114],
}


def landmarks_from_frl(points: np.ndarray) -> Landmarks:
    """Names the points of an FRL template, float [189, 2] in pixels."""
    return Landmarks(**{name: points[indices].astype(np.float64) for name, indices in FRL_189.items()})


def landmark_file(picture: str | Path) -> Path | None:
    """The landmark file beside a picture: the same name with .csv or .tem; None when there is none."""
    candidates = (Path(picture).with_suffix(suffix) for suffix in LANDMARK_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def read_landmarks(path: str | Path) -> Landmarks:
    """Reads a .csv or .tem file with the 189 FRL points.

    Raises:
        RigError: the file cannot be read, has another number of points, or holds something that is not a number.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = _csv_rows(lines) if path.suffix.lower() == ".csv" else _tem_rows(lines)
        points = np.array([[float(value) for value in row] for row in rows])
    except (OSError, UnicodeDecodeError, ValueError, IndexError) as error:
        raise RigError(f"{path.name} is not a landmark file: {error}.") from error
    if points.shape != (FRL_POINTS, 2) or not np.isfinite(points).all():
        raise RigError(
            f"{path.name} holds an array of shape {points.shape}; {FRL_POINTS} finite points (x, y) of the FRL/WebMorph "
            "template were expected. Remove the file to have the landmarks found automatically."
        )
    return landmarks_from_frl(points)


def _csv_rows(lines: list[str]) -> list[list[str]]:
    rows = [row for row in csv.reader(lines) if row]
    has_header = bool(rows) and rows[0][0].strip().lower() == "x"
    return rows[1:] if has_header else rows


def _tem_rows(lines: list[str]) -> list[list[str]]:
    count = int(lines[0])
    return [line.split() for line in lines[1 : 1 + count]]
