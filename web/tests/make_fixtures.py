"""Writes what Python makes of some pictures, for the unit tests of `web/src/lib`: python web/tests/make_fixtures.py."""

import base64
import json
from pathlib import Path

import cv2
import numpy as np

from sargan_hf.controls import CONTROL_NAMES, controls_vector
from sargan_hf.editing import masks
from sargan_hf.editing.apply import apply_warp
from sargan_hf.editing.change import FaceWarp, plan_warp
from sargan_hf.expressions import EXPRESSIONS, expression_vector
from sargan_hf.faces import detection
from sargan_hf.faces.alignment import canonical_transform, crop_face
from sargan_hf.images import load_image
from sargan_hf.images.color_modes import to_rgb8
from sargan_hf.images.provenance import xmp_packet
from sargan_hf.images.warp import NormalizedFlow, warp_field
from sargan_hf.inference.protocol import PaintedLayer
from sargan_hf.modeling_sargan import SARGAN
from sargan_hf.web.packing import separated
from sargan_hf.web.shared_numbers import shared_numbers

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = Path(__file__).parent / "fixtures"
POINTS = np.array([[261.0, 235.5], [351.25, 228.0], [309.0, 290.0], [273.0, 337.0], [352.0, 331.0]])


def packed(pixels: np.ndarray) -> dict[str, object]:
    """An array as JSON, with RGB made RGBA, which is what a browser has."""
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return {
        "shape": list(pixels.shape),
        "type": str(pixels.dtype),
        "data": base64.b64encode(np.ascontiguousarray(pixels)).decode(),
    }


def picture_fixtures() -> dict[str, object]:
    """A photograph, and what resizing, turning and cropping make of it."""
    photograph = load_image(ROOT / "examples/photos/grace-hopper.jpg").pixels
    alpha = np.linspace(0, 300, photograph.shape[1]).clip(0, 255).astype(np.uint8)
    transparent = np.dstack([photograph, np.broadcast_to(alpha, photograph.shape[:2])])
    small = cv2.resize(photograph, (240, 281), interpolation=cv2.INTER_AREA)
    tilted = detection.LOOKS[-1]
    transforms = {
        "halved": canonical_transform(POINTS, 320, 0.25),
        "reduced": canonical_transform(POINTS, 64),
        "enlarged": canonical_transform(POINTS, 640),
        "over_the_border": canonical_transform(POINTS - (230, 180), 128),
    }
    sizes = {"halved": 320, "reduced": 64, "enlarged": 640, "over_the_border": 128}
    return {
        "photograph": packed(photograph),
        "small": packed(small),
        "larger": packed(cv2.resize(small, (480, 562), interpolation=cv2.INTER_LINEAR)),
        "equalised": packed(detection._equalised(small)),
        "tilted": packed(detection._arranged(small, tilted)[0]),
        "points": POINTS.tolist(),
        "crops": {
            name: {"transform": transform.ravel().tolist(), "size": sizes[name]}
            | {"pixels": packed(crop_face(photograph, transform, sizes[name]))}
            for name, transform in transforms.items()
        },
        "transparent": packed(transparent),
        "transparent_crop": packed(to_rgb8(crop_face(transparent, transforms["reduced"], 64))),
    }


def fetched_fixture(photograph: np.ndarray) -> dict[str, object]:
    """What OpenCV fetches from odd places."""
    places = np.random.default_rng(0).uniform((-5, -5), (64, 64), (500, 2)).astype(np.float32)
    part = np.ascontiguousarray(photograph[200:260, 250:310])
    fetched = cv2.remap(
        part, places[None, :, 0], places[None, :, 1], cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
    )
    return {"part": packed(part), "places": places.tolist(), "fetched": fetched[0].tolist()}


