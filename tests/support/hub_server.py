"""A small hub on loopback that speaks what `huggingface_hub` says when it pushes models and pulls models and data sets.

Real HTTP for the real client: repositories, branches, commits (regular files inline, large ones over basic LFS), info on
models and data sets, trees, and file downloads, whole or by byte ranges, with their headers.
Xet storage is not spoken; set HF_HUB_DISABLE_XET=1.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

REGULAR_FILE_LIMIT = 20_000  # bytes; the Hub decides by name as well, here size alone sends a file over LFS


@dataclass
class Repository:
    """Branches point to commits, and a commit is a whole tree."""

    private: bool = False
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, branch: str, changes: dict[str, bytes | None]) -> str:
        tree = dict(self.commits.get(self.branches.get(branch, ""), {})) | changes
        tree = {path: content for path, content in tree.items() if content is not None}
        oid = hashlib.sha1(f"{len(self.commits)}{sorted(tree)}".encode()).hexdigest()
        self.commits[oid] = tree
        self.branches[branch] = oid
        return oid

    def resolve(self, revision: str) -> str | None:
        return self.branches.get(revision) or (revision if revision in self.commits else None)


class Hub:
    """The server: `with Hub() as hub:` and point HF_ENDPOINT to `hub.url`."""

    def __init__(self, token: str = "hf_test"):
        self.token = token
        self.repositories: dict[str, Repository] = {}
        self.lfs: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def add(self, repo_id: str, folder: Path, private: bool = False) -> Repository:
        """A repository that is there already, with a folder's files on its main branch."""
        repository = self.repositories[repo_id] = Repository(private=private)
        files = (path for path in folder.rglob("*") if path.is_file())
        repository.commit("main", {path.relative_to(folder).as_posix(): path.read_bytes() for path in files})
        return repository

    def files(self, repo_id: str, revision: str = "main") -> dict[str, bytes]:
        repository = self.repositories[repo_id]
        return repository.commits[repository.resolve(revision)]


