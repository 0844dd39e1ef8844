"""How sharp the face stays: energy of the Laplacian inside the face, outside mouth and eyes, after / before.

    python benchmarks/edit_sharpness.py PICTURE... [--model weights/sargan-motion-128] [--sheet sheet.png]

1.00 keeps all grain; the three ways of transfer are compared on the same edits. Without pictures, scikit-image's astronaut and
matplotlib's portrait of Grace Hopper are used. `--sheet` writes a picture that shows the three side by side.
"""

import argparse

import cv2
import matplotlib.cbook
import numpy as np
from PIL import Image
from skimage import data

from sargan_hf import SARGANPipeline
from sargan_hf.editing.change import MODES
from sargan_hf.faces.alignment import canonical_transform
from sargan_hf.images import load_image

EXPRESSIONS = ("happy", "surprised", "sad", "angry")
# Cheeks, forehead, nose and chin of the canonical crop: an ellipse without the places that an expression opens.
FACE = (0.5, 0.52, 0.27, 0.40)
LEFT_OUT = ((0.5, 0.70, 0.19, 0.13), (0.35, 0.375, 0.12, 0.075), (0.65, 0.375, 0.12, 0.075))


def skin_mask(transform: np.ndarray, side: int, shape: tuple[int, ...]) -> np.ndarray:
    """Bool [H, W]: the skin of the face that `transform` straightens."""
    inverse = cv2.invertAffineTransform(transform)
    mask = np.zeros(shape[:2], np.uint8)
    for value, ellipses in ((1, (FACE,)), (0, LEFT_OUT)):
        for x, y, half_width, half_height in ellipses:
            angle = np.linspace(0, 2 * np.pi, 90)
            outline = np.stack([x + half_width * np.cos(angle), y + half_height * np.sin(angle)], axis=-1) * side
            cv2.fillPoly(mask, [np.rint(cv2.transform(outline[None], inverse)).astype(np.int32)], value)
    return mask.astype(bool)


def laplacian_energy(picture: np.ndarray, mask: np.ndarray) -> float:
    """Mean squared Laplacian of the luma inside the mask."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float((cv2.Laplacian(grey, cv2.CV_32F)[mask] ** 2).mean())


def measure(pipe: SARGANPipeline, source) -> tuple[dict[str, list[float]], list[np.ndarray]]:
    """Sharpness ratios of every way of transfer over the expressions, and close-ups of the first expression."""
    picture = load_image(source)
    before = picture.rgb8()
    face = pipe.open(picture).find_faces()[0]
    side = pipe.generator.sample_size
    mask = skin_mask(canonical_transform(face.points, side), side, before.shape)
    base = laplacian_energy(before, mask)
    ratios, closeups = {mode: [] for mode in MODES}, [closeup(before, face)]
    for mode in MODES:
        for expression in EXPRESSIONS:
            after = np.asarray(pipe(source, expression, transfer=mode).images[0].convert("RGB"))
            ratios[mode].append(laplacian_energy(after, mask) / base)
            if expression == EXPRESSIONS[0]:
                closeups.append(closeup(after, face))
    return ratios, closeups


def closeup(picture: np.ndarray, face) -> np.ndarray:
    """The face's surroundings at 360 pixels."""
    from sargan_hf.faces.alignment import crop_face

    return crop_face(picture, canonical_transform(face.points, 360), 360)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*")
    parser.add_argument("--model", default="weights/sargan-motion-128")
    parser.add_argument("--sheet")
    arguments = parser.parse_args()
    pipe = SARGANPipeline.from_pretrained(arguments.model)
    hopper = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    sources = arguments.pictures or [data.astronaut(), hopper]
    rows, every = [], {mode: [] for mode in MODES}
    for source in sources:
        ratios, closeups = measure(pipe, source)
        rows.append(np.hstack(closeups))
        for mode in MODES:
            every[mode] += ratios[mode]
    for mode in MODES:
        print(f"{mode:8s} {np.mean(every[mode]):.3f} (from {min(every[mode]):.3f} to {max(every[mode]):.3f})")
    if arguments.sheet:
        Image.fromarray(np.vstack(rows)).save(arguments.sheet)


if __name__ == "__main__":
    main()
