"""Painted beards: few portraits in open sets have one, and most old paintings and statues do.

A beard is drawn once per set on a chart of the mean face seen from the front, like the folds (`wrinkles.py`). So it sticks to
the skin and moves with it. The part over the lips moves with the lips. Nothing stands out beyond the skin, so long beards are
not possible.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ...images.color_modes import LUMA

# The chart: pixels per model unit, and the model x of its left and y of its top edge. Nose base y -1.2, mouth -3.4, chin -7.5.
_RESOLUTION, _LEFT, _TOP, _WIDTH, _HEIGHT = 36.0, -8.0, 4.5, 16.0, 13.5
_STYLES = {  # moustache, chin, cheeks; how often
    "full": ((1.0, 1.0, 1.0), 0.55),
    "moustache": ((1.0, 0.0, 0.0), 0.2),
    "goatee": ((1.0, 1.0, 0.0), 0.15),
    "chin curtain": ((0.0, 1.0, 1.0), 0.1),
}
_PALETTE = np.array(  # RGB under full light: black, dark brown, brown, light brown, red, grey, white
    [(34, 28, 26), (54, 42, 35), (78, 60, 47), (112, 86, 62), (116, 72, 48), (118, 114, 112), (176, 171, 167)],
    np.float32,
)
_STROKE = 0.035  # model units from one step along a hair to the next
_STEPS = 14
_SEAM = 29  # pixels of the chart, 0.8 model units
_SHINES_THROUGH = 0.35  # share of the skin's own pattern in the hair over it
_FULL_LIGHT = 190.0  # luminance of a light cheek under a full light


@dataclass(frozen=True)
class BeardLook:
    """One beard.

    Attributes:
        style: one of "full", "moustache", "goatee", "chin curtain".
        colour: RGB under a full light; faces of one colour, such as statues, have theirs carved from it instead.
        density: 0.25 (stubble) to 1 (no skin seen).
        overhang: how far the moustache hangs over the upper lip, as a share of it.
        seed: of the hairs.
    """

    style: str
    colour: tuple[float, float, float]
    density: float
    overhang: float
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "BeardLook":
        """A random beard."""
        shares = np.array([share for _, share in _STYLES.values()])
        colour = _PALETTE[rng.integers(len(_PALETTE))] * rng.uniform(0.85, 1.15)
        return cls(
            style=list(_STYLES)[rng.choice(len(shares), p=shares / shares.sum())],
            colour=tuple(np.clip(colour + rng.normal(0, 3, 3), 8, 235)),
            density=rng.uniform(0.3, 0.55) if rng.random() < 0.35 else rng.uniform(0.6, 0.9),
            overhang=rng.uniform(0.0, 1.0),
            seed=int(rng.integers(2**31)),
        )


def beard_chart(look: BeardLook) -> np.ndarray:
    """float32 [486, 576, 2]: how much of the skin is covered, 0 to 1, and how light the hair is there, around 1."""
    rng = np.random.default_rng(look.seed)
    columns, rows = int(_WIDTH * _RESOLUTION), int(_HEIGHT * _RESOLUTION)
    x = _LEFT + (np.arange(columns, dtype=np.float32)[None] + 0.5) / _RESOLUTION
    y = _TOP - (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / _RESOLUTION
    x, y = np.broadcast_arrays(np.abs(x), y)
    moustache, chin, cheeks = (
        wanted * area(x, y)
        for wanted, area in zip(_STYLES[look.style][0], (_moustache(look.overhang), _chin, _cheeks), strict=True)
    )
    area = np.maximum(np.maximum(moustache, chin), cheeks)
    seams = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_SEAM, _SEAM))  # no bare line where two of them meet
    area = cv2.morphologyEx(area.astype(np.float32), cv2.MORPH_CLOSE, seams)
    area = np.minimum(area, cv2.GaussianBlur(area, (0, 0), 0.14 * _RESOLUTION) * 1.1)
    hairs = _hairs(rng.normal(size=(rows, columns)).astype(np.float32), moustache > np.maximum(chin, cheeks))
    locks = cv2.GaussianBlur(hairs, (0, 0), 0.12 * _RESOLUTION)
    locks /= locks.std()
    # Hairs that start later and end earlier than their neighbours make a ragged edge.
    cover = look.density * np.clip(1.5 * area - 0.3 + (0.45 - 0.2 * area) * np.clip(hairs, -1.6, 1.6), 0, 1)
    # Towards its edge a beard gets thinner, as far as bare skin: an even one looks glued on.
    cover *= area**0.8
    return np.stack([cover, np.clip(1 + 0.1 * hairs + 0.07 * locks, 0.5, 1.4)], axis=2)


def _step(value: np.ndarray, width: float) -> np.ndarray:
    """0 to 1 as `value` goes from -width to width."""
    return np.clip(0.5 + 0.5 * value / width, 0, 1)


def _moustache(overhang: float):
    def area(x, y):
        top = np.interp(x, [0, 0.5, 1.3, 2.2, 3.2], [-1.5, -1.35, -1.3, -2.0, -3.0])
        lip = np.interp(x, [0, 0.7, 1.7, 2.5, 3.2], [-2.48, -2.42, -2.78, -3.4, -4.2])
        fringe = np.interp(x, [0, 0.7, 1.7, 2.5, 3.2], [-3.25, -3.2, -3.35, -3.7, -4.3])
        bottom = lip + overhang * (fringe - lip)
        return _step(top - y, 0.3) * _step(y - bottom, 0.12) * _step(3.0 - x, 0.3)

    return area


def _chin(x, y):
    lip = np.interp(x, [0, 1.0, 1.8, 2.6, 3.4], [-4.5, -4.4, -4.1, -3.5, -3.0])
    # Between lip and chin the hair leaves a bare patch on both sides of the middle.
    bare = np.exp(-(((x - 0.95) / 0.5) ** 2) - ((y + 4.75) / 0.3) ** 2)
    return _step(lip - y, 0.18) * _step(3.1 - x, 0.4) * (1 - 0.5 * bare) * _above_neck(x, y)


def _cheeks(x, y):
    # From the ears down to the corners of the mouth.
    edge = np.interp(x, [2.6, 3.4, 4.5, 5.6, 6.3, 7.0], [-3.3, -2.6, -1.9, -0.6, 1.4, 3.6])
    return _step(edge - y, 0.5) * _step(x - 2.7, 0.4) * _above_neck(x, y)


def _above_neck(x, y):
    jaw = np.interp(x, [0, 1.54, 3.05, 4.3, 5.72, 6.56, 7.3], [-7.57, -7.26, -6.91, -6.21, -4.49, -2.36, 1.5])
    return _step(y - jaw + 0.5, 0.4)


def _hairs(noise: np.ndarray, moustache: np.ndarray) -> np.ndarray:
    """`noise` drawn out along the hair: down and outward, on the moustache more outward than down; mean 0, variance 1."""
    rows, columns = noise.shape
    side = np.linspace(-1, 1, columns, dtype=np.float32)[None]
    across = np.sign(side) * np.where(moustache, 0.85, 0.9 * np.abs(side)).astype(np.float32)
    across = cv2.GaussianBlur(np.broadcast_to(across, noise.shape).copy(), (0, 0), 0.25 * _RESOLUTION)
    waves = cv2.GaussianBlur(noise, (0, 0), 0.45 * _RESOLUTION)
    across += 0.35 * waves / waves.std()
    length = np.sqrt(1 + across**2)
    dx, dy = _STROKE * _RESOLUTION * across / length, _STROKE * _RESOLUTION / length
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    drawn = cv2.GaussianBlur(noise, (0, 0), 0.8)
    total = np.zeros_like(noise)
    for _ in range(_STEPS):
        total += cv2.remap(drawn, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        x, y = x - dx, y - dy
    return (total - total.mean()) / total.std()


def add_beard(
    picture: np.ndarray, chart: np.ndarray, look: BeardLook, places: np.ndarray, cheek: float, one_colour: bool
) -> None:
    """Paints the beard; in place.

    Args:
        picture: float32 [H, W, 3] RGB, 0 to 255.
        chart: of `beard_chart`.
        look: what the chart was drawn for.
        places: float32 [H, W, 2], where each pixel is on the mean face (model x, y).
        cheek: luminance of a cheek in the picture, 0 to 255: hair is `look.colour` beside a light one and darker beside others.
        one_colour: the face is of one colour, as a statue; its beard is carved from it.
    """
    x = (places[..., 0] - _LEFT) * _RESOLUTION
    y = (_TOP - places[..., 1]) * _RESOLUTION
    found = cv2.remap(chart, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 1))
    cover, lightness = found[..., :1], found[..., 1:]
    if one_colour:
        picture *= 1 + np.minimum(1.3 * cover, 1) * (0.9 * lightness - 1)
        return
    # The light on the skin is on the beard as well; lips are darker than the skin around them and do not count as shade.
    light = cv2.GaussianBlur(picture @ LUMA, (0, 0), max(1.0, 0.02 * len(picture)))[..., None] / max(cheek, 1.0)
    light = np.clip(light, 0.35, 1.3) ** 0.7 * min(cheek / _FULL_LIGHT, 1.2) ** 0.5
    hair = np.array(look.colour, np.float32) * lightness * light
    # Skin shines through thin hair: its pores and its shade stay.
    through = picture * (lightness * np.minimum(float(hair.mean()) / max(cheek, 1.0), 1.0))
    picture += cover * ((1 - _SHINES_THROUGH) * hair + _SHINES_THROUGH * through - picture)
