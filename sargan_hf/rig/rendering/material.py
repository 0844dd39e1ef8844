"""What a picture is made of: its sharpness, grain, tones and tint, so that what is painted into it looks made of the same.

A painting is blurred, a print is screened, stone has one colour and a faded drawing no black. All of it is measured on the
face itself, at the size of the picture to be rendered.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ...images.color_modes import LUMA
from .pose import PosedFace

# Pictures at the size in which they are shown are this sharp (standard deviation of their edges in pixels).
_SHARP = 0.8
_EDGE_BLURS = (0.8, 1.8)  # pixels; an edge loses less of its slope between the two the more blurred it is
_EDGES = 97.0  # percentile of slopes from which a pixel of the face counts as an edge
_MAX_BLUR = 4.0
# Standard deviation of an enlarged pixel, as a share of its side: its own square and the triangle that interpolates it.
_PIXEL_BLUR = 0.5
# Distance in CIELAB (a, b) of a face's pixels from one curve over its lightness: half, 90 and 97 % of them. Of 129
# photographed people nobody has less; monochrome plates, tinted or not, have at most these.
_ONE_TINT = (1.5, 2.7, 5.0)
_COLOURFUL = (4.5, 6.0)  # from the first to the second (97 %) a picture goes from nearly one tint to full colour
_PHOTOGRAPHED_BLACK = (
    14.0  # luminance of the darkest places of usual photographs, for which the mouth's colours were chosen
)
_DOTS = 1.5  # pixels
_DEEPEST = 0.1  # percentile of the face: the depth of its nostrils and folds
_BLACK_KEPT = 0.75  # a hole is darker than what else is dark in a picture
_GLEAM = 1.25  # nothing painted is lighter than this times the lightest places of the face
_FINE = 2.0  # pixels; what is finer than this is grain
_STRONGEST_GRAIN = 9.0  # levels: coarse screens and worn bronze filled a mouth with noise
_TILE = 128
_TONES = 16


@dataclass(frozen=True, eq=False)
class Material:
    """What a picture is made of.

    Attributes:
        blur: standard deviation in pixels of the picture by which its edges are softer than rendered ones; 0 if sharp.
        black, white: luminance of its darkest places and of the lightest on the face, 0 to 255.
        middle: median luminance of the face.
        deepest: luminance of the deepest shade of the face.
        colourful: 1 for full colour, 0 where the whole face lies on one curve of colours.
        curve: float32 [256, 3], that curve: RGB by luminance.
        grain: float32 [128, 128], periodic, mean 0, variance 1: what is finer than 2 pixels of a cheek.
        grain_by_tone: float32 [256], standard deviation of the picture's fine grain by luminance.
    """

    blur: float
    black: float
    white: float
    middle: float
    deepest: float
    colourful: float
    curve: np.ndarray
    grain: np.ndarray
    grain_by_tone: np.ndarray

    @property
    def one_tint(self) -> bool:
        """The face has one colour, as a monochrome print."""
        return self.colourful == 0.0

    def toned(self, colour: np.ndarray, one_colour: bool = False) -> np.ndarray:
        """float32 [..., 3], painted RGB in this picture's tones and tint: no darker than it gets, no lighter than the face.

        Args:
            colour: float32 [..., 3], RGB as a photograph shows it.
            one_colour: keep to `curve` even if the picture as a whole has several colours.
        """
        luminance = colour @ LUMA
        floor = max(0.0, _BLACK_KEPT * self.black - _PHOTOGRAPHED_BLACK)
        wanted = floor + luminance * (1 - floor / 255)
        wanted = np.minimum(wanted, max(_GLEAM * self.white, floor))
        share = 0.0 if one_colour else self.colourful
        toned = colour * (share * wanted / np.maximum(luminance, 1.0))[..., None]
        if share < 1:
            toned = toned + (1 - share) * self.tinted(wanted)
        return toned.astype(np.float32)

    def tinted(self, luminance: np.ndarray) -> np.ndarray:
        """float [..., 3], RGB of this luminance on `curve`: it is one of this picture's tones already."""
        level = np.clip(luminance, 0, 254)
        low = level.astype(int)
        part = (level - low)[..., None]
        return (1 - part) * self.curve[low] + part * self.curve[low + 1]

    def add_grain(self, picture: np.ndarray, painted: np.ndarray) -> None:
        """Adds the picture's grain where `painted` float32 [S, S] says, to `picture` float32 [S, S, 3]; in place."""
        rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
        if not len(rows):
            return
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        shown = picture[window]
        tone = np.clip(shown @ LUMA, 0, 255).astype(int)
        there = np.ix_(np.arange(rows[0], rows[-1] + 1) % _TILE, np.arange(columns[0], columns[-1] + 1) % _TILE)
        added = painted[window] * self.grain[there] * self.grain_by_tone[tone]
        # A tinted picture has tinted grain.
        hue = shown / np.maximum(tone, 8)[..., None]
        shown += added[..., None] * np.clip(hue, 0, 2)


