"""The benchmarks of training run their whole code on a CPU, with small numbers."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))

    def load(name: str):
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_overlapping_kernels_count_once(script):
    assert script("training_device").covered([(0, 2), (5, 6), (1, 3), (5.5, 5.8)]) == 4


def test_speed_of_a_device_is_measured(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    small = {"resolution": 32, "batch_size": 2, "base_channels": 4, "workers": 1, "people": 2, "steps": 2}
    given = argparse.Namespace(device="cpu", mixed_precision="no", **small)
    speed = script("training_device").measure_device(given)
    assert speed.images > 0
    assert speed.busy > 0
    assert 0 <= speed.waited < 1
    assert "2 workers" not in (said := capsys.readouterr().out)
    assert "images/s" in said


def test_start_of_a_long_stream_is_measured(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.01)
    loader = script("loader_speed")
    given = argparse.Namespace(stylise=0.0, caricature=0.0)
    loader.start_up(loader.write_long_set(tmp_path / "rows", 40_000), given)
    assert {"seconds", "mb"} == set(json.loads(capsys.readouterr().out.splitlines()[-1]))
