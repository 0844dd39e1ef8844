"""Plain JPEG pictures are decoded quickly and to the same pixels; all others are left to Pillow."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from sargan_hf.data.image_decoding import decoded_picture
from sargan_hf.data.plain_jpeg import decode_plain_jpeg
from sargan_hf.errors import DatasetError
from sargan_hf.images import load_image

RNG = np.random.default_rng(3)
PIXELS = np.clip(np.cumsum(RNG.normal(0, 6, (61, 83, 3)), axis=1) + 128, 0, 255).astype(np.uint8)


def jpeg(pixels: np.ndarray = PIXELS, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize(
    "options", [{}, {"quality": 30}, {"optimize": True}, {"progressive": True}, {"comment": "a face"}]
)
def test_the_pixels_are_those_that_pillow_decodes(options, subsampling):
    data = jpeg(subsampling=subsampling, **options)
    found = decode_plain_jpeg(data)
    assert found is not None
    assert np.array_equal(found, load_image(data).rgb8())


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x0112] = 6  # to be turned by a quarter
    return tags.tobytes()


@pytest.mark.parametrize(
    "data",
    [
        jpeg(exif=exif()),
        jpeg(icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
        jpeg(PIXELS[..., 0]),
        jpeg()[:-40],
        jpeg()[:7],
        b"",
        b"GIF89a",
    ],
    ids=["orientation", "profile", "grey", "cut off", "a start alone", "nothing", "another format"],
)
def test_what_is_not_plain_is_left_to_pillow(data):
    assert decode_plain_jpeg(data) is None


def test_an_orientation_counts_as_before():
    turned = decoded_picture({"bytes": jpeg(exif=exif()), "path": None}, "a picture")
    assert turned.shape == (83, 61, 3)


def test_a_cut_off_picture_is_still_named():
    with pytest.raises(DatasetError, match="picture 7"):
        decoded_picture({"bytes": jpeg()[:200], "path": None}, "picture 7")
