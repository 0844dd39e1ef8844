"""What the documents say can be done: commands, options, extras, links and pictures that exist."""

import ast
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from cli_help import help_of
from packaging.requirements import Requirement

import sargan_hf
from sargan_hf.cli import COMMANDS
from sargan_hf.commands.evaluate import MODES
from sargan_hf.hub import load_model, stage

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("release/*.md"), ROOT / "weights/sargan-128/README.md"]
)
PYTHON_FILES = sorted(
    path
    for folder in ("sargan_hf", "benchmarks", "release", "tools", "examples")
    for path in (ROOT / folder).rglob("*.py")
)
SETTINGS_FILES = sorted([*ROOT.glob("release/*.yaml"), *ROOT.glob("release/*.sh"), *ROOT.glob("sargan_hf/**/*.toml")])
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


def shell_lines(page: Path) -> list[str]:
    """The lines of a page's shell blocks; a line that goes on is one line."""
    language, lines = None, []
    for line in page.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            language = line.removeprefix("```") if language is None else None
        elif language in ("", "bash"):
            lines.append(line)
    return lines


def commands_of(page: Path) -> list[list[str]]:
    """The words of each command in the page's shell blocks, in the order in which they stand there."""
    found = []
    for line in shell_lines(page):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # one half of a quotation that spans lines, as in `curl -d`
            continue
        command: list[str] = []
        for word in [*words, "&&"]:
            if word != "&&":
                command.append(word)
            elif command:
                found.append(command)
                command = []
    return found


COMMANDS_OF_PAGES = [(page, words) for page in PAGES for words in commands_of(page)]


def sargan_words(words: list[str]) -> list[str] | None:
    """What follows `sargan` or the training script in a command, as arguments of Python; None for other commands."""
    for place, word in enumerate(words):
        if word.endswith("train_accelerate.py"):
            return [word, *words[place + 1 :]]
        if word in ("sargan", "sargan_hf.cli") and words[0] in ("sargan", "accelerate"):
            return ["-m", "sargan_hf.cli", *words[place + 1 :]]
    return None


OURS = [(page, ours) for page, words in COMMANDS_OF_PAGES if (ours := sargan_words(words))]


def test_commands_are_found():
    names = {page.name for page, _ in OURS}
    assert {"README.md", "model_card.md", "training.md", "rig.md", "editing.md"} <= names
    assert any(ours[0] == "train_accelerate.py" for _, ours in OURS)


@pytest.mark.parametrize(("page", "words"), OURS, ids=[f"{page.name}-{' '.join(words)[:60]}" for page, words in OURS])
def test_commands_and_their_options_exist(page, words):
    if words[0] == "-m":
        assert words[2] in COMMANDS, f"{page.name}: there is no `sargan {words[2]}`"
        # `sargan evaluate --compare` and the like have options of their own.
        shown = help_of(*words[2 : 4 if words[2] == "evaluate" and words[3] in MODES else 3])
        if "COMMAND [ARGS]" in shown:  # `sargan rig sheet` and the like; `sargan rig FOLDER` means `make`
            shown = help_of(words[2], words[3] if words[3] in ("sheet", "publish", "build-model") else "make")
    else:
        assert (ROOT / words[0]).is_file(), f"{page.name}: no script {words[0]}"
        shown = help_of("train")  # the script and the command are one
    for word in words:
        if word.startswith("--"):
            option = word.partition("=")[0]
            assert re.search(rf"{option}\b", shown), f"{page.name}: `{' '.join(words[:4])} ...` has no {option}"


def test_scripts_and_configurations_exist():
    for page, words in COMMANDS_OF_PAGES:
        for word in words:
            if re.fullmatch(r"(benchmarks|release|docs|scripts|tools|examples)/[\w/-]+\.(py|sh|yaml|slurm)", word):
                assert (ROOT / word).is_file(), f"{page.name} names {word}"


def test_extras_exist_and_come_from_the_checkout():
    named = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named |= set(re.findall(r'pip install -e ["\']\.\[([^]]+)\]', text))
        assert not re.search(r"pip install [\"']?sargan_hf", text), f"{page.name}: the package is not on PyPI"
    for path in (ROOT / "sargan_hf").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'pip install -e ["\']\.\[([^]]+)\]', text))
        assert not re.search(r"pip install [\"']?sargan_hf", text), f"{path}: the package is not on PyPI"
    assert {"train,rig", "onnx", "evaluation"} <= named
    for names in named:
        assert set(names.split(",")) <= set(EXTRAS), f"No extra {names}"


