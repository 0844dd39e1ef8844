"""Content Credentials: a signed C2PA manifest in a saved edit or animation that says a trained model took part.

The note of `provenance.py` can be removed or forged; a manifest is signed over the file's bytes. Needs
`pip install -e '.[c2pa]'` and a certificate of one's own. Nothing is sent anywhere unless a time stamp is requested.
C2PA specification 2.2: https://spec.c2pa.org/.
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from .._moved import renamed
from .._version import __version__
from ..errors import ConfigurationError, ImageError
from ..file_names import escape_unprintable
from .provenance import DIGITAL_SOURCE_TYPE
from .whole_files import write_whole

MIME_OF_SUFFIX = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
}


@dataclass(frozen=True)
class ContentCredentials:
    """Whose name edits are signed in.

    Attributes:
        certificate: PEM file with the signing certificate first and those that vouch for it after it.
        private_key: PEM file (PKCS #8) with its key.
        algorithm: of the key: es256, es384, es512, ps256, ps384, ps512 or ed25519.
        timestamp_url: a time stamp authority, asked over the network; None signs offline, without a trusted time.
    """

    certificate: str | os.PathLike
    private_key: str | os.PathLike
    algorithm: str = "es256"
    timestamp_url: str | None = None

    def check(self) -> None:
        """Signs a picture of one pixel, so that a wrong setting is one error now and not one for every edit.

        Raises:
            ConfigurationError: as `sign`.
        """
        pixel = io.BytesIO()
        Image.new("L", (1, 1)).save(pixel, "PNG")
        self.sign(pixel, io.BytesIO(), "check.png")

    def sign(self, source: BinaryIO, target: BinaryIO, name: str) -> None:
        """Writes the picture or film in `source` to `target`, with a signed manifest in it.

        Args:
            source, target: open for reading; open for reading and writing, and empty.
            name: the file's name; its suffix says what the format is.

        Raises:
            ConfigurationError: c2pa-python is not installed, or certificate and key cannot be read or do not sign.
            ImageError: a format that holds no manifest.
        """
        c2pa = _library()
        mime = MIME_OF_SUFFIX.get(Path(name).suffix.lower())
        if mime is None:
            raise ImageError(f"Cannot sign {name}: use one of {', '.join(MIME_OF_SUFFIX)}.")
        try:
            chain, key = Path(self.certificate).read_bytes(), Path(self.private_key).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"Cannot read {error.filename} ({error.strerror}): give the PEM files of certificate and key."
            ) from error
        url = None if self.timestamp_url is None else self.timestamp_url.encode()
        source.seek(0)
        try:
            signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(self.algorithm, chain, key, url))
            # The library's thumbnail is a second copy of the face, and making it takes eight times as long as signing.
            context = c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}})
            c2pa.Builder(_manifest(name), context).sign(signer, mime, source, target)
        except c2pa.C2paError as error:
            raise ConfigurationError(f"{name} could not be signed ({error}): check certificate and key.") from error


def sign_image(path: str | os.PathLike, credentials: ContentCredentials) -> Path:
    """Puts a signed manifest into a saved edit, in place: whole or not at all.

    Args:
        path: a JPEG, PNG, WebP, TIFF, AVIF, GIF or MP4 file.

    Raises:
        ConfigurationError: as `ContentCredentials.sign`.
        ImageError: a file that holds no manifest: another format, missing, or not writable.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"Cannot sign {path}: {error.strerror or error}.") from error
    return write_whole(path, content, credentials)


def _manifest(title: str) -> dict[str, object]:
    # A manifest starts with "created" or "opened"; the latter needs the original, which the edit does not carry along.
    created = {"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE_TYPE}
    edited = {"action": "c2pa.edited", "digitalSourceType": DIGITAL_SOURCE_TYPE}
    return {
        "title": escape_unprintable(title),
        "claim_generator_info": [{"name": "sargan_hf", "version": __version__}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created, edited]}}],
    }


def _library():
    try:
        import c2pa
    except ImportError as error:
        raise ConfigurationError("Content Credentials need c2pa-python: pip install -e '.[c2pa]'.") from error
    return c2pa


__getattr__ = renamed(__name__, {"sign_picture": "sign_image"})
