"""The folder that any file server shows as the editor: `sargan export --web OUT`."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from ..errors import ConfigurationError
from ..modeling_sargan import SARGAN
from .built_page import MARK, built_page
from .example_edits import write_example_edits
from .graph_export import ModelProto, edit_graphs, where_halves
from .packing import packed, separated
from .shared_numbers import shared_numbers

MANIFEST = "sargan.json"
WORKER = "sw.js"
HEADERS = "headers.json"
# In the service worker, where the list of files to keep and the headers to send belong.
FILES_PLACE, HEADERS_PLACE = "/* files */ []", "/* headers */ {}"
OURS = {MANIFEST, WORKER, "index.html"}  # what tells a folder that was written before from one with other things in it


def write_web_folder(model: SARGAN, mouth: SARGAN | None, output: str | Path, name: str) -> dict[str, int]:
    """Writes the page, the runtime, the graphs of a model and `sargan.json`.

    Args:
        model, mouth: the generator, and its mouth refiner or None.
        output: a folder, created when missing. One that was written before is replaced; one with anything else is refused.
        name: of the model, for people to read.

    Returns:
        Bytes of each file, by its path in the folder.

    Raises:
        ConfigurationError: `output` is a file or holds other things, or the page cannot be built.
    """
    output = Path(output)
    _check_output(output)
    page = built_page()
    unfinished = output.with_name(f".{output.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(page, unfinished)
    manifest = shared_numbers(model.eval(), mouth and mouth.eval(), name)
    manifest["graphs"] = {
        name: _write_packed(unfinished, name, graph) for name, graph in edit_graphs(model, mouth).items()
    }
    manifest["runtime"] = json.loads((unfinished / MARK).read_text(encoding="utf-8"))
    (unfinished / MARK).unlink()
    (unfinished / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    write_example_edits(model, mouth, unfinished)
    _list_files(unfinished)
    if output.exists():
        shutil.rmtree(output)
    os.replace(unfinished, output)
    return {path: size for path, (size, _) in _files(output).items()}


def _check_output(output: Path) -> None:
    if output.is_file():
        raise ConfigurationError(f"{output} is a file; give a folder to write the page to.")
    if output.is_dir() and any(output.iterdir()) and not all((output / name).is_file() for name in OURS):
        raise ConfigurationError(f"{output} holds other things, which would be lost: give a new or an empty folder.")
    output.parent.mkdir(parents=True, exist_ok=True)


def _write_packed(folder: Path, name: str, graph: ModelProto) -> dict[str, object]:
    whole = graph.SerializeToString()
    halves = where_halves(graph, whole)
    content = packed(separated(whole, halves))
    digest = hashlib.sha256(content).hexdigest()
    path = f"models/{name}-{digest[:8]}.onnx.gz"
    (folder / "models").mkdir(exist_ok=True)
    (folder / path).write_bytes(content)
    return {"path": path, "bytes": len(content), "unpacked": len(whole), "sha256": digest, "halves": halves}


def _list_files(folder: Path) -> None:
    """Tells the service worker what to keep for a visit without a network, with a digest of each."""
    worker = folder / WORKER
    kept = {path: digest for path, (_, digest) in _files(folder).items() if path != WORKER}
    text = worker.read_text(encoding="utf-8")
    headers = (folder / HEADERS).read_text(encoding="utf-8").strip()
    for place, content in ((FILES_PLACE, json.dumps(sorted(kept.items()))), (HEADERS_PLACE, headers)):
        if place not in text:
            raise ConfigurationError(f"{worker} has no place for {place}: build the page again.")
        text = text.replace(place, content)
    worker.write_text(text, encoding="utf-8")


def _files(folder: Path) -> dict[str, tuple[int, str]]:
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found[path.relative_to(folder).as_posix()] = len(content), hashlib.sha256(content).hexdigest()
    return found
