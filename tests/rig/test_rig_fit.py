"""The rig's fit: landmark files, FaceMesh, the face model on a portrait, morphs, and the model's own file."""

import shutil
import time
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sargan_hf.errors import RigError
from sargan_hf.rig.face_model.build_model import build_face_model, read_obj
from sargan_hf.rig.face_model.model import PACKED_MODEL, PART_ENDS, Part, face_model_file, load_face_model
from sargan_hf.rig.face_model.packed_model import read_packed
from sargan_hf.rig.fitting.fit import fit_landmarks
from sargan_hf.rig.fitting.thin_plate import screen_vertices
from sargan_hf.rig.landmarks.correspondences import named_correspondences
from sargan_hf.rig.landmarks.landmark_files import landmarks_from_frl, read_landmarks
from sargan_hf.rig.landmarks.landmark_types import Landmarks
from sargan_hf.rig.portraits.morphs import morph
from sargan_hf.rig.portraits.reader import MAX_INTER_OCULAR_DISTANCE, find_portraits, fit_portrait, read_picture
from sargan_hf.rig.portraits.white_balance import without_cast

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")


@pytest.fixture(scope="module")
def landmarks(assets):
    return read_landmarks(assets / "portraits" / "neutral" / "london_001.csv")


def some_portraits(assets, count):
    paths = sorted((assets / "portraits" / "neutral").glob("*.jpg"))
    return paths[:: len(paths) // count][:count]


def random_template(seed=0):
    return landmarks_from_frl(np.random.default_rng(seed).uniform(0, 500, (189, 2)))


def test_csv_and_tem_hold_the_same_points(assets, tmp_path):
    source = assets / "portraits" / "neutral" / "london_001.csv"
    rows = [line.split(",") for line in source.read_text().splitlines()[1:]]
    tem = tmp_path / "london_001.tem"
    tem.write_text("\n".join(["189", *(f"{x}\t{y}" for x, y in rows), "44", "0", "4", "71 72 73 74"]))
    assert np.array_equal(read_landmarks(tem).stacked(), read_landmarks(source).stacked())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("short.csv", "x,y\n" + "1,2\n" * 188, "188"),
        ("words.csv", "x,y\n" + "1,left\n" * 189, "left"),
        ("nan.csv", "x,y\n" + "1,nan\n" * 189, "189"),
        ("empty.tem", "", "empty.tem"),
        ("cut.tem", "189\n1 2\n", "189"),
    ],
)
def test_a_file_that_holds_no_landmarks_is_named(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(RigError, match=said) as caught:
        read_landmarks(path)
    assert name in str(caught.value)


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_landmarks_move_with_the_picture(numbers):
    matrix = np.array(numbers).reshape(2, 3)
    landmarks = random_template()
    moved = landmarks.transformed(matrix)
    for field in fields(Landmarks):
        before, after = getattr(landmarks, field.name), getattr(moved, field.name)
        assert after.shape == before.shape
        assert np.allclose(after, before @ matrix[:, :2].T + matrix[:, 2])


def test_the_fit_is_close_and_quick(assets, model):
    seconds = []
    for path in some_portraits(assets, 6):
        landmarks = read_landmarks(path.with_suffix(".csv"))
        start = time.process_time()
        fit = fit_landmarks(model, landmarks)
        screen, k = screen_vertices(model, fit, landmarks.inter_ocular_distance)
        seconds.append(time.process_time() - start)
        assert fit.residual.mean < 3.0
        assert screen.shape == (26719, 3)
        assert np.isfinite(screen).all()
        assert (k > 0).all()
        tied = named_correspondences(model, landmarks)
        landed = np.einsum("nk,nkd->nd", tied.mixing, screen[tied.vertices, :2])
        off = np.linalg.norm(landed - tied.targets, axis=1) / landmarks.inter_ocular_distance
        assert np.median(off) < 0.003  # the correction brings it onto the landmarks
    assert np.median(seconds) < 1.5  # the figure to reach is 1 s; machines differ


@settings(max_examples=5, deadline=None)
@given(st.floats(0.3, 3.0), st.floats(-200, 200), st.floats(-0.3, 0.3))
def test_the_person_does_not_depend_on_where_the_picture_was_cut(model, landmarks, scale, shift, angle):
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    moved = landmarks.transformed(np.array([[cos, -sin, shift], [sin, cos, -shift]]))
    one, other = fit_landmarks(model, landmarks), fit_landmarks(model, moved)
    assert np.abs(one.identity - other.identity).max() < 0.25  # in standard deviations
    assert other.camera.scale == pytest.approx(one.camera.scale * scale, rel=0.02)


def test_landmarks_that_are_no_face_are_refused(model, landmarks):
    points = landmarks.stacked()
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1 * landmarks.inter_ocular_distance, points.shape)
    for bad in (rng.permutation(points), points + noise, points * (1, -1), points * 0.05):
        with pytest.raises(RigError, match=r"residual|turned|pixels apart"):
            fit_landmarks(model, landmarks.with_points(bad))


