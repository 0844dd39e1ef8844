"""Where the built page is: in the installed package, or in `web/dist` of a checkout, built there when it is missing."""

import shutil
import subprocess
from pathlib import Path

from ..errors import ConfigurationError

PACKAGED = Path(__file__).parent / "page"
SOURCES = Path(__file__).resolve().parents[2] / "web"
MARK = "runtime/runtime.json"  # written last by the build


def built_page() -> Path:
    """The folder of the built page.

    Raises:
        ConfigurationError: it is in neither place, and cannot be built.
    """
    for folder in (SOURCES / "dist", PACKAGED):
        if (folder / MARK).is_file():
            return folder
    if not (SOURCES / "package-lock.json").is_file():
        raise ConfigurationError(
            "This copy of sargan_hf has no built page: install a released wheel, or use a checkout, which has web/."
        )
    if shutil.which("npm") is None:
        raise ConfigurationError("The page has to be built once, which needs npm: install Node.js 20.19 or newer.")
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        _run(command)
    return SOURCES / "dist"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigurationError(
            f"`{' '.join(command)}` in {SOURCES} failed ({said[-1] if said else 'it said nothing'}): run it there to see why."
        )
