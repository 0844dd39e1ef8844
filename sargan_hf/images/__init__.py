"""Pictures in and out: opening whatever people have, safely, and saving an edit that says what it is."""

from .content_credentials import ContentCredentials
from .load_image import MAX_PIXELS, MIN_SIDE, Picture, open_picture
from .recognition import PICTURE_SUFFIXES, is_picture_suffix, looks_like_picture
from .saving import EditedImage, save_picture

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "ContentCredentials",
    "EditedImage",
    "Picture",
    "is_picture_suffix",
    "looks_like_picture",
    "open_picture",
    "save_picture",
]
