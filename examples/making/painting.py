"""Painterly versions of photographs: oil in curved strokes from broad to fine, fresco, and pencil.

The strokes follow A. Hertzmann, Painterly Rendering with Curved Brush Strokes of Multiple Sizes, SIGGRAPH 1998.
Pictures are uint8 [H, W, 3] RGB.
"""

import cv2
import numpy as np


def oil(picture: np.ndarray, detail: np.ndarray, seed: int = 0) -> np.ndarray:
    """Oil on canvas: strokes along edges; `detail` [H, W] in 0..1 says where the finest brush is used."""
    rng = np.random.default_rng(seed)
    canvas = cv2.GaussianBlur(picture, (0, 0), 24)
    height_map = np.zeros(picture.shape[:2], np.float32)
    for brush in (26, 13, 7, 4, 2):
        reference = cv2.GaussianBlur(picture, (0, 0), 0.6 * brush)
        lines = _edge_directions(reference, max(2.0, 0.8 * brush))
        _paint_layer(canvas, height_map, reference, lines, brush, detail, rng)
    return _relief(canvas, height_map, rng)


def fresco(picture: np.ndarray, detail: np.ndarray, seed: int = 0) -> np.ndarray:
    """Lime plaster: flat mineral colours, drawn contours, worn grain and fine cracks."""
    rng = np.random.default_rng(seed)
    flat = picture
    for _ in range(4):
        flat = cv2.bilateralFilter(flat, 9, 30, 9)
    lab = cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 0] = 42 + 0.78 * lab[..., 0]
    lab[..., 1:] = 128 + 0.72 * (lab[..., 1:] - 128) + (2.0, 9.0)
    toned = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB).astype(np.float32)
    contour = _contours(picture, 1.4)[..., None]
    toned = toned * (1 - 0.65 * contour) + np.array((96, 52, 34), np.float32) * 0.65 * contour
    shape = picture.shape[:2]
    worn = np.clip((_clouds(shape, (160, 60, 24), rng) - 0.80) * 5, 0, 1) * (1 - detail)
    toned = toned * (1 - 0.45 * worn[..., None]) + np.array((226, 214, 192), np.float32) * 0.45 * worn[..., None]
    grain = 1 + 0.085 * (_clouds(shape, (9, 4, 2), rng) - 0.5)[..., None] * 2
    ridges = np.abs(_clouds(shape, (150, 70, 30), rng) - 0.5)
    cracks = np.clip(1 - ridges / 0.0055, 0, 1) * (1 - 0.9 * detail)
    toned = toned * grain * (1 - 0.35 * cv2.GaussianBlur(cracks, (0, 0), 0.7)[..., None])
    return np.clip(toned, 0, 255).astype(np.uint8)


def pencil(picture: np.ndarray, seed: int = 0) -> np.ndarray:
    """Graphite on cream paper: contours, and three directions of hatching that come in as it gets darker."""
    rng = np.random.default_rng(seed)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    grey = cv2.createCLAHE(1.6, (8, 8)).apply(grey).astype(np.float32) / 255
    tone = cv2.GaussianBlur(grey, (0, 0), 1.6)
    ink = 0.9 * _contours(picture, 1.0) + 0.35 * np.clip(0.75 - tone, 0, 1)
    for angle, limit in ((62, 0.78), (20, 0.52), (100, 0.30)):
        hatch = _hatching(grey.shape, angle, rng)
        ink += 0.55 * hatch * np.clip((limit - tone) / 0.22, 0, 1)
    paper = 1 + 0.05 * (_clouds(grey.shape, (3, 1.5), rng) - 0.5)
    ink *= 0.72 + 0.56 * _clouds(grey.shape, (1.6,), rng)
    drawn = np.array((247, 241, 228), np.float32) * paper[..., None]
    drawn = drawn * (1 - np.clip(ink, 0, 0.93)[..., None]) + np.array((44, 42, 46)) * np.clip(ink, 0, 0.93)[..., None]
    return np.clip(drawn, 0, 255).astype(np.uint8)


