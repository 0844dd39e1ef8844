"""Photometric augmentation: makes photographs look like what a model meets outside a laboratory.

Expression sets are photographs from one studio, but people edit paintings, busts, avatars and old prints. Each transform
below imitates one such medium or one thing that happens to pictures. It never moves a pixel, so it keeps the labels and
the motion between the pictures of a pair. The crop handles geometry (similarity jitter, flip), and `occluders` handles
things in front of the face.

A draw is a medium from `MEDIA` (at most one), then any number of `CONDITIONS`, in their order. Everything random, including
noise fields, is drawn once and applied to all pictures of a stack alike. It does not depend on their content. So the two
sides of a training pair differ in expression only, before and after.

Every transform is `transform(pictures, rng, strength) -> pictures`, with float32 [K, H, W, 3] RGB, nominally in [0, 1];
`stylise` clips. None changes its input in place.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import cv2
import numpy as np

from ..errors import ImageError
from ..images.color_modes import LUMA
from .blank_eyes import BLANK_EYES, without_irises

UNTOUCHED = 0.38
"""Chance that a draw leaves the pictures alone; with the draws that pick neither medium nor condition it comes to 0.4."""

# Colours from shadow to highlight.
BRONZE = ((0.05, 0.04, 0.03), (0.28, 0.18, 0.10), (0.62, 0.44, 0.24), (0.95, 0.85, 0.62))
PATINA = ((0.04, 0.07, 0.06), (0.15, 0.27, 0.23), (0.38, 0.56, 0.48), (0.86, 0.90, 0.78))
CHROME = ((0.03, 0.04, 0.06), (0.30, 0.33, 0.38), (0.55, 0.58, 0.63), (1.00, 1.00, 1.00))


def stylise(
    pictures: np.ndarray, rng: np.random.Generator, strength: float = 1.0, blank_eyes: bool = True
) -> np.ndarray:
    """Applies one random draw of style to a stack of pictures, the same draw to each.

    Args:
        pictures: float32 [K, H, W, 3], RGB in [0, 1]; typically the K = 2 sides of a training pair, 64 to 512 px.
        rng: the only source of randomness; the draw depends on it and on H and W, not on K or the pictures.
        strength: how far each transform goes; 0 changes nothing, 1 is what models are trained with.
        blank_eyes: whether most faces lose their irises where the medium is stone or bronze, as busts have none.

    Returns:
        A new float32 array of the same shape, in [0, 1].

    Raises:
        ImageError: `pictures` is not a floating-point [K, H, W, 3] stack.
    """
    if pictures.ndim != 4 or pictures.shape[3] != 3 or not np.issubdtype(pictures.dtype, np.floating):
        raise ImageError(
            f"Augmentation works on float RGB stacks [K, H, W, 3] in [0, 1]; got {pictures.dtype} {list(pictures.shape)}."
        )
    pictures = np.ascontiguousarray(pictures, dtype=np.float32)
    for transform in draw(rng) if strength > 0 else ():
        settings = {} if blank_eyes or transform.apply not in (stone, bronze) else {"blank_eyes": 0.0}
        pictures = transform.apply(pictures, rng, float(strength), **settings)
    return np.clip(pictures, 0, 1)


def draw(rng: np.random.Generator) -> list["Transform"]:
    """Returns the transforms of one draw, in the order of application: at most one medium, then the conditions."""
    if rng.random() < UNTOUCHED:
        return []
    chosen = []
    dice = rng.random()
    for medium in MEDIA:
        dice -= medium.probability
        if dice < 0:
            chosen.append(medium)
            break
    return chosen + [condition for condition in CONDITIONS if rng.random() < condition.probability]


# Media: what the picture is made of.


def colour_matrix(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Mixes the channels: coloured light, other film, other skin, odd palettes."""
    matrix = np.eye(3) + rng.normal(0, 0.14 * strength, (3, 3))
    return _mix_channels(pictures, matrix.astype(np.float32))