def planned_warp(crop: np.ndarray, is_layered: bool) -> FaceWarp:
    """A warp that moves a face, paints on it, and covers its middle where it has a layer."""
    side = len(crop)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    motion = 0.1 * np.dstack([np.sin(6 * y), np.cos(5 * x)])
    residual = 0.3 * np.dstack([x - 0.5, y - 0.5, np.sin(9 * x)])
    distance = np.hypot(y - 0.6, x - 0.5)
    occlusion = np.clip((0.2 - distance) * side / 2 + 0.5, 0, 1)
    painted = np.stack([np.sin(20 * x), np.cos(15 * y), x - y])
    layer = PaintedLayer(occlusion[None, None], painted[None].astype(np.float32)) if is_layered else None
    flow = NormalizedFlow(motion.astype(np.float32))
    return plan_warp(crop, residual.astype(np.float32), flow, "motion", expression=np.ones(1, np.float32), layer=layer)


def applied_fixture(photograph: np.ndarray) -> dict[str, object]:
    """What Python makes of a warp in a picture, with a layer and without one, of faces of several sizes."""
    side, plain = 32, photograph[150:390, 210:410]
    crop = crop_face(photograph, canonical_transform(POINTS, side), side)
    fields, cases = {}, []
    for name in ("plain", "layered"):
        warp = planned_warp(crop, is_layered=name == "layered")
        moved = warp_field(warp.crop, warp.motion)
        stacked = [warp.motion, warp.residual, moved, warp.use_crop_mask(), warp.weight, *(warp.layer or ())]
        fields[name] = packed(np.dstack(stacked).transpose(2, 0, 1).astype(np.float32))
        for width in (110, 40, 12, 5):  # of the face
            transform = canonical_transform(width / 90 * (POINTS - (210, 150)), side)
            size = round(width / 90 * plain.shape[1]), round(width / 90 * plain.shape[0])
            pixels = cv2.resize(plain, size, interpolation=cv2.INTER_AREA)
            edited = pixels.copy()
            region = apply_warp(edited, transform, side, warp)
            case = {"fields": name, "width": width, "transform": transform.ravel().tolist(), "region": region}
            cases.append(case | {"pixels": packed(pixels), "edited": packed(edited)})
    return {"side": side, "spread": masks.spread_pixels(side), "fields": fields, "cases": cases}


def expression_fixtures() -> list[list[object]]:
    """Expressions as people write them, and their vectors."""
    specs = ["happy", "Joy", " fear ", {"happy": 0.6, "surprised": 0.4}, {"smile": 2, "happy": 1, "sad": 1}]
    return [[spec, expression_vector(spec, EXPRESSIONS).tolist()] for spec in specs]


def controls_fixtures() -> dict[str, object]:
    """Controls as people write them, and their vectors; and what a model with controls tells the browser."""
    specs = [{}, {"jaw_open": 0.4, "smile": -0.3}, {"Eye wide left": -1, "gaze-x": 0.25}]
    model = SARGAN(base_channels=4, attention_channels=4, controls=CONTROL_NAMES)
    return {
        "vectors": [[spec, controls_vector(spec).tolist()] for spec in specs],
        "manifest": shared_numbers(model, None, "tiny"),
    }


def packing_fixture() -> dict[str, object]:
    """Bytes with 16-bit weights in two places, and how they travel."""
    graph, halves = bytes(range(100)), [(7, 20), (40, 52)]
    return {"graph": list(graph), "halves": halves, "separated": list(separated(graph, halves))}


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    pictures = picture_fixtures()
    photograph = load_image(ROOT / "examples/photos/grace-hopper.jpg").pixels
    fixtures = pictures | {
        "lanczos": fetched_fixture(photograph),
        "applied": applied_fixture(photograph),
        "packing": packing_fixture(),
        "expressions": expression_fixtures(),
        "controls": controls_fixtures(),
        "manifest": shared_numbers(SARGAN(base_channels=4, attention_channels=4), None, "tiny"),
        "xmp": xmp_packet("Happy & <sad>.").decode("utf-8"),
    }
    (OUTPUT / "pictures.json").write_text(json.dumps(fixtures), encoding="utf-8")


if __name__ == "__main__":
    main()