def test_readme_installs_what_its_commands_need():
    commands = [words for page, words in COMMANDS_OF_PAGES if page.name == "README.md"]
    first = next(words for words in commands if "install" in words)
    assert first[:2] == ["pip", "install"], "an environment that is not activated does not find the commands below"
    assert {"-e", "."} <= set(first)
    installed = {"demo"}  # requirements.txt, see test_package.py
    for words in commands:
        installed |= {
            extra for word in words for found in re.findall(r"^\.\[(.+)\]$", word) for extra in found.split(",")
        }
        if words[:2] == ["sargan", "rig"]:
            assert "rig" in installed
        if "train_accelerate.py" in words:
            assert "train" in installed


def test_readme_edits_pictures_that_ship():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:examples|weights)/[\w./-]+", text))
    assert any(name.endswith(".jpg") for name in named)
    for name in named:
        assert (ROOT / name).exists(), name


def test_readme_names_every_room():
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`(?:sargan_hf/)?([\w.]+)/?`", " ".join(row.split("|")[1] for row in rows)))
    package = ROOT / "sargan_hf"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")} | {
        path.name for path in package.glob("*.py") if not path.name.startswith("_")
    }
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT).stdout.split()
    rooms |= {name.partition("/")[0] for name in tracked if "/" in name and not name.startswith(".")}
    assert rooms <= named | {"sargan_hf"}, f"Give these a row in README.md: {rooms - named}"
    gone = {name for name in named if not ((ROOT / name).exists() or (package / name).exists())}
    assert not gone, f"README.md names {gone}, which are not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_figures_have_a_leading_zero(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert re.findall(r".*(?<![\w.)\]/])\.\d.*", text) == []


@pytest.mark.parametrize("folder", sorted(path.parent for path in ROOT.glob("weights/*/config.json")), ids=str)
def test_an_upload_carries_what_the_card_shows(folder, tmp_path):
    stage(load_model(folder), tmp_path, source=folder)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    for target in LINK.findall(card):
        assert (tmp_path / target).is_file(), target
        assert not (tmp_path / target).is_symlink()


def test_one_version_and_licence_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (sargan_hf.__version__, project["license"])
    assert re.search(
        rf"^## .*{re.escape(sargan_hf.__version__)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )


def test_every_extra_of_dev_is_written_down():
    wanted = next(Requirement(line) for line in EXTRAS["dev"] if Requirement(line).name == "sargan_hf")
    assert wanted.extras <= set(EXTRAS)
    assert {"demo", "train", "rig", "evaluation", "c2pa", "onnx", "docs"} <= wanted.extras


FIGURE = re.compile(r"(?<![\w.)\]/\"'*:])\.\d+(?![\dA-Za-z])")


def spoken_texts(path: Path) -> list[str]:
    """What a Python file says to people: docstrings, help texts and messages, without code between backticks."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, holders)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.Dict | ast.JoinedStr):
            inside = (leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant))
            texts += [value for value in inside if isinstance(value, str) and " " in value]
    return [re.sub(r"`[^`]*`", "", text) for text in texts]


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_figures_in_docstrings_and_messages_have_a_leading_zero(path):
    assert [line for text in spoken_texts(path) for line in text.splitlines() if FIGURE.search(line)] == []


@pytest.mark.parametrize("path", SETTINGS_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_figures_in_comments_of_settings_have_a_leading_zero(path):
    comments = [line.partition("#")[2] for line in path.read_text(encoding="utf-8").splitlines()]
    assert [comment for comment in comments if FIGURE.search(comment)] == []


def test_a_figure_without_a_leading_zero_is_seen(tmp_path):
    script = tmp_path / "script.py"
    script.write_text('"""Half is .5, and `.5` is code."""\nhelp = dict(text="from .4 on", other="1.5 and a.b .py")\n')
    assert [bool(FIGURE.search(text)) for text in spoken_texts(script)] == [True, True, False]
