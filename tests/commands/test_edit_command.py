"""`sargan edit` as a user runs it, and the plan behind it."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image
from skimage import data

from sargan_hf.batch.edit_jobs import Job, own_share, plan_jobs
from sargan_hf.batch.find_pictures import find_pictures
from sargan_hf.errors import ConfigurationError, ExpressionError, SARGANError

typer = pytest.importorskip("typer")


@pytest.fixture(scope="module")
def portraits(tmp_path_factory):
    """A folder with three portraits that share a stem, one of them in a subfolder, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("portraits")
    face = Image.fromarray(data.astronaut()[:260, 110:370])
    (folder / "sub").mkdir()
    for name in ("a.b.jpg", "a.b.png", "sub/a.b.jpg"):
        face.save(folder / name)
    (folder / "bad.jpg").write_text("not a picture")
    (folder / "notes.txt").write_text("not even claiming to be one")
    return folder


def plan(inputs: list[Path], output: Path, suffix: str | None = None) -> list[Job]:
    return plan_jobs(find_pictures(inputs, output).pictures, output, suffix)


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")


def test_goes_on_past_a_bad_file_and_says_so(run, portraits, tmp_path):
    result = run(portraits, "--output", tmp_path / "edits")
    assert result.exit_code == 1
    assert "3 edited, 1 failed" in result.output
    assert "bad.jpg is not a picture that can be read" in result.output
    assert files_in(tmp_path / "edits") == ["a.b.jpg", "a.b.png", "sub/a.b.jpg"]
    original = np.asarray(Image.open(portraits / "a.b.png"))
    assert np.asarray(Image.open(tmp_path / "edits/a.b.png")).shape == original.shape


def test_never_overwrites_and_resumes(run, portraits, tmp_path):
    edits = tmp_path / "edits"
    picture = portraits / "a.b.png"
    assert run(picture, "--output", edits).exit_code == 0
    before = (edits / "a.b.png").read_bytes()
    again = run(picture, "--output", edits)
    assert again.exit_code == 1
    assert "use --resume" in again.output
    resumed = run(picture, portraits / "a.b.jpg", "--output", edits, "--resume")
    assert "1 edited, 1 done before" in resumed.output
    assert (edits / "a.b.png").read_bytes() == before


def test_a_resumed_run_does_not_mix_expressions(run, portraits, tmp_path):
    run(portraits / "a.b.png", "--output", tmp_path / "edits")
    other = run(portraits, "--output", tmp_path / "edits", "--expression", "sad", "--resume")
    assert isinstance(other.exception, ConfigurationError)
    assert "expression 'happy' instead of 'sad'" in str(other.exception)


def test_wrong_settings_stop_the_run_before_it_starts(run, portraits, tmp_path):
    assert isinstance(run(portraits, "-o", tmp_path / "a", "-e", "grumpy").exception, ExpressionError)
    assert isinstance(run(tmp_path, "-o", tmp_path / "b").exception, ConfigurationError)
    assert not (tmp_path / "a").exists()


def test_same_names_get_numbers_and_other_formats_become_png(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("face.jpg", "face.gif"):
            (tmp_path / folder / name).touch()
    output = tmp_path / "out"
    files = plan([tmp_path / "one/face.jpg", tmp_path / "two/face.jpg"], output)
    assert [job.target.name for job in files] == ["face.jpg", "face-2.jpg"]
    folders = plan([tmp_path / "one", tmp_path / "two"], output)
    assert [str(job.target.relative_to(output)) for job in folders] == [
        "one/face.png",
        "one/face.jpg",
        "two/face.png",
        "two/face.jpg",
    ]
    assert [job.target.name for job in plan([tmp_path / "one"], output, ".png")] == ["face.png", "face-2.png"]


def test_the_output_folder_is_not_an_input_and_links_are_not_followed(tmp_path):
    (tmp_path / "face.jpg").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "face.jpg").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [job.source.name for job in plan([tmp_path], tmp_path / "out")] == ["face.jpg"]


