"""The rate limit: what counts, for whom, and when to come back."""

import re
import time

import httpx
import pytest
from app_calls import api, by_agent, upload
from app_server import running_app
from gradio_client import Client, handle_file

from sargan_hf.demo.middleware import LOOPBACK, SecurityMiddleware
from sargan_hf.demo.rate_limiter import RateLimit
from sargan_hf.demo.settings import Settings

LIMIT, VISITORS = 4, 5


class TestCounting:
    def test_the_time_to_wait_is_true(self):
        limit = RateLimit(3, 10)
        for now in (0.0, 10.5, 20.0):
            assert limit.take("a", "s", now)
        assert limit.seconds_to_wait("a", "s", 20.2) == 40
        assert not limit.take("a", "s", 59.9)
        assert limit.take("a", "s", 20.2 + 40)
        assert limit.seconds_to_wait("a", "s", 60.2) == 11

    def test_calls_that_were_turned_away_do_not_count(self):
        limit = RateLimit(1, 10)
        assert [limit.take("a", "s", now) for now in (0.0, 30.0, 59.0, 60.0)] == [True, False, False, True]

    def test_sessions_have_a_limit_each_and_an_address_one_for_all(self):
        limit = RateLimit(2, 3)
        taken = [limit.take("a", f"session {number}", 0.0) for number in (1, 1, 1, 2, 2, 3, 3, 4, 5)]
        assert taken == [True, True, False, True, True, True, True, False, False]
        assert "your network: 6 in a minute" in limit.sentence("a", "session 5", 0.0)
        assert limit.take("b", "session 1", 0.0)

    def test_an_upload_and_its_call_are_one(self):
        limit = RateLimit(2, 2)
        for number in range(4):
            assert limit.take("a", None, 0.0)
            assert limit.take("a", f"session {number // 2}", 0.0)
        assert len(limit.calls["a"]) == 4

    def test_uploads_alone_are_limited_like_calls(self):
        limit = RateLimit(2, 10)
        assert [limit.take("a", None, 0.0) for _ in range(3)] == [True, True, False]
        assert limit.sentence("a", None, 59.5) == (
            "Too many uploads without an edit: 2 in a minute are accepted. Come back in 1 second."
        )

    def test_names_of_sessions_cost_little_memory(self):
        limit = RateLimit(5, 5)
        limit.take("a", "x" * 1_000_000, 0.0)
        assert sum(len(session) for _, session in limit.calls["a"]) < 100


def test_little_is_read_of_those_who_did_too_much():
    guard = SecurityMiddleware(None, Settings(requests_per_minute=2, visitors_per_address=2, max_upload_mb=25))
    call = {"path": "/gradio_api/call/edit", "headers": [], "client": ("a", 1)}
    agents = call | {"path": "/gradio_api/mcp/"}
    assert guard.longest_body(call) == 4_194_304
    assert guard.longest_body(agents) > 30_000_000
    now = time.monotonic()
    assert [guard.may_call("a", now), guard.may_call("a", now)] == [True, True]
    assert (guard.longest_body(call), guard.longest_body(agents)) == (4_194_304, 65_536)
    assert [guard.may_call("a", now, "x"), guard.may_call("a", now, "y")] == [True, True]
    assert guard.longest_body(call) == 65_536


def test_nobody_passes_for_the_server_itself():
    guard = SecurityMiddleware(None, Settings(), "secret")
    assert guard.is_own({"headers": [(LOOPBACK, b"secret")]})
    for headers in ([], [(LOOPBACK, b"")], [(LOOPBACK, b"wrong")], [(LOOPBACK, "sécret".encode("latin-1"))]):
        assert not guard.is_own({"headers": headers})
    assert not SecurityMiddleware(None, Settings()).is_own({"headers": [(LOOPBACK, b"")]})


@pytest.fixture(scope="module")
def app(tiny_model_folder, tmp_path_factory):
    limits = {"SARGAN_REQUESTS_PER_MINUTE": str(LIMIT), "SARGAN_VISITORS_PER_ADDRESS": str(VISITORS)}
    folder = tmp_path_factory.mktemp("app")
    with running_app(tiny_model_folder, folder, SARGAN_BEHIND_PROXY="true", **limits) as started:
        yield started


@pytest.fixture
def here(app, request):
    """A client with an address of its own, as a proxy tells it."""
    with httpx.Client(
        base_url=api(app), headers={"x-forwarded-for": f"1.1.1.1, {request.node.name}"}, timeout=60
    ) as client:
        yield client


