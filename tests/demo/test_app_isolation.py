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
        return self.do("answer", None, self.wish(path))

    def wish(self, path: str | None, **parts: object) -> dict:
        """What the page sends for an uploaded picture, happy and as it begins."""
        file = path and {"path": path, "meta": {"_type": "gradio.FileData"}}
        return {"picture": path, "file": file, "blend": {"happy": 1}, "intensity": 1.0} | parts


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
    answer = anna.do("download", None, anna.wish(anna.path), "PNG")
    assert '"success":true' in answer
    assert "mine-happy.png" in answer


@pytest.mark.parametrize(
    ("handler", "data"),
    [
        ("download", ("PNG",)),
        ("explain", ()),
        ("page_animate", ("MP4",)),  # the public endpoint is called animate
    ],
)
def test_another_session_has_nothing_of_it(app, anna, handler, data):
    bert = Visitor(app, "bert-1")
    answer = bert.do(handler, None, bert.wish(None), *data)
    assert '"success":false' in answer
    assert "Add a picture with a face first" in answer
    assert anna.path not in answer


def test_a_session_cannot_be_sent_by_a_visitor(app, anna):
    """What a session keeps is never taken from the call's data, also not in the form another session has."""
    forged = {"source": anna.path, "faces": [0], "chosen": [0]}
    carl = Visitor(app, "carl-1")
    assert '"success":false' in carl.do("download", forged, carl.wish(anna.path), "PNG")


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


def test_nonsense_to_a_handler_of_the_page_is_no_server_error(app, picture):
    visitor = Visitor(app, "emil-1")
    body = {"data": ["nonsense"], "fn_index": visitor.numbers["answer"], "session_hash": "emil-1"}
    assert visitor.client.post("/gradio_api/run/predict", json=body).status_code in (400, 404, 422)
    blend = {"happy": "x", "sad": float("1e300"), "evil": 1}
    boxes = [1, "x", [None] * 4, ["1"] * 4, [float("1e300")] * 4, {}] * 20
    for nonsense in (None, 5, [], "x", visitor.wish(None, blend=blend)):
        answer = visitor.do("answer", None, nonsense)
        assert '"success":true' in answer
        assert "Traceback" not in answer
    path = visitor.upload(picture)
    odd = visitor.wish(
        path, blend=blend, boxes=boxes, chosen=["f9", 3, None], intensity="x", view=[], region={}, number="1"
    )
    answer = visitor.do("answer", None, odd)
    assert '"success":true' in answer
    assert "Traceback" not in answer


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "app.py", "../../etc/passwd", "example:../app.py", "example:/etc/passwd"]
)
@pytest.mark.parametrize("meta", [None, {"_type": "gradio.FileData"}])
def test_a_wish_opens_nothing_but_uploads_and_examples(app, path, meta):
    visitor = Visitor(app, "fred-1")
    answer = visitor.do("answer", None, visitor.wish(None) | {"picture": path, "file": {"path": path, "meta": meta}})
    assert '"result":[' not in answer.replace(" ", "")
    assert "root:" not in answer
    assert '"success":false' in visitor.do("download", None, visitor.wish(None), "PNG")


def test_uploads_and_results_are_deleted_in_time(app, anna):
    """With 18 seconds instead of an hour, everything is gone soon after."""
    assert httpx.get(f"{app.url}/gradio_api/file={anna.path}").status_code == 200
    end = time.monotonic() + 90
    while Path(anna.path).exists() and time.monotonic() < end:
        time.sleep(1)
    assert not Path(anna.path).exists()
    assert httpx.get(f"{app.url}/gradio_api/file={anna.path}").status_code in (403, 404)
