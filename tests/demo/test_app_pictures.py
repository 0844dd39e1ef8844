"""What the page shows and hands out is what the pipeline makes, to the last bit; what it shows is in the screen's colours."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from app_server import ROOT, portrait
from counted_generator import Counted
from PIL import Image, ImageCms

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.demo.handlers import Handlers
from sargan_hf.demo.page_request import first_wish
from sargan_hf.demo.settings import Settings
from sargan_hf.editing.animation import animate_faces
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.images import save_image
from sargan_hf.inference import GeneratorOutput

BLENDS = [{name: 1.0} for name in EXPRESSIONS] + [
    {"happy": 0.5, "surprised": 0.5},
    {"angry": 0.35, "neutral": 0.65},
    {"afraid": 0.7, "sad": 0.2, "disgusted": 0.1},
]
AREAS = {"Whole face": None, "Mouth": "mouth", "Eyes": "eyes"}


@pytest.fixture(scope="module")
def pipe(tiny_model_folder, tmp_path_factory) -> SARGANPipeline:
    """A model with a mouth refiner, as the released one has."""
    folder = tmp_path_factory.mktemp("with-mouth") / "model"
    shutil.copytree(tiny_model_folder, folder)
    torch.manual_seed(1)
    SARGAN(base_channels=8, attention_channels=8, sample_size=64).save_pretrained(folder / "mouth")
    return SARGANPipeline.from_pretrained(str(folder))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    return [portrait(tmp_path_factory.mktemp("pictures") / "collins.png"), ROOT / "examples/photos/grace-hopper.jpg"]


class Visitor:
    """Calls the page's handlers as the page does, without a server between."""

    def __init__(self, pipe: SARGANPipeline, folder: Path):
        self.handlers = Handlers(pipe, Settings(), str(folder))
        self.handle = None

    def wish(self, path: Path, **parts: object) -> dict:
        file = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
        return first_wish("happy") | {"picture": str(path), "file": file} | parts

    def see(self, path: Path, **parts: object) -> dict:
        self.handle, answer = self.handlers.answer(self.handle, self.wish(path, **parts))
        assert json.dumps(answer)
        return answer

    def download(self, path: Path, kind: str = "PNG", **parts: object) -> Path:
        return Path(self.handlers.download(self.handle, self.wish(path, **parts), kind)["path"])


@pytest.fixture
def visitor(pipe, tmp_path) -> Visitor:
    return Visitor(pipe, tmp_path)


