"""Saving edits: the note is in the file however it is saved, nothing of the caller's is lost, and every door writes alike."""

import copy
import io
import logging
import os
import pickle
import tempfile
from xml.etree import ElementTree

import numpy as np
import pytest
from drawing import bright_grey_profile, swapped_profile
from PIL import ExifTags, Image, ImageFilter, ImageOps, PngImagePlugin
from PIL.JpegImagePlugin import get_sampling

from sargan_hf.errors import ImageError
from sargan_hf.images import EditedImage, load_image, save_image
from sargan_hf.images.provenance import DIGITAL_SOURCE_TYPE

NOTE = DIGITAL_SOURCE_TYPE.encode()
SUFFIXES = ["png", "apng", "jpg", "jpeg", "jfif", "mpo", "webp", "tiff", "tif", "avif", "gif"]
PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
XMP_NAMES = {"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "dc": "http://purl.org/dc/elements/1.1/"}
OWN_XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><R:RDF xmlns:R="{XMP_NAMES["rdf"]}"><R:Description R:about=""
 xmlns:d="{XMP_NAMES["dc"]}" d:source="an attic"><d:description><R:Alt><R:li xml:lang="x-default">A &amp; B.</R:li></R:Alt>
</d:description></R:Description></R:RDF></x:xmpmeta>""".encode()


def edit(mode: str = "RGB", provenance: str | None = "Edited with joy.") -> EditedImage:
    return EditedImage.from_image(Image.fromarray(PIXELS).convert(mode), provenance)


def encoded(image: Image.Image, format: str = "PNG", **params) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **params)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def save_to_file_object(image, path):
    with open(path, "wb") as file:
        image.save(file)


def save_to_temporary_file(image, path):
    with tempfile.NamedTemporaryFile(suffix=path.suffix) as file:
        image.save(file)
        file.seek(0)
        path.write_bytes(file.read())


def save_to_memory(image, path):
    path.write_bytes(encoded(image, Image.registered_extensions()[path.suffix]))


WAYS = {
    "text": lambda image, path: image.save(str(path)),
    "bytes": lambda image, path: image.save(os.fsencode(path)),
    "path": lambda image, path: image.save(path),
    "file object": save_to_file_object,
    "temporary file": save_to_temporary_file,
    "memory": save_to_memory,
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("way", WAYS)
def test_the_note_is_in_the_file_however_it_is_saved(tmp_path, suffix, way):
    path = tmp_path / f"edit.{suffix}"
    WAYS[way](edit(), path)
    assert NOTE in path.read_bytes()
    assert opened(path.read_bytes()).size == (64, 48)
    assert list(tmp_path.iterdir()) == [path]
    WAYS[way](edit(provenance=None), path)
    assert NOTE not in path.read_bytes()


def test_every_picture_in_an_icon_and_every_page_has_the_note(tmp_path):
    edit().resize((64, 64)).save(tmp_path / "edit.ico")
    assert (tmp_path / "edit.ico").read_bytes().count(b"XML:com.adobe.xmp") == 5  # 16, 24, 32, 48 and 64 pixels
    edit().save(tmp_path / "pages.tiff", save_all=True, append_images=[edit(), edit()])
    assert (tmp_path / "pages.tiff").read_bytes().count(NOTE) == 3
    for suffix in ("png", "gif", "webp", "mpo", "avif"):
        path = tmp_path / f"moving.{suffix}"
        edit().save(path, save_all=True, append_images=[edit().rotate(9), Image.new("RGB", (64, 48))])
        assert NOTE in path.read_bytes()
        assert Image.open(path).n_frames == 3


@pytest.mark.parametrize("suffix", ["bmp", "dib", "jp2", "ppm", "tga", "pdf", "eps", "xyz", ""])
def test_a_format_without_a_place_for_the_note_is_refused(tmp_path, suffix):
    path = tmp_path / f"edit.{suffix}"
    with pytest.raises(ImageError, match=r"[Uu]se \.png"):
        edit().save(path)
    assert list(tmp_path.iterdir()) == []
    if suffix in ("bmp", "jp2", "ppm"):
        edit(provenance=None).save(path)
        assert opened(path.read_bytes()).size == (64, 48)


DERIVED = {
    "copy": lambda image: image.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "crop": lambda image: image.crop((8, 8, 40, 40)),
    "resize": lambda image: image.resize((32, 24)),
    "reduce": lambda image: image.reduce(2),
    "convert": lambda image: image.convert("L"),
    "quantize": lambda image: image.quantize(16),
    "transpose": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "rotate": lambda image: image.rotate(5),
    "filter": lambda image: image.filter(ImageFilter.BLUR),
    "split": lambda image: image.split()[0],
    "with alpha": lambda image: image.convert("RGBA").rotate(5),
    "ImageOps": lambda image: ImageOps.fit(image, (32, 32)),
}


@pytest.mark.parametrize("how", DERIVED)
def test_what_is_derived_from_an_edit_has_its_note(how):
    assert NOTE in encoded(DERIVED[how](edit()))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_a_pickled_edit_keeps_its_note_and_pixels(protocol, mode):
    again = pickle.loads(pickle.dumps(edit(mode), protocol))
    assert np.array_equal(np.asarray(again.convert("RGBA")), np.asarray(edit(mode).convert("RGBA")))
    assert NOTE in encoded(again)


def test_an_edit_stays_a_pillow_image_in_all_else():
    small = edit()
    small.info["exif"] = exif_with(ExifTags.Base.Artist, "A. Painter")
    small.thumbnail((32, 32))
    assert small.size == (32, 24)
    assert small.getexif()[ExifTags.Base.Artist] == "A. Painter"
    assert NOTE in small._repr_png_()
    assert NOTE in small._repr_jpeg_()
    pixels = np.array(PIXELS)
    shared = EditedImage.from_image(Image.fromarray(pixels), "Edited.")
    shared.putpixel((0, 0), (1, 2, 3))
    assert np.array_equal(pixels, PIXELS)


def exif_with(tag: int, value: str | bytes) -> bytes:
    exif = Image.Exif()
    exif[tag] = value
    return exif.tobytes()


def xmp_of(content: bytes) -> ElementTree.Element:
    image = opened(content)
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or image.tag_v2[700]
    return ElementTree.fromstring(packet)


@pytest.mark.parametrize("format", ["JPEG", "MPO", "WEBP", "AVIF", "TIFF", "PNG"])
def test_the_callers_xmp_gets_the_note_and_loses_nothing(format):
    own = OWN_XMP.replace(b"<d:description>", b"<i:DigitalSourceType xmlns:i='%s'>camera</i:DigitalSourceType>%s")
    own %= (b"http://iptc.org/std/Iptc4xmpExt/2008-02-29/", b"<d:description>")
    once = encoded(edit(), format, xmp=own)
    packet = xmp_of(once)
    assert [entry.text for entry in packet.iterfind(".//rdf:li", XMP_NAMES)] == ["A & B. Edited with joy."]
    assert packet.find(".//rdf:Description", XMP_NAMES).get(f"{{{XMP_NAMES['dc']}}}source") == "an attic"
    assert [each.text for each in packet.iter() if each.tag.endswith("DigitalSourceType")] == [DIGITAL_SOURCE_TYPE]
    with pytest.raises(ImageError, match="not an XMP packet"):
        encoded(edit(), format, xmp=b"no packet")


def test_the_callers_text_in_a_png_stays():
    own = PngImagePlugin.PngInfo()
    own.add_text("Author", "A. Painter")
    own.add_text("Comment", "mine")
    own.add_itxt("XML:com.adobe.xmp", OWN_XMP.decode(), zip=True)
    content = encoded(edit(), "PNG", pnginfo=own)
    text = opened(content).text
    assert (text["Author"], text["Comment"], text["DigitalSourceType"]) == ("A. Painter", "mine", DIGITAL_SOURCE_TYPE)
    assert [entry.text for entry in xmp_of(content).iterfind(".//rdf:li", XMP_NAMES)] == ["A & B. Edited with joy."]
    assert len(own.chunks) == 3


@pytest.mark.parametrize("format", ["JPEG", "GIF"])
def test_the_callers_comment_stays(format):
    content = encoded(edit(), format, comment="mine")
    assert b"mine" in opened(content).info["comment"]
    assert NOTE in content


@pytest.mark.parametrize("format", ["JPEG", "MPO", "WEBP", "AVIF", "TIFF", "PNG"])
@pytest.mark.parametrize("as_bytes", [True, False])
def test_the_callers_exif_is_put_beside_what_is_kept(format, as_bytes):
    own = Image.Exif()
    own[ExifTags.Base.Copyright] = "2026"
    own.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] = 2.8
    image = edit()
    image.info["exif"] = exif_with(ExifTags.Base.Artist, "A. Painter")
    content = encoded(image, format, exif=own.tobytes() if as_bytes else own)
    exif = opened(content).getexif()
    assert (exif[ExifTags.Base.Artist], exif[ExifTags.Base.Copyright]) == ("A. Painter", "2026")
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] == pytest.approx(2.8)
    assert NOTE in content
    del own[ExifTags.Base.Copyright]
    camera = opened(encoded(image, format, exif=own)).getexif()
    assert camera.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] == pytest.approx(2.8)
    for nothing in (b"", Image.Exif()):
        assert ExifTags.Base.Artist not in opened(encoded(image, format, exif=nothing)).getexif()


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
def test_the_callers_tags_in_a_tiff_stay(compression):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Painter"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.5
    image = edit()
    image.info["exif"] = exif.tobytes()
    content = encoded(image, "TIFF", compression=compression, tiffinfo={270: "mine", 65000: "own"})
    tags = opened(content).tag_v2
    assert (tags[270], tags[65000], tags[ExifTags.Base.Artist]) == ("mine", "own", "A. Painter")
    camera = opened(content).getexif().get_ifd(ExifTags.IFD.Exif)
    assert dict(camera) == ({ExifTags.Base.ExposureTime: 0.5} if compression == "raw" else {})
    assert NOTE in content


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "TIFF", "PNG"])
def test_names_keep_their_accents(tmp_path, format):
    name = "José Пётр".encode()  # EXIF does not say which encoding; what was read is what is written
    Image.fromarray(PIXELS).save(tmp_path / "photo.jpg", exif=exif_with(ExifTags.Base.Artist, name))
    picture = load_image(tmp_path / "photo.jpg")
    assert name in encoded(EditedImage.from_image(picture.to_image(), "Edited."), format)


def test_every_door_writes_the_same_jpeg(tmp_path):
    edit().save(tmp_path / "method.jpg")
    save_image(edit(), tmp_path / "function.jpg")
    assert (tmp_path / "method.jpg").read_bytes() == (tmp_path / "function.jpg").read_bytes() == encoded(edit(), "JPEG")
    best = opened(encoded(Image.fromarray(PIXELS), "JPEG", quality=95))
    assert opened(encoded(edit(), "JPEG")).quantization == best.quantization
    assert get_sampling(opened(encoded(edit(), "JPEG"))) == 0  # 4:4:4


def test_the_callers_quality_wins():
    plain = Image.fromarray(PIXELS)
    chosen = opened(encoded(edit(), "JPEG", quality=60))
    assert chosen.quantization == opened(encoded(plain, "JPEG", quality=60)).quantization
    assert get_sampling(chosen) == 0
    preset = opened(encoded(edit(), "JPEG", quality="web_low"))
    assert preset.quantization == opened(encoded(plain, "JPEG", quality="web_low")).quantization
    assert get_sampling(preset) == 2
    assert np.array_equal(np.asarray(opened(encoded(edit(), "WEBP", lossless=True))), PIXELS)


def test_a_description_of_a_whole_crowd_still_fits():
    crowd = edit(provenance=", ".join(["happy 100%"] * 20_000))
    for format in ("JPEG", "PNG", "GIF"):
        assert NOTE in encoded(crowd, format)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_an_alpha_channel_that_hides_nothing_is_left_out_of_a_jpeg(tmp_path, mode, caplog):
    save_image(edit(mode), tmp_path / "edit.jpg")
    assert opened((tmp_path / "edit.jpg").read_bytes()).mode == {"LA": "L", "RGBA": "RGB"}[mode]
    assert "opaque everywhere" in caplog.text
    transparent = edit(mode)
    transparent.putalpha(254)
    for save in (save_image, lambda image, path: image.save(path)):
        with pytest.raises(ImageError, match=r"JPEG cannot hold transparency; use \.png, \.webp"):
            save(transparent, tmp_path / "other.jpg")


def test_colours_follow_where_a_format_has_no_place_for_the_profile(caplog):
    image = EditedImage.from_image(Image.new("RGB", (32, 32), (200, 60, 20)), "Edited.")
    image.info["icc_profile"] = swapped_profile()
    assert np.abs(np.asarray(opened(encoded(image, "GIF")).convert("RGB")).astype(int) - (20, 60, 200)).max() <= 3
    large = swapped_profile() + bytes(2 << 20)
    image.info["icc_profile"] = len(large).to_bytes(4, "big") + large[4:]
    assert np.abs(np.asarray(opened(encoded(image, "PNG"))).astype(int) - (20, 60, 200)).max() <= 3
    assert "cannot hold a colour profile" in caplog.text
    assert opened(encoded(image, "JPEG")).info["icc_profile"] == image.info["icc_profile"]


def test_a_grey_profile_never_describes_colours():
    image = EditedImage.from_image(Image.new("L", (32, 32), 128), "Edited.")
    image.info["icc_profile"] = bright_grey_profile()
    for format, shown in (("JPEG", 128), ("PNG", 128), ("WEBP", 188)):
        again = opened(encoded(image, format))
        assert abs(int(np.asarray(again).ravel()[0]) - shown) <= 1
        assert ("icc_profile" in again.info) == (format != "WEBP")


@pytest.mark.parametrize(("suffix", "longest"), [("webp", 16_383), ("avif", 32_768), ("jpg", 65_500), ("gif", 65_535)])
def test_a_picture_too_long_for_a_format_gets_one_sentence(tmp_path, suffix, longest):
    fits = EditedImage.from_image(Image.new("RGB", (longest, 16)), "Edited.")
    fits.save(tmp_path / f"edit.{suffix}")
    assert load_image(tmp_path / f"edit.{suffix}").size == (longest, 16)
    for size in ((longest + 1, 16), (16, longest + 1)):
        with pytest.raises(ImageError, match=rf"{longest} a side.*use \.png or \.tiff"):
            EditedImage.from_image(Image.new("RGB", size), "Edited.").save(tmp_path / f"long.{suffix}")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "edit.png"
    path.write_bytes(b"what was there")
    with pytest.raises(ImageError, match="as JPEG"):
        edit().save(path, "JPEG", quality="best")
    assert path.read_bytes() == b"what was there"
    with pytest.raises(ImageError, match="Cannot save"):
        edit().save(tmp_path / "no folder" / "edit.png")
    with pytest.raises(ImageError, match="all pages at once"):
        edit().save(tmp_path / "pages.tiff", append=True)
    (tmp_path / "other.png").symlink_to(path)
    edit().save(tmp_path / "other.png")
    assert (tmp_path / "other.png").is_symlink()
    assert NOTE in path.read_bytes()


def test_metadata_that_do_not_fit_are_dropped_and_the_rest_is_kept(tmp_path, caplog):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription], exif[ExifTags.Base.Artist] = "x" * 70_000, "A. Painter"
    image = edit()
    image.info |= {"exif": exif.tobytes(), "dpi": (100_000, 100_000)}
    with caplog.at_level(logging.WARNING):
        image.save(tmp_path / "edit.jpg")
    saved = opened((tmp_path / "edit.jpg").read_bytes())
    assert dict(saved.getexif()) == {ExifTags.Base.Artist: "A. Painter"}
    assert saved.info["jfif_unit"] == 0  # no unit, so no resolution
    assert "saved without ImageDescription" in caplog.text
    assert "cannot hold (100000, 100000) dpi" in caplog.text
    image.save(tmp_path / "edit.png")
    saved = opened((tmp_path / "edit.png").read_bytes())
    assert len(saved.getexif()[ExifTags.Base.ImageDescription]) == 70_000
    assert saved.info["dpi"] == pytest.approx((100_000, 100_000), rel=1e-3)
