"""The net in reserve: the same answers as its JavaScript, read from its npm package, and reported apart."""

import json

import numpy as np
import pytest
from drawing import draw_face, write_expression_folder
from test_evaluation import Untouched

from sargan_hf.editing.pipeline_sargan import SARGANPipeline
from sargan_hf.errors import ConfigurationError
from sargan_hf.evaluation.evaluate import evaluate
from sargan_hf.evaluation.measure_edits import Evaluators
from sargan_hf.evaluation.report import as_json, write_report
from sargan_hf.evaluation.reserve_net import FOLDER_VARIABLE, RESERVE_WARNING, ReserveClassifier, find_package
from sargan_hf.evaluation.samples import load_samples
from sargan_hf.expressions import EXPRESSIONS

# What face-api 1.7.15 itself says in a browser to the first drawn person (order: neutral, happy, sad, angry, fearful, ...).
ANSWERS = {
    "happy": (0.00826, 0.01277, 0.00091, 0.00001, 0.96011, 0.00005, 0.0179),
    "surprised": (0.00028, 0.00003, 0.0, 0.0, 0.5336, 0.0, 0.46608),
    "sad": (0.00017, 0.0, 0.00069, 0.0, 0.99754, 0.0, 0.00159),
}
MANIFEST = "model/face_expression_model-weights_manifest.json"


def write_package(folder, favoured: int):
    """A package in the format of face-api, with quantised weights that are zero but for the bias of one class."""
    entries, data = [], b""
    scale = 0.5

    def add(name, shape, quantised=True, values=None):
        nonlocal data
        values = np.zeros(shape) if values is None else values
        entry = {"name": name, "shape": list(shape), "dtype": "float32"}
        if quantised:
            entry["quantization"] = {"dtype": "uint8", "scale": scale, "min": -1.0}
            data += np.round((values + 1) / scale).astype(np.uint8).tobytes()
        else:
            data += values.astype(np.float32).tobytes()
        entries.append(entry)

    channels = 3
    for block, width in enumerate((32, 64, 128, 256)):
        for layer in range(4):
            name = f"dense{block}/conv{layer}"
            if block == layer == 0:
                add(f"{name}/filters", (3, 3, channels, width))
            else:
                add(f"{name}/depthwise_filter", (3, 3, channels, 1))
                add(f"{name}/pointwise_filter", (1, 1, channels, width))
            add(f"{name}/bias", (width,), quantised=False)
            channels = width
    add("fc/weights", (256, 7))
    add("fc/bias", (7,), quantised=False, values=np.eye(7)[favoured] * 3)
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights.bin").write_bytes(data)
    (folder / MANIFEST).write_text(json.dumps([{"weights": entries, "paths": ["weights.bin"]}]))
    return folder


def test_it_answers_as_face_api_does():
    try:
        folder = find_package()
    except ConfigurationError as error:
        pytest.skip(str(error))
    crops = np.stack([np.asarray(draw_face(name, 1, 112)) for name in ANSWERS])
    assert ReserveClassifier(folder).probabilities(crops) == pytest.approx(np.array(list(ANSWERS.values())), abs=2e-3)


def test_classes_come_in_the_order_of_the_expressions(tmp_path):
    package = write_package(tmp_path / "package", favoured=4)  # fearful
    probabilities = ReserveClassifier(package)(np.zeros((2, 64, 64, 3), np.uint8))
    assert probabilities.shape == (2, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert [EXPRESSIONS[index] for index in probabilities.argmax(axis=1)] == ["afraid", "afraid"]
    assert ReserveClassifier(package)(np.zeros((0, 64, 64, 3), np.uint8)).shape == (0, 7)


def test_a_package_that_is_missing_or_cut_short_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ConfigurationError, match="name the npm package's folder"):
        ReserveClassifier()
    package = write_package(tmp_path / "package", favoured=0)
    (package / "model" / "weights.bin").write_bytes(b"cut")
    monkeypatch.setenv(FOLDER_VARIABLE, str(package))
    with pytest.raises(ConfigurationError, match=r"cannot be read .*npm install"):
        ReserveClassifier()
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    with pytest.raises(ConfigurationError, match="npm install"):
        ReserveClassifier()
    installed = write_package(tmp_path / "node_modules" / "@vladmandic" / "face-api", favoured=0)
    assert find_package() == installed


def always(name):
    """A classifier that sees one expression everywhere."""
    return lambda faces: np.tile(0.01 + 0.93 * (np.array(EXPRESSIONS) == name), (len(faces), 1))


def test_the_reserve_stays_out_of_every_other_figure(tmp_path):
    samples = load_samples(str(write_expression_folder(tmp_path / "drawn", people=2)))
    samples = [sample for sample in samples if sample.expression == "neutral"]
    pipeline, open_ones = SARGANPipeline(Untouched()), {"always happy": always("happy")}
    without = as_json(evaluate(pipeline, samples, Evaluators(open_ones), model="untouched", data="drawn"))
    evaluation = evaluate(
        pipeline, samples, Evaluators(open_ones, reserve={"spare": always("sad")}), model="untouched", data="drawn"
    )
    report = as_json(evaluation)
    timed = [figure for figure in report["figures"] if figure["metric"] != "seconds"]
    assert timed == [figure for figure in without["figures"] if figure["metric"] != "seconds"]
    assert report["classifiers"] == ["always happy"]
    assert without["reserve"] is None
    kept = {(figure["metric"], figure["expression"]): figure["value"] for figure in report["reserve"]["figures"]}
    assert (kept["ecs_top1", "sad"], kept["ecs_top1", "happy"]) == (1.0, 0.0)
    assert not any(metric.startswith(("background", "seconds", "fss")) for metric, _ in kept)
    html = write_report(evaluation, tmp_path / "report").read_text()
    assert RESERVE_WARNING in html
    assert "nan" not in html.split("<body>")[1].split("<img")[0].split()
