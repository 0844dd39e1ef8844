"""A batch of odd files: each is edited or reported by name, whatever is wrong with it, and a resumed run meets them again."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from odd_files import LEFT_ALONE, editable, encoded, face, make_odd_folder, reported, with_alpha
from PIL import Image

from sargan_hf.batch.edit_jobs import plan_jobs
from sargan_hf.batch.find_pictures import find_pictures
from sargan_hf.batch.journal import Record
from sargan_hf.errors import ConfigurationError
from sargan_hf.file_names import escape_unprintable


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(6):
        face(130 + 4 * index).save(folder / f"{index}.jpg")
    return folder


def names_in(folder: Path) -> set[bytes]:
    top = os.fsencode(folder)
    paths = (os.path.join(parent, name) for parent, _, names in os.walk(top) for name in names)
    return {os.path.relpath(path, top) for path in paths if not os.path.basename(path).startswith(b".")}


@pytest.fixture(scope="module")
def odd(tmp_path_factory, tiny_model_folder):
    """The odd folder, the folder of its edits, and what a process that edited it returned and printed."""
    folder = tmp_path_factory.mktemp("odd")
    make_odd_folder(folder / "photos")
    line = [sys.executable, "-m", "sargan_hf.cli", "edit", "photos", "-o", "edits", "--model", str(tiny_model_folder)]
    finished = subprocess.run(line, cwd=folder, capture_output=True, timeout=300, check=False)
    return folder / "photos", folder / "edits", finished


def test_every_odd_file_is_edited_or_reported_by_name(odd):
    _, edits, finished = odd
    output, errors = finished.stdout.decode(), finished.stderr.decode()  # in UTF-8, or this fails
    assert names_in(edits) == {target or source for source, target in editable().items()}
    at_the_end = errors[errors.rindex("note: ") :]
    for name, reason in reported().items():
        line = f"failed: photos/{escape_unprintable(os.fsdecode(name))}: "
        assert errors.count(line) == 2, line  # when it happened, and at the end
        assert reason in at_the_end[at_the_end.index(line) :].split("\n")[0]
    assert output.splitlines() == [
        f"{len(editable())} edited, {len(reported())} failed",
        f"{len(LEFT_ALONE)} other files and 1 hidden folder left alone",
        "1 picture met under a second name, edited once",
    ]
    assert "linked-folder is a link to a folder, which is not followed" in errors
    assert finished.returncode == 1


def test_odd_files_keep_what_they_hold(odd):
    _, edits, finished = odd
    assert Image.open(edits / "transparent-2.png").mode == Image.open(edits / "transparent.png").mode == "RGBA"
    assert Image.open(edits / "grey16-called.png").mode.startswith("I;16")
    assert Image.open(edits / "heic-called.jpg").format == "JPEG"
    assert Image.open(edits / "phone.png").size == (130, 130)
    assert b"JPEG cannot hold transparency" in finished.stderr
    assert b"It is saved as transparent-2.png." in finished.stderr


def test_a_resumed_run_meets_the_same_odd_files(odd, run, monkeypatch):
    photos, edits, _ = odd
    before = {path: path.stat().st_mtime_ns for path in edits.rglob("*") if path.is_file()}
    monkeypatch.chdir(photos.parent)
    again = run("photos", "-o", "edits", "--resume")
    assert f"{len(editable())} done before, {len(reported())} failed" in again.output
    assert {path: path.stat().st_mtime_ns for path in edits.rglob("*") if path.is_file()} == before
    (edits / "transparent-2.png").unlink()
    assert "1 edited" in run("photos", "-o", "edits", "--resume").output
    assert (edits / "transparent-2.png").exists()


def test_names_are_mapped_as_before_when_pictures_were_added_or_moved(run, tmp_path):
    for folder in ("photos", "other"):
        (tmp_path / folder).mkdir()
    face().save(tmp_path / "photos/b.gif")
    face(150).save(tmp_path / "other/face.jpg")
    inputs, edits = (tmp_path / "photos", tmp_path / "other/face.jpg"), tmp_path / "edits"
    assert "2 edited" in run(*inputs, "-o", edits).output
    face(140).save(tmp_path / "photos/b.bmp")  # goes before b.gif, and would like to be b.png, too
    face(160).save(tmp_path / "face.jpg")
    resumed = run(tmp_path / "face.jpg", *inputs, "-o", edits, "--resume")
    assert "2 edited, 2 done before" in resumed.output
    sizes = {name: Image.open(edits / os.fsdecode(name)).size[0] for name in names_in(edits)}
    assert sizes == {b"photos/b.png": 130, b"photos/b-2.png": 140, b"face.jpg": 150, b"face-2.jpg": 160}
    (tmp_path / "photos").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / "further")
    (tmp_path / "further").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    os.makedirs(tmp_path / "disk")
    (tmp_path / "elsewhere").rename(tmp_path / "disk/photos")
    moved = run(tmp_path / "face.jpg", tmp_path / "disk/photos", inputs[1], "-o", edits, "--resume")
    assert "0 edited, 4 done before" in moved.output


def test_processes_that_read_different_journals_make_the_same_plan(tmp_path):
    for name in ("a.bmp", "a.gif", "a.ico", "a-2.gif", "a.jpg", "a.jpeg", "sub/a.gif", "SUB/a.bmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    output = tmp_path / "out"
    pictures = find_pictures([tmp_path], output).pictures
    whole = plan_jobs(pictures, output)
    relative = [(job.target.relative_to(output), job.fallback and job.fallback.relative_to(output)) for job in whole]
    records = [
        Record(str(job.picture), str(job.source), job.source.stat().st_size, str(target), str(fallback or target))
        for job, (target, fallback) in zip(whole, relative, strict=True)
    ]
    names = [str(path) for job in whole for path in (job.target, job.fallback) if path]
    assert len({name.casefold() for name in names}) == len(names)
    for mask in range(2 ** len(records)):
        known = [record for index, record in enumerate(records) if mask >> index & 1]
        assert plan_jobs(pictures, output, None, known) == whole


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "it does not fit into memory"),
        (
            RuntimeError("CUDA error:\nunspecified"),
            "an unexpected error (RuntimeError: CUDA error: unspecified).",
        ),
        (OSError(errno.EIO, "Input/output error", "4.jpg"), "4.jpg Input/output error."),
        (RecursionError("too deep"), "an unexpected error (RecursionError: too deep)."),
    ],
)
def test_whatever_one_picture_raises_the_others_are_edited(run, photos, tmp_path, monkeypatch, error, says):
    opener = "sargan_hf.editing.pipeline_sargan.load_image"
    real = pytest.importorskip("sargan_hf.images").load_image

    def open_or_fail(source, **settings):
        if Path(source).name == "4.jpg":
            raise error
        return real(source, **settings)

    monkeypatch.setattr(opener, open_or_fail)
    result = run(photos, "-o", tmp_path / "edits")
    assert "5 edited, 1 failed" in result.output
    assert f"photos/4.jpg: {says}" in result.output
    assert result.exit_code == 1
    monkeypatch.undo()
    assert "1 edited, 5 done before" in run(photos, "-o", tmp_path / "edits", "--resume").output


def test_an_interrupted_run_says_how_far_it_came(run, photos, tmp_path, monkeypatch):
    from sargan_hf.editing.pipeline_sargan import SARGANPipeline

    real = SARGANPipeline.__call__

    def call(self, image, *arguments, **settings):
        if Path(image).name == "3.jpg":
            raise KeyboardInterrupt
        return real(self, image, *arguments, **settings)

    monkeypatch.setattr(SARGANPipeline, "__call__", call)
    result = run(photos, "-o", tmp_path / "edits")
    assert "3 edited" in result.output
    assert result.exit_code != 0


@pytest.fixture
def limit_files():
    """Sets the largest file that this process may write, in bytes: the system refuses more, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_takes_nothing_more_ends_the_run_with_one_sentence(run, photos, tmp_path, limit_files, monkeypatch):
    from sargan_hf.editing.pipeline_sargan import SARGANPipeline

    real, calls = SARGANPipeline.__call__, []

    def call(self, image, *arguments, **settings):
        calls.append(image)
        if len(calls) == 3:
            limit_files(1000)
        return real(self, image, *arguments, **settings)

    monkeypatch.setattr(SARGANPipeline, "__call__", call)
    result = run(photos, "-o", tmp_path / "edits")
    limit_files(resource.RLIM_INFINITY)
    assert len(calls) == 3, result.output
    assert "2 edited, 1 failed" in result.output
    assert result.output.count("Nothing more can be written to") == 1
    assert "(File too large). 3 pictures were not tried: make room and continue with --resume." in result.output
    assert result.exit_code == 1
    assert names_in(tmp_path / "edits") == {b"0.jpg", b"1.jpg"}
    assert not list((tmp_path / "edits").glob("*.part"))
    assert "4 edited, 2 done before" in run(photos, "-o", tmp_path / "edits", "--resume").output


