"""Pictures in and out: opening whatever people have, safely, and saving an edit that says what it is."""

from .._moved import renamed
from .content_credentials import ContentCredentials
from .load_image import MAX_PIXELS, MIN_SIDE, LoadedImage, load_image
from .recognition import PICTURE_SUFFIXES, is_picture_suffix, looks_like_picture
from .saving import EditedImage, save_image

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "ContentCredentials",
    "EditedImage",
    "LoadedImage",
    "is_picture_suffix",
    "load_image",
    "looks_like_picture",
    "save_image",
]

__getattr__ = renamed(__name__, {"Picture": "LoadedImage", "open_picture": "load_image", "save_picture": "save_image"})
