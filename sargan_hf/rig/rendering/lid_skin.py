"""The skin of an upper lid, which an open eye folds away.

The photograph shows little of it. When the lid comes down, that little would stretch into streaks.
"""

from collections.abc import Iterator, Mapping

import cv2
import numpy as np

from ...images.warp import smoothstep
from ..face_model.mesh import RigMesh
from .pose import PosedFace

# Shares of the picture's side.
_LASHES_ABOVE, _LASHES_BELOW = 0.026, 0.012  # round an opening, what is lash, line or fold and no plain skin
_REACH = 0.11  # round an eye, where skin is looked for
_BROW = 0.012
_SOFT, _SOFT_ABOVE = 0.008, 0.018
_CLOSE = 0.65  # share of a lid's tone that is taken close to the eye
LASHES = 0.012  # above the edge of a lid, what moves with it
_RIM = 0.010  # below the edge of a shut eye, what is no skin of the lower lid
_NEARLY_SHUT = 0.25  # share of an eye's opening from which on its lids are about to meet
_COME_DOWN = 0.016  # what a lid comes down by until all of the skin that shows then is new
_BESIDE = 0.025  # a lid's skin fades in from its corners within this
# Pixels of the photograph per pixel of the picture, down the lid: at the first none of them is kept, at the second all.
_DRAWN_OUT, _AS_IT_IS = 0.5, 0.85
_GRAIN, _GRAIN_FROM = 0.005, 0.085  # the finest detail is taken from so far below the eye


def lid_texture(posed: PosedFace) -> np.ndarray:
    """uint8 [T, T, 3]: the posed texture with both eyes covered by the skin round them."""
    texture = posed.texture.copy()
    marks = posed.landmarks
    for opening, brow in (
        (marks.right_eye_opening, (marks.right_brow_top, marks.right_brow_bottom)),
        (marks.left_eye_opening, (marks.left_brow_top, marks.left_brow_bottom)),
    ):
        reach = _REACH * posed.side
        left, top = np.maximum(np.floor(opening.min(axis=0) - reach).astype(int), 0)
        right, bottom = np.ceil(opening.max(axis=0) + reach).astype(int)
        patch = texture[top:bottom, left:right]
        if patch.size:
            offset = np.array([left, top])
            brow = np.concatenate([brow[0], brow[1][::-1]]) - offset
            patch[...] = _covered(patch, opening - offset, brow, posed.side)
    return texture


