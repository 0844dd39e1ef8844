"""Which files are pictures, by their names and first bytes: those that can be read, and those that can only be named."""

import os
import re
import stat
from pathlib import Path

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

HEAD_BYTES = 32  # enough for every signature below
PICTURE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .tif .tiff .bmp .dib .avif .jp2 .j2k .ico .ppm .pgm .pbm".split()
)
HEIF_SUFFIXES = frozenset(".heic .heics .heif .heifs .hif".split())
RAW_SUFFIXES = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .rwl "
    ".sr2 .srf .srw .x3f".split()
)
# What people also keep pictures in; none of these is read here.
OTHER_SUFFIXES = frozenset(
    ".jxl .jxr .wdp .hdp .jpf .jpx .jpm .j2c .jpc .jps .pns .insp .jif .jfi .pjpeg .pjp .jng .avifs .avci .bpg .flif .qoi "
    ".tga .pcx .exr .hdr .sgi .xbm .xpm .pnm .pam .pfm .psd .psb .xcf .kra .ora .afphoto .procreate .dds .icns .svg .svgz "
    ".eps .wmf .emf".split()
)
# As downloads and editors leave them: .jpg_large, .jpeg~, .png!d
NEARLY_PICTURE = re.compile(r"\.(jpe?g|png|gif|webp|tiff?|bmp|avif|heic|heif)[^a-z0-9].*", re.DOTALL)

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
# Signature and what the file then is; those with "" open, unless they are damaged.
SIGNATURES = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"\xff\x0a|\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (rb"....ftyp(" + b"|".join(HEIF_BRANDS) + rb")", "a HEIC photo"),
        (rb"....ftypcrx |FUJIFILMCCD-RAW|II(RO|RS|U\x00)|MMOR|FOVb|\x00MRM|II\*\x00....CR", "a camera raw file"),
        (rb"8BPS\x00", "a Photoshop document"),
        (rb"gimp xcf ", "a GIMP document"),
        (rb"\x76\x2f\x31\x01", "an OpenEXR picture"),
        (rb"#\?(RADIANCE|RGBE)", "a Radiance picture"),
        (rb"qoif", "a QOI picture"),
        (rb"DDS ", "a DirectDraw texture"),
        (rb"II\xbc", "a JPEG XR picture"),
        (rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|(II|MM)(\*\x00|\x00\*|\+\x00|\x00\+)", ""),
        (
            rb"BM....\x00\x00\x00\x00|....ftypavi[fs]|\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51|P[1-6]\s[\s\d#]",
            "",
        ),
    )
)
NEW_SUBFILE_TYPE, SUB_IFDS, DNG_VERSION = 254, 330, 50706  # tags of TIFF, TIFF/EP and DNG


def is_picture_suffix(suffix: str) -> bool:
    """Whether files with this suffix, such as ".jpg", are pictures, readable here or not."""
    known = PICTURE_SUFFIXES | HEIF_SUFFIXES | RAW_SUFFIXES | OTHER_SUFFIXES
    return suffix.lower() in known or NEARLY_PICTURE.fullmatch(suffix.lower()) is not None


def looks_like_picture(path: str | os.PathLike) -> bool:
    """Whether a file is called a picture, or begins like one. Opens regular files only: a pipe would block."""
    if is_picture_suffix(Path(path).suffix):
        return True
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return any(signature.match(head) for signature, _ in SIGNATURES)


def is_heif(head: bytes) -> bool:
    """Whether the first bytes of a file are those of HEIC and its kin."""
    return head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS


def unreadable_kind(head: bytes, name: str) -> str:
    """What a picture that no decoder knows is, such as "a camera raw file"; "" where nothing more can be said."""
    for signature, kind in SIGNATURES:
        if kind and signature.match(head):
            return kind
    return "a camera raw file" if Path(name).suffix.lower() in RAW_SUFFIXES else ""


def is_camera_raw(image: Image.Image, name: str) -> bool:
    """Whether an opened TIFF is really a camera raw file, of which decoders show a small preview as if it were the photo."""
    if not isinstance(image, TiffImageFile):
        return False
    tags = image.tag_v2
    is_preview = bool(tags.get(NEW_SUBFILE_TYPE, 0) & 1) and SUB_IFDS in tags
    return DNG_VERSION in tags or is_preview or Path(name).suffix.lower() in RAW_SUFFIXES
