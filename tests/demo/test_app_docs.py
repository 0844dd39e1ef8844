"""docs/api.md, claim by claim and block by block, against a real server; only the server's address is replaced.

Each test names the sentences it is about, so that one who changes them comes here.
"""

import io
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from app_calls import FILE, api, by_agent, client, curl, python, tools, upload
from gradio_client import handle_file
from PIL import Image

from sargan_hf.demo.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "api.md").read_text()
ADDRESS = "http://127.0.0.1:7860"
BLOCKS = re.findall(r"```(python|bash)\n(.*?)```", TEXT, re.DOTALL)


def claims(*sentences: str) -> None:
    """What the page says, whatever its line breaks."""
    text = " ".join(TEXT.split())
    for sentence in sentences:
        assert sentence in text


@pytest.fixture(scope="module")
def path(public_app, photo) -> str:
    return upload(public_app, photo)


@pytest.fixture(scope="module")
def folder(photo, tmp_path_factory) -> Path:
    """Where a reader would try the examples: with a portrait."""
    folder = tmp_path_factory.mktemp("reader")
    Image.open(photo).save(folder / "portrait.jpg")
    return folder


def run(app, folder: Path, language: str, block: str) -> str:
    assert ADDRESS in block
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-euo", "pipefail", "-c"]
    block = block.replace(ADDRESS, app.url)
    done = subprocess.run([*command, block], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def block(language: str, number: int) -> str:
    return [text for kind, text in BLOCKS if kind == language][number]


def test_every_block_is_run_here():
    assert [kind for kind, _ in BLOCKS] == ["python", "bash", "bash", "python"]
    assert TEXT.count("```") == 2 * len(BLOCKS)


def test_the_python_example(public_app, folder):
    shown = f"{block('python', 0)}\nprint(path, faces, names)"
    answer = run(public_app, folder, "python", shown)
    assert "edited.png [{'number': 1" in answer
    assert "'happiness', 'joy'" in answer


@pytest.mark.parametrize("number", [0, 1])
def test_the_curl_examples(public_app, folder, number):
    claims(
        "The last line prints an event with the `url` of the result", "To give parameters by name, call `/call/v2/edit`"
    )
    answer = run(public_app, folder, "bash", block("bash", number))
    assert "event: complete" in answer
    address = re.search(r'"url": "([^"]+)"', answer)[1]
    assert Image.open(io.BytesIO(httpx.get(address).content)).size == (512, 512)


def test_the_agents_example(public_app, folder):
    claims("A result comes as the picture itself and as an address, which the next call accepts")
    answer = run(public_app, folder, "python", block("python", 1))
    assert answer.startswith(f"image/png Image URL: {api(public_app)}/file=")
    address = answer.split("Image URL: ")[1].strip()
    [again] = by_agent(public_app, [("edit", {"picture": address})])
    assert not again.isError


def test_the_endpoints_and_their_results(public_app, path, photo):
    claims("eight named endpoints. Nothing else can be called by name.", "The same eight are tools for agents.")
    named = client(public_app).view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert (
        set(named)
        == set(re.findall(r"^\| `(/\w+)` \|", TEXT, re.MULTILINE))
        == {f"/{tool}" for tool in tools(public_app)}
    )
    _, edited = curl(public_app, "edit", [path])
    picture = Image.open(edited["path"])
    assert (picture.format, picture.size) == ("PNG", Image.open(photo).size)
    assert b"SARGAN" in Path(edited["path"]).read_bytes()
    _, found = curl(public_app, "find_faces", [path])
    assert set(found) == {"faces", "found"}
    assert set(found["faces"][0]) == {"number", "box", "score"}
    _, known = curl(public_app, "expressions", [])
    assert known["happy"][:2] == ["happiness", "joy"]


def test_the_parameters_and_their_defaults(public_app, path):
    claims("You may leave out parameters from the end, or give them by name.")
    table = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", TEXT, re.MULTILINE)
    endpoint = client(public_app).view_api(return_format="dict", print_info=False)["named_endpoints"]["/edit"]
    defaults = {"needed": None, "1": 1.0, '`"largest"`': "largest", '`"png"`': "png", "empty": ""}
    assert {name: defaults[told] for name, told in table} == {
        part["parameter_name"]: part["parameter_default"] for part in endpoint["parameters"]
    }
    wanted = [["happy=0.6, surprised=0.4"], [{"happy": 0.6, "surprised": 0.4}], ["happy", 0], ["happy", 1.5],
              ["happy", 1, "all"], ["happy", 1, "1"], ["happy", 1, [1]], ["happy", 1, "", "120, 40, 320, 240"],
              ["happy", 1, "largest", [120, 40, 320, 240]]]  # fmt: skip
    assert all(curl(public_app, "edit", [path, *values])[0] for values in wanted)
    assert isinstance(python(public_app, path, faces="1", intensity=0.5, api_name="/edit"), str)


def test_names_and_limits_of_faces():
    claims('`"all"` means the 8 largest faces at most')  # done with twelve faces in test_app_api.py
    assert Settings().max_faces == 8


def test_what_a_picture_may_be(public_app, path, photo):
    claims(
        "`data:image/jpeg;base64,...`, for files under 3 MB",
        "The server opens no address elsewhere, and no file outside the folder of uploads.",
    )
    forms = [path, FILE | {"path": path}, f"{api(public_app)}/file={path}"]
    assert all(curl(public_app, "find_faces", [form])[0] for form in forms)
    for other in ("http://example.org/portrait.jpg", str(photo), "/etc/passwd"):
        assert not curl(public_app, "find_faces", [other])[0]
    written = "data:image/jpeg;base64," + "A" * (2_999_997 * 4 // 3)
    assert "not a picture" in curl(public_app, "find_faces", [written])[1]
    assert "too large" in curl(public_app, "find_faces", [written + "A" * 200_000])[1]


def test_nobody_can_guess_a_path(public_app, path):
    claims("nobody can guess one. Files are deleted after an hour.")  # deleted: see test_app_isolation.py
    assert Settings().keep_hours == 1
    _, edited = curl(public_app, "edit", [path])
    for file in (path, edited["path"]):
        assert re.fullmatch(r"[0-9a-f]{48,}", Path(file).parent.name)


def test_the_statuses(public_app, path):
    claims("Each comes with a sentence, as JSON", "You can fetch an answer once.")
    told = set(re.findall(r"^\| (\d{3}) \|", TEXT, re.MULTILINE))
    number = httpx.post(f"{api(public_app)}/call/edit", json={"data": [path]}).json()["event_id"]
    assert "complete" in httpx.get(f"{api(public_app)}/call/edit/{number}", timeout=60).text
    seen = [
        httpx.post(f"{api(public_app)}/call/edit", content="{"),
        httpx.post(f"{api(public_app)}/call/edit", json={"data": [FILE | {"path": "http://example.org/a.png"}]}),
        httpx.post(f"{api(public_app)}/call/nothing", json={"data": []}),
        httpx.get(f"{api(public_app)}/call/edit/{number}"),
        httpx.post(f"{api(public_app)}/upload", files={"files": ("a", b"\0" * 27_000_000)}, timeout=60),
        httpx.post(f"{api(public_app)}/call/edit", json={"data": ["A" * 4_200_000]}),
    ]
    assert [answer.status_code for answer in seen] == [400, 400, 404, 404, 413, 413]
    assert all(answer.json()["detail"].endswith(".") for answer in seen)
    assert told == {"400", "404", "413", "429", "503"}  # 429 and 503: test_app_limits.py


def test_errors_at_every_door_are_one_sentence(public_app, path, photo):
    claims(
        "`gradio_client` raises an error with the same sentence.",
        "All of them take the same values and answer with the same sentences",
    )
    _, by_curl = curl(public_app, "edit", [path, "bored"])
    by_python = python(public_app, handle_file(photo), "bored", api_name="/edit")
    [result, next_one] = by_agent(public_app, [("edit", {"picture": path, "expression": "bored"}), ("expressions", {})])
    assert by_curl == str(by_python) == result.content[0].text
    assert result.isError
    assert not next_one.isError  # "and their session continues"