def test_a_picture_too_large_for_the_disk_leaves_the_smaller_ones(run, photos, tmp_path, limit_files):
    face().resize((400, 400)).save(photos / "00.png")
    limit_files(60_000)
    result = run(photos, "-o", tmp_path / "edits")
    limit_files(resource.RLIM_INFINITY)
    assert "6 edited, 1 failed" in result.output
    assert "00.png: Cannot save" in result.output
    assert "Nothing more can be written" not in result.output


def test_an_output_folder_that_cannot_be_used_is_one_error(run, photos, tmp_path, limit_files):
    (tmp_path / "file").write_text("in the way")
    assert "Cannot use" in str(run(photos, "-o", tmp_path / "file").exception)
    assert "is both input and output" in str(run(photos, "-o", photos).exception)
    assert run(photos, "-o", tmp_path / "edits").exit_code == 0
    limit_files(1000)
    full = run(photos, "-o", tmp_path / "edits", "--resume")
    limit_files(resource.RLIM_INFINITY)
    assert isinstance(full.exception, ConfigurationError)
    assert "Nothing can be written to" in str(full.exception)


def test_a_picture_is_not_replaced_by_its_own_edit(run, photos):
    result = run(photos / "0.jpg", "-o", photos, "--resume")
    assert "0.jpg: its edit would take its place: choose another --output." in result.output
    assert result.exit_code == 1


