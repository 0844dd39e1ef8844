"""What programs get from the app: results, descriptions, and a sentence for everything that cannot work."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from app_calls import FILE, api, client, curl, python, upload
from gradio_client import handle_file
from PIL import Image

PARAMETERS = (
    "picture", "expression", "intensity", "faces", "box", "region", "points", "controls", "preset", "like", "recipe",
    "format",
)  # fmt: skip
NAMED = ", ".join(PARAMETERS)


@pytest.fixture(scope="module")
def path(public_app, photo) -> str:
    return upload(public_app, photo)


@pytest.fixture(scope="module")
def crowd(photo, tmp_path_factory) -> Path:
    """Twelve faces, more than the app edits at once."""
    face = Image.open(photo).convert("RGB").crop((140, 20, 300, 220))
    wall = Image.new("RGB", (640, 600))
    for index in range(12):
        wall.paste(face, (index % 4 * 160, index // 4 * 200))
    wall.save(found := tmp_path_factory.mktemp("crowd") / "crowd.png")
    return found


@pytest.fixture(scope="module")
def wall(tmp_path_factory) -> Path:
    Image.new("RGB", (300, 200), "white").save(found := tmp_path_factory.mktemp("wall") / "wall.png")
    return found


def pixels(source: str | Path) -> np.ndarray:
    return np.asarray(Image.open(source).convert("RGB")).astype(int)


class TestForms:
    def test_a_picture_comes_in_many_forms_and_is_the_same(self, public_app, path):
        address = f"{api(public_app)}/file={path}"
        forms = [path, {"path": path}, FILE | {"path": path}, FILE | {"path": path, "size": "x"}, address,
                 FILE | {"path": address}, address.removeprefix(public_app.url)]  # fmt: skip
        results = [curl(public_app, "edit", [form]) for form in forms]
        assert all(worked for worked, _ in results)
        first, *others = (pixels(result["path"]) for _, result in results)
        assert all((first == other).all() for other in others)

    @pytest.mark.parametrize(
        "given", [[], ["happy"], ["happy", 1.0], [None, None, None, None], [{"happy": 1}, "1", [1], ""]]
    )
    def test_what_is_left_out_has_its_default(self, public_app, path, given):
        _, whole = curl(public_app, "edit", [path, "happy", 1.0, "largest", ""])
        worked, result = curl(public_app, "edit", [path, *given])
        assert worked
        assert (pixels(result["path"]) == pixels(whole["path"])).all()

    def test_a_call_by_names(self, public_app, path):
        _, whole = curl(public_app, "edit", [path, "sad", 1.0, "1"])
        started = httpx.post(
            f"{api(public_app)}/call/v2/edit", json={"expression": "sad", "picture": path, "faces": [1]}
        )
        answer = httpx.get(f"{api(public_app)}/call/v2/edit/{started.json()['event_id']}").text
        result = json.loads(answer.partition("data: ")[2])[0]
        assert (pixels(result["path"]) == pixels(whole["path"])).all()

    def test_a_box_says_where_a_face_is(self, public_app, wall):
        worked, result = curl(public_app, "edit", [upload(public_app, wall), "happy", 1, "largest", "60, 40, 160, 160"])
        assert worked
        changed = np.abs(pixels(result["path"]) - pixels(wall)).sum(axis=2) > 0
        assert changed[60:140, 80:140].any()
        assert not changed[:, 220:].any()

    def test_all_faces_are_those_that_are_listed(self, public_app, crowd):
        path = upload(public_app, crowd)
        _, listed = curl(public_app, "find_faces", [path])
        assert [face["number"] for face in listed["faces"]] == list(range(1, 9))
        assert listed["found"] == 12
        _, everyone = curl(public_app, "edit", [path, "surprised", 1.5, "all"])
        _, numbered = curl(public_app, "edit", [path, "surprised", 1.5, "1,2,3,4,5,6,7,8,8"])
        assert (pixels(everyone["path"]) == pixels(numbered["path"])).all()
        changed = np.abs(pixels(everyone["path"]) - pixels(crowd)).sum(axis=2) > 0
        for face in listed["faces"]:
            left, top, right, bottom = (int(side) for side in face["box"])
            assert changed[top:bottom, left:right].mean() > 0.2


WRONG = [
    ([], "No picture came with the call"),
    ([None], "No picture came with the call"),
    (["portrait.jpg"], "no such upload here"),
    ([5], "picture must be an uploaded file"),
    (["PATH", "bored"], "not an expression"),
    (["PATH", {"happy": "lots"}], "not a weight"),
    (["PATH", ["happy"]], "expression must be"),
    (["PATH", "happy", "strong"], "intensity must be a number from 0 to 1.5; got 'strong'"),
    (["PATH", "happy", 9], "from 0 to 1.5; got 9"),
    (["PATH", "happy", 1, "9"], "has 1 face, numbered from 1, the largest first: got faces=9"),
    (["PATH", "happy", 1, "0"], "start at 1, which is the largest face"),
    (["PATH", "happy", 1, "2, 1"], "got faces=2, 1"),
    (["PATH", "happy", 1, {"a": 1}], 'use "largest"'),
    (["PATH", "happy", 1, "largest", "1,2,3"], "box must be four numbers"),
    (["PATH", "happy", 1, "largest", [900, 900, 990, 990]], "outside the picture of 512 x 512"),
    (["PATH", "happy", 1, "1", [150, 50, 300, 220]], "Give box or faces, not both"),
    (["PATH", *[""] * 12], f"edit takes 12 values ({NAMED}); got 13"),
    (["data:image/png;base64,?"], "not base64"),
    (["data:image/png;base64,AAAA"], "not a picture that can be read"),
]


class TestSentences:
    @pytest.mark.parametrize(("data", "says"), WRONG)
    def test_over_curl(self, public_app, path, data, says):
        worked, sentence = curl(public_app, "edit", [path if value == "PATH" else value for value in data])
        assert not worked
        assert says in sentence
        assert str(public_app.folder) not in sentence

    @pytest.mark.parametrize(("data", "says"), [case for case in WRONG if 0 < len(case[0]) < 13])
    def test_over_gradio_client(self, public_app, photo, data, says):
        error = python(
            public_app, *[handle_file(photo) if value == "PATH" else value for value in data], api_name="/edit"
        )
        assert isinstance(error, ValueError)  # and no HTTP status
        assert says in str(error)

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (["SECRET"], "no such upload"),
            ([FILE | {"path": "SECRET"}], "no such upload"),
            (["HERE/file=SECRET"], "no such upload"),
            ([FILE | {"path": "http://example.org/a.png"}], "Addresses are not opened"),
            (["http://example.org/a.png"], "Addresses are not opened"),
            (["http://example.org/gradio_api/file=PATH"], "Addresses are not opened"),
        ],
    )
    def test_no_other_file_is_opened(self, public_app, path, photo, data, says):
        known = {"SECRET": str(photo), "HERE": api(public_app), "PATH": path}
        for name, value in known.items():
            data = json.loads(json.dumps(data).replace(name, value))
        worked, sentence = curl(public_app, "edit", data)
        assert not worked
        assert says in sentence

    def test_an_address_over_gradio_client(self, public_app):
        error = python(public_app, handle_file("http://example.org/a.png"), api_name="/edit")
        assert "Addresses are not opened: upload the picture" in str(error)

    def test_a_call_that_is_too_large(self, public_app):
        text = "data:image/png;base64," + "A" * 5_000_000
        assert "too large: upload the picture" in str(python(public_app, text, api_name="/edit"))
        worked, sentence = curl(public_app, "edit", [text])
        assert not worked
        assert "too large: upload the picture" in sentence

    def test_a_picture_without_a_face_gets_advice_that_the_api_knows(self, public_app, wall):
        for faces in ("largest", "all", "1"):
            worked, sentence = curl(public_app, "edit", [upload(public_app, wall), "happy", 1, faces])
            assert not worked
            assert sentence.startswith("No face was found in wall.png. Say where it is by box:")
            assert "points" not in sentence
        assert curl(public_app, "find_faces", [upload(public_app, wall)]) == (True, {"faces": [], "found": 0})

    def test_faces_beyond_the_limit(self, public_app, crowd):
        _, sentence = curl(public_app, "edit", [upload(public_app, crowd), "happy", 1, "12"])
        assert "12 faces, numbered from 1, the largest first; the 8 largest can be edited: got faces=12" in sentence

    def test_a_picture_that_is_too_large_gets_the_hosts_own_limit(self, public_app, tmp_path):
        Image.new("1", (8000, 6000)).save(tmp_path / "large.png")
        _, sentence = curl(public_app, "edit", [upload(public_app, tmp_path / "large.png")])
        assert "large.png has 8000 x 6000 pixels" in sentence
        assert "at most 40 megapixels are accepted here" in sentence
        assert "max_pixels" not in sentence
        Image.new("1", (15_000, 15_000)).save(tmp_path / "bomb.png")
        _, sentence = curl(public_app, "edit", [upload(public_app, tmp_path / "bomb.png")])
        assert "bomb.png is too large: at most 40 megapixels are accepted here" in sentence


@pytest.mark.parametrize(
    ("method", "address", "content", "status", "says"),
    [
        ("POST", "call/nothing", '{"data": []}', 404, "edit, find_faces, expressions"),
        ("POST", "call/v2/nothing", "{}", 404, "edit, find_faces, expressions"),
        ("POST", "edit", '{"data": []}', 404, "/gradio_api/call/edit"),
        ("GET", "call/edit", "", 405, "by POST"),
        ("GET", "call/edit/nonsense", "", 404, "no such call"),
        ("POST", "call/edit", '{"data": 3}', 400, f"[{NAMED}]"),
        ("POST", "call/edit", "{}", 400, f"[{NAMED}]"),
        ("POST", "call/edit", "{", 400, "not valid JSON"),
        ("POST", "call/edit", '{"data": [], "session_hash": 3}', 400, "session_hash"),
        ("POST", "call/v2/edit", '{"photo": "x"}', 400, "edit has no parameter 'photo'; it has picture, expression"),
        ("POST", "upload", "x", 400, "curl -F files=@portrait.jpg"),
        ("POST", "queue/join", '{"data": [], "fn_index": 9999}', 400, "no such handler"),
    ],
)
def test_requests_that_lead_nowhere_say_so(public_app, method, address, content, status, says):
    headers = {"content-type": "application/json"}
    answer = httpx.request(method, f"{api(public_app)}/{address}", content=content, headers=headers)
    assert answer.status_code == status
    assert says in answer.json()["detail"]


def test_an_upload_in_the_wrong_field_and_one_that_is_too_large(public_app):
    for files in ({"file": ("a.png", b"x")}, {"files": (None, "text")}):
        answer = httpx.post(f"{api(public_app)}/upload", files=files)
        assert answer.status_code == 400
        assert "form field files" in answer.json()["detail"]
    for size in (25_500_000, 27_000_000):
        answer = httpx.post(f"{api(public_app)}/upload", files={"files": ("a.png", b"\0" * size)}, timeout=60)
        assert answer.status_code == 413
        assert answer.json()["detail"] == "The file is too large: at most 25 MB are accepted."


def test_a_page_may_take_back_a_call_that_has_no_number_yet(public_app):
    for name, body in (("cancel", {"session_hash": "a", "fn_index": 3}), ("reset", {})):
        assert httpx.post(f"{api(public_app)}/{name}", json=body).json() == {"success": True}


class TestDescriptions:
    def test_every_parameter_is_described_in_full(self, public_app):
        endpoints = client(public_app).view_api(return_format="dict", print_info=False)["named_endpoints"]
        assert [part["parameter_name"] for part in endpoints["/edit"]["parameters"]] == list(PARAMETERS)
        for endpoint in endpoints.values():
            for part in [*endpoint["parameters"], *endpoint["returns"]]:
                text = part["python_type"]["description"]
                assert len(text) > 40
                assert text.endswith(".")
        told = client(public_app).view_api(return_format="str", print_info=False)
        for words in (
            "afraid, angry",
            '{"happy": 0.6',
            "up to 1.5",
            "the 8 largest at most",
            "left, top, right",
            "handle_file",
        ):
            assert words in told
        assert "ublicly available" not in json.dumps(endpoints)

    @pytest.mark.parametrize("endpoint", ["/edit", "/find_faces", "/expressions"])  # the others: test_app_doors.py
    @pytest.mark.parametrize("language", ["python", "bash", "cli"])
    def test_the_examples_run_as_they_are_shown(self, public_app, photo, endpoint, language):
        info = httpx.get(f"{api(public_app)}/info").json()
        example = info["named_endpoints"][endpoint]["code_snippets"][language]
        example = example.replace("/path/to/your/file", str(photo))  # the one thing that it asks the reader to fill in
        if language == "cli":
            example = example.replace("{command}", f"{Path(sys.executable).parent}/gradio")  # as the panel does
        command = [sys.executable, "-c"] if language == "python" else ["bash", "-c"]
        done = subprocess.run([*command, example], capture_output=True, text=True, cwd=photo.parent, timeout=120)
        assert done.returncode == 0, done.stderr
        assert {"/edit": "edited.png", "/find_faces": "'faces'", "/expressions": "happiness"}[
            endpoint
        ] in done.stdout.replace('"', "'")

    def test_the_example_for_javascript_can_be_fetched(self, public_app):
        info = httpx.get(f"{api(public_app)}/info").json()
        example = info["named_endpoints"]["/edit"]["code_snippets"]["javascript"]
        address = example.partition('fetch("')[2].partition('"')[0]
        assert address.startswith(public_app.url)
        assert httpx.get(address).headers["content-type"] == "image/jpeg"

    def test_behind_a_proxy_the_examples_have_its_address(self, public_app):
        headers = {"x-forwarded-host": "my.hf.space", "x-forwarded-proto": "https"}
        info = httpx.get(f"{api(public_app)}/info", headers=headers).json()
        example = info["named_endpoints"]["/edit"]["parameters"][0]["example_input"]["path"]
        assert example.startswith("https://my.hf.space/gradio_api/file=/")

    def test_nobody_changes_the_examples_of_others(self, public_app):
        httpx.get(f"{api(public_app)}/info", headers={"x-forwarded-host": "evil.test"})
        snippets = httpx.get(f"{api(public_app)}/info").json()["named_endpoints"]["/edit"]["code_snippets"]
        assert all("evil.test" not in text and public_app.url in text for text in snippets.values())

    def test_an_address_that_cannot_be_is_the_callers_fault(self, public_app):
        for name in ("info", "call/expressions"):
            headers = {"x-forwarded-host": "x:y:z"}
            answer = httpx.request(
                "POST" if "/" in name else "GET", f"{api(public_app)}/{name}", json={"data": []}, headers=headers
            )
            assert answer.status_code == 400
