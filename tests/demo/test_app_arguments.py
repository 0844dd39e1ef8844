"""What callers of the API may write for each parameter, and which files they reach with it."""

import base64
from pathlib import Path

import pytest

from sargan_hf.demo import request_scope
from sargan_hf.demo.arguments import parse_blend, parse_box, parse_faces, parse_intensity, read_picture
from sargan_hf.demo.edit_arguments import parse_recipe
from sargan_hf.demo.error_wording import for_visitors
from sargan_hf.demo.request_validation import own_file
from sargan_hf.errors import SARGANError


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("happy", "happy"),
        ("Joy ", "Joy"),
        ("happy=0.6, surprised=0.4", {"happy": 0.6, "surprised": 0.4}),
        ({"happy": 0.6}, {"happy": 0.6}),
        ({"happy": "0.6"}, {"happy": 0.6}),
        ('{"happy": 0.6, "sad": 1}', {"happy": 0.6, "sad": 1.0}),
    ],
)
def test_expressions(written, meant):
    assert parse_blend(written) == meant


@pytest.mark.parametrize(
    "wrong",
    [5, True, None, ["happy"], "happy=", "happy=lots", "happy=nan", "happy=1, happy=1", "happy=1, sad", "{", "x" * 500,
     {"happy": []}, {"happy": None}, {"happy": float("inf")}, "{" * 350],
)  # fmt: skip
def test_what_is_no_expression_is_said(wrong):
    with pytest.raises(SARGANError, match=r"expression|weight|twice|JSON") as error:
        parse_blend(wrong)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("written", "meant"),
    [("largest", "largest"), (" ALL", "all"), ("", "largest"), ("1", [1]), ("1, 3", [1, 3]), ("3,1,3", [3, 1]), (2, [2]),
     ([1, 2], [1, 2]), ("[1, 2]", [1, 2]), (1.0, [1])],
)  # fmt: skip
def test_faces_count_from_1(written, meant):
    assert parse_faces(written) == meant


@pytest.mark.parametrize(
    "wrong", ["0", "-1", 0, "1,,2", "all,1", "largest; rm", "1.5", [], {}, [0], [True], None, "9" * 500]
)
def test_what_is_no_face_is_said(wrong):
    with pytest.raises(SARGANError, match="faces"):
        parse_faces(wrong)


@pytest.mark.parametrize(
    "written", ["120, 80, 420, 460", "120 80 420 460", "[120, 80, 420, 460]", [120, 80, 420, 460.0]]
)
def test_boxes(written):
    assert parse_box(written) == (120, 80, 420, 460)


@pytest.mark.parametrize("empty", ["", "  ", None, []])
def test_a_box_may_be_left_empty(empty):
    assert parse_box(empty) is None


@pytest.mark.parametrize("wrong", ["1, 2, 3", "a, b, c, d", [1, 2, 3, "x"], 5, {}, "1,2,3,nan", [[1, 2, 3, 4]]])
def test_what_is_no_box_is_said(wrong):
    with pytest.raises(SARGANError, match="box must be four numbers"):
        parse_box(wrong)


@pytest.mark.parametrize("wrong", ["strong", None, [], {}, True, -0.1, 1.6, "nan", 10**400, float("inf")])
def test_what_is_no_intensity_is_said(wrong):
    with pytest.raises(SARGANError, match=r"number from 0 to 1\.5; got"):
        parse_intensity(wrong)


@pytest.fixture
def uploads(tmp_path) -> Path:
    folder = tmp_path / "uploads"
    (folder / "random").mkdir(parents=True)
    (folder / "random" / "mine.png").write_bytes(b"mine")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "random" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "uploads-of-another").mkdir()
    (tmp_path / "uploads-of-another" / "x.png").write_bytes(b"x")
    return folder


