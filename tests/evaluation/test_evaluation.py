"""Evaluation: what the figures say about edits whose quality is known, and what the report holds."""

import json
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawing import draw_face, write_expression_folder
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from sargan_hf.editing.pipeline_sargan import SARGANPipeline
from sargan_hf.errors import ConfigurationError, DatasetError
from sargan_hf.evaluation import face_metrics
from sargan_hf.evaluation.evaluate import evaluate, some_people
from sargan_hf.evaluation.evaluator_nets import (
    ExpressionClassifier,
    ExpressionFeatures,
    FaceEmbedder,
    TransformersClassifier,
    load_classifiers,
)
from sargan_hf.evaluation.measure_edits import Evaluators
from sargan_hf.evaluation.model_card import eval_results, figures_table
from sargan_hf.evaluation.report import as_json, write_report
from sargan_hf.evaluation.samples import load_samples, plan_tasks
from sargan_hf.evaluation.statistics import mean_with_interval
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.inference import GeneratorOutput

TEMPLATES = np.stack([np.asarray(draw_face(name, 0, 64).convert("L"), np.float32)[16:] for name in EXPRESSIONS])


def template_classifier(faces):
    """Compares the lower three quarters of each face with drawn ones."""
    grey = [
        cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA) for face in faces
    ]
    away = np.abs(np.stack(grey)[:, None, 16:].astype(np.float32) - TEMPLATES).mean(axis=(2, 3))
    scores = np.exp(-away / 2)
    return scores / scores.sum(axis=1, keepdims=True)


def mean_colour(faces):
    """A crude identity: which colours a face has."""
    return faces.reshape(len(faces), -1, 3).mean(axis=1) / 255


EVALUATORS = Evaluators({"template": template_classifier}, mean_colour, mean_colour)


class Untouched:
    """A generator that changes nothing."""

    expressions, sample_size = EXPRESSIONS, 64

    def __call__(self, crops, expression):
        return GeneratorOutput(np.zeros_like(crops), None, np.zeros_like(crops[:, :2]), expression)