def _covered(patch: np.ndarray, opening: np.ndarray, brow: np.ndarray, side: int) -> np.ndarray:
    eye = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillPoly(eye, [np.round(opening * 16).astype(np.int32)], 1, shift=4)
    above, below = (max(1, round(share * side)) for share in (_LASHES_ABOVE, _LASHES_BELOW))
    narrow = cv2.dilate(eye, np.ones((2 * below + 1, 2 * below + 1), np.uint8))
    eye = cv2.dilate(narrow, np.ones((above - below + 1, 1), np.uint8), anchor=(0, 0))  # further up
    hair = np.zeros_like(eye)
    cv2.fillPoly(hair, [np.round(brow * 16).astype(np.int32)], 1, shift=4)
    reach = max(1, round(_BROW * side))
    hair = cv2.dilate(hair, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    pixels = patch.astype(np.float32)
    # The lid's own shadow and paint lie close to the eye, with its lashes; plain skin is further out.
    close, far = (_filled(pixels, ((mask == 0) & (hair == 0)).astype(np.float32)) for mask in (narrow, eye))
    filled = _CLOSE * close + (1 - _CLOSE) * far
    fine = pixels - cv2.GaussianBlur(pixels, (0, 0), max(1.0, _GRAIN * side))
    rows = np.arange(len(patch)) + round(_GRAIN_FROM * side)
    filled += fine[np.where(rows < len(patch), rows, 2 * len(patch) - 2 - rows).clip(0)]
    cover = cv2.GaussianBlur(eye.astype(np.float32), (0, 0), _SOFT * side)[..., None]
    cover = np.where(eye[..., None] > 0, 1.0, cover)
    return np.clip(np.rint(patch + cover * (filled - patch)), 0, 255).astype(np.uint8)


def _filled(pixels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`pixels` [H, W, 3] with what is not `known` [H, W] taken smoothly from what is round it, the nearest counting most."""
    filled, weight = np.zeros_like(pixels), np.zeros((*known.shape, 1), np.float32)
    sigma, trust = max(1.0, 0.02 * len(pixels)), 1.0
    while sigma < len(pixels):
        share = cv2.GaussianBlur(known, (0, 0), sigma)[..., None]
        filled += trust * cv2.GaussianBlur(pixels * known[..., None], (0, 0), sigma)
        weight += trust * share
        sigma, trust = 2 * sigma, 0.1 * trust
    return filled / np.maximum(weight, 1e-6)


def new_lid_skin(
    before: np.ndarray,
    now: np.ndarray,
    mesh: RigMesh,
    lids: Mapping[str, float],
    skin: np.ndarray,
    places: np.ndarray,
    neutral_places: np.ndarray,
) -> Iterator[tuple[tuple[slice, slice], np.ndarray, np.ndarray]]:
    """Where a picture shows skin of upper lids that the photograph does not.

    Args:
        before, now: float32 [V, 3], vertices of the neutral picture and of this one.
        lids: by side, the opening that is left, as a share.
        skin: bool [S, S], pixels of skin.
        places, neutral_places: float32 [S, S, 2 or more], where the pixels of both pictures take their colour.

    Yields:
        A window, float32 [R, C] with 1 where all is new, and float32 [R, C, 2], where in a texture without eyes it lies.
    """
    side = len(skin)
    for eye in mesh.model.upper_lid_paths:
        edge_before, edge = (mesh.upper_lid(points, eye) for points in (before, now))
        if found := stretched_lid(edge, places, side):
            window, share = found
            yield window, share * skin[window], places[window][..., :2]
        shut = max(0.0, 1 - lids[eye] / _NEARLY_SHUT)
        if found := lowered_lid(edge_before, edge, shut, side):
            window, share = found
            yield window, share * skin[window], neutral_places[window]


def lowered_lid(
    before: np.ndarray, now: np.ndarray, shut: float, side: int
) -> tuple[tuple[slice, slice], np.ndarray] | None:
    """Where the picture shows skin of an upper lid that the open eye had folded away.

    Args:
        before, now: float32 [N, 2], the lid's edge in the picture from left to right, of the neutral face and now.
        shut: 1 where it lies on the lower lid, whose wet rim is then covered too.
        side: of the picture.

    Returns:
        Rows and columns of a window, and float32 [R, C], 1 on that skin; None where the lid has not come down.
    """
    left, right = np.clip([np.ceil(max(before[0, 0], now[0, 0])), min(before[-1, 0], now[-1, 0]) + 1], 0, side).astype(
        int
    )
    top = int(np.clip(before[:, 1].min() - 2 * LASHES * side, 0, side))
    bottom = int(np.clip(now[:, 1].max() + 2 * _RIM * side, 0, side))
    if right - left < 3 or bottom - top < 3:
        return None
    x, y = np.arange(left, right), np.arange(top, bottom)[:, None]
    was, is_now = (np.interp(x, edge[:, 0], edge[:, 1]) for edge in (before, now))
    down = is_now - was
    if down.max() < 0.5:
        return None
    # Lashes keep to the edge; above the old edge the skin of the photograph takes over.
    soft = _SOFT * side
    lower = smoothstep((is_now - LASHES * side - y) / soft + 0.5)
    upper = smoothstep((y - was + np.minimum(LASHES * side, down)) / (_SOFT_ABOVE * side) + 0.5)
    come_down = smoothstep(down / (_COME_DOWN * side) - 0.3)
    come_down *= smoothstep(np.minimum(x - before[0, 0], before[-1, 0] - x) / (_BESIDE * side))
    beneath = (y > is_now + 1) * smoothstep((is_now + _RIM * side - y) / soft + 0.5) * shut
    return (slice(top, bottom), slice(left, right)), ((lower * upper + beneath) * come_down).astype(np.float32)


def stretched_lid(now: np.ndarray, places: np.ndarray, side: int) -> tuple[tuple[slice, slice], np.ndarray] | None:
    """Where the skin between eye and brow is drawn out so far that it shows streaks.

    Args:
        now: float32 [N, 2], the lid's edge in the picture from left to right.
        places: float32 [side, side, 2], where in the photograph the pixels take their colour.
        side: of the picture.

    Returns:
        As `lowered_lid`.
    """
    beside = _BESIDE * side
    left, right = np.clip([np.ceil(now[0, 0] - beside), now[-1, 0] + beside + 1], 0, side).astype(int)
    top, bottom = np.clip([now[:, 1].min() - _REACH * side, now[:, 1].max()], 0, side).astype(int)
    if right - left < 3 or bottom - top < 3:
        return None
    window = slice(top, bottom), slice(left, right)
    x, y = np.arange(left, right), np.arange(top, bottom)[:, None]
    down = np.gradient(places[window][..., 1], axis=0)
    share = np.clip((_AS_IT_IS - down) / (_AS_IT_IS - _DRAWN_OUT), 0, 1)
    edge = np.interp(x, now[:, 0], now[:, 1])
    share *= y < edge - 0.5 * LASHES * side
    share *= smoothstep((np.minimum(x - now[0, 0], now[-1, 0] - x) + beside) / (2 * beside))
    return window, cv2.GaussianBlur(share.astype(np.float32), (0, 0), _SOFT * side / 2)