def join(here: httpx.Client, session: str) -> httpx.Response:
    """What a page sends when a button is pressed."""
    config = here.get("../config").json()
    [number] = [entry["id"] for entry in config["dependencies"] if entry["api_name"] == "expressions"]
    return here.post("queue/join", json={"data": [], "fn_index": number, "session_hash": session})


def check_refusal(answer: httpx.Response) -> None:
    assert answer.status_code == 429
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 60
    assert f"Come back in {seconds} second" in answer.json()["detail"]


def test_visitors_behind_one_address_do_not_lock_one_another_out(here):
    statuses = {
        session: [join(here, session).status_code for _ in range(LIMIT)] for session in ("anna", "bert", "carl")
    }
    assert statuses == dict.fromkeys(statuses, [200] * LIMIT)
    for session in statuses:
        check_refusal(join(here, session))
    invented = [join(here, f"invented {number}") for number in range(LIMIT * VISITORS)]
    assert [answer.status_code for answer in invented].count(200) == LIMIT * (VISITORS - 3)
    check_refusal(invented[-1])
    assert "your network" in invented[-1].json()["detail"]


def test_what_is_no_call_is_free(here):
    for _ in range(2 * LIMIT * VISITORS):
        assert here.post("run/predict", json={"data": [], "fn_index": 10**6}).status_code == 400
        assert here.post("cancel", json={"session_hash": "a", "fn_index": 1}).status_code == 200
        assert here.get("mcp/schema").status_code == 200
    assert join(here, "anna").status_code == 200


def test_gradio_client_shows_the_sentence_and_is_not_charged_for_uploads(app, here, photo):
    client = Client(app.url, verbose=False, headers={"x-forwarded-for": here.headers["x-forwarded-for"]})
    for _ in range(LIMIT):
        assert client.predict(handle_file(photo), api_name="/find_faces")["found"] == 1
    for _ in range(2):
        with pytest.raises(
            ValueError, match=rf"Too many calls: {LIMIT} in a minute are accepted. Come back in \d+ seconds."
        ):
            client.predict(handle_file(photo), api_name="/find_faces")


def test_curl_is_told_when_to_come_back(here, photo):
    file = {"files": ("a.png", photo.read_bytes())}
    for _ in range(LIMIT):
        assert here.post("upload", files=file).status_code == 200
        assert here.post("call/expressions", json={"data": []}).status_code == 200
    for address in ("call/expressions", "call/v2/expressions", "api/expressions"):
        check_refusal(here.post(address, json={"data": []}))
    for _ in range(LIMIT):
        assert here.post("upload", files=file).status_code == 200
    check_refusal(here.post("upload", files=file))
    by_page = here.post("upload?upload_id=abc", files=file)  # the page shows all of the answer
    assert by_page.status_code == 429
    assert by_page.text.startswith(f"Too many uploads without an edit: {LIMIT} in a minute are accepted. Come back in ")
    assert here.get("upload_progress?upload_id=abc").text == 'data: {"msg": "done"}\n\n'


def test_an_agents_call_counts_once_and_its_session_outlives_the_limit(app, here, photo):
    proxy = {"x-forwarded-for": here.headers["x-forwarded-for"]}
    calls = [("find_faces", {"picture": upload(app, photo, proxy)})] * (LIMIT + 1)
    *worked, refused, again = by_agent(app, [*calls, ("expressions", {})], proxy)
    assert not any(result.isError for result in worked)
    for result in (refused, again):
        assert result.isError
        assert re.fullmatch(rf"Too many calls: {LIMIT} in a minute.*Come back in \d+ seconds.", result.content[0].text)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "expressions", "arguments": {}}}
    check_refusal(here.post("mcp/", json=message, headers={"accept": "application/json, text/event-stream"}))


def test_a_full_queue_says_so(tiny_model_folder, tmp_path, photo):
    with running_app(tiny_model_folder, tmp_path, SARGAN_QUEUE_SIZE="1", SARGAN_CONCURRENCY="1") as narrow:
        path = upload(narrow, photo)
        calls = [httpx.post(f"{api(narrow)}/call/find_faces", json={"data": [path]}, timeout=60) for _ in range(12)]
    [full, *_] = [answer for answer in calls if answer.status_code != 200]
    assert full.status_code == 503
    assert full.json()["detail"] == "Many people are using this app and the queue is full: try again in a minute."