def test_facemesh_agrees_with_the_landmark_files(assets, model, reader):
    for path in some_portraits(assets, 4):
        picture, truth = read_picture(path), read_landmarks(path.with_suffix(".csv"))
        # The reader cuts the picture: compare where the eyes sit in the same cut.
        found = reader.find(picture, "someone")
        given_file = reader.read(path)
        assert given_file.landmarks.inter_ocular_distance == pytest.approx(
            found.landmarks.inter_ocular_distance, rel=0.04
        )
        scale = truth.inter_ocular_distance / 100
        shift = np.mean(found.landmarks.stacked() - given_file.landmarks.stacked(), axis=0)
        for name, percent in (("right_upper_lid", 3), ("left_lower_lid", 3), ("upper_lip_bottom", 5), ("jaw", 18)):
            off = getattr(found.landmarks, name) - getattr(given_file.landmarks, name) - shift
            assert np.linalg.norm(off, axis=1).mean() < percent * scale, name
        assert fit_portrait(model, found).residual.mean < 4.0


def test_statues_paintings_and_avatars_fit(assets, model, reader):
    pictures = sorted((assets / "unseen").glob("*.png"))
    if not pictures:
        pytest.skip("no folder of unseen pictures")
    for path in pictures:
        face = fit_portrait(model, reader.read(path))
        assert face.landmark_source == "facemesh"
        assert face.residual.mean < 4.0, path.name


def test_a_picture_without_a_face_is_refused(reader, tmp_path):
    ramp = np.linspace(0, 255, 320, dtype=np.uint8)
    Image.fromarray(np.broadcast_to(ramp[:, None], (320, 320)).copy()).save(tmp_path / "sky.png")
    with pytest.raises(RigError, match="landmark file"):
        reader.read(tmp_path / "sky.png")


def test_an_open_mouth_is_no_neutral_face(assets, reader):
    picture = read_picture(assets / "portraits" / "smiling" / "london_002.jpg")
    with pytest.raises(RigError, match="mouth is open"):
        reader.find(picture, "london_002")
    assert reader.find(picture, "london_002", neutral=False).subject == "london_002"


def test_a_large_picture_is_reduced_to_what_the_renderer_uses(assets, reader, tmp_path):
    path = some_portraits(assets, 1)[0]
    picture = Image.open(path)
    picture.resize((picture.width * 3, picture.height * 3)).save(tmp_path / "large.jpg")
    portrait = reader.read(tmp_path / "large.jpg")
    assert portrait.landmarks.inter_ocular_distance == pytest.approx(MAX_INTER_OCULAR_DISTANCE, rel=0.01)
    assert fit_portrait(load_face_model(assets / "ict_facekit_light.npz"), portrait).residual.mean < 4.0


