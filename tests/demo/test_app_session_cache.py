"""The pictures of all visitors share a limit of memory: the oldest one goes, and its visitor is told what to do."""

import gc

import numpy as np
import pytest
from app_server import portrait, running_app
from test_app_isolation import Visitor

from sargan_hf.demo.page_session import PageSession
from sargan_hf.demo.session_cache import SessionCache
from sargan_hf.editing.session import EditModels, EditSession
from sargan_hf.errors import ConfigurationError
from sargan_hf.images import LoadedImage


class SmallCrops:
    """A generator that is never called."""

    expressions, sample_size = ("happy",), 16


ALIGNED = 16 * 16 * 3 + 6 * 8  # bytes of a crop and its transform


def session(nbytes: int) -> PageSession:
    image = LoadedImage(np.zeros((2, nbytes // 2), np.uint8), "L", "picture")
    return PageSession(EditSession(image, EditModels(SmallCrops())), "picture.png", [])


def test_the_picture_that_was_not_touched_for_longest_goes_first():
    sessions = SessionCache(250)
    first, second = sessions.put(session(100)), sessions.put(session(100))
    sessions.take(first)
    third = sessions.put(session(100))
    assert sessions.take(first).nbytes == sessions.take(third).nbytes == 100
    with pytest.raises(ConfigurationError, match="add it again"):
        sessions.take(second)


def test_what_was_computed_for_a_picture_counts():
    sessions, mine = SessionCache(200 + ALIGNED - 1), session(100)
    other, handle = sessions.put(session(100)), sessions.put(mine)
    assert sessions.put(mine) is handle
    mine.edits.align(np.eye(2, 3))
    assert mine.nbytes == 100 + ALIGNED
    assert sessions.take(handle) is mine
    with pytest.raises(ConfigurationError):
        sessions.take(other)


def test_the_newest_picture_stays_however_large_it_is():
    sessions = SessionCache(250)
    small, large = sessions.put(session(10)), sessions.put(session(1000))
    assert sessions.take(large).nbytes == 1000
    with pytest.raises(ConfigurationError):
        sessions.take(small)


def test_a_session_that_ended_makes_room():
    sessions = SessionCache(250)
    kept, ended = sessions.put(session(100)), sessions.put(session(100))
    del ended
    gc.collect()
    sessions.put(session(100))
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