def _listed(path: str, content: bytes) -> dict:
    return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        parts = self._parts()
        if parts[0] == "api":
            repository = self._repository("/".join(parts[2:4]))
            if repository is not None:
                self._describe("/".join(parts[2:4]), repository, parts[4:])
        elif len(parts) > 4 and parts[2] == "resolve":
            repository = self._repository("/".join(parts[:2]))
            if repository is not None:
                self._send_file(repository, parts[3], "/".join(parts[4:]))
        else:
            self._fail(404, "EntryNotFound")

    def do_POST(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = self._parts()
        if parts[:1] + parts[4:5] == ["api", "paths-info"]:
            self._list_paths("/".join(parts[2:4]), parts[5], body)
        elif self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._fail(401, "Unauthorized", "Invalid credentials in Authorization header")
        elif parts == ["api", "repos", "create"]:
            self._create(json.loads(body))
        elif parts == ["api", "validate-yaml"]:
            self._json({"errors": [], "warnings": []})
        elif parts[-4:] == ["info", "lfs", "objects", "batch"]:
            self._offer_lfs_upload(json.loads(body))
        else:
            repository = self._repository("/".join(parts[2:4]))
            if repository is not None:
                self._change("/".join(parts[2:4]), repository, parts[4], parts[5], body)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.lfs[hashlib.sha256(content).hexdigest()] = content
        self._json({})

    def _parts(self) -> list[str]:
        """The path's parts; the two kinds of repository share their names here, so files of both have the same paths."""
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        return parts[1:] if parts[0] == "datasets" else parts

    def _list_paths(self, repo_id: str, revision: str, body: bytes) -> None:
        repository = self._repository(repo_id)
        if repository is not None:
            asked = parse_qs(body.decode())["paths"] if b"=" in body else json.loads(body)["paths"]
            tree = repository.commits[repository.resolve(revision)]
            self._json([_listed(path, tree[path]) for path in asked if path in tree])

    def _create(self, request: dict) -> None:
        repo_id = "/".join(part for part in (request.get("organization") or "tester", request["name"]) if part)
        status = 409 if repo_id in self.hub.repositories else 200
        if status == 200:
            repository = self.hub.repositories[repo_id] = Repository(private=request.get("visibility") == "private")
            repository.commit("main", {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"})
        self._json({"url": f"{self.hub.url}/{repo_id}", "name": repo_id, "id": repo_id}, status)

    def _offer_lfs_upload(self, request: dict) -> None:
        offers = []
        for wanted in request["objects"]:
            upload = {"upload": {"href": f"{self.hub.url}/lfs/{wanted['oid']}"}}
            offers.append(wanted if wanted["oid"] in self.hub.lfs else wanted | {"actions": upload})
        self._json({"transfer": "basic", "objects": offers})

    def _change(self, repo_id: str, repository: Repository, action: str, revision: str, body: bytes) -> None:
        if action == "branch":
            created = repository.branches.setdefault(revision, repository.branches["main"])
            self._json({"commit": created})
        elif action == "preupload":
            modes = [
                {
                    "path": wanted["path"],
                    "uploadMode": "lfs" if wanted["size"] > REGULAR_FILE_LIMIT else "regular",
                    "shouldIgnore": False,
                }
                for wanted in json.loads(body)["files"]
            ]
            self._json({"files": modes})
        elif action == "commit" and repository.resolve(revision):
            oid = repository.commit(revision, dict(self._changed_files(body)))
            self._json({"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{repo_id}/commit/{oid}"})
        else:
            self._fail(404, "RevisionNotFound")

    def _changed_files(self, body: bytes):
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                yield value["path"], base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                yield value["path"], self.hub.lfs[value["oid"]]
            elif line["key"] == "deletedFile":
                yield value["path"], None

    def _describe(self, repo_id: str, repository: Repository, rest: list[str]) -> None:
        revision = rest[1] if len(rest) > 1 else "main"
        oid = repository.resolve(revision)
        if oid is None:
            return self._fail(404, "RevisionNotFound")
        tree = repository.commits[oid]
        if rest[:1] == ["tree"]:
            return self._list_tree(tree, "/".join(rest[2:]))
        siblings = [{"rfilename": path} for path in tree]
        self._json({"id": repo_id, "sha": oid, "private": repository.private, "siblings": siblings, "tags": []})

    def _list_tree(self, tree: dict[str, bytes], folder: str) -> None:
        """What lies in a folder: all of it, folders included, or its own level only."""
        inside = {path: content for path, content in tree.items() if path.startswith(folder and folder + "/")}
        folders = {str(parent) for path in inside for parent in PurePosixPath(path).parents} - {".", folder}
        folders = {path for path in folders if path.startswith(folder and folder + "/")}
        everything = [_listed(path, content) for path, content in inside.items()]
        everything += [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in sorted(folders)]
        if parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() != "true":
            everything = [entry for entry in everything if str(PurePosixPath(entry["path"]).parent) == (folder or ".")]
        if not inside:
            return self._fail(404, "EntryNotFound")
        self._json(everything)

    def _send_file(self, repository: Repository, revision: str, path: str) -> None:
        oid = repository.resolve(revision)
        if oid is None:
            return self._fail(404, "RevisionNotFound")
        content = repository.commits[oid].get(path)
        if content is None:
            return self._fail(404, "EntryNotFound", commit=oid)
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": oid}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted is None:
            return self._respond(200, content, "application/octet-stream", headers)
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        headers |= {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self._respond(206, content[first : last + 1], "application/octet-stream", headers)

    def _repository(self, repo_id: str) -> Repository | None:
        repository = self.hub.repositories.get(repo_id)
        hidden = repository is not None and repository.private
        if repository is None or (hidden and self.headers.get("Authorization") != f"Bearer {self.hub.token}"):
            self._fail(404, "RepoNotFound")
            return None
        return repository

    def _fail(self, status: int, code: str, message: str = "not found", commit: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message, "X-Repo-Commit": commit}
        self._respond(status, json.dumps({"error": message}).encode(), "application/json", headers)

    def _json(self, content: object, status: int = 200) -> None:
        self._respond(status, json.dumps(content).encode(), "application/json", {})

    def _respond(self, status: int, content: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
