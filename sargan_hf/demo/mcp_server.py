"""The MCP server: gradio's, for agents who have a file and no way to write it out.

gradio's own takes a picture only by an address, which it fetches, and writes out results as Python does.
"""

import base64
import json
import mimetypes
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.mcp import GradioMCPServer
from gradio.route_utils import get_root_url
from gradio_client import Client
from gradio_client.utils import encode_file_path
from mcp import types
from mcp.server import Server
from starlette.requests import Request
from starlette.responses import JSONResponse

from .api_texts import AGENT_PICTURE, PARAMETERS, SERVED, limits
from .argument_types import types_of
from .settings import Settings

MIMES = {".webp": "image/webp", ".avif": "image/avif"}  # that not every system knows
UNFIT = "Input validation error: "  # how the MCP library begins


_asked: ContextVar[Request | None] = ContextVar("_asked", default=None)  # by whom the plain list of tools is


class AgentServer(GradioMCPServer):
    """Tools for the public endpoints of a page.

    Args:
        page: not yet launched.
        settings: of the host, which descriptions tell.
        headers: of the server's calls to itself, by which its guard knows them.
    """

    def __init__(self, page: gr.Blocks, settings: Settings, headers: dict[str, str]):
        self.own_headers = headers
        self.limits = limits(settings)
        super().__init__(page)

    def create_mcp_server(self) -> Server:
        """gradio's server, whose complaints about a call also say what would do."""
        server = super().create_mcp_server()
        handle = server.request_handlers[types.CallToolRequest]

        async def call(request: types.CallToolRequest) -> types.ServerResult:
            answer = await handle(request)
            result = answer.root
            if isinstance(result, types.CallToolResult) and result.isError:
                for part in result.content:
                    if isinstance(part, types.TextContent):
                        part.text = self._completed(part.text, request.params.name)
            return answer

        server.request_handlers[types.CallToolRequest] = call
        return server

    async def get_complete_schema(self, request: Request) -> JSONResponse:
        """The list of tools for those who do not speak MCP."""
        _asked.set(request)
        return await super().get_complete_schema(request)

    def get_fn_description(self, block_fn: Any, tool_name: str) -> tuple[str, dict[str, str]]:
        """What the endpoint's docstring says, without gradio's advice to use a tool that agents do not have."""
        description, parameters = super().get_fn_description(block_fn, tool_name)
        return description.replace(self._file_data_tool_description, ""), parameters

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """The tool's parameters as JSON schema. A picture is plain text here: its path, or the picture itself."""
        schema, _ = super().get_input_schema(tool_name, parameters)
        schema["properties"] = {name: _schema(name, part) for name, part in schema["properties"].items()}
        if "picture" in schema["properties"]:
            told = AGENT_PICTURE.format(server=self._server(), **self.limits)
            schema["properties"]["picture"]["description"] = told
        return schema | {"additionalProperties": False}, []

    def _server(self) -> str:
        """This server's address as the agent sees it."""
        try:
            request = self.mcp_server.request_context.request
        except LookupError:
            request = _asked.get()
        if request is None:
            return ""
        return get_root_url(request, f"/gradio_api/mcp{request.url.path.rpartition('/mcp')[2]}", self.root_path)

    def _completed(self, sentence: str, name: str) -> str:
        if name not in self.tool_to_endpoint:
            return f"There is no tool {name[:60]!r}; the tools are {', '.join(self.tool_to_endpoint)}."
        if not sentence.startswith(UNFIT):
            return sentence
        names = ", ".join(PARAMETERS[self.tool_to_endpoint[name].lstrip("/")]) or "no parameters"
        return f"The call of {name} does not fit: {sentence[len(UNFIT) : len(UNFIT) + 200]}. It takes {names}."

    def postprocess_output_data(self, data: Any, root_url: str) -> list[types.TextContent | types.ImageContent]:
        """Pictures as the files they are, with their metadata, and their address; everything else as JSON."""
        contents: list[types.TextContent | types.ImageContent] = []
        for value in data:
            path = value.get("path") if isinstance(value, dict) else None
            if path is None:
                contents.append(types.TextContent(type="text", text=json.dumps(value, ensure_ascii=False)))
                continue
            address = f"{root_url}{SERVED}{encode_file_path(path)}"
            mime = MIMES.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or "image/png"
            if not mime.startswith("image/"):  # agents are shown pictures; films and packs they fetch
                contents.append(types.TextContent(type="text", text=f"File URL: {address}"))
                continue
            picture = base64.b64encode(Path(path).read_bytes()).decode()
            contents.append(types.ImageContent(type="image", data=picture, mimeType=mime))
            contents.append(types.TextContent(type="text", text=f"Image URL: {address}"))
        return contents

    def _get_or_create_client(self) -> Client:
        """The client by which gradio's server calls the queue of this very app."""
        if self._client_instance is None:
            self._client_instance = Client(
                cast("str", self.local_url),  # set when the page was launched
                download_files=False,
                verbose=False,
                analytics_enabled=False,
                ssl_verify=False,
                _skip_components=False,
                headers={"x-gradio-user": "mcp"} | self.own_headers,
            )
        return self._client_instance


def _schema(name: str, part: dict[str, Any]) -> dict[str, Any]:
    return types_of(name, part["type"]) | {key: part[key] for key in ("description", "default") if key in part}
