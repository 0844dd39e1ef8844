"""Where the built page is: in the installed package, or in `web/dist` of a checkout, built there when it is missing or old."""

import logging
import shutil
import subprocess
from pathlib import Path

from ..errors import ConfigurationError

log = logging.getLogger(__name__)

PACKAGED = Path(__file__).parent / "page"
SOURCES = Path(__file__).resolve().parents[2] / "web"
MARK = "runtime/runtime.json"  # written last by the build


def built_page() -> Path:
    """The folder of the built page.

    Raises:
        ConfigurationError: it is in neither place, and cannot be built.
    """
    built = SOURCES / "dist"
    if not (SOURCES / "package-lock.json").is_file():
        if (PACKAGED / MARK).is_file():
            return PACKAGED
        raise ConfigurationError(
            "This copy of sargan_hf has no built page: install a released wheel, or use a checkout, which has web/."
        )
    if _is_current(built):
        return built
    if shutil.which("npm") is None:
        raise ConfigurationError("The page has to be built once, which needs npm: install Node.js 20.19 or newer.")
    log.warning("Building the page in %s, which takes a minute.", built)
    for command in (["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], ["npm", "run", "build"]):
        _run(command)
    return built


def _is_current(built: Path) -> bool:
    """Whether the page was built after the last change of what it is made from."""
    mark = built / MARK
    if not mark.is_file():
        return False
    made_from = [path for folder in ("src", "public") for path in (SOURCES / folder).rglob("*")]
    made_from += [SOURCES / name for name in ("index.html", "package-lock.json", "vite.config.ts", "build-plugins.ts")]
    return max(path.stat().st_mtime for path in made_from) <= mark.stat().st_mtime


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigurationError(
            f"`{' '.join(command)}` in {SOURCES} failed ({said[-1] if said else 'it said nothing'}): run it there to see why."
        )
