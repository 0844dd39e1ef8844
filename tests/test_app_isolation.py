"""Two visitors at once over HTTP: neither reaches the other's picture, and nothing stays longer than promised."""

import time
from pathlib import Path

import httpx
import pytest
from app_server import RunningApp, portrait, running_app


@pytest.fixture(scope="module")
def app(tiny_model_folder, tmp_path_factory):
    with running_app(tiny_model_folder, tmp_path_factory.mktemp("app"), SARGAN_KEEP_HOURS="0.005") as started:
        yield started


class Visitor:
    """A browser's session: its own hash, calling the page's handlers by number as the page does."""

    def __init__(self, app: RunningApp, session: str):
        self.client = httpx.Client(base_url=app.url, timeout=60)
        self.session = session
        config = self.client.get("/config").json()
        self.numbers = {entry["api_name"]: entry["id"] for entry in config["dependencies"]}

    def upload(self, path: Path) -> str:
        [uploaded] = self.client.post("/gradio_api/upload", files={"files": ("mine.png", path.read_bytes())}).json()
        return uploaded

    def do(self, name: str, *data: object) -> str:
        """Runs a handler in the queue and returns all its events."""
        body = {"data": list(data), "fn_index": self.numbers[name], "session_hash": self.session}
        answer = self.client.post("/gradio_api/queue/join", json=body)
        if answer.status_code != 200:
            return answer.text
        events = []
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                events.append(line)
                if "process_completed" in line or "close_stream" in line:
                    break
        return "\n".join(events)

    def open(self, path: str) -> str:
        picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return self.do("open", picture, None, None, 1.0, "Whole picture")


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    return portrait(tmp_path_factory.mktemp("pictures") / "portrait.png")


@pytest.fixture
def anna(app, picture):
    visitor = Visitor(app, "anna-1")
    visitor.path = visitor.upload(picture)
    answer = visitor.open(visitor.path)
    assert '"success":true' in answer
    return visitor


def test_a_visitor_can_work_with_the_own_picture(anna):
    answer = anna.do("download", None, None, 1.0, "PNG")
    assert '"success":true' in answer
    assert "sargan-happy.png" in answer


@pytest.mark.parametrize(
    ("handler", "data"),
    [
        ("download", (None, None, 1.0, "PNG")),
        ("explain", (None, None)),
        ("animate", (None, None, 1.0, "MP4")),
    ],
)
def test_another_session_has_nothing_of_it(app, anna, handler, data):
    answer = Visitor(app, "bert-1").do(handler, *data)
    assert '"success":false' in answer
    assert "Add a picture with a face first" in answer
    assert anna.path not in answer


def test_a_sitting_cannot_be_sent_by_a_visitor(app, anna):
    """What a session keeps is never taken from the call's data, also not in the form another session has."""
    forged = {"source": anna.path, "faces": [0], "chosen": [0]}
    assert '"success":false' in Visitor(app, "carl-1").do("download", forged, {"happy": 1}, 1.0, "PNG")


def test_files_have_names_that_cannot_be_guessed_and_folders_no_lists(app, anna):
    folders = list((app.folder / "files").rglob("*.png"))
    assert folders
    for file in folders:
        assert len(file.parent.name) >= 48  # 192 random bits, or the hash of the whole picture
    for folder in (app.folder / "files", Path(anna.path).parent, app.folder):
        assert httpx.get(f"{app.url}/gradio_api/file={folder}").status_code in (403, 404)
    assert httpx.get(f"{app.url}/gradio_api/file={app.folder}/app.log").status_code in (403, 404)


def test_handlers_that_do_not_exist_are_the_callers_fault(app):
    for number in (-1, 10**6, "1", None, True, [1]):
        body = {"data": [], "fn_index": number, "session_hash": "dora-1"}
        for route in ("queue/join", "run/predict"):
            assert httpx.post(f"{app.url}/gradio_api/{route}", json=body).status_code == 400


def test_nonsense_to_a_handler_of_the_page_is_no_server_error(app):
    visitor = Visitor(app, "emil-1")
    body = {"data": ["nonsense"], "fn_index": visitor.numbers["load_example"], "session_hash": "emil-1"}
    assert visitor.client.post("/gradio_api/run/predict", json=body).status_code == 400
    answer = visitor.do("mix_on_pad", None, 1.0, "Whole picture", {"happy": "x", "sad": float("1e300"), "evil": 1})
    assert '"success":true' in answer
    assert "Traceback" not in answer


def test_uploads_and_results_are_deleted_in_time(app, anna):
    """With 18 seconds instead of an hour, everything is gone soon after."""
    assert httpx.get(f"{app.url}/gradio_api/file={anna.path}").status_code == 200
    end = time.monotonic() + 90
    while Path(anna.path).exists() and time.monotonic() < end:
        time.sleep(1)
    assert not Path(anna.path).exists()
    assert httpx.get(f"{app.url}/gradio_api/file={anna.path}").status_code in (403, 404)
