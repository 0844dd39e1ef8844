"""The app, started for real and called over HTTP, as programs and attackers would."""

import base64
import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from app_server import RunningApp, portrait, running_app
from PIL import Image

from sargan_hf.demo.api_texts import PARAMETERS
from sargan_hf.demo.middleware import SecurityMiddleware
from sargan_hf.demo.request_validation import remote_file
from sargan_hf.demo.settings import Settings
from sargan_hf.errors import ConfigurationError


@pytest.fixture(scope="module")
def app(tiny_model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    with running_app(tiny_model_folder, folder, SARGAN_MAX_UPLOAD_MB="2", SARGAN_MAX_MEGAPIXELS="3") as started:
        yield started


@pytest.fixture(scope="module")
def client(app: RunningApp):
    from gradio_client import Client

    return Client(app.url, verbose=False, download_files=str(app.folder / "downloads"))


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    return portrait(tmp_path_factory.mktemp("pictures") / "portrait.png")


def upload(app: RunningApp, content: bytes, name: str = "picture.png") -> httpx.Response:
    return httpx.post(f"{app.url}/gradio_api/upload", files={"files": (name, content)}, timeout=30)


def call(app: RunningApp, endpoint: str, data: list) -> str:
    """The whole answer to a call as curl would make it, events included."""
    base = f"{app.url}/gradio_api/call/{endpoint}"
    started = httpx.post(base, json={"data": data}, timeout=30)
    if started.status_code != 200:
        return started.text
    return httpx.get(f"{base}/{started.json()['event_id']}", timeout=60).text


class TestAPI:
    def test_edit_changes_the_face_and_nothing_else(self, client, picture):
        from gradio_client import handle_file

        path = client.predict(handle_file(picture), "happy", 1.0, "largest", api_name="/edit")
        before, after = (np.asarray(Image.open(name).convert("RGB")).astype(int) for name in (picture, path))
        assert before.shape == after.shape
        changed = np.abs(before - after).sum(axis=2) > 0
        assert changed[60:180, 170:280].mean() > 0.3
        assert not changed[300:].any()

    def test_an_edit_says_that_it_is_one(self, client, picture):
        from gradio_client import handle_file

        path = client.predict(handle_file(picture), "happy=0.6, surprised=0.4", 1.2, "1", api_name="/edit")
        assert b"SARGAN" in Path(path).read_bytes()

    def test_intensity_zero_returns_the_pixels(self, client, picture):
        from gradio_client import handle_file

        path = client.predict(handle_file(picture), "sad", 0, "largest", api_name="/edit")
        assert (np.asarray(Image.open(path)) == np.asarray(Image.open(picture))).all()

    def test_faces_are_listed(self, client, picture):
        from gradio_client import handle_file

        [face] = client.predict(handle_file(picture), api_name="/find_faces")["faces"]
        left, top, right, bottom = face["box"]
        assert face["number"] == 1
        assert 150 < left < right < 300
        assert 40 < top < bottom < 200

    def test_expressions_are_listed_with_their_other_names(self, client):
        known = client.predict(api_name="/expressions")
        assert len(known) == 7
        assert "joy" in known["happy"]

    def test_only_the_named_endpoints_are_public_and_documented(self, client):
        endpoints = client.view_api(return_format="dict")["named_endpoints"]
        assert set(endpoints) == {f"/{name}" for name in PARAMETERS}
        for name, parameters in PARAMETERS.items():
            assert [part["parameter_name"] for part in endpoints[f"/{name}"]["parameters"]] == list(parameters)

    @pytest.mark.parametrize("name", ["open", "render", "choose", "download", "load_example"])
    def test_the_pages_own_handlers_cannot_be_called_by_name(self, app, name):
        assert httpx.post(f"{app.url}/gradio_api/call/{name}", json={"data": []}).status_code in (403, 404, 422)

    def test_agents_find_the_tools_over_mcp(self, app):
        schema = httpx.get(f"{app.url}/gradio_api/mcp/schema").json()
        assert any("edit" in tool["name"] and "expression" in tool["description"] for tool in schema)

    @pytest.mark.parametrize(
        ("expression", "intensity", "faces", "says"),
        [
            ("bored", 1.0, "largest", "not an expression"),
            ("happy=lots", 1.0, "largest", "not a weight"),
            ("happy", 1.0, "7", "numbered"),
            ("happy", 9.0, "largest", "1.5"),
        ],
    )
    def test_a_wrong_setting_gets_a_sentence(self, client, picture, expression, intensity, faces, says):
        from gradio_client import handle_file

        with pytest.raises(Exception, match=says) as caught:
            client.predict(handle_file(picture), expression, intensity, faces, api_name="/edit")
        assert "Traceback" not in str(caught.value)


def bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, "PNG")
    return buffer.getvalue()