def test_landmarks_of_another_picture_are_refused(assets, reader, tmp_path):
    path = some_portraits(assets, 1)[0]
    Image.open(path).resize((90, 90)).save(tmp_path / "small.jpg")
    (tmp_path / "small.csv").write_text(path.with_suffix(".csv").read_text())
    with pytest.raises(RigError, match="outside the picture"):
        reader.read(tmp_path / "small.jpg")


def test_find_portraits_says_what_is_missing(tmp_path):
    with pytest.raises(RigError, match="does not exist"):
        find_portraits([tmp_path / "nowhere"])
    with pytest.raises(RigError, match="No pictures"):
        find_portraits([tmp_path])


def test_a_morph_with_oneself_is_oneself(assets, reader):
    first, second = (reader.read(path) for path in some_portraits(assets, 2))
    alone, nobody = morph(first, first, 0.5), morph(first, second, 0.0)
    assert distance(alone, nobody, slice(None)) < 0.5
    mixed = morph(first, second, 0.5)
    assert mixed.subject == f"{first.subject}+{second.subject}"
    # Hair and background are the first one's, the face is between the two.
    other = morph(second, second, 0.5)
    top, face = slice(0, 60), (slice(400, 600), slice(350, 550))
    assert distance(mixed, nobody, top) < 0.2 * distance(mixed, other, top)
    assert distance(mixed, nobody, face) > 3


def test_a_magenta_cast_is_taken_off_and_nothing_else(assets, reader):
    plain = reader.read(some_portraits(assets, 2)[1])
    assert without_cast(plain) is plain
    pink = replace(plain, picture=(plain.picture * (1.0, 0.85, 1.0)).astype(np.uint8))
    restored = without_cast(pink)
    assert abs(greenness(restored) - greenness(plain)) < 0.5 * abs(greenness(pink) - greenness(plain))
    yellow = replace(plain, picture=(plain.picture * (1.0, 0.9, 0.6)).astype(np.uint8))
    assert without_cast(yellow) is yellow


def greenness(portrait):
    red, green, blue = portrait.picture.reshape(-1, 3).mean(axis=0)
    return 2 * green / (red + blue)


def distance(one, other, region):
    return np.abs(one.picture[region].astype(int) - other.picture[region].astype(int)).mean()


def write_obj(path, vertices, faces):
    lines = ["# a comment", "mtllib none.mtl", "o head", *(f"v {x} {y} {z}" for x, y, z in vertices), "vt 0 0", "s off"]
    lines += ["f " + " ".join(f"{corner + 1}/1" for corner in face) for face in faces]
    path.write_text("\n".join(lines))


def test_build_model_reads_the_kits_obj_files(tmp_path):
    rng = np.random.default_rng(0)
    mean = rng.normal(0, 5, (8, 3)).round(4)
    kit = tmp_path / "kit" / "FaceXModel"
    kit.mkdir(parents=True)
    faces = [[0, 1, 2, 3], [4, 5, 6], [3, 2, 6, 7]]
    deltas = {name: rng.normal(0, 0.5, mean.shape) for name in ("identity000", "identity001", "jawOpen", "browDown_L")}
    write_obj(kit / "generic_neutral_mesh.obj", mean, faces)
    for name, delta in deltas.items():
        write_obj(kit / f"{name}.obj", mean + delta, faces)
    build_face_model(tmp_path / "kit", tmp_path / "out" / "model.npz")
    with np.load(tmp_path / "out" / "model.npz") as data:
        assert np.allclose(data["mean"], mean, atol=1e-6)
        assert data["faces"].tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6], [3, 2, 6], [3, 6, 7]]
        assert data["expression_names"].tolist() == ["browDown_L", "jawOpen"]
        assert np.allclose(data["identity"][1], deltas["identity001"], atol=2e-3)
        assert np.allclose(data["expressions"][1], deltas["jawOpen"], atol=2e-3)
    with pytest.raises(RigError, match="shape"):  # a toy mesh is not the face model
        load_face_model(tmp_path / "out" / "model.npz")