def read_material(posed: PosedFace, factor: int, seed: int) -> Material:
    """Measures the posed picture at the size in which it will be shown.

    Args:
        posed: oversampled by `factor`.
        seed: of the grain.
    """
    size = (posed.texture.shape[1] // factor, posed.texture.shape[0] // factor)
    shown = cv2.resize(posed.texture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    luminance = shown @ LUMA
    face = _face_mask(posed, factor, size)
    rows, columns = _bounds(face)
    inside, face = luminance[rows, columns], face[rows, columns]
    colourful, curve = _tint(shown[rows, columns], face)
    margin = posed.margin // factor
    middle = float(np.median(inside[face]))
    shades = cv2.GaussianBlur(luminance, (0, 0), _DOTS)[rows, columns][face]
    # The dots of a screen are darker than anything they show.
    visible = cv2.GaussianBlur(luminance[margin:-margin, margin:-margin], (0, 0), _DOTS)
    return Material(
        blur=max(_blur(inside, face), _softer_than_sharp((_PIXEL_BLUR * posed.enlargement) ** 2)),
        black=float(np.percentile(visible[::2, ::2], 0.5)),
        white=float(np.percentile(inside[face], 99.5)),
        middle=middle,
        deepest=float(np.percentile(shades, _DEEPEST)),
        colourful=colourful,
        curve=curve,
        grain=_grain(luminance, posed.landmarks.cheeks / factor, size[0] // 9, seed),
        grain_by_tone=_grain_by_tone(inside, middle),
    )


def _face_mask(posed: PosedFace, factor: int, size: tuple[int, int]) -> np.ndarray:
    """bool, from the brows down to the jaw."""
    marks = posed.landmarks
    outline = np.concatenate([marks.jaw, marks.left_brow_top[::-1], marks.right_brow_top[::-1]]) / factor
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1)
    return cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0


def _bounds(mask: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _blur(luminance: np.ndarray, face: np.ndarray) -> float:
    """How much softer than a sharp picture's the strongest edges of the face are, in pixels.

    From a blur of a to one of b the slope of an edge of width s falls by R = sqrt((s^2 + b^2) / (s^2 + a^2)): S. Zhuo and
    T. Sim, Defocus map estimation from a single image (2011).
    """
    first, second = (_slopes(cv2.GaussianBlur(luminance, (0, 0), sigma)) for sigma in _EDGE_BLURS)
    crest = (first >= 0.92 * cv2.dilate(first, np.ones((3, 3), np.uint8))) & face
    crest &= first >= np.percentile(first[face], _EDGES)
    fall = (first[crest] / np.maximum(second[crest], 1e-3)) ** 2
    a, b = np.square(_EDGE_BLURS)
    width = np.median(np.clip((b - fall * a) / np.maximum(fall - 1, 1e-3), 0, _MAX_BLUR**2))
    return _softer_than_sharp(float(width))


def _softer_than_sharp(variance: float) -> float:
    """How much blur of a sharp picture gives edges of this variance, in pixels.

    Dots of a screen and threads of a canvas pass for sharp edges. But an enlarged picture is no sharper than its pixels.
    """
    return float(np.sqrt(max(0.0, variance - _SHARP**2)))


def _slopes(luminance: np.ndarray) -> np.ndarray:
    return cv2.magnitude(cv2.Scharr(luminance, cv2.CV_32F, 1, 0), cv2.Scharr(luminance, cv2.CV_32F, 0, 1))


def _tint(shown: np.ndarray, face: np.ndarray) -> tuple[float, np.ndarray]:
    """`Material.colourful` and `Material.curve`: CIELAB a and b of the face as parabolas over L."""
    lab = cv2.cvtColor(cv2.GaussianBlur(shown / 255, (0, 0), 1.5), cv2.COLOR_RGB2LAB)
    lightness, *chroma = lab[face][::2].T
    powers = np.stack([np.ones_like(lightness), lightness, lightness**2], axis=1)
    chroma = np.stack(chroma, axis=1)
    curve = np.linalg.lstsq(powers, chroma, rcond=None)[0]
    off = np.percentile(np.linalg.norm(chroma - powers @ curve, axis=1), (50, 90, 97))
    one_tint, (low, high) = (off <= _ONE_TINT).all(), _COLOURFUL
    colourful = 0.0 if one_tint else float(np.clip((off[2] - low) / (high - low), 0.25, 1))
    # Beyond the lightnesses of the face a parabola may lead anywhere.
    steps = np.clip(
        np.linspace(0, 100, 101, dtype=np.float32), np.percentile(lightness, 1), np.percentile(lightness, 99)
    )
    ab = np.stack([np.ones_like(steps), steps, steps**2], axis=1) @ curve
    steps = np.linspace(0, 100, 101, dtype=np.float32)
    ab *= np.clip(steps / max(float(np.percentile(lightness, 1)), 1.0), 0, 1)[:, None]
    rgb = 255 * cv2.cvtColor(np.column_stack([steps, ab])[None].astype(np.float32), cv2.COLOR_LAB2RGB)[0]
    levels = np.arange(256)
    return colourful, np.stack([np.interp(levels, rgb @ LUMA, rgb[:, k]) for k in range(3)], axis=1).astype(np.float32)


def _grain(luminance: np.ndarray, cheeks: np.ndarray, reach: int, seed: int) -> np.ndarray:
    """`Material.grain`: noise with the spectrum of the plainest patch of cheek (spot noise)."""
    patches = []
    for x, y in np.round(cheeks).astype(int):
        patch = luminance[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
        if min(patch.shape) >= 8:
            patches.append(patch - cv2.GaussianBlur(patch, (0, 0), _FINE))
    noise = np.random.default_rng(seed).normal(size=(_TILE, _TILE)).astype(np.float32)
    if patches:
        patch = min(patches, key=np.var)
        window = np.outer(np.hanning(patch.shape[0] + 2)[1:-1], np.hanning(patch.shape[1] + 2)[1:-1])
        spot = np.zeros((_TILE, _TILE), np.float32)
        height, width = min(patch.shape[0], _TILE), min(patch.shape[1], _TILE)
        spot[:height, :width] = ((patch - patch.mean()) * window)[:height, :width]
        noise = np.fft.irfft2(np.fft.rfft2(noise) * np.fft.rfft2(spot), s=noise.shape).astype(np.float32)
    noise -= noise.mean()
    return np.clip(noise / max(float(noise.std()), 1e-6), -2.5, 2.5)


def _grain_by_tone(luminance: np.ndarray, skin: float) -> np.ndarray:
    """`Material.grain_by_tone`: where the picture is even, the median strength of what is finer than its tones.

    Dark places of a face are narrow and full of edges, which are no grain: it is no stronger there than on the `skin`.
    """
    tone = cv2.GaussianBlur(luminance, (0, 0), _FINE)
    fine = np.abs(luminance - tone)
    slope = _slopes(tone)
    even = slope <= np.percentile(slope[::3, ::3], 60)
    number = np.clip((tone[even] * (_TONES / 256)).astype(int), 0, _TONES - 1)
    fine = fine[even]
    found = [(n, 1.48 * np.median(fine[number == n])) for n in range(_TONES) if (number == n).sum() >= 40]
    if not found:
        return np.zeros(256, np.float32)
    place, strength = np.array(found).T
    levels = np.arange(256)
    strength = np.interp(levels, (place + 0.5) * 256 / _TONES, strength)
    most = strength[int(np.clip(skin, 0, 255))] * np.sqrt(np.clip(levels / max(skin, 1.0), 0.1, 1))
    return np.minimum(np.minimum(strength, most), _STRONGEST_GRAIN).astype(np.float32)