class TestSafety:
    @pytest.mark.parametrize(
        "content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"<svg onload='x'/>", bomb()]
    )
    def test_hostile_files_get_one_sentence(self, app, content):
        [path] = upload(app, content).json()
        answer = call(app, "edit", [{"path": path, "meta": {"_type": "gradio.FileData"}}, "happy", 1.0, "largest"])
        assert "event: error" in answer
        assert "Traceback" not in answer
        assert str(app.folder) not in answer

    @pytest.mark.parametrize(
        "path", ["http://127.0.0.1:9/a.png", "file:///etc/passwd", "//evil.test/a.png", "ftp://x/y"]
    )
    def test_addresses_are_refused_before_anything_opens_them(self, app, path):
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, "happy", 1.0, "largest"]
        response = httpx.post(f"{app.url}/gradio_api/call/edit", json={"data": data})
        assert response.status_code == 400
        assert "not opened" in response.json()["detail"]

    @pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "app.py", "/proc/self/environ"])
    def test_files_that_were_not_uploaded_are_not_read(self, app, path):
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, "happy", 1.0, "largest"]
        answer = call(app, "edit", data)
        assert "event: error" in answer
        assert "root:" not in answer

    @pytest.mark.parametrize(
        "path",
        [
            "file=/etc/passwd",
            "file=../../../../etc/passwd",
            "file=%2e%2e/%2e%2e/etc/passwd",
            "file=http://127.0.0.1:9/",
            "proxy=http://127.0.0.1:9/",
            "file=app.py",
            "file=.",
            "file=/tmp",
        ],
    )
    def test_nothing_but_uploads_and_results_is_served(self, app, path):
        response = httpx.get(f"{app.url}/gradio_api/{path}")
        assert response.status_code in (400, 403, 404, 405)
        assert "root:" not in response.text

    def test_uploads_of_others_cannot_be_listed_or_guessed(self, app, picture):
        [path] = upload(app, picture.read_bytes(), "mine.png").json()
        folder = Path(path).parent
        assert len(folder.name) >= 32
        for listing in (folder, folder.parent):
            assert httpx.get(f"{app.url}/gradio_api/file={listing}").status_code in (403, 404)

    def test_headers(self, app):
        headers = httpx.get(app.url).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "object-src 'none'" in headers["content-security-policy"]

    def test_a_file_over_the_limit_is_refused(self, app):
        response = upload(app, b"\0" * 4_000_000)
        assert response.status_code == 413
        assert "2 MB" in response.text

    @pytest.mark.parametrize(
        "body", [b"{", b"[]", b"null", b'{"data": 3}', b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}"]
    )
    def test_broken_calls_are_the_callers_fault(self, app, body):
        headers = {"content-type": "application/json"}
        response = httpx.post(f"{app.url}/gradio_api/call/edit", content=body, headers=headers)
        assert response.status_code < 500
        assert "Traceback" not in response.text

    def test_the_server_has_survived(self, app):
        assert httpx.get(app.url).status_code == 200


class TestGuard:
    def test_a_client_is_limited_and_others_are_not(self):
        guard = SecurityMiddleware(None, Settings(requests_per_minute=3))
        assert [guard.may_call("a", 0.0) for _ in range(4)] == [True, True, True, False]
        assert guard.may_call("b", 0.0)
        assert guard.may_call("a", 61.0)

    def test_a_client_cannot_choose_its_address(self):
        scope = {"headers": [(b"x-forwarded-for", b"1.2.3.4, 5.6.7.8")], "client": ("9.9.9.9", 1)}
        assert SecurityMiddleware(None, Settings(behind_proxy=False)).client(scope) == "9.9.9.9"
        assert SecurityMiddleware(None, Settings(behind_proxy=True)).client(scope) == "5.6.7.8"

    def test_addresses_are_found_at_any_depth(self):
        assert remote_file(json.loads('[{"a": [{"path": "HTTP://x/y"}]}]')) == "HTTP://x/y"
        assert remote_file([{"path": "/tmp/gradio/ab/picture.png", "url": "http://here/file"}]) is None


class TestSettings:
    def test_from_environment(self):
        settings = Settings.from_environment({"SARGAN_MAX_FACES": "3", "SARGAN_MODEL": "a/b", "SPACE_ID": "x/y"})
        assert (settings.max_faces, settings.model, settings.behind_proxy) == (3, "a/b", True)

    @pytest.mark.parametrize("value", ["many", "-1", "0", "nan"])
    def test_a_wrong_number_is_named(self, value):
        with pytest.raises(ConfigurationError, match="SARGAN_KEEP_HOURS"):
            Settings.from_environment({"SARGAN_KEEP_HOURS": value})


def tool_call(app: RunningApp, picture: str) -> httpx.Response:
    """Calls the tool `edit` as an agent's client does."""
    schema = httpx.get(f"{app.url}/gradio_api/mcp/schema").json()
    [name] = [tool["name"] for tool in schema if tool["name"].endswith("edit")]
    call = {"name": name, "arguments": {"picture": picture, "expression": "happy"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {"accept": "application/json, text/event-stream"}
    return httpx.post(f"{app.url}/gradio_api/mcp/", json=message, headers=headers, timeout=120, follow_redirects=True)


class TestMCP:
    def test_an_agent_gives_the_picture_itself(self, app, picture):
        small = io.BytesIO()
        Image.open(picture).convert("RGB").save(small, "JPEG")
        answer = tool_call(app, f"data:image/jpeg;base64,{base64.b64encode(small.getvalue()).decode()}")
        assert answer.status_code == 200
        assert '"type":"image"' in answer.text.replace(" ", "")

    @pytest.mark.parametrize("address", ["http://127.0.0.1:9/a.png", "https://example.org/a.png", "file:///etc/passwd"])
    def test_an_address_is_not_opened(self, app, address):
        answer = tool_call(app, address)
        assert answer.status_code == 400
        assert "not opened" in answer.json()["detail"]