def test_build_model_round_trips_the_real_mean(model, tmp_path):
    write_obj(tmp_path / "generic_neutral_mesh.obj", model.mean.tolist(), model.faces)
    mean, faces = read_obj(tmp_path / "generic_neutral_mesh.obj")
    assert np.allclose(mean, model.mean)
    assert np.array_equal(faces, model.faces)


def test_build_model_says_what_is_wrong(tmp_path):
    with pytest.raises(RigError, match="generic_neutral_mesh"):
        build_face_model(tmp_path, tmp_path / "model.npz")
    write_obj(tmp_path / "generic_neutral_mesh.obj", [(0, 0, 0)] * 3, [[0, 1, 2]])
    with pytest.raises(RigError, match="0 identity"):
        build_face_model(tmp_path, tmp_path / "model.npz")
    write_obj(tmp_path / "identity000.obj", [(0, 0, 0)] * 4, [[0, 1, 2]])
    write_obj(tmp_path / "jawOpen.obj", [(0, 0, 0)] * 3, [[0, 1, 2]])
    with pytest.raises(RigError, match="4 vertices"):
        build_face_model(tmp_path, tmp_path / "model.npz")
    (tmp_path / "bad.obj").write_text("v 1 2 3\nf 1 2 nine\n")
    with pytest.raises(RigError, match="line 2"):
        read_obj(tmp_path / "bad.obj")


def test_a_missing_model_says_how_to_make_it(tmp_path):
    with pytest.raises(RigError, match="build-model"):
        load_face_model(tmp_path / "none.npz")


def test_the_packages_face_model_is_the_kits_bit_for_bit(assets):
    """A fresh install fits and draws as one with the npz: all that is used is the same, the eyelashes' deltas are 0."""
    own, made = load_face_model(PACKED_MODEL), load_face_model(assets / "ict_facekit_light.npz")
    used = PART_ENDS[Part.RIGHT_EYEBALL]
    assert own.expression_names == made.expression_names
    for name in ("mean", "faces"):
        assert getattr(own, name).tobytes() == getattr(made, name).tobytes()
    for name in ("identity", "expressions"):
        ours, theirs = getattr(own, name), getattr(made, name)
        assert ours[:, :used].tobytes() == theirs[:, :used].tobytes()
        assert not ours[:, used:].any()
    assert PACKED_MODEL.stat().st_size < 6.6e6


def test_the_face_model_comes_from_the_path_the_assets_or_the_package(assets, tmp_path, monkeypatch):
    monkeypatch.delenv("SARGAN_ASSETS", raising=False)
    assert face_model_file() == PACKED_MODEL
    monkeypatch.setenv("SARGAN_ASSETS", str(tmp_path))
    assert face_model_file() == PACKED_MODEL, "a folder with portraits only"
    shutil.copy(assets / "ict_facekit_light.npz", tmp_path)
    assert face_model_file() == tmp_path / "ict_facekit_light.npz"
    (tmp_path / "other.npz.xz").write_bytes(b"no face")
    with pytest.raises(RigError, match="not a face model"):
        load_face_model(tmp_path / "other.npz.xz")


def test_build_model_packs_what_the_name_asks_for(tmp_path):
    rng = np.random.default_rng(1)
    mean = rng.normal(0, 5, (8, 3)).round(4)
    for name, shift in (("generic_neutral_mesh", 0.0), ("identity000", 0.2), ("jawOpen", -0.1)):
        write_obj(tmp_path / f"{name}.obj", mean + shift, [[0, 1, 2]])
    for file in ("model.npz", "model.npz.xz"):
        build_face_model(tmp_path, tmp_path / file)
    packed = read_packed(tmp_path / "model.npz.xz")
    with np.load(tmp_path / "model.npz") as data:
        assert set(packed) == set(data.files)
        for name in data.files:
            assert packed[name].dtype == data[name].dtype
            assert packed[name].tobytes() == data[name].tobytes()
