"""Motion columns, and that the rig's maps tell where every pixel came from."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sargan_hf.data import pair_flow
from sargan_hf.data.pair_flow import (
    STEP,
    EncodedPairMotion,
    PairMotion,
    decode_motion,
    decode_valid,
    encode_motion,
    motion_between,
)
from sargan_hf.errors import DatasetError

SIZE = 128


def warped(picture, motion):
    rows, columns = np.mgrid[: motion.shape[0], : motion.shape[1]].astype(np.float32)
    x, y = columns + motion[..., 0], rows + motion[..., 1]
    return cv2.remap(picture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31), st.floats(0.1, 510))
def test_columns_come_back_to_a_64th_of_a_pixel(height, width, seed, reach):
    rng = np.random.default_rng(seed)
    motion = rng.uniform(-reach, reach, (height, width, 2)).astype(np.float32)
    valid = rng.random((height, width)) < 0.5
    data = encode_motion(motion, valid)
    assert np.abs(decode_motion(data) - motion).max() <= STEP / 2 + 1e-4
    assert np.array_equal(decode_valid(data), valid)


def test_a_reader_of_kitti_flow_reads_the_columns():
    """As the benchmark's development kit says: u = (I(1) - 2^15) / 64, v likewise, valid = I(3) > 0."""
    motion = np.random.default_rng(0).uniform(-40, 40, (5, 7, 2)).astype(np.float32)
    valid = np.arange(35).reshape(5, 7) % 3 > 0
    red, green, blue = np.moveaxis(
        cv2.cvtColor(cv2.imdecode(np.frombuffer(encode_motion(motion, valid), np.uint8), -1), cv2.COLOR_BGR2RGB), 2, 0
    )
    assert red.dtype == np.uint16
    assert np.abs((red.astype(float) - 2**15) / 64 - motion[..., 0]).max() <= 1 / 128
    assert np.abs((green.astype(float) - 2**15) / 64 - motion[..., 1]).max() <= 1 / 128
    assert np.array_equal(blue > 0, valid)


def as_before(motion: np.ndarray, valid: np.ndarray) -> dict[str, bytes]:
    """The columns of a set that the rig made up to version 0.2: differences along rows in 1/16 pixel, and packed bits."""
    steps = np.diff(np.round(motion * 16).astype(np.int16).transpose(2, 0, 1), axis=2, prepend=np.int16(0))
    size = struct.pack("<HH", *motion.shape[:2])
    field = b"SMF1" + size + zlib.compress(steps.astype("<i2").tobytes())
    return {
        "motion_backward": field,
        "motion_forward": field,
        "motion_valid": b"SMV1" + size + zlib.compress(np.packbits(valid).tobytes()),
    }


def test_sets_of_before_are_still_read():
    motion = np.random.default_rng(1).uniform(-60, 60, (11, 13, 2)).astype(np.float32)
    valid = np.arange(143).reshape(11, 13) % 5 > 0
    row = as_before(motion, valid)
    read = PairMotion.from_columns(row)
    assert np.abs(read.backward - motion).max() <= 1 / 32 + 1e-4
    assert np.array_equal(read.valid, valid)
    for column in ("motion_backward", "motion_valid"):
        with pytest.raises(DatasetError, match="damaged"):
            PairMotion.from_columns(row | {column: row[column][:-4]}).__getattribute__(
                "backward" if column == "motion_backward" else "valid"
            )


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.full((4, 4, 2), np.nan), np.full((4, 4, 2), 1e5)])
def test_what_is_no_motion_field_is_refused(bad):
    with pytest.raises(DatasetError):
        encode_motion(bad)


def test_damaged_columns_are_named():
    data = encode_motion(np.zeros((8, 8, 2)))
    for damaged in (b"", b"JPEG....", data[:-4], data[:60] + bytes(40) + data[100:]):
        with pytest.raises(DatasetError):
            decode_motion(damaged)
    with pytest.raises(DatasetError, match="one is empty"):
        EncodedPairMotion.from_row({"motion_backward": data})
    assert EncodedPairMotion.from_row({"image": None}) is None


