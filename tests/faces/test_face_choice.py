"""Which face is meant, in Python and as typed text."""

import cv2
import numpy as np
import pytest
from skimage import data

from sargan_hf import SARGANPipeline
from sargan_hf.errors import ConfigurationError


def test_faces_are_counted_from_1_and_edited_once(tiny_model_folder):
    pipe = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    large = data.astronaut()[:300, 100:350]
    two = np.concatenate([cv2.resize(large, (200, 240)), np.zeros((60, 200, 3), np.uint8)])
    two = np.concatenate([two, large], axis=1)  # the larger face is on the right
    everyone = pipe(two, "happy", faces="all")
    assert everyone.faces[0].box[0] > 200 > everyone.faces[1].box[0]
    for first in (1, [1], "1", (np.int64(1),), np.array([1]), [1, 1], "1, 1", {1}):
        edited = pipe(two, "happy", faces=first)
        assert [face.box for face in edited.faces] == [everyone.faces[0].box]
        assert np.array_equal(edited.images[0], pipe(two, "happy").images[0])
    assert [face.box for face in pipe(two, "happy", faces=[2, 1, 2]).faces] == [face.box for face in everyone.faces][
        ::-1
    ]
    assert len(pipe.animate(two, "happy", faces=2, seconds=0.1).frames) > 0
    for wrong in (0, -1, [1, 0], "0", True, [True], 1.0, [1.0], np.float64(1), [], "", "first", "1;2", None, ["1"]):
        for call in (pipe, pipe.animate):
            with pytest.raises(ConfigurationError, match=r"start at 1|counted from 1"):
                call(two, "happy", faces=wrong)
