"""Animations in colour: profiles, transparency and bit depth follow the picture, and an MP4 says what its numbers mean."""

import numpy as np
import pytest
from drawing import bright_grey_profile, swapped_profile
from PIL import Image, ImageCms
from skimage import data
from test_animation import read_frames

from sargan_hf import SARGANPipeline
from sargan_hf.editing.animation import Animation
from sargan_hf.errors import ImageError

PHOTOGRAPH = data.astronaut()[:260, 110:370]
DURATION = {"seconds": 0.2, "fps": 10}
LETTERS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "skin": (224, 172, 105), "grey": (77, 77, 77)}


@pytest.fixture(scope="module")
def pipe(tiny_model_folder):
    return SARGANPipeline.from_pretrained(str(tiny_model_folder))


@pytest.fixture(scope="module")
def strange_film(pipe, tmp_path_factory):
    """Of a PNG whose profile says that its red is blue."""
    path = tmp_path_factory.mktemp("strange") / "swapped.png"
    Image.fromarray(PHOTOGRAPH).save(path, icc_profile=swapped_profile())
    return pipe.animate(path, "happy", **DURATION)


def test_webp_keeps_the_profile(strange_film, tmp_path):
    path = strange_film.save(tmp_path / "moving.webp")
    assert Image.open(path).info["icc_profile"] == swapped_profile()
    assert np.abs(read_frames(path)[0].astype(int) - PHOTOGRAPH).mean() < 8
    assert strange_film.frames[2].info["icc_profile"] == swapped_profile()


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_gif_and_mp4_show_the_colours_that_the_profile_means(strange_film, tmp_path, suffix):
    frames = read_frames(strange_film.save(tmp_path / f"moving{suffix}"))
    for shown, frame in zip(frames, strange_film.frames, strict=True):
        meant = np.asarray(frame)[..., ::-1].astype(int)
        assert np.abs(shown - meant).mean() < 8


def test_a_damaged_profile_is_left_out_of_account(pipe, tmp_path):
    picture = Image.fromarray(PHOTOGRAPH)
    picture.info["icc_profile"] = b"no profile"
    frames = read_frames(pipe.animate(picture, "happy", **DURATION).save(tmp_path / "moving.gif"))
    assert np.abs(frames[0].astype(int) - PHOTOGRAPH).mean() < 8


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
@pytest.mark.parametrize("of_colours", [True, False])
def test_grey_with_a_profile_keeps_its_brightness(pipe, tmp_path, suffix, of_colours):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # as scanners write it into grey pictures
    grey = np.asarray(Image.fromarray(PHOTOGRAPH).convert("L"))
    light = (grey / 255) ** 2.2 * 255
    picture = Image.fromarray(grey if of_colours else np.rint(light).astype(np.uint8))
    picture.info["icc_profile"] = srgb if of_colours else bright_grey_profile()
    film = pipe.animate(picture, "happy", **DURATION)
    assert {frame.mode for frame in film.frames} == {"L"}
    shown = read_frames(film.save(tmp_path / f"grey{suffix}"))[0].astype(int)
    assert np.abs(shown - grey[..., None]).mean() < 6


def transparent_picture(kind: str) -> Image.Image:
    """The photograph with a transparent left quarter and, where the kind has it, a band of half transparency."""
    alpha = np.full(PHOTOGRAPH.shape[:2], 255, np.uint8)
    alpha[:, :65] = 0
    if kind == "P":
        picture = Image.fromarray(PHOTOGRAPH).quantize(255)
        indices = np.asarray(picture).copy()
        indices[alpha == 0] = 255
        picture = Image.frombytes("P", picture.size, indices.tobytes())
        picture.putpalette([*Image.fromarray(PHOTOGRAPH).quantize(255).getpalette()[:765], 255, 0, 255])
        picture.info["transparency"] = 255
        return picture
    alpha[:20] = np.minimum(alpha[:20], 100)
    picture = Image.fromarray(PHOTOGRAPH).convert("L" if kind == "LA" else "RGB")
    picture.putalpha(Image.fromarray(alpha))
    return picture


