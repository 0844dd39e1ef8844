"""The pictures of all visitors share a limit of memory: the oldest one goes, and its visitor is told what to do."""

import gc

import numpy as np
import pytest
from app_server import portrait, running_app
from test_app_isolation import Visitor

from sargan_hf.demo.session_cache import SessionCache
from sargan_hf.editing.session import Sitting
from sargan_hf.errors import ConfigurationError
from sargan_hf.images import LoadedImage
from sargan_hf.inference import GeneratorOutput


def sitting(nbytes: int) -> Sitting:
    return Sitting(LoadedImage(np.zeros((1, nbytes), np.uint8), "L", "picture"), "picture.png", [])


def test_the_picture_that_was_not_touched_for_longest_goes_first():
    sessions = SessionCache(250)
    first, second = sessions.put(sitting(100)), sessions.put(sitting(100))
    sessions.take(first)
    third = sessions.put(sitting(100))
    assert sessions.take(first).nbytes == sessions.take(third).nbytes == 100
    with pytest.raises(ConfigurationError, match="add it again"):
        sessions.take(second)


def test_what_was_computed_for_a_picture_counts():
    sessions, mine = SessionCache(250), sitting(100)
    other, place = sessions.put(sitting(100)), sessions.put(mine)
    assert sessions.put(mine) is place
    mine.edits[0] = GeneratorOutput(np.zeros(60, np.uint8), None, None, np.zeros(0, np.uint8))
    assert sessions.take(place) is mine
    with pytest.raises(ConfigurationError):
        sessions.take(other)


def test_the_newest_picture_stays_however_large_it_is():
    sessions = SessionCache(250)
    small, large = sessions.put(sitting(10)), sessions.put(sitting(1000))
    assert sessions.take(large).nbytes == 1000
    with pytest.raises(ConfigurationError):
        sessions.take(small)


def test_a_session_that_ended_makes_room():
    sessions = SessionCache(250)
    kept, ended = sessions.put(sitting(100)), sessions.put(sitting(100))
    del ended
    gc.collect()
    sessions.put(sitting(100))
    assert sessions.take(kept).nbytes == 100


def test_a_visitor_is_told_to_add_the_picture_again(tiny_model_folder, tmp_path):
    with running_app(tiny_model_folder, tmp_path, SARGAN_MAX_MEMORY_MB="1") as app:
        path = portrait(tmp_path / "portrait.png")  # 0.8 MB of pixels
        anna, bert = Visitor(app, "anna-1"), Visitor(app, "bert-1")
        mine = anna.upload(path)
        assert '"success":true' in anna.open(mine)
        assert "mine-happy.png" in anna.do("download", None, anna.wish(mine), "PNG")
        theirs = bert.upload(path)
        assert '"success":true' in bert.open(theirs)
        answer = anna.do("download", None, anna.wish(mine), "PNG")
        assert '"success":false' in answer
        assert "add it again" in answer
        assert "mine-happy.png" in bert.do("download", None, bert.wish(theirs), "PNG")
        assert '"success":true' in anna.open(mine)
        assert "mine-happy.png" in anna.do("download", None, anna.wish(mine), "PNG")