def test_only_a_picture_counts_as_done_before(run, photos, tmp_path):
    edits = tmp_path / "edits"
    assert run(photos, "-o", edits).exit_code == 0
    (edits / "0.jpg").write_bytes(b"")  # as after a power cut
    for name in ("1.jpg", "2.jpg"):
        (edits / name).unlink()
    (edits / "1.jpg").mkdir()
    (edits / "2.jpg").symlink_to("nowhere")
    resumed = run(photos, "-o", edits, "--resume")
    assert "1 edited, 3 done before, 2 failed" in resumed.output
    assert resumed.output.count("is in the way and is not a picture: remove it.") == 4
    assert Image.open(edits / "0.jpg").size == (130, 130)


def test_names_and_folders_that_the_system_refuses_are_reported(run, photos, tmp_path):
    folder = os.open(photos, os.O_RDONLY)
    for _ in range(17):  # 17 x 250 characters are more than a path may have
        os.mkdir("d" * 250, dir_fd=folder)
        folder, above = os.open("d" * 250, os.O_RDONLY, dir_fd=folder), folder
        os.close(above)
    os.close(folder)
    result = run(photos, "x" * 300 + ".jpg", "-o", tmp_path / "edits")
    assert "6 edited, 2 failed" in result.output
    assert "the folder cannot be searched: File name too long." in result.output
    assert "cannot be opened: File name too long." in result.output


def test_a_folder_without_pictures_says_what_it_holds(run, tmp_path):
    for name in ("a.txt", ".hidden.jpg"):
        (tmp_path / name).write_text("text")
    error = run(tmp_path, "-o", tmp_path / "edits").exception
    assert isinstance(error, ConfigurationError)
    assert str(error).endswith("2 other files left alone.")


def test_a_chosen_format_that_cannot_hold_a_picture_fails_for_that_picture(run, photos, tmp_path):
    (photos / "glass.png").write_bytes(encoded(with_alpha(0), "PNG"))
    result = run(photos, "-o", tmp_path / "edits", "--format", "jpg")
    assert "6 edited, 1 failed" in result.output
    assert "JPEG cannot hold transparency" in result.output


def test_heic_is_named_where_it_cannot_be_read(odd, run, tmp_path, monkeypatch):
    photos, _, _ = odd
    difference = np.abs(np.asarray(Image.open(odd[1] / "phone.png"), int) - np.asarray(face(), int))
    assert np.median(difference) <= 3  # of 255: HEVC, and the face edited
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    result = run(photos / "phone.HEIC", photos / "plain.jpg", "-o", tmp_path / "edits")
    assert "1 edited, 1 failed" in result.output
    assert "phone.HEIC is a HEIC photo, which needs pillow-heif: pip install -e '.[heif]'" in result.output