@pytest.mark.parametrize("kind", ["LA", "RGBA", "P"])
def test_a_transparent_picture_stays_transparent(pipe, tmp_path, kind):
    picture = transparent_picture(kind)
    picture.save(tmp_path / "picture.png")
    film = pipe.animate(tmp_path / "picture.png", "happy", **DURATION)
    assert film.notes == ["picture.png is transparent: an .mp4 shows it on mid grey, .webp and .gif as it is."]
    assert {frame.mode for frame in film.frames} == {"LA" if kind == "LA" else "RGBA"}
    alpha = np.asarray(film.frames[0].getchannel("A"))
    for index, frame in enumerate(film.frames):
        still = pipe(picture, "happy", intensity=film.moments[index].intensity).images[0]
        assert np.array_equal(np.asarray(frame), np.asarray(still))
    for frame in read_frames(film.save(tmp_path / "moving.webp"), "RGBA"):
        assert np.array_equal(frame[..., 3], alpha)
    for frame, drawn in zip(read_frames(film.save(tmp_path / "moving.gif"), "RGBA"), film.frames, strict=True):
        assert np.array_equal(frame[..., 3], np.where(alpha >= 128, 255, 0))
        seen = alpha >= 128
        assert np.abs(frame[seen][:, :3].astype(int) - np.asarray(drawn.convert("RGB"))[seen]).mean() < 8
    below = read_frames(film.save(tmp_path / "moving.mp4"))[2][:, 5:60]
    assert np.abs(below[30:].astype(int) - 128).max() < 6


def test_a_shrunk_cut_out_brings_no_colour_in_from_where_nothing_is_seen(pipe):
    picture = np.zeros((400, 400, 4), np.uint8)
    picture[...] = (255, 0, 255, 0)
    picture[100:301, 100:301] = (40, 200, 40, 255)
    points = np.array([[160, 170], [240, 170], [200, 200], [170, 240], [230, 240.0]])
    frame = np.asarray(pipe.animate(picture, "happy", points=points, max_side=150, **DURATION).frames[0])
    assert np.abs(frame[frame[..., 3] > 0][:, :3].astype(int) - (40, 200, 40)).max() <= 1
    assert 0 < np.mean((frame[..., 3] > 0) & (frame[..., 3] < 255)) < 0.1


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_16_bit_grey_becomes_a_film_of_the_same_brightness(pipe, tmp_path, suffix):
    deep = np.asarray(Image.fromarray(PHOTOGRAPH).convert("L")).astype(np.uint16) * 257
    film = pipe.animate(deep, "happy", **DURATION)
    assert np.array_equal(np.asarray(film.frames[0]), deep)
    still = pipe(deep, "happy", intensity=film.moments[1].intensity).images[0]
    assert np.array_equal(np.asarray(film.frames[1]), np.asarray(still))
    shown = read_frames(film.save(tmp_path / f"deep{suffix}"))[0].astype(int)
    assert np.abs(shown - (deep // 257)[..., None]).mean() < 6


@pytest.mark.parametrize("size", [(480, 640), (1280, 720)])
def test_an_mp4_says_what_its_numbers_mean_and_red_stays_red(tmp_path, size):
    av = pytest.importorskip("av")
    for name, colour in LETTERS.items():
        film = Animation([Image.new("RGB", size, colour)] * 3, fps=10)
        with av.open(str(film.save(tmp_path / f"{name}.mp4"))) as container:
            context = container.streams.video[0].codec_context
            tags = context.colorspace, context.color_primaries, context.color_trc, context.color_range
            assert tags == (1, 1, 13, 1)  # ITU-T H.273: BT.709, BT.709, sRGB's curve; limited range
            for frame in container.decode(video=0):
                assert (frame.colorspace, frame.color_range) == (1, 1)
                shown = frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
                assert np.abs(shown.astype(int) - colour).max() <= 3, name


def test_odd_sizes_lose_nothing_in_an_mp4(tmp_path):
    pixels = np.zeros((47, 33, 3), np.uint8)
    pixels[-1], pixels[:, -1] = 255, 255
    frames = read_frames(Animation([Image.fromarray(pixels)] * 3, fps=10).save(tmp_path / "odd.mp4"))
    assert frames[0].shape == (48, 34, 3)
    assert frames[0][46:].mean() > 225
    assert frames[0][:, 32:].mean() > 225
    assert frames[0][:40, :28].mean() < 10


def test_frames_that_h264_cannot_hold_get_one_sentence(tmp_path):
    pytest.importorskip("av")
    with pytest.raises(ImageError, match="Lower max_side"):
        Animation([Image.new("RGB", (20_000, 16))] * 2, fps=10).save(tmp_path / "wide.mp4")
    assert list(tmp_path.iterdir()) == []
