"""A small typed client of the app's API, with nothing but the standard library.

python sargan_client.py http://127.0.0.1:7860 portrait.jpg happy edited.png
"""

import json
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import NotRequired, TypedDict, Unpack


class Edit(TypedDict):
    """What /edit may be given beside the picture; docs/api.md says what each may be."""

    expression: NotRequired[str | dict[str, float]]
    intensity: NotRequired[float]
    faces: NotRequired[str | list[int]]
    box: NotRequired[list[float]]
    region: NotRequired[str | list[list[float]]]
    points: NotRequired[list[list[float]]]
    controls: NotRequired[dict[str, float]]
    preset: NotRequired[str | dict[str, object]]
    like: NotRequired[str]
    recipe: NotRequired[dict[str, object]]
    format: NotRequired[str]


class SarganError(Exception):
    """What the server says of a call that cannot work, in a sentence."""


class SarganClient:
    """Calls of one server.

    Args:
        server: its address, such as http://127.0.0.1:7860.
    """

    def __init__(self, server: str):
        self.api = f"{server.rstrip('/')}/gradio_api"

    def upload(self, picture: Path) -> str:
        """Sends a file; returns the path to give as picture or like."""
        border = uuid.uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{picture.name}"\r\n\r\n'
        body = head.encode() + picture.read_bytes() + f"\r\n--{border}--\r\n".encode()
        [path] = json.loads(self._post("upload", body, f"multipart/form-data; boundary={border}"))
        return path

    def edit(self, picture: str, **asked: Unpack[Edit]) -> bytes:
        """The file of the edited picture."""
        return self._fetch(self._call("edit", {"picture": picture, **asked})["url"])

    def find_faces(self, picture: str) -> list[dict[str, object]]:
        """The faces of a picture, the largest first."""
        return self._call("find_faces", {"picture": picture})["faces"]

    def sprites(self, picture: str, side: int = 512) -> bytes:
        """The ZIP file with the pictures of a character."""
        return self._fetch(self._call("sprites", {"picture": picture, "side": side})["url"])

    def _call(self, endpoint: str, values: dict[str, object]) -> dict:
        started = self._post(f"call/v2/{endpoint}", json.dumps(values).encode(), "application/json")
        answer = self._fetch(f"{self.api}/call/{endpoint}/{json.loads(started)['event_id']}").decode()
        event, _, content = answer.strip().rpartition("event: ")[2].partition("\ndata: ")
        result = json.loads(content)
        if event != "complete":
            raise SarganError(result["error"])
        return result[0]

    def _post(self, address: str, body: bytes, kind: str) -> bytes:
        return self._fetch(urllib.request.Request(f"{self.api}/{address}", body, {"content-type": kind}))

    def _fetch(self, request: str | urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise SarganError(json.loads(error.read())["detail"]) from None


if __name__ == "__main__":
    server, source, wanted, target = sys.argv[1:5]
    client = SarganClient(server)
    try:
        Path(target).write_bytes(client.edit(client.upload(Path(source)), expression=wanted))
    except SarganError as error:
        sys.exit(str(error))