def asked() -> Iterator[tuple[dict[str, float], float, str]]:
    """Every button and blend at several intensities, each in one of the regions."""
    for index, blend in enumerate(BLENDS):
        for turn, intensity in enumerate((0.0, 0.45, 1.0, 1.5)):
            yield blend, intensity, list(AREAS)[(index + turn) % len(AREAS)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_file_is_what_the_pipeline_makes(pipe, visitor, pictures, number, tmp_path):
    path = pictures[number]
    answer = visitor.see(path)  # the page draws all seven at once
    assert len(answer["previews"]) == len(EXPRESSIONS)
    for blend, intensity, region in asked():
        made = visitor.download(path, blend=blend, intensity=intensity, region=region)
        expected = pipe(path, blend, intensity=intensity, region=AREAS[region]).images[0]
        save_image(expected, tmp_path / "expected.png", compress_level=1)
        assert made.read_bytes() == (tmp_path / "expected.png").read_bytes(), (blend, intensity, region)
        assert made.name == "-".join([path.stem, *sorted(blend)]) + ".png"
        shown = visitor.see(path, blend=blend, intensity=intensity, region=region)["result"][1]["path"]
        assert np.array_equal(Image.open(shown), expected)  # neither picture is too large for the screen


def test_the_refiner_takes_part(pipe, visitor, pictures):
    plain = SARGANPipeline(pipe.generator)
    visitor.see(pictures[0])
    for name in EXPRESSIONS:
        with_mouth = np.asarray(Image.open(visitor.download(pictures[0], blend={name: 1.0})))
        assert not np.array_equal(with_mouth, np.asarray(plain(pictures[0], name).images[0]))


def test_several_faces_and_a_jpeg_are_what_the_pipeline_makes(pipe, visitor, pictures, tmp_path):
    both = tmp_path / "both.png"
    Image.fromarray(np.tile(np.asarray(Image.open(pictures[0]))[:300], (1, 2, 1))).save(both)
    visitor.see(both, chosen=["f0", "f1"])
    made = visitor.download(both, "JPEG", chosen=["f0", "f1"], blend={"sad": 0.5, "angry": 0.5}, intensity=0.8)
    expected = pipe(both, {"sad": 0.5, "angry": 0.5}, intensity=0.8, faces="all").images[0]
    save_image(expected, tmp_path / "expected.jpg")
    assert made.read_bytes() == (tmp_path / "expected.jpg").read_bytes()


def test_an_animation_is_of_the_faces_that_are_chosen(visitor, pictures, tmp_path):
    """Found or drawn, and by the same points as in the stills."""
    both = tmp_path / "both.png"
    Image.fromarray(np.tile(np.asarray(Image.open(pictures[0]))[:300], (1, 2, 1))).save(both)
    visitor.see(both, chosen=["f1"])
    session = visitor.handle.session
    frames = animate_faces(session.edits, [session.face(1)], "happy", seconds=0.2, fps=10).frames
    still, moved = (np.asarray(frames[index].convert("RGB")).astype(int) for index in (0, 2))
    left, _, right, _ = (round(side) for side in session.faces[1].box)
    columns = np.flatnonzero(np.abs(moved - still).max(axis=(0, 2)))
    middle = (left + right) / 2
    assert columns.size
    assert np.abs(columns - middle).max() < 256  # the other face is a whole width away


class RedPaint:
    """A refiner whose work is easy to see."""

    expressions, sample_size = EXPRESSIONS, 64

    def __call__(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorOutput:
        red = np.zeros_like(crops)
        red[:, 0], red[:, 1:] = 1.0, -1.0
        return GeneratorOutput(red, None, None, expression)


def test_an_answer_waits_for_the_generator_once(pipe, pictures, tmp_path):
    """Each call may wait for a GPU; what was made before is not made again."""
    counted = Counted(pipe.generator)
    visitor = Visitor(SARGANPipeline(counted), tmp_path)
    visitor.see(pictures[0])
    assert counted.calls == [len(EXPRESSIONS)]
    visitor.see(pictures[0], blend={"sad": 1.0}, intensity=0.5)
    visitor.see(pictures[0], view="Heat map")
    visitor.download(pictures[0], blend={"angry": 1.0})
    assert counted.calls == [len(EXPRESSIONS)]
    visitor.see(pictures[0], blend={"sad": 0.5, "happy": 0.5}, region="Mouth")
    assert counted.calls == [len(EXPRESSIONS), 1]


def test_the_previews_are_refined_too(pipe, pictures, tmp_path):
    previews = [
        Visitor(SARGANPipeline(pipe.generator, mouth), tmp_path).see(pictures[1])["previews"]
        for mouth in (None, RedPaint())
    ]
    for name in EXPRESSIONS:
        plain, refined = (np.asarray(Image.open(each[name]["path"])).astype(int) for each in previews)
        assert (refined - plain)[90:].max() > 5  # fear moves this mouth least
        assert np.array_equal(refined[:60], plain[:60])


@pytest.fixture(scope="module")
def swapped_profile() -> bytes:
    """The profile of a screen whose red is blue and whose blue is red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for one, other in ((b"rXYZ", b"bXYZ"), (b"rTRC", b"bTRC")):
        profile = profile.replace(one, b"....").replace(other, one).replace(b"....", other)
    return profile


def test_what_is_shown_is_in_the_screens_colours_and_the_file_in_its_own(visitor, pictures, swapped_profile, tmp_path):
    pixels = np.asarray(Image.open(pictures[1]).convert("RGB"))
    plain, swapped = tmp_path / "plain.png", tmp_path / "swapped.png"
    Image.fromarray(pixels).save(plain)
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(swapped, icc_profile=swapped_profile)
    answers = [visitor.see(path, intensity=0.0) for path in (plain, swapped)]
    seen = [[answer["result"][0], answer["faces"]["picture"], answer["result"][1]] for answer in answers]
    for one, other in zip(*seen, strict=True):
        first, second = (np.asarray(Image.open(file["path"]).convert("RGB")).astype(int) for file in (one, other))
        assert np.abs(first - second).max() <= 2
    made = Image.open(visitor.download(swapped, intensity=0.0))
    assert made.info["icc_profile"] == swapped_profile
    assert np.array_equal(np.asarray(made), pixels[..., ::-1])


def test_previews_and_heat_map_are_in_the_screens_colours(visitor, pictures, swapped_profile, tmp_path):
    swapped = tmp_path / "swapped.png"
    pixels = np.asarray(Image.open(pictures[1]).convert("RGB"))
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(swapped, icc_profile=swapped_profile)
    answer = visitor.see(swapped, view="Heat map")
    preview = np.asarray(Image.open(answer["previews"]["neutral"]["path"])).astype(int)
    assert preview[..., 0].mean() > preview[..., 2].mean() + 5  # skin
    heat, before = (np.asarray(Image.open(file["path"]).convert("RGB")).astype(int) for file in answer["result"][::-1])
    assert np.abs(heat[:40, :40] - before[:40, :40]).max() <= 2  # far from the face
    panels = visitor.handlers.explain(visitor.handle, visitor.wish(swapped))["value"]
    crop = np.asarray(panels[0][0]).astype(int)
    assert crop[..., 0].mean() > crop[..., 2].mean() + 5


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "RGBA"])
def test_pictures_of_every_mode_are_shown(visitor, pictures, mode, tmp_path):
    path = tmp_path / "picture.png"
    grey = Image.open(pictures[1]).convert("L")
    image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    image.save(path)
    answer = visitor.see(path)
    for file in answer["result"]:
        assert Image.open(file["path"]).mode in ("L", "LA", "RGB", "RGBA")
    assert len(answer["previews"]) == len(EXPRESSIONS)
    assert Image.open(visitor.download(path)).mode == mode