def test_every_picture_belongs_to_exactly_one_process(tmp_path):
    for index in range(40):
        (tmp_path / f"{index}.jpg").touch()
    jobs = plan([tmp_path], tmp_path / "out")
    shares = [own_share(jobs, tmp_path / "out", rank, 3) for rank in range(3)]
    assert sorted(job.source for share in shares for job in share) == sorted(job.source for job in jobs)
    assert min(map(len, shares)) > 5


@pytest.mark.launch
def test_accelerate_launch_splits_the_work(portraits, tiny_model_folder, tmp_path):
    command_line = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command_line += ["-m", "sargan_hf.cli", "edit", str(portraits / "a.b.png"), str(portraits / "sub")]
    command_line += ["--output", str(tmp_path / "edits"), "--model", str(tiny_model_folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    finished = subprocess.run(command_line, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert finished.stdout.count("edited") == 2
    assert files_in(tmp_path / "edits") == ["a.b.png", "sub/a.b.jpg"]


def test_what_a_killed_run_left_is_cleared_away(run, portraits, tmp_path):
    edits = tmp_path / "edits"
    (edits / "sub").mkdir(parents=True)
    stale = edits / "sub" / f".portrait-{'0a' * 16}.part"
    fresh, foreign = edits / f".portrait-{'1b' * 16}.part", edits / ".download.part"
    for path in (stale, fresh, foreign):
        path.write_bytes(b"half a picture")
    for path in (stale, foreign):
        os.utime(path, (0, 0))
    assert run(portraits / "a.b.png", "--output", edits).exit_code == 0
    assert not stale.exists()
    assert fresh.exists()  # another process may be writing it
    assert foreign.exists()


def test_many_files_need_no_more_memory_than_a_few(run, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(60):
        side = 200 + 3 * (index % 20)
        Image.fromarray(data.astronaut()[:260, 110:370]).resize((side, side)).save(photos / f"{index}.jpg")
    for folder in ("warm", "warmer"):  # allocators keep what the first runs needed
        assert run(photos, "--output", tmp_path / folder).exit_code == 0
    before = psutil.Process().memory_info().rss
    result = run(photos, "--output", tmp_path / "edits")
    assert "60 edited" in result.output
    assert psutil.Process().memory_info().rss - before < 20 * 2**20


def test_a_note_about_a_picture_is_shown(run, tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), data.astronaut()[:260, 110:370, ::-1].astype(np.uint16) * 257)
    result = run(tmp_path / "deep.png", "--output", tmp_path / "edits")
    assert "note: deep.png has 16 bits a colour: the edit has 8." in result.output


def test_options_are_read_or_refused(run, portraits, tmp_path):
    for option, value, says in [
        ("--expression", "happy=much", "is not a weight"),
        ("--faces", "first", "is not known"),
        ("--faces", "0", "start at 1"),
        ("--region", "nose", "is not known"),
        ("--intensity", "2", "from 0 to 1.5"),
        ("--format", "heic", "is not known"),
    ]:
        result = run(portraits, "-o", tmp_path / "edits", option, value)
        assert isinstance(result.exception, SARGANError)
        assert says in str(result.exception)
    assert not (tmp_path / "edits").exists()


@pytest.mark.launch
def test_a_run_does_not_wait_for_modules_that_no_edit_uses(portraits, tiny_model_folder, tmp_path):
    code = """
import sys
from sargan_hf.cli import main
try:
    main()
finally:
    print({"torch._dynamo", "transformers", "gradio", "datasets"} & set(sys.modules))
    import torch._dynamo, diffusers  # hidden during the start, there afterwards
"""
    arguments = ["edit", portraits / "a.b.png", "--output", tmp_path / "edits", "--model", tiny_model_folder]
    command_line = [sys.executable, "-c", code, *map(str, arguments)]
    finished = subprocess.run(command_line, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert finished.stdout.split("\n")[:2] == ["1 edited", "set()"]
