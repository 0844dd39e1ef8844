"""Pictures in and out: opening whatever people have, safely, and saving an edit that says what it is."""

from .content_credentials import ContentCredentials
from .opening import MAX_PIXELS, MIN_SIDE, PICTURE_SUFFIXES, Picture, open_picture
from .saving import EditedImage, save_picture

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "ContentCredentials",
    "EditedImage",
    "Picture",
    "open_picture",
    "save_picture",
]
