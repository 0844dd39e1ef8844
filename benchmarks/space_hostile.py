"""Attacks the app with hostile files and calls, and looks whether it answers each decently and stays up.

    python benchmarks/space_hostile.py

Starts `app.py` on a free port of loopback, with a secret file outside of its folders and a listener that must never be called.
No answer may be a 5xx, hold a stack trace or the secret, and the app must still edit a picture at the end.
"""

import argparse
import contextlib
import http.server
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
from hostile_files import hostile_files

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from app_server import RunningApp, portrait, running_app  # noqa: E402

SECRET = "the-secret-that-must-stay-here"
TRACES = ("Traceback", 'File "', "site-packages")
FILE = {"meta": {"_type": "gradio.FileData"}}


class Attack:
    """Sends requests and keeps what was wrong with the answers.

    Attributes:
        done: attacks of each kind.
        statuses: answers of each HTTP status.
        wrong: sentences about indecent answers.
    """

    def __init__(self, app: RunningApp):
        self.app = app
        self.client = httpx.Client(base_url=app.url, timeout=120)
        self.done: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []

    def send(self, kind: str, method: str, path: str, **options) -> httpx.Response | None:
        """One attack of one request."""
        self.done[kind] += 1
        return self._request(kind, method, path, **options)

    def call(self, kind: str, endpoint: str, data: object) -> None:
        """One attack of a whole call: the request, and the events that answer it."""
        self.done[kind] += 1
        started = self._request(kind, "POST", f"/gradio_api/call/{endpoint}", json={"data": data})
        if started is not None and started.status_code == 200:
            self._request(kind, "GET", f"/gradio_api/call/{endpoint}/{started.json()['event_id']}")

    def tool(self, kind: str, arguments: dict) -> None:
        """One attack of an agent, in a message of its own and as one of a session."""
        self.done[kind] += 1
        tool = {"name": "edit", "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool}
        accept = {"accept": "application/json, text/event-stream"}
        for session in ({}, {"mcp-protocol-version": "2025-06-18"}):
            self._request(kind, "POST", "/gradio_api/mcp/", json=message, headers=accept | session)

    def upload(self, kind: str, name: str, content: bytes) -> None:
        """One attack of a file: its upload, and a call that uses it."""
        answer = self._request(kind, "POST", "/gradio_api/upload", files={"files": (name, content)})
        if answer is None or answer.status_code != 200:
            self.done[kind] += 1
            return
        [path] = answer.json()
        self.call(kind, "edit", [FILE | {"path": path}, "happy", 1.0, "all"])

    def _request(self, kind: str, method: str, path: str, **options) -> httpx.Response | None:
        try:
            answer = self.client.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if not isinstance(error, httpx.RemoteProtocolError | httpx.WriteError | httpx.InvalidURL):
                self.wrong.append(f"{kind}: {method} {path[:80]}: {type(error).__name__}")
            return None  # the server hung up on nonsense, or the client would not even send it
        self.statuses[answer.status_code] += 1
        text = answer.text
        if answer.status_code >= 500 or SECRET in text or any(trace in text for trace in TRACES):
            self.wrong.append(f"{kind}: {method} {path[:80]}: {answer.status_code} {text[:160]!r}")
        return answer


def attack_with_files(attack: Attack) -> None:
    for name, content in hostile_files():
        attack.upload("files", name, content)


def attack_with_types(attack: Attack, good: str) -> None:
    """Wrong types and values for every parameter of /edit."""
    picture = FILE | {"path": good}
    pictures = [
        None,
        1,
        "x",
        [],
        {},
        {"path": None},
        {"path": 5},
        {"path": []},
        {"path": ""},
        FILE | {"path": {}},
        [picture],
    ]
    expressions = [None, 5, [], {}, True, "", "x" * 300, "happy=nan", "happy=inf", "happy=-1", "happy=1e999", "=", "=1",
                   "happy=0", "happy=1,happy=1", "hap\0py", "Ä🙂"]  # fmt: skip
    intensities = [None, "", "x", [], {}, True, -1, 1e308, "nan", "inf", 10**400]
    faces = [None, -1, 0, [], {}, "0", "-1", "9" * 90, "1,,2", "all,1", "\u0661", "\u00b2", "largest; rm"]
    for value in pictures:
        attack.call("types", "edit", [value, "happy", 1.0, "largest"])
    for value in expressions:
        attack.call("types", "edit", [picture, value, 1.0, "largest"])
    for value in intensities:
        attack.call("types", "edit", [picture, "happy", value, "largest"])
    for value in faces:
        attack.call("types", "edit", [picture, "happy", 1.0, value])
    for data in ([], [None], [picture], [picture] * 40, {}, None, "x", 3):
        attack.call("types", "edit", data)
    for body in (b"", b"{", b"[]", b"null", b'{"data": ' + b"[" * 20000, b"\xff\xfe", b'{"data": [NaN]}', b"\0" * 100):
        attack.send(
            "types", "POST", "/gradio_api/call/edit", content=body, headers={"content-type": "application/json"}
        )


def attack_by_number(attack: Attack) -> None:
    """The page's own handlers, which have no names, called by number with nonsense."""
    for number in [*range(0, 45, 3), -1, 10**6, "x", None]:
        body = {"data": [FILE | {"path": "/etc/passwd"}] * 4, "fn_index": number, "session_hash": "other"}
        attack.send("by number", "POST", "/gradio_api/queue/join", json=body)
        attack.send("by number", "POST", "/gradio_api/run/predict", json=body)


def attack_with_paths(attack: Attack, outside: Path, good: str) -> None:
    """Files that were not uploaded, asked for directly and given to a call."""
    dots = "../" * 12
    wanted = [str(outside), "/etc/passwd", "/proc/self/environ", "/proc/self/cmdline", "app.py", "./app.py",
              dots + str(outside)[1:], f"{Path(good).parent}/{dots}{str(outside)[1:]}", f"file://{outside}", "/", ".", "~",
              str(Path(good).parent), str(Path(good).parent.parent), "\0", "C:\\Windows\\win.ini"]  # fmt: skip
    for path in wanted:
        attack.call("paths", "edit", [FILE | {"path": path}, "happy", 1.0, "largest"])
        address = f"{attack.app.url}/gradio_api/file={path}"
        attack.call("paths", "edit", [address])
        for picture in (path, address):
            attack.tool("paths", {"picture": picture})
        for form in (path, quote(path, safe=""), quote(quote(path, safe=""), safe="")):
            attack.send("paths", "GET", f"/gradio_api/file={form}")
    for route in ("static/", "assets/", "svelte/", "theme.css/", "custom_component/x/component/", "deep_link/"):
        attack.send("paths", "GET", f"/{route}{dots}{str(outside)[1:]}")
        attack.send("paths", "GET", f"/{route}{quote(dots + str(outside)[1:], safe='')}")


def attack_with_addresses(attack: Attack, listener: str, good: str) -> None:
    """Addresses the server should fetch."""
    host = urlsplit(listener).netloc
    forms = [listener, listener.upper(), f"//{host}/x", f"ftp://{host}/x", f"gopher://{host}/_x", f"http:/{host}",
             f" {listener}", f"\t{listener}", f"http:\\\\{host}", f"data:text/html,{listener}"]  # fmt: skip
    for form in forms:
        attack.call("addresses", "edit", [FILE | {"path": form}, "happy", 1.0, "largest"])
        attack.call("addresses", "find_faces", [FILE | {"path": good, "url": form}])
        attack.call("addresses", "find_faces", [FILE | {"path": None, "url": form}])
        attack.call("addresses", "edit", [form])
        attack.tool("addresses", {"picture": form, "expression": "happy"})
        for route in ("file=", "proxy=", "stream/", "reverse_proxy/"):
            attack.send("addresses", "GET", f"/gradio_api/{route}{quote(form)}")


def attack_with_size(attack: Attack, megabytes: int) -> None:
    """More than the limits allow, with and without saying so."""
    large = b"\0" * (megabytes + 2) * 1_000_000
    attack.upload("size", "large.png", large)
    attack.send("size", "POST", "/gradio_api/upload", content=iter([large[:65536]] * (len(large) // 65536)),
                headers={"content-type": "multipart/form-data; boundary=x"})  # fmt: skip
    attack.send("size", "POST", "/gradio_api/call/edit", content=b'{"data": ["' + b"x" * 3_000_000 + b'"]}')
    attack.send("size", "POST", "/gradio_api/call/edit", content=iter([b'{"data": ["'] + [b"x" * 65536] * 40))
    attack.send("size", "GET", "/", headers={"x-long": "x" * 60_000})
    attack.send("size", "GET", "/" + "a" * 60_000)
    attack.send("size", "POST", "/gradio_api/upload", files=[("files", (f"{i}.png", b"x")) for i in range(1500)])


def hold_connections(attack: Attack, count: int = 60, seconds: float = 20) -> None:
    """Slow loris: connections that never finish their request; the app must answer others meanwhile."""
    address = urlsplit(attack.app.url)
    held = [socket.create_connection((address.hostname, address.port), 10) for _ in range(count)]
    for index, connection in enumerate(held):
        body = index % 2
        connection.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\n" + b"Content-Length: 9000\r\n\r\n" * body)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        attack.send("slow", "GET", "/gradio_api/info")
        if time.perf_counter() - start > 5:
            attack.wrong.append(f"slow: another request waited {time.perf_counter() - start:.1f} s")
        for connection in held:
            with_one_byte_more(connection)
        time.sleep(2)
    for connection in held:
        connection.close()


def with_one_byte_more(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the server may have had enough of this one
        connection.sendall(b"x")


@contextlib.contextmanager
def listening():
    """A server that nobody should call: yields its address and the list of requests it got."""
    called: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            called.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            """Nothing is printed; `called` keeps what came."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/canary", called
    finally:
        server.shutdown()


def still_edits(attack: Attack, good: str) -> bool:
    data = [FILE | {"path": good}, "happy", 1.0, "largest"]
    started = attack.client.post("/gradio_api/call/edit", json={"data": data}).json()
    return "event: complete" in attack.client.get(f"/gradio_api/call/edit/{started['event_id']}").text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=str(ROOT / "weights/sargan-motion-128"))
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as other,
        listening() as (address, called),
    ):
        outside = Path(other) / "secret.txt"
        outside.write_text(SECRET)
        with running_app(Path(asked.model), Path(folder), SARGAN_REQUESTS_PER_MINUTE="100000") as app:
            attack = Attack(app)
            picture = portrait(Path(folder) / "good.png").read_bytes()
            [good] = attack.client.post("/gradio_api/upload", files={"files": ("good.png", picture)}).json()
            attack_with_files(attack)
            attack_with_types(attack, good)
            attack_by_number(attack)
            attack_with_paths(attack, outside, good)
            attack_with_addresses(attack, address, good)
            attack_with_size(attack, 25)
            hold_connections(attack)
            alive = still_edits(attack, good)
        log = Path(folder, "app.log").read_text()
    print(json.dumps({"attacks": dict(attack.done), "in all": attack.done.total(), "answers": dict(attack.statuses)}))
    print(f"still edits: {alive}; addresses fetched: {len(called)}; tracebacks in the log: {log.count('Traceback')}")
    print(f"indecent answers: {len(attack.wrong)}", *attack.wrong[:20], sep="\n")
    return 0 if alive and not called and not attack.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