def _edge_directions(picture: np.ndarray, blur: float) -> np.ndarray:
    """Unit vectors [H, W, 2] along the edges, from the smoothed structure tensor."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, xy, yy = (cv2.GaussianBlur(product, (0, 0), 2.5 * blur) for product in (dx * dx, dx * dy, dy * dy))
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    return np.stack([-np.sin(across), np.cos(across)], axis=-1)


def _paint_layer(canvas, height_map, reference, lines, brush, detail, rng) -> None:
    """One layer of strokes of one brush, in random order, wherever the canvas is still too far from the reference."""
    rows, columns = canvas.shape[:2]
    error = cv2.GaussianBlur(np.abs(canvas.astype(np.float32) - reference).sum(axis=2), (0, 0), brush)
    step = max(2, round(0.7 * brush))
    grid = np.stack(np.mgrid[0:rows:step, 0:columns:step], axis=-1).reshape(-1, 2)
    grid = grid + rng.integers(0, step, grid.shape)
    for y, x in rng.permutation(grid):
        if y >= rows or x >= columns:
            continue
        threshold = {26: -1.0, 13: 14.0, 7: 18.0, 4: 22.0, 2: 26.0}[brush]
        fine = brush <= 4
        if error[y, x] < threshold or (fine and rng.random() > 0.30 + 0.7 * detail[y, x]):
            continue
        if brush == 2 and detail[y, x] < 0.2:
            continue
        path = _stroke(x, y, reference, lines, brush, rng)
        colour = reference[y, x].astype(np.float32) + rng.normal(0, 5 if detail[y, x] < 0.5 else 2.5, 3)
        colour = tuple(float(value) for value in np.clip(colour + rng.normal(0, 3), 0, 255))
        cv2.polylines(canvas, [path], False, colour, brush, cv2.LINE_AA)
        cv2.polylines(height_map, [path], False, float(rng.uniform(0.2, 1.0)), max(1, brush - 1), cv2.LINE_AA)


def _stroke(x: int, y: int, reference, lines, brush: int, rng) -> np.ndarray:
    """A path that follows the edges until the colour under it has changed too much; int32 [k, 2]."""
    start, path, last = reference[y, x].astype(np.float32), [(x, y)], None
    position = np.array([x, y], np.float32)
    for _ in range(int(rng.integers(4, 9))):
        direction = lines[int(position[1]), int(position[0])]
        if last is not None:
            direction = direction if direction @ last >= 0 else -direction
            direction = 0.6 * direction + 0.4 * last
        position = position + direction * brush
        inside = 0 <= position[0] < reference.shape[1] and 0 <= position[1] < reference.shape[0]
        if not inside or np.abs(reference[int(position[1]), int(position[0])] - start).sum() > 60:
            break
        path.append((round(float(position[0])), round(float(position[1]))))
        last = direction
    return np.array(path, np.int32)


def _relief(canvas: np.ndarray, height_map: np.ndarray, rng) -> np.ndarray:
    """Light from the top left on the thickness of the paint and on the weave of the canvas."""
    bristles = cv2.GaussianBlur(rng.normal(size=height_map.shape).astype(np.float32), (0, 0), 0.8)
    rows, columns = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]]
    weave = np.sin(rows * 2.1) * np.sin(columns * 2.1)
    thickness = cv2.GaussianBlur(height_map, (0, 0), 0.8) + 0.10 * bristles + 0.035 * weave
    light = thickness - np.roll(thickness, (1, 1), (0, 1))
    shaded = canvas.astype(np.float32) * (1 + 0.22 * light[..., None])
    return np.clip(shaded, 0, 255).astype(np.uint8)


def _contours(picture: np.ndarray, scale: float) -> np.ndarray:
    """Drawn lines [H, W] in 0..1: an extended difference of Gaussians."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    fine, broad = cv2.GaussianBlur(grey, (0, 0), scale), cv2.GaussianBlur(grey, (0, 0), 1.6 * scale)
    return np.clip(-np.tanh(28 * (fine - broad) + 0.25), 0, 1)


def _hatching(shape: tuple[int, int], degrees: float, rng) -> np.ndarray:
    """Slightly uneven parallel lines [H, W] in 0..1."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    angle = np.radians(degrees)
    across = columns * np.sin(angle) - rows * np.cos(angle) + 7 * _clouds(shape, (40, 15), rng)
    return np.clip(np.sin(across * 2 * np.pi / 5.5) * 1.6 - 0.3, 0, 1) * (0.5 + _clouds(shape, (12,), rng))


def _clouds(shape: tuple[int, int], scales: tuple[float, ...], rng) -> np.ndarray:
    """Smooth noise [H, W] in 0..1, the mean of one layer for each scale in pixels."""
    total = np.zeros(shape, np.float32)
    for weight, scale in enumerate(reversed(scales), start=1):
        small = (max(2, round(shape[1] / scale)), max(2, round(shape[0] / scale)))
        layer = rng.random((small[1], small[0])).astype(np.float32)
        total += weight * cv2.resize(layer, shape[::-1], interpolation=cv2.INTER_CUBIC)
    low, high = np.percentile(total, (1, 99))
    return np.clip((total - low) / (high - low), 0, 1)
