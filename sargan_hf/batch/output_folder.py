"""The output folder of a run: whose settings it holds, what a killed run left in it, and whether it can be written."""

import contextlib
import json
import re
import time
import uuid
from pathlib import Path

from ..errors import ConfigurationError

SETTINGS_FILE = ".sargan-edit.json"
# What `save_image`, `claim_output` and `why_unwritable` call an unfinished file; a name may hold line breaks.
LEFT_OVER = re.compile(r"\..*[0-9a-f]{32}\.part", re.DOTALL)
UNFINISHED_SECONDS = 600  # nobody takes that long to save one picture: older ones belong to a process that was killed
PROBE_BYTES = 4096


def claim_output(output: Path, settings: dict[str, object]) -> None:
    """Makes the output folder and notes the settings in it.

    Raises:
        ConfigurationError: the folder cannot be made or written, or holds edits made with other settings, which a resumed run
            would silently mix with the new ones.
    """
    note = output / SETTINGS_FILE
    try:
        output.mkdir(parents=True, exist_ok=True)
        if not note.exists():
            # Several processes may get here at once; each writes the same, and a rename is never seen half done.
            draft = output / f".{uuid.uuid4().hex}.part"
            draft.write_text(json.dumps(settings, indent=1), encoding="ascii")
            draft.replace(note)
            return
        earlier = json.loads(note.read_text(encoding="utf-8"))
        if not isinstance(earlier, dict):
            raise ValueError(f"{note.name} is damaged")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"Cannot use {output} as output folder ({reason}): choose another --output."
        ) from error
    differing = [name for name in settings if earlier.get(name) != settings[name]]
    if differing:
        was = ", ".join(f"{name} {earlier.get(name)!r} instead of {settings[name]!r}" for name in differing)
        raise ConfigurationError(f"{output} holds edits made with {was}: choose another --output.")
    reason = why_unwritable(output)
    if reason:
        raise ConfigurationError(
            f"Nothing can be written to {output} ({reason}): make room, or choose another --output."
        )


def remove_left_overs(output: Path) -> None:
    """Removes the unfinished files of killed runs from the output folder; another process may do the same meanwhile."""
    for path in output.rglob(".*.part"):
        with contextlib.suppress(OSError):
            if LEFT_OVER.fullmatch(path.name) and time.time() - path.stat().st_mtime > UNFINISHED_SECONDS:
                path.unlink()


def why_unwritable(folder: Path) -> str:
    """Why not even a small file can be written to the folder, or ""."""
    probe = folder / f".{uuid.uuid4().hex}.part"
    try:
        try:
            probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return ""
