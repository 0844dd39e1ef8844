"""Agents: a real MCP client and a real server, with a file that the agent can upload but not write out."""

import asyncio
import base64
import io
import json

import httpx
import pytest
from app_calls import agent, api, by_agent, curl, tools, upload
from PIL import Image


@pytest.fixture(scope="module")
def path(public_app, photo) -> str:
    return upload(public_app, photo)


def text(result) -> str:
    return result.content[-1].text


class TestFiles:
    def test_an_agent_gives_what_it_uploaded_and_works_on_with_the_result(self, public_app, path, photo):
        [by_path, by_address] = by_agent(
            public_app,
            [("edit", {"picture": path}), ("edit", {"picture": f"{api(public_app)}/file={path}", "expression": "sad"})],
        )
        for result in (by_path, by_address):
            assert not result.isError
            content = base64.b64decode(result.content[0].data)
            assert b"SARGAN" in content  # the note that it was edited comes along
            assert Image.open(io.BytesIO(content)).size == Image.open(photo).size
        address = text(by_path).removeprefix("Image URL: ")
        assert httpx.get(address).content == base64.b64decode(by_path.content[0].data)
        [again] = by_agent(public_app, [("edit", {"picture": address, "expression": "angry"})])
        assert not again.isError

    def test_the_result_is_that_of_every_other_door(self, public_app, path):
        _, expected = curl(public_app, "edit", [path, {"happy": 0.6, "sad": 0.2}, 1.2, [1]])
        call = {"picture": path, "expression": {"happy": 0.6, "sad": 0.2}, "intensity": 1.2, "faces": [1]}
        [result] = by_agent(public_app, [("edit", call)])
        pictures = [Image.open(io.BytesIO(base64.b64decode(result.content[0].data))), Image.open(expected["path"])]
        assert pictures[0].tobytes() == pictures[1].tobytes()

    def test_a_picture_may_be_written_out(self, public_app, photo):
        written = f"data:image/png;base64,{base64.b64encode(photo.read_bytes()).decode()}"
        [found, edited] = by_agent(public_app, [("find_faces", {"picture": written}), ("edit", {"picture": written})])
        assert json.loads(text(found))["found"] == 1
        assert edited.content[0].type == "image"

    def test_other_files_and_addresses_are_refused_and_the_session_goes_on(self, public_app, path, photo):
        outside = [str(photo), "/etc/passwd", f"{path}/../../../../../../etc/passwd", f"{api(public_app)}/file=/etc/passwd",
                   "https://example.org/a.png", f"http://example.org/gradio_api/file={path}", "file:///etc/passwd",
                   "//example.org/a.png", "ftp://example.org/a.png", "data:text/html,http://example.org/a.png"]  # fmt: skip
        results = by_agent(public_app, [("edit", {"picture": one}) for one in outside] + [("expressions", {})])
        *refused, known = results
        for result in refused:
            assert result.isError
            assert any(words in text(result) for words in ("not opened", "no such upload", "not base64"))
        assert not known.isError

    def test_a_picture_that_is_too_large_to_write_out(self, public_app):
        [result, known] = by_agent(
            public_app, [("edit", {"picture": "data:image/png;base64," + "A" * 5_000_000}), ("expressions", {})]
        )
        assert text(result) == "The call is too large: upload the picture and pass its path."
        assert not known.isError


def test_what_is_no_picture_is_json(public_app, path):
    [known, found] = by_agent(public_app, [("expressions", {}), ("find_faces", {"picture": path})])
    assert "joy" in json.loads(text(known))["happy"]
    [face] = json.loads(text(found))["faces"]
    assert face["number"] == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"faces": "9"}, "has 1 face, numbered from 1"),
        ({"expression": "bored"}, "not an expression"),
        (
            {"intensity": "strong"},
            "'strong' is not of type 'number'. It takes picture, expression, intensity, faces, box",
        ),
        ({"intensity": 9}, "from 0 to 1.5; got 9"),
        ({"photo": "x"}, "'photo' was unexpected). It takes picture, expression"),
        ({"picture": None}, "'picture' is a required property. It takes picture"),
        ({"box": [1, 2]}, "box must be four numbers"),
    ],
)
def test_wrong_calls_get_a_sentence(public_app, path, call, says):
    [result] = by_agent(public_app, [("edit", {"picture": path} | call)])
    assert result.isError
    assert says in text(result)


def test_an_unknown_tool_gets_the_names_of_those_that_are_there(public_app):
    [result] = by_agent(public_app, [("undress", {})])
    assert text(result) == (
        "There is no tool 'undress'; the tools are edit, find_faces, expressions, animate, edit_all, sprites, presets, "
        "controls."
    )


def test_what_an_agent_leaves_out_may_be_null(public_app, path):
    [result] = by_agent(public_app, [("edit", {"picture": path, "box": None, "faces": None})])
    assert not result.isError


def test_progress_can_be_followed(public_app, path):
    async def followed() -> tuple[list, object]:
        told = []

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            told.append(message)

        async with agent(public_app) as session:
            return told, await session.call_tool("edit", {"picture": path}, progress_callback=tell)

    told, result = asyncio.run(followed())
    assert told
    assert not result.isError


def test_the_descriptions_say_how_a_picture_gets_there(public_app):
    told = tools(public_app)
    assert list(told) == ["edit", "find_faces", "expressions", "animate", "edit_all", "sprites", "presets", "controls"]
    for name in ("edit", "find_faces", "animate", "edit_all", "sprites"):
        picture = told[name].inputSchema["properties"]["picture"]
        assert picture["type"] == "string"
        assert f"curl -F files=@portrait.jpg {api(public_app)}/upload" in picture["description"]
        assert picture["description"].endswith("at most 25 MB and 40 megapixels.")
        assert "upload_file_to_gradio" not in told[name].description
    for tool in told.values():
        assert all(part["description"].endswith(".") for part in tool.inputSchema["properties"].values())
    schema = told["edit"].inputSchema
    assert schema["required"] == ["picture"]
    assert {"type": "object", "additionalProperties": {"type": "number"}} in schema["properties"]["expression"]["anyOf"]


def test_the_plain_list_of_tools_says_the_same(public_app):
    listed = httpx.get(f"{api(public_app)}/mcp/schema").json()
    told = tools(public_app)
    assert {tool["name"]: tool["inputSchema"] for tool in listed} == {
        name: tool.inputSchema for name, tool in told.items()
    }
