"""What a host may decide about the app, from environment variables that start with SARGAN_."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..images import ContentCredentials
from ..model_source import DEFAULT_MODEL, resolve_model

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Each field is set by SARGAN_ and its name in capitals, such as SARGAN_MODEL.

    Attributes:
        model: folder or Hub id of the model.
        revision: branch, tag or commit of the model on the Hub; "" for the newest.
        examples: folder of the example pictures; the page leaves the examples out when it is absent.
        max_upload_mb: largest accepted file in megabytes.
        max_megapixels: largest accepted picture in millions of pixels.
        max_faces: at most this many faces of a picture can be chosen, the largest first.
        concurrency: edits computed at the same time.
        queue_size: requests that may wait; later ones get a message to come back.
        requests_per_minute: calls that one visitor may make in a minute; an upload counts until its edit follows.
        visitors_per_address: visitors behind one address that get their full share of calls; more share these.
        keep_hours: uploads and results are deleted after this time.
        max_memory_mb: pictures of all visitors in memory, in megabytes; the least recently used one makes room.
        behind_proxy: trust X-Forwarded-For for the client's address; only behind a proxy that sets it.
        certificate, private_key: PEM files; with both, what visitors download is signed (C2PA).
        signing_algorithm: of the key, such as es256 or ed25519.
    """

    model: str = DEFAULT_MODEL
    revision: str = ""
    examples: str = "examples"
    max_upload_mb: int = 25
    max_megapixels: int = 40
    max_faces: int = 8
    concurrency: int = 2
    queue_size: int = 64
    requests_per_minute: int = 240
    visitors_per_address: int = 10
    keep_hours: float = 1.0
    max_memory_mb: int = 2000
    behind_proxy: bool = False
    certificate: str = ""
    private_key: str = ""
    signing_algorithm: str = "es256"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Reads the settings; on a Space the proxy's header is trusted.

        Raises:
            ConfigurationError: a variable is not a positive number where one is needed.
        """
        values: dict[str, Any] = {"behind_proxy": "SPACE_ID" in environment}
        for field in fields(cls):
            text = environment.get(f"SARGAN_{field.name.upper()}", "").strip()
            if text:
                values[field.name] = _parsed(field.name, text, type(field.default))
        return cls(**values)

    @property
    def max_pixels(self) -> int:
        """Largest accepted picture in pixels."""
        return self.max_megapixels * 1_000_000

    def credentials(self) -> ContentCredentials | None:
        """What downloads are signed with, tried out; None when no certificate was given.

        Raises:
            ConfigurationError: certificate and key cannot be read, do not sign, or one of them is missing.
        """
        if not self.certificate and not self.private_key:
            return None
        if not self.certificate or not self.private_key:
            raise ConfigurationError("SARGAN_CERTIFICATE and SARGAN_PRIVATE_KEY belong together: set both or neither.")
        credentials = ContentCredentials(self.certificate, self.private_key, self.signing_algorithm)
        credentials.check()
        return credentials

    def find(self, path: str) -> Path:
        """A relative path that exists beside the package's repository but not here means the former."""
        return Path(path) if Path(path).exists() else ROOT / path

    def model_source(self) -> str:
        """The model's folder where there is one, else the Hub id as given; raises `ModelFormatError` for neither."""
        return resolve_model(self.model)


def _parsed(name: str, text: str, kind: type) -> object:
    if kind is str:
        return text
    if kind is bool:
        return text.lower() in ("1", "true", "yes")
    try:
        number = kind(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise ConfigurationError(f"SARGAN_{name.upper()} must be a number above 0; got {text!r}.")
    return number
