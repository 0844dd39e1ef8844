"""Calls of a running app as curl, gradio_client and an agent make them."""

import asyncio
import functools
import json
from collections.abc import Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from app_server import RunningApp

FILE = {"meta": {"_type": "gradio.FileData"}}


def api(app: RunningApp) -> str:
    return f"{app.url}/gradio_api"


def upload(app: RunningApp, path: Path, headers: dict[str, str] | None = None) -> str:
    """The path that the server gives a file."""
    with open(path, "rb") as file:
        answer = httpx.post(f"{api(app)}/upload", files={"files": (path.name, file)}, headers=headers, timeout=60)
    [uploaded] = answer.json()
    return uploaded


def curl(app: RunningApp, endpoint: str, data: list) -> tuple[bool, object]:
    """Whether a call worked, and its first result; else the sentence."""
    started = httpx.post(f"{api(app)}/call/{endpoint}", json={"data": data}, timeout=60)
    if started.status_code != 200:
        return False, started.json()["detail"]
    answer = httpx.get(f"{api(app)}/call/{endpoint}/{started.json()['event_id']}", timeout=120).text
    event, _, content = answer.strip().partition("\ndata: ")
    values = json.loads(content)
    return (True, values[0]) if event == "event: complete" else (False, values["error"])


@functools.cache
def client(app: RunningApp):
    """One session of gradio_client with the app."""
    from gradio_client import Client

    return Client(app.url, verbose=False, download_files=str(app.folder / "downloads"))


def python(app: RunningApp, *arguments, **keywords) -> object:
    """The result over gradio_client, or the error that it raises."""
    try:
        return client(app).predict(*arguments, **keywords)
    except Exception as error:  # whatever it is, its text is what the user sees
        return error


@asynccontextmanager
async def agent(app: RunningApp, headers: dict[str, str] | None = None):
    """The session of an MCP client."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx.AsyncClient(headers=headers, timeout=120) as client,
        streamable_http_client(f"{api(app)}/mcp/", http_client=client) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


def tools(app: RunningApp) -> dict:
    """The tools that an agent is told of, by name."""

    async def listed() -> list:
        async with agent(app) as session:
            return (await session.list_tools()).tools

    return {tool.name: tool for tool in asyncio.run(listed())}


def by_agent(app: RunningApp, calls: Iterable[tuple[str, dict]], headers: dict[str, str] | None = None) -> list:
    """The results of an agent's calls, all in one session."""

    async def called() -> list:
        async with agent(app, headers) as session:
            return [await session.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(called())