def old_photograph(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Black and white, or sepia, with faded blacks."""
    sepia = np.array([1.07, 0.98, 0.82], np.float32) ** max(0.0, rng.uniform(-1.0, 1.5))
    fade = rng.uniform(0, 0.15)
    printed = np.column_stack([(1 - fade) * sepia[:, None] * LUMA, fade * sepia])
    return _mix_channels(pictures, _mix(np.eye(3, 4), printed, strength).astype(np.float32))


def stone(
    pictures: np.ndarray, rng: np.random.Generator, strength: float, blank_eyes: float = BLANK_EYES
) -> np.ndarray:
    """Marble, sandstone or terracotta: one tint, compressed tones, mottled, lit from one side."""
    tint = np.array([1.0, rng.uniform(0.72, 1.02), 1.0], dtype=np.float32)
    tint[2] = tint[1] ** 2 * rng.uniform(0.9, 1.05)  # the redder a stone, the less blue
    grey = _grey(without_irises(pictures, rng, blank_eyes))
    tones = rng.uniform(0.1, 0.3) + rng.uniform(0.6, 0.85) * grey ** rng.uniform(0.6, 1.4)
    mottle = clouds(rng, pictures.shape[1:3], rng.uniform(4, 16)) + 0.5 * clouds(rng, pictures.shape[1:3], 1.0)
    angle = rng.uniform(0, 2 * math.pi)
    relief = np.stack([_relief(picture, angle) for picture in tones])
    carved = (tones + rng.uniform(0, 1.5) * relief) * (1 + rng.uniform(0.02, 0.07) * mottle[..., None])
    return _mix(pictures, _coloured(carved, tint), strength)


def bronze(
    pictures: np.ndarray, rng: np.random.Generator, strength: float, blank_eyes: float = BLANK_EYES
) -> np.ndarray:
    """Metal: luminance through the tones of bronze, patina or chrome, with glancing highlights."""
    metals = np.array([BRONZE, PATINA, CHROME], np.float32).reshape(3, -1)
    stops = rng.dirichlet([0.8, 0.4, 0.4]).astype(np.float32) @ metals
    table = np.empty((256, 3), dtype=np.float32)
    for channel, tones in enumerate(stops.reshape(4, 3).T):
        table[:, channel] = np.interp(np.linspace(0, 3, 256), range(4), tones)
    contrast, bias = rng.uniform(1.0, 1.6), rng.uniform(-0.15, 0.05)
    grey = _grey(without_irises(pictures, rng, blank_eyes))[..., 0]
    tones = np.clip(127.5 + 255 * (contrast * (grey - 0.5) + bias), 0, 255).astype(np.uint8)
    return _mix(pictures, np.take(table, tones, axis=0), strength)


def painterly(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Brushwork: detail melts into patches with firm borders, colours deepen, the varnish yellows."""
    spread, saturation = rng.uniform(40, 80), rng.uniform(0.9, 1.4)
    varnish = np.array([1.0, 0.97, 0.88], np.float32) ** rng.uniform(0, 1.5)
    painted = _mix_channels(_bilateral(pictures, spread), varnish[:, None] * _saturation(saturation))
    return _mix(pictures, painted, strength)


def cartoon(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A drawn figure: few flat tones, vivid colours, dark outlines."""
    levels, flatness = int(rng.integers(4, 9)), rng.uniform(0.4, 0.9)
    saturation, ink = rng.uniform(1.0, 1.7), rng.uniform(0, 5)
    smooth = _bilateral(pictures, 70)
    tones = _grey(smooth)
    steps = np.round(tones * levels) / levels  # of the tone only: stepping each channel would invent colours
    grey = _mix(tones, steps, flatness)
    lines = np.stack([cv2.GaussianBlur(picture, (0, 0), 1.6) - picture for picture in tones[..., 0]])
    lines = np.clip(ink * lines[..., None], 0, 0.8)
    # What differs from grey in `smooth` differs `saturation` times as much from the new grey.
    drawn = (saturation * smooth + _coloured(grey - saturation * tones)) * _coloured(1 - lines)
    return _mix(pictures, drawn, strength)


def avatar(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A rendered figure: skin without pores, saturated, with soft full light."""
    saturation, light = rng.uniform(1.1, 1.7), rng.uniform(0.7, 1.0)
    smooth = _mix_channels(_bilateral(pictures, 60), _saturation(saturation))
    return _mix(pictures, np.clip(smooth, 0, 1) ** light, strength)


def pencil(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Pencil or crayon on paper: what is darker than its surroundings becomes a stroke, the rest light hatching."""
    width, pressure = rng.uniform(1.5, 4), rng.uniform(1.0, 2.5)
    shading, colour = rng.uniform(0.2, 0.7), max(0.0, rng.uniform(-0.5, 0.7))
    tooth = 0.08 * clouds(rng, pictures.shape[1:3], 0.7)
    grey = _grey(pictures)[..., 0]
    around = np.stack([cv2.GaussianBlur(picture, (0, 0), width) for picture in grey])
    strokes = np.clip((grey + 0.1) / (around + 0.1), 0, 1) ** pressure  # 0.1 keeps hair from turning solid black
    sheet = 0.97 * strokes * (1 - shading * (1 - grey) * (1 + 3 * tooth)) + 0.4 * tooth * (1 - grey)
    crayon = 1 - colour + colour * np.clip(pictures / _coloured(grey[..., None] + 0.1), 0, 1.3)
    return _mix(pictures, _coloured(sheet[..., None]) * crayon, strength)


# Conditions: what happens to any picture.


def exposure(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Contrast, brightness and white balance."""
    gain = 1 + strength * (rng.uniform(-0.25, 0.25) + rng.uniform(-0.06, 0.06, 3))
    offset = np.full(3, strength * rng.uniform(-0.1, 0.1))
    return _mix_channels(pictures, np.column_stack([np.diag(gain), offset]).astype(np.float32))


def gamma(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Another tone curve, from washed out to heavy."""
    return np.clip(pictures, 0, 1) ** math.exp(strength * rng.uniform(-0.5, 0.5))


def side_light(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A lamp from one side: brightness falls off along a random direction."""
    height, width = pictures.shape[1:3]
    angle, depth = rng.uniform(0, 2 * math.pi), strength * rng.uniform(0.1, 0.5)
    across = np.linspace(-1, 1, width, dtype=np.float32) * math.cos(angle)
    down = np.linspace(-1, 1, height, dtype=np.float32) * math.sin(angle)
    return _times(pictures, np.repeat(1 + depth * (down[:, None] + across), 3, axis=1))


def canvas(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Linen under paint: a woven relief of a few pixels' pitch, uneven as cloth is."""
    height, width = pictures.shape[1:3]
    pitch, depth = rng.uniform(2.5, 5), strength * rng.uniform(0.02, 0.07)
    warp = np.sin(2 * math.pi / pitch * np.arange(width, dtype=np.float32))
    weft = np.sin(2 * math.pi / pitch * np.arange(height, dtype=np.float32))
    weave = warp + weft[:, None] + 0.5 * clouds(rng, (height, width), 0.8)
    return _times(pictures, np.repeat(1 + depth * weave, 3, axis=1))


def grain(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Film grain or sensor noise, fine or coarse, grey or coloured."""
    height, width = pictures.shape[1:3]
    size, depth = max(0.0, rng.uniform(-1.0, 1.5)), strength * rng.uniform(0.015, 0.06)
    channels = 1 if rng.random() < 0.6 else 3
    fields = [depth * clouds(rng, (height, width), size) for _ in range(channels)]
    return pictures + cv2.merge(fields * (3 // channels))


def blur(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Out of focus."""
    sigma = max(strength * rng.uniform(0.4, 1.3), 1e-3)
    return np.stack([cv2.GaussianBlur(picture, (0, 0), sigma) for picture in pictures])


def low_resolution(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A small picture made large: thumbnails, FER2013's 48 px, faces in a crowd."""
    height, width = pictures.shape[1:3]
    factor = 1 + strength * rng.uniform(0.3, 1.7)
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    shrunk = (cv2.resize(picture, small, interpolation=cv2.INTER_AREA) for picture in pictures)
    return np.stack([cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC) for picture in shrunk])


def jpeg(pictures: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Saved too small: blocks and ringing."""
    quality = int(100 - strength * rng.uniform(20, 75))
    return np.stack([_through_jpeg(picture, max(quality, 5)) for picture in _bytes(pictures)])


class Transform(NamedTuple):
    """A row of the tables: what the transform is called, how it is applied, how often it is drawn."""

    name: str
    apply: Callable[[np.ndarray, np.random.Generator, float], np.ndarray]
    probability: float


# The remaining 0.2 of a draw's media is the photograph as it is.
MEDIA = (
    Transform("colour matrix", colour_matrix, 0.17),
    Transform("old photograph", old_photograph, 0.10),
    Transform("stone", stone, 0.13),
    Transform("bronze", bronze, 0.08),
    Transform("painterly", painterly, 0.12),
    Transform("cartoon", cartoon, 0.08),
    Transform("avatar", avatar, 0.06),
    Transform("pencil", pencil, 0.06),
)

# In the order in which they happen: light, surface, camera, file.
CONDITIONS = (
    Transform("exposure", exposure, 0.45),
    Transform("gamma", gamma, 0.25),
    Transform("side light", side_light, 0.15),
    Transform("canvas", canvas, 0.08),
    Transform("grain", grain, 0.18),
    Transform("blur", blur, 0.12),
    Transform("low resolution", low_resolution, 0.08),
    Transform("jpeg", jpeg, 0.15),
)


def _mix(before: np.ndarray, after: np.ndarray, amount: float) -> np.ndarray:
    return after if amount == 1 else before + amount * (after - before)


def _times(pictures: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Pictures times factors [H or 1, 3 W]: NumPy is several times slower at loops over three channels."""
    flat = np.ascontiguousarray(pictures).reshape(*pictures.shape[:2], -1)
    return (flat * factors).reshape(pictures.shape)


def _grey(pictures: np.ndarray) -> np.ndarray:
    """[K, H, W, 3] -> luma [K, H, W, 1], clipped to [0, 1] so that powers of it are defined."""
    return np.clip(_mix_channels(pictures, LUMA[None])[..., None], 0, 1)


def _coloured(grey: np.ndarray, colour: Sequence[float] | np.ndarray = (1, 1, 1)) -> np.ndarray:
    """[K, H, W, 1] times a colour -> [K, H, W, 3]: NumPy is several times slower at loops over three channels."""
    planes = [grey[..., 0] if part == 1 else grey[..., 0] * part for part in colour]
    return np.stack([cv2.merge(channels) for channels in zip(*planes, strict=True)])


def _saturation(amount: float) -> np.ndarray:
    """The matrix that takes colours further from grey, or nearer to it: 1 changes nothing, 0 is grey."""
    return _mix(np.tile(LUMA, (3, 1)), np.eye(3, dtype=np.float32), amount)


def _mix_channels(pictures: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Each pixel times a matrix [channels, 3], or [channels, 4] with what is added in the last column."""
    # Picture by picture: OpenCV rounds the last few pixels of an array otherwise, and a pair must be treated alike.
    return np.stack([cv2.transform(picture, matrix) for picture in pictures])


def clouds(rng: np.random.Generator, shape: tuple[int, int], size: float) -> np.ndarray:
    """Noise [H, W] of mean 0 and deviation 1 whose features are about `size` pixels wide; 0 is white noise."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    if size > 0:
        noise = cv2.GaussianBlur(noise, (0, 0), size)
        noise /= noise.std() + 1e-6
    return noise


def _relief(picture: np.ndarray, angle: float) -> np.ndarray:
    """Slope of a grey picture [H, W, 1] along `angle`: what a low lamp from there makes of its forms."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.2)
    across, down = cv2.Sobel(smooth, -1, 1, 0, scale=1 / 8), cv2.Sobel(smooth, -1, 0, 1, scale=1 / 8)
    return (math.cos(angle) * across + math.sin(angle) * down)[..., None]


def _bytes(pictures: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(np.clip(pictures, 0, 1), alpha=255)


def _bilateral(pictures: np.ndarray, spread: float) -> np.ndarray:
    """Edge-preserving smoothing, on bytes because OpenCV is several times faster there; `spread` in grey levels."""
    smooth = [cv2.bilateralFilter(picture, 7, spread, 5) for picture in _bytes(pictures)]
    return np.stack(smooth).astype(np.float32) / 255


def _through_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cast(np.ndarray, cv2.imdecode(encoded, cv2.IMREAD_COLOR))  # None only for what is no picture
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
