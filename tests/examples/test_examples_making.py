"""The scripts behind the example pictures start where their needs are met, and say what they want where not."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "making"


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=240)


def test_the_command_explains_itself_and_refuses_unknown_heads():
    assert "{photographs,heads,random-heads}" in run("make_examples.py", "--help").stdout
    refused = run("make_examples.py", "heads", "--only", "nobody")
    assert refused.returncode == 2
    assert "invalid choice" in refused.stderr
    nowhere = run("make_examples.py", "random-heads")
    assert nowhere.returncode == 2
    assert "--output" in nowhere.stderr


def test_the_painter_needs_no_blender():
    done = run("-c", "import painting")
    assert done.returncode == 0, done.stderr