class TestPictures:
    def test_an_upload_is_read(self, uploads):
        path = str(uploads / "random" / "mine.png")
        assert read_picture(path, uploads) == read_picture({"path": path}, uploads) == path

    @pytest.mark.parametrize(
        "path",
        ["../secret.png", "random/../../secret.png", "random/link.png", "random", "", ".", "random/other.png",
         "../uploads-of-another/x.png", "random/mine.png\0", "x" * 5000],
    )  # fmt: skip
    def test_nothing_but_uploads_is_read(self, uploads, path):
        with pytest.raises(SARGANError, match="no such upload"):
            read_picture(f"{uploads}/{path}", uploads)

    @pytest.mark.parametrize(
        "path", ["/etc/passwd", "secret.png", "~/x.png", "C:\\x.png", "http://a/b", "//a/b", "file:///x"]
    )
    def test_nor_what_lies_elsewhere(self, uploads, path):
        with pytest.raises(SARGANError, match=r"no such upload|Addresses are not opened"):
            read_picture(path, uploads)

    def test_a_picture_may_be_written_out(self, uploads):
        text = base64.b64encode(b"\x89PNG\xff\xfe").decode()
        for head in ("data:image/png;base64,", "DATA:;base64,", "data:image/png;charset=utf-8;base64, "):
            assert read_picture(head + text, uploads) == b"\x89PNG\xff\xfe"

    @pytest.mark.parametrize(
        "text", ["data:image/png,abc", "data:image/png;base64,???", "data:", "data:text/html,http://a"]
    )
    def test_what_is_not_base64_is_said(self, uploads, text):
        with pytest.raises(SARGANError, match="base64"):
            read_picture(text, uploads)

    @pytest.mark.parametrize("wrong", [5, [], ["x"], {"path": 5}, True])
    def test_what_is_no_picture_is_said(self, uploads, wrong):
        with pytest.raises(SARGANError, match="uploaded file"):
            read_picture(wrong, uploads)


HERE = {"my.space", "my.space:443", "127.0.0.1:7860"}


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:7860/gradio_api/file=/tmp/a%20b.png", "https://my.space/gradio_api/file=/tmp/a%20b.png",
     " HTTPS://MY.SPACE/gradio_api/file=/tmp/a%20b.png", "/gradio_api/file=/tmp/a%20b.png",
     "https://my.space:443/app/gradio_api/file=/tmp/a%20b.png?x=1"],
)  # fmt: skip
def test_the_servers_own_addresses_are_paths(address):
    assert own_file(address, HERE) == "/tmp/a b.png"


@pytest.mark.parametrize(
    "address",
    ["http://my.space.evil/gradio_api/file=/a", "http://my.space@evil/gradio_api/file=/a", "//my.space/gradio_api/file=/a",
     "http://evil/?http://my.space/gradio_api/file=/a", "http://my.space/other=/a", "ftp://my.space/gradio_api/file=/a",
     "http://[/gradio_api/file=/a", "/tmp/a.png", "my.space/gradio_api/fil"],
)  # fmt: skip
def test_all_other_addresses_are_not(address):
    assert own_file(address, HERE) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "/srv/ab/a.png has 9000 x 9000 pixels, more than the 40,000,000 that are allowed: make it smaller first.",
            "a.png has 9000 x 9000 pixels: at most 40 megapixels are accepted here. Shrink it first.",
        ),
        ("a.png is damaged.", "a.png is damaged."),
    ],
)
def test_visitors_are_told_what_they_can_do(written, read):
    assert for_visitors(written) == read


@pytest.mark.parametrize("folder", ["/var/run/gradio", "/srv/api/files", "/srv/call/files"])
def test_the_folder_of_uploads_may_have_any_name(folder):
    scope = {"method": "GET", "path": f"/gradio_api/file={folder}/0a1b/portrait-happy.png"}
    assert request_scope.endpoint(scope["path"]) is None
    assert request_scope.event(scope) is None


def test_a_recipe_opens_no_file_of_the_server(tmp_path):
    mine = tmp_path / "mine.json"
    mine.write_text('{"controls": {"jaw_open": 1}}')
    with pytest.raises(SARGANError, match="Files of this server are not opened"):
        parse_recipe({"sargan_recipe": 1, "edits": [{"preset": str(mine)}]})
    assert parse_recipe({"sargan_recipe": 1, "edits": [{"preset": "wink"}]}).edits[0].controls
