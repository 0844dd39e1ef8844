"""The package as a whole: light to import, one command, a README the Hub accepts, settings that agree with each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from cli_help import help_of
from packaging.requirements import Requirement

import sargan_hf
from sargan_hf.cli import COMMANDS
from sargan_hf.errors import ExpressionError
from sargan_hf.expressions import ALIASES, EXPRESSIONS, expression_vector, parse_expression, resolve_expression

ROOT = Path(__file__).resolve().parent.parent


def python(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert result.returncode == 0, result.stderr[-1500:]
    return result.stdout.strip()


@pytest.mark.launch
def test_import_is_light():
    loaded = python("import sys, sargan_hf; print(*sorted({name.split('.')[0] for name in sys.modules}))").split()
    assert not {"torch", "gradio", "datasets", "diffusers", "cv2", "numba", "numpy"} & set(loaded)


@pytest.mark.launch
def test_import_takes_milliseconds():
    code = "import time; start = time.process_time(); import sargan_hf; print(time.process_time() - start)"
    assert min(float(python(code)) for _ in range(3)) < 0.2


UNIX_ONLY = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix")
USED_ON_WINDOWS = (
    "editing.pipeline_sargan", "editing.animation", "batch.edit_batch", "commands.edit", "commands.train",
    "training.loop", "training.dry_run", "training.checkpoints", "training.run_folder", "training.progress",
    "data.loading", "data.cropping", "data.mouth_pairs", "rig.dataset.build", "evaluation.evaluate", "demo.server",
)  # fmt: skip


@pytest.mark.launch
def test_modules_import_without_those_that_only_unix_has():
    # What libraries need of them here is imported first: only our own imports are put to the test.
    code = f"""
import sys
import accelerate, cv2, datasets, diffusers, gradio, numba, psutil, scipy, scipy.spatial, torch, transformers, typer
import concurrent.futures.process, multiprocessing, pathlib, shutil, subprocess, tarfile, tempfile, tensorboard
import torch.utils.tensorboard, torchmetrics
from torch import _dynamo
sys.modules.update(dict.fromkeys({UNIX_ONLY}))
from importlib import import_module
for name in {USED_ON_WINDOWS}:
    import_module("sargan_hf." + name)
print("all")
"""
    assert python(code) == "all"


@pytest.mark.parametrize("name", sargan_hf.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sargan_hf, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'SARGAM'; it has"):
        sargan_hf.SARGAM  # noqa: B018


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    assert "usage" in help_of(command).lower()


@pytest.mark.launch
def test_the_command_lists_itself_and_refuses_what_it_does_not_know():
    run = lambda *words: subprocess.run(  # noqa: E731
        [sys.executable, "-m", "sargan_hf.cli", *words], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert all(name in run("--help").stdout for name in COMMANDS)
    assert run("--version").stdout.strip() == sargan_hf.__version__
    wrong = run("edti")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: there is no `sargan edti`. Commands: edit")


def test_readme_is_a_valid_space():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---")[1])
    assert front["sdk"] == "gradio"
    assert front["license"] == "apache-2.0"
    assert (ROOT / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60  # the Hub's limit
    assert re.fullmatch(r"\d+\.\d+\.\d+", front["sdk_version"])
    pinned = next(r for r in _requirements() if r.name == "gradio")
    assert front["sdk_version"] in pinned.specifier
    assert f'python_version: "{front["python_version"]}"' in text


def test_requirements_agree_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ranges = {r.name: r.specifier for r in _requirements()}
    extras = [line for name in ("demo", "train") for line in project["optional-dependencies"][name]]
    for wanted in map(Requirement, project["dependencies"] + extras):
        assert ranges[wanted.name] == wanted.specifier, wanted.name
    for name in (
        "gradio",
        "huggingface-hub",
        "safetensors",
        "torch",
        "diffusers",
        "accelerate",
        "datasets",
        "pillow",
        "pytest",
    ):
        assert name in ranges
    assert "torchvision" not in ranges


def _requirements() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_links_in_the_documents_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "model_card.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_aliases_resolve_whatever_their_case(name):
    for alias in (name, *ALIASES[name]):
        assert resolve_expression(f" {alias.upper()} ") == name


def test_an_unknown_expression_is_answered_with_the_known_ones():
    with pytest.raises(ExpressionError, match=r"'grumpy' is not an expression.*afraid \(fear"):
        resolve_expression("grumpy")
    with pytest.raises(ExpressionError):
        resolve_expression("happy", expressions=("sad", "neutral"))


def test_vectors_are_one_hot_or_convex():
    assert expression_vector("joy").tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert expression_vector({"happy": 3, "surprise": 1}).tolist() == [0, 0, 0, 0.75, 0, 0, 0.25]
    assert expression_vector("sad", expressions=("sad", "happy")).tolist() == [1, 0]
    assert np.array_equal(expression_vector([0, 0, 0, 2.0, 0, 0, 0]), [0, 0, 0, 2.0, 0, 0, 0])


@pytest.mark.parametrize(
    "wrong", [{"happy": -1}, {"happy": 0}, {}, [1, 2], [float("nan")] * 7, {"happy": float("inf")}, 7]
)
def test_blends_that_cannot_be_are_refused(wrong):
    with pytest.raises(ExpressionError):
        expression_vector(wrong)


def test_typed_expressions_are_names_or_blends():
    assert parse_expression(" happy ") == "happy"
    assert parse_expression("happy=0.6, surprised=0.4") == {"happy": 0.6, "surprised": 0.4}
    assert parse_expression("joy = 1") == {"joy": 1.0}


@pytest.mark.parametrize(
    "wrong", ["happy=much", "happy=0,6", "happy=1,", "=1", "happy=1, happy=2", "happy=", "sad, happy=1"]
)
def test_typed_blends_that_cannot_be_are_refused(wrong):
    with pytest.raises(ExpressionError, match="is not a weight"):
        parse_expression(wrong)
