"""The table of controls and the vectors built from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sargan_hf.controls import (
    CONTROL_GROUPS,
    CONTROL_NAMES,
    CONTROLS,
    controls_vector,
    mirrored_controls,
    named_controls,
    resolve_control,
)
from sargan_hf.errors import ControlError

vectors = st.tuples(*(st.floats(control.least, 1, width=32) for control in CONTROLS)).map(np.float32)


def test_every_control_stands_in_one_group_of_the_pages():
    assert sorted(name for members in CONTROL_GROUPS.values() for name in members) == sorted(CONTROL_NAMES)


def test_names_are_unique_and_zero_leaves_everything():
    assert len(set(CONTROL_NAMES)) == len(CONTROLS)
    assert not controls_vector({}).any()
    assert controls_vector({}).dtype == np.float32


@given(vectors)
def test_a_vector_survives_its_names_and_a_second_mirroring(vector):
    assert np.array_equal(controls_vector(named_controls(vector)), vector)
    assert np.array_equal(controls_vector(vector), vector)
    assert np.array_equal(mirrored_controls(mirrored_controls(vector)), vector)


def test_mirroring_swaps_the_sides_and_turns_what_goes_sideways():
    seen = named_controls(mirrored_controls(controls_vector({"eye_wide_left": -1, "jaw_side": 0.5, "gaze_y": 0.25})))
    assert seen == {"eye_wide_right": -1.0, "jaw_side": -0.5, "gaze_y": 0.25}


def test_a_name_without_a_side_means_both():
    assert resolve_control("Smile") == ("smile_left", "smile_right")
    assert named_controls(controls_vector({"smile": 0.5})) == {"smile_left": 0.5, "smile_right": 0.5}
    with pytest.raises(ControlError, match="smile_left is set twice"):
        controls_vector({"smile": 0.5, "smile_left": 0.1})


@pytest.mark.parametrize(
    ("name", "meant"),
    [("jaw_opn", "jaw_open"), ("smile_lft", "smile_left"), ("eyes_wide", "eye_wide"), ("gaze", "gaze_x")],
)
def test_an_unknown_name_gets_the_near_miss(name, meant):
    with pytest.raises(ControlError, match=f"no control '{name}'. Did you mean .*{meant}"):
        controls_vector({name: 0.5})


def test_a_name_like_nothing_gets_the_list():
    with pytest.raises(ControlError, match=r"There are brow_inner_up, .*jaw_side"):
        controls_vector({"zzz": 1})


@pytest.mark.parametrize("value", [1.01, -1.01, float("nan"), float("inf")])
def test_values_out_of_range_name_the_range(value):
    with pytest.raises(ControlError, match=r"jaw_open is .*from -1 to 1"):
        controls_vector({"jaw_open": value})
    with pytest.raises(ControlError, match=r"squint is -0\.1; it goes from 0 to 1"):
        controls_vector({"squint": -0.1})


def test_what_is_no_number_or_no_vector_is_told():
    with pytest.raises(ControlError, match="jaw_open takes a number from -1 to 1; got 'wide'"):
        controls_vector({"jaw_open": "wide"})
    with pytest.raises(ControlError, match=rf"needs {len(CONTROLS)} numbers.*got shape \(3,\)"):
        controls_vector([0.1, 0.2, 0.3])
    with pytest.raises(ControlError, match="jaw_side"):
        controls_vector([0.0] * (len(CONTROLS) - 1) + [2.0])


def test_a_models_own_order_is_kept():
    assert controls_vector({"jaw_open": 0.5}, ("smile_left", "jaw_open")).tolist() == [0.0, 0.5]
    with pytest.raises(ControlError, match="There are smile_left, jaw_open"):
        controls_vector({"squint": 0.5}, ("smile_left", "jaw_open"))