@pytest.mark.parametrize("installed", [True, False])
def test_columns_are_the_same_without_the_extra_train(installed, monkeypatch):
    if installed:
        pytest.importorskip("kornia_rs")
    else:
        monkeypatch.setattr(pair_flow, "decode_image_png_u16", None)
    motion = np.random.default_rng(0).integers(-2000, 2000, (24, 40, 2)).astype(np.float32) * STEP
    valid = np.arange(960).reshape(24, 40) % 3 > 0
    data = encode_motion(motion, valid)
    assert np.array_equal(decode_motion(data), motion)
    assert np.array_equal(decode_valid(data), valid)
    picture = cv2.imencode(".png", np.zeros((24, 40, 3), np.uint8))[1].tobytes()
    for bad in (data[:-4], data[:200] + bytes(40) + data[240:], picture):
        with pytest.raises(DatasetError):
            decode_motion(bad)


def test_neutral_pictures_compose_to_no_motion():
    neutral = PairMotion.neutral(12, 9)
    motion, valid = motion_between(neutral, EncodedPairMotion.from_row(neutral.columns()))
    assert not motion.any()
    assert valid.all()


@pytest.fixture(scope="module", params=["frontal", "turned", "mirrored"])
def traced(request, assets):
    """Unshaded neutral, happy and surprised pictures of one person, with their motion."""
    pytest.importorskip("numba")
    from sargan_hf.rig.face_model.model import load_face_model
    from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
    from sargan_hf.rig.rendering.flow_tracer import MotionTracer
    from sargan_hf.rig.rendering.recipes import default_recipes, recipes_for
    from sargan_hf.rig.rendering.stage import Stage
    from sargan_hf.rig.rendering.variation import Variation

    variation = {"frontal": Variation(), "turned": Variation(yaw=25, pitch=-8), "mirrored": Variation(mirror=True)}
    model = load_face_model(assets / "ict_facekit_light.npz")
    picture = sorted((assets / "portraits" / "neutral").glob("london_*.jpg"))[3]
    face = fit_portrait(model, PortraitReader().read(picture))
    stage = Stage(face, model, variation[request.param], SIZE)
    tracer = MotionTracer(stage)
    result = {}
    for name in ("neutral", "happy", "surprised"):
        shot = stage.shot(stage.weights(recipes_for(name, default_recipes())[0]))
        result[name] = stage.render(shot, shaded=False), PairMotion(*tracer.trace(shot))
    return result


@pytest.mark.parametrize("name", ["happy", "surprised"])
def test_neutral_moved_by_the_map_is_the_unshaded_picture(traced, name):
    neutral, (picture, motion) = traced["neutral"][0], traced[name]
    error = np.abs(warped(neutral, motion.backward) - picture)[motion.valid].mean()
    unmoved = np.abs(neutral.astype(float) - picture)[motion.valid].mean()
    assert error <= 2.0
    assert error < unmoved / 2
    assert 0.85 < motion.valid.mean() < 1.0


def test_forward_map_brings_the_picture_back_to_neutral(traced):
    neutral, (picture, motion) = traced["neutral"][0], traced["happy"]
    error = np.abs(warped(picture, motion.forward) - neutral)
    there = warped(motion.valid.astype(np.float32), motion.forward) > 0.99
    assert error[there].mean() <= 3.0


def test_maps_between_two_expressions(traced):
    (happy, first), (surprised, second) = traced["happy"], traced["surprised"]
    motion, valid = motion_between(first, second)
    assert np.abs(warped(happy, motion) - surprised)[valid].mean() <= 2.5
    assert valid.mean() > 0.8


def test_the_open_mouth_is_not_valid(traced):
    valid = traced["surprised"][1].valid
    opened = ~valid[int(0.68 * SIZE) : int(0.82 * SIZE), int(0.4 * SIZE) : int(0.6 * SIZE)]
    assert opened.mean() > 0.15


def test_neutral_itself_does_not_move(traced):
    motion = traced["neutral"][1]
    assert np.abs(motion.backward[motion.valid]).max() < 0.05