class Repainting(Untouched):
    """A generator that tints the whole crop and repaints the face as the first drawn person's."""

    def __call__(self, crops, expression):
        drawn = [np.asarray(draw_face(EXPRESSIONS[row.argmax()], 0, 64), np.float32) / 127.5 - 1 for row in expression]
        return GeneratorOutput(np.stack(drawn).transpose(0, 3, 1, 2) - crops, None, None, expression)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three drawn people in the seven expressions."""
    return str(write_expression_folder(tmp_path_factory.mktemp("evaluation") / "drawn", people=3))


def with_surroundings(sample):
    """The same picture with room around the face, which no edit may touch."""
    return replace(sample, open=lambda: np.pad(sample.open(), ((40, 40), (40, 40), (0, 0)), "edge"))


@pytest.fixture(scope="module")
def untouched(folder):
    samples = [with_surroundings(s) for s in load_samples(folder) if s.expression in ("neutral", "happy", "sad")]
    return evaluate(SARGANPipeline(Untouched()), samples, EVALUATORS, model="untouched", data="drawn faces")


def test_a_model_that_changes_nothing_scores_as_such(untouched):
    assert untouched.figure("truth_error").value == pytest.approx(1, abs=1e-6)
    assert untouched.figure("ecs_gain").value == 0
    assert untouched.figure("ecs_rises").value == 0
    assert untouched.figure("fss_distance").value == 0
    assert untouched.figure("background_away").value == 0
    assert untouched.figure("background_outside").value == 0
    assert untouched.figure("sharpness").value == 1
    assert untouched.figure("ecs_top1").value < 0.5
    assert untouched.figure("ecs_top1_truth", expression="happy").people == 3


def test_every_figure_has_n_people_and_an_interval_around_it(untouched):
    assert untouched.figures
    for figure in untouched.figures:
        assert figure.n >= figure.people >= 1
        assert figure.low <= figure.value <= figure.high
    assert untouched.figure("ecs_top1").n == 3 * 6
    assert untouched.figure("ecs_top1", expression="happy").people == 3
    assert untouched.figure("neutralised_top1", expression="sad").n == 3


def test_a_model_that_repaints_is_readable_but_loses_the_person_and_tints_the_background(folder, untouched):
    samples = [with_surroundings(s) for s in load_samples(folder) if s.expression == "neutral"]
    repainted = evaluate(SARGANPipeline(Repainting()), samples, EVALUATORS)
    assert repainted.figure("ecs_top1").value > untouched.figure("ecs_top1").value + 0.2
    assert repainted.figure("ecs_gain").value > 0
    assert repainted.figure("fss_distance").value > 0.02
    assert repainted.figure("background_colour_shift").value > 1
    assert repainted.figure("background_outside").value == 0
    assert 0 <= repainted.figure("intensity_half_between").value <= 1
    with pytest.raises(KeyError, match="truth_psnr"):
        repainted.figure("truth_psnr")


def test_the_report_is_one_page_with_its_data_beside_it(untouched, tmp_path):
    page = write_report(untouched, tmp_path / "report")
    html = page.read_text()
    assert "data:image/jpeg;base64," in html
    assert "http" not in html.replace("http-equiv", "")
    assert "ecs_top1" in html
    report = json.loads((page.parent / "report.json").read_text())
    assert report["seed"] == 0
    assert report["people"] == 3
    assert {"metric", "value", "low", "high", "n", "people"} <= set(report["figures"][0])
    sheets = sorted((page.parent / "sheets").iterdir())
    assert [Image.open(sheet).width > 160 for sheet in sheets] == [True] * len(sheets)
    rows = (page.parent / "edits.csv").read_text().splitlines()
    assert len(rows) == 1 + len(untouched.measurements.rows)


def test_the_card_lists_figures_with_their_n_and_interval(untouched):
    from huggingface_hub import ModelCardData

    results = eval_results(as_json(untouched), "drawn faces", "drawn")
    card = ModelCardData(model_name="tiny", eval_results=results).to_dict()
    values = card["model-index"][0]["results"][0]["metrics"]
    assert {"n", "people", "interval_95", "seed", "expression"} <= set(values[0]["args"])
    assert "18 (3)" in figures_table(as_json(untouched))
    with pytest.raises(ConfigurationError, match="none of the figures"):
        eval_results(as_json(untouched), "drawn faces", "drawn", metrics=["beauty"])


def test_the_command_evaluates_a_saved_model(tiny_model_folder, folder, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="the nets of the evaluation extra are not installed")
    pytest.importorskip("dlib", reason="the nets of the evaluation extra are not installed")
    import typer

    from sargan_hf.commands.evaluate import command

    app = typer.Typer()
    app.command()(command)
    arguments = [str(tiny_model_folder), folder, "--report", str(tmp_path), "--max-people", "1"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "report.json").read_text())["classifiers"] == ["facex", "fer"]


def test_a_picture_without_a_face_is_listed(tmp_path):
    Image.new("RGB", (90, 90), "teal").save(tmp_path / "wall_blue.png")
    draw_face("neutral", 1, 96).save(tmp_path / "drawn_one.png")
    samples = load_samples(str(tmp_path))
    assert [sample.domain for sample in samples] == ["drawn", "wall"]
    evaluation = evaluate(SARGANPipeline(Untouched()), samples, EVALUATORS)
    assert list(evaluation.measurements.failures) == ["wall_blue.png"]
    assert evaluation.figure("ecs_gain").n == 6


def test_odd_files_in_a_folder_are_measured_or_listed(tmp_path):
    folder = tmp_path / os.fsdecode(b"m\xe4nner")
    (folder / ".thumbnails").mkdir(parents=True)
    draw_face("neutral", 1, 96).save(folder / os.fsdecode(b"drawn_caf\xe9.png"))
    draw_face("neutral", 2, 96).save(folder / ".thumbnails/small.png")
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "new.jxl").write_bytes(b"\xff\x0a")
    (folder / "notes.txt").write_text("no picture")
    evaluation = evaluate(SARGANPipeline(Untouched()), load_samples(str(folder)), EVALUATORS, data=str(folder))
    assert list(evaluation.measurements.failures) == ["cut.jpg", "new.jxl"]
    assert "JPEG XL" in evaluation.measurements.failures["new.jxl"]
    assert {row["picture"] for row in evaluation.measurements.rows} == {r"drawn_caf\xe9.png"}
    page = write_report(evaluation, tmp_path / "report").read_text(encoding="utf-8")
    assert "new.jxl" in page


def test_samples_of_one_pair_are_each_others_truth(folder):
    tasks = plan_tasks(load_samples(folder))
    neutral = [task for task in tasks if task.source.expression == "neutral"]
    assert all(set(task.references) == set(EXPRESSIONS) - {"neutral"} == set(task.targets) for task in neutral)
    assert all(task.references["neutral"].subject == task.source.subject for task in tasks if task not in neutral)


def test_people_can_be_chosen_and_held_out(folder):
    everyone = load_samples(folder)
    held_out = load_samples(folder, held_out=0.34)
    assert len({sample.subject for sample in held_out}) == 1
    assert some_people(everyone, 2, seed=1) == some_people(everyone, 2, seed=1)
    with pytest.raises(DatasetError, match="No picture to evaluate"):
        load_samples(folder, people=["nobody"])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_an_interval_holds_its_mean_and_is_reproducible(values, people):
    owners = np.arange(len(values)) % people
    mean, low, high = mean_with_interval(values, owners, seed=3)
    # a percentile interval may miss the mean by rounding where all values agree
    assert low - 1e-9 <= mean <= high + 1e-9 or np.ptp(values) > 0
    assert (mean, low, high) == mean_with_interval(values, owners, seed=3)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_intervals_are_honest_about_few_people():
    assert mean_with_interval([1, 1, 1, 1], list("abcd"), rate=True)[1] < 0.6
    assert np.isnan(mean_with_interval([0.2, 0.4], ["a", "a"])[1])
    values, one_each = np.random.default_rng(0).random(40), np.arange(40)
    apart = mean_with_interval(values, one_each)
    repeated = mean_with_interval(np.repeat(values, 9), np.repeat(one_each, 9))
    assert np.allclose(apart, repeated)  # nine copies of a measurement are no new evidence


def test_kernel_distance_tells_distributions_apart():
    rng = np.random.default_rng(0)
    same = face_metrics.kernel_distance(*rng.normal(size=(2, 200, 8)))
    moved = face_metrics.kernel_distance(rng.normal(size=(200, 8)), rng.normal(1, 1, size=(200, 8)))
    assert abs(same) < 0.2 < 1 < moved


@pytest.mark.parametrize(
    ("colour", "tone"),
    [((243, 214, 196), "very light"), ((180, 130, 90), "tan"), ((85, 52, 40), "dark"), ((128,) * 3, None)],
)
def test_skin_tones_follow_the_typology_angle(colour, tone):
    assert face_metrics.skin_tone(np.full((64, 64, 3), colour, np.uint8))[1] == (tone or "without colour")


def test_the_bundled_nets_read_real_faces(assets):
    pytest.importorskip("ai_edge_litert", reason="the nets of the evaluation extra are not installed")
    pytest.importorskip("dlib", reason="the nets of the evaluation extra are not installed")
    folder = assets / "rig_prototype_160"
    names = ["001_03_0", "002_03_0", "004_03_0"]
    faces = {
        expression: np.stack([cv2.imread(str(folder / expression / f"{name}.jpg"))[..., ::-1] for name in names])
        for expression in ("neutral", "happy", "surprised")
    }
    for net in ("facex", "fer"):
        classifier = ExpressionClassifier(net)
        for expression, crops in faces.items():
            probabilities = classifier(crops)
            assert probabilities.shape == (3, 7)
            assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-2)
            assert (probabilities.argmax(axis=1) == EXPRESSIONS.index(expression)).mean() > 0.5
    before, after = (FaceEmbedder()(faces[expression]) for expression in ("neutral", "happy"))
    distances = np.linalg.norm(after[:, None] - before[None], axis=2)
    assert (distances.argmin(axis=1) == np.arange(3)).all()
    assert ExpressionFeatures()(faces["happy"]).shape == (3, 1280)


def test_a_transformers_model_serves_as_classifier_whatever_it_calls_its_labels(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    labels = ["anger", "contempt", "disgust", "fear", "Happiness", "neutral", "sadness", "surprise"]
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.ViTConfig(**sizes, image_size=32, patch_size=16, id2label=dict(enumerate(labels)))
    model = transformers.ViTForImageClassification(config)
    model.classifier.weight.data.zero_()
    model.classifier.bias.data.copy_(model.classifier.bias.new_tensor([0, 0, 0, 0, 5, 0, 0, 0]))
    model.save_pretrained(tmp_path)
    preprocessing = {"image_processor_type": "ViTImageProcessorPil", "size": {"height": 32, "width": 32}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    classifier = load_classifiers([str(tmp_path)])[str(tmp_path)]
    probabilities = classifier(np.zeros((3, 64, 64, 3), np.uint8))
    assert probabilities.shape == (3, 7)
    assert (probabilities.argmax(axis=1) == EXPRESSIONS.index("happy")).all()
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_classifiers_that_cannot_be_had_say_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match="facex, fer"):
        ExpressionClassifier("psychic")
    with pytest.raises(ConfigurationError, match="call"):
        load_classifiers([template_classifier, template_classifier])
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(ConfigurationError, match="no image-classification model"):
        TransformersClassifier(str(tmp_path))
    with pytest.raises(ConfigurationError, match="neither a folder nor"):  # and is not asked of the Hub
        load_classifiers(["facefx"])


def test_faces_must_be_a_batch_of_rgb():
    pytest.importorskip("ai_edge_litert", reason="the nets of the evaluation extra are not installed")
    with pytest.raises(ConfigurationError, match="uint8 RGB"):
        ExpressionClassifier("fer")(np.zeros((64, 64, 3), np.uint8))
