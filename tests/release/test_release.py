"""The recipe of the released weights: its settings are valid, and figures reach the card."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.evaluation.samples import load_samples
from sargan_hf.training.config import TrainingConfig

ROOT = Path(__file__).parents[2]
STAGES = sorted((ROOT / "release").glob("*.yaml"))


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
def test_settings_are_valid(path):
    values = TrainingConfig.load(path)
    if "init_widen_factor" in values or "init_drop_motion" in values:
        values["init_from"] = "the stage before"
    config = TrainingConfig.from_dict(values)
    # 12 % of the people are the ones that the card's figures are measured on. The last stages have a list without them.
    stages, mouths = (7, 8, 9, 10, 11, 12, 13), (3, 4, 5)
    listed = {f"sargan-motion-128-stage-{stage}" for stage in stages} | {f"sargan-motion-128-mouth-{m}" for m in mouths}
    held_out = 0.04 if path.stem in listed else 0.12
    assert (config.held_out, config.seed, config.objective) == (held_out, 0, "fast")


def test_the_script_names_files_that_exist():
    script = (ROOT / "release" / "reproduce.sh").read_text()
    assert STAGES
    for path in STAGES:
        assert f"release/{path.name}" in script
    subprocess.run(["bash", "-n", ROOT / "release" / "reproduce.sh"], check=True)


def report(folder: Path, value: float) -> Path:
    folder.mkdir()
    plain = {"domain": "all", "skin_tone": "all", "n": 90, "people": 15, "low": value - 0.1, "high": value + 0.1}
    metrics = ("ecs_top1", "ecs_rises", "fss_distance", "fss_nearest_own")
    figures = [{"metric": metric, "expression": "all", "value": value, **plain} for metric in metrics]
    figures.append({"metric": "ecs_top1", "expression": "happy", "value": value / 2, **plain})
    meanings = {metric: {"meaning": metric} for metric in metrics}
    (folder / "report.json").write_text(json.dumps({"seed": 0, "metrics": meanings, "figures": figures}))
    return folder


def test_figures_reach_the_card(tmp_path):
    card = tmp_path / "model_card.md"
    shutil.copyfile(ROOT / "model_card.md", card)
    before = ModelCard.load(card)
    people, others = report(tmp_path / "people", 0.625), report(tmp_path / "others", 0.375)
    subprocess.run([sys.executable, ROOT / "release" / "write_card.py", card, people, others], check=True)

    after = ModelCard.load(card)
    assert "| intended expression is the first guess | 0.62 [0.53, 0.72] | 0.38 [0.28, 0.47] |" in after.text
    values = {result.metric_value for result in after.data.eval_results if result.metric_type == "ecs_top1"}
    assert values == {0.625, 0.3125, 0.375, 0.1875}
    # Nothing else of the text is touched.
    assert after.text.split("<!-- figures -->")[0] == before.text.split("<!-- figures -->")[0]
    assert after.text.split("<!-- /figures -->")[1] == before.text.split("<!-- /figures -->")[1]


def test_a_card_without_a_place_for_figures_is_refused(tmp_path):
    card = tmp_path / "card.md"
    card.write_text("---\nlicense: apache-2.0\nmodel_name: other\n---\n# Other\n")
    people, others = report(tmp_path / "people", 0.6), report(tmp_path / "others", 0.4)
    done = subprocess.run(
        [sys.executable, ROOT / "release" / "write_card.py", card, people, others], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "<!-- figures -->" in done.stderr


def test_a_strengthened_model_paints_more(tmp_path):
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8).eval()
    model.save_pretrained(tmp_path / "trained")
    (tmp_path / "trained" / "mouth").mkdir()
    (tmp_path / "trained" / "mouth" / "config.json").write_text("{}")
    command = [
        sys.executable,
        ROOT / "release" / "strengthen.py",
        tmp_path / "trained",
        tmp_path / "out",
        "--factor",
        "1.2",
    ]
    subprocess.run(command, check=True)

    stronger = SARGAN.from_pretrained(tmp_path / "out").eval()
    pictures, expression = torch.rand(1, 3, 64, 64) * 2 - 1, torch.eye(7)[3:4]
    with torch.no_grad():
        before, after = model(pictures, expression), stronger(pictures, expression)
    assert (after.residual.abs() >= before.residual.abs()).all()
    assert (after.residual != before.residual).any()
    assert (tmp_path / "out" / "mouth" / "config.json").exists()
    assert str(tmp_path) not in (tmp_path / "out" / "config.json").read_text()
    # A second time into the same folder is refused, so that nothing gets stronger unseen.
    assert subprocess.run(command, capture_output=True).returncode == 2


def test_a_strengthened_model_with_motion_is_to_move_faces_further_than_it_does(assets, tmp_path):
    """What is written into the config is what a pipeline finds on the people there, times the factor."""
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True).eval()
    model.save_pretrained(tmp_path / "trained")
    (tmp_path / "people" / "neutral").mkdir(parents=True)
    portraits = sorted((assets / "portraits" / "neutral").glob("london_*.jpg"))[:4]
    for portrait in portraits:
        shutil.copy(portrait, tmp_path / "people" / "neutral")
    command = [sys.executable, ROOT / "release" / "strengthen.py", tmp_path / "trained", tmp_path / "out"]
    assert subprocess.run(command, capture_output=True).returncode == 2, "without people nothing can be measured"
    weaker = subprocess.run(
        [*command, "--factor", "0.8", "--portraits", tmp_path / "people"], capture_output=True, text=True
    )
    assert weaker.returncode == 2
    assert "never weaker" in weaker.stderr
    stronger = [*command, "--factor", "1.5", "--factor-of", "sad=3"]
    subprocess.run([*stronger, "--portraits", tmp_path / "people"], check=True)
    model = SARGAN.from_pretrained(tmp_path / "out")
    written = np.array(model.config.typical_motion) / 1.5
    model.register_to_config(typical_motion=None)
    pipeline = SARGANPipeline(model)
    for name, times in (("happy", 1), ("sad", 2)):
        reach = []
        for portrait in portraits:
            motion = pipeline(portrait, expression=name).faces[0].motion
            reach.append(times * np.sqrt(np.square(motion).sum(axis=2).mean()))
        length = written[model.config.expressions.index(name)]
        assert min(reach) - 1e-4 <= length <= max(reach) + 1e-4


def test_nobody_that_the_figures_are_measured_on_was_trained_on(assets, tmp_path):
    """The last stage has its own list of faces; `sargan evaluate --held-out 0.12` looks at others."""
    command = [sys.executable, ROOT / "release" / "link_faces.py", ROOT / "release" / "faces.txt", assets, tmp_path]
    subprocess.run(command, check=True)
    for kind, trained in (
        ("portraits", "portraits/neutral"),
        ("avatars", "avatars"),
        ("paintings", "paintings"),
        ("sculpture", "sculpture"),
    ):
        linked = {path.stem for path in (tmp_path / trained).glob("*.jpg")}
        measured = {sample.subject for sample in load_samples(str(assets / kind), held_out=0.12)}
        assert len(linked) > 50
        assert measured
        assert not linked & measured


def test_a_model_edits_as_before_when_its_controls_are_left_out(tmp_path):
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True, controls=["squint"]).eval()
    torch.nn.init.normal_(model.control_field.weight, std=0.01)
    model.save_pretrained(tmp_path / "trained")
    command = [sys.executable, ROOT / "release" / "without_controls.py", tmp_path / "trained", tmp_path / "out"]
    subprocess.run(command, check=True)
    plain = SARGAN.from_pretrained(tmp_path / "out").eval()
    assert plain.config.controls is None
    pictures, expression = torch.rand(1, 3, 64, 64) * 2 - 1, torch.eye(7)[3:4]
    with torch.no_grad():
        before, after = model(pictures, expression), plain(pictures, expression)
    torch.testing.assert_close(after.sample, before.sample, atol=1e-5, rtol=0)


def test_an_average_lies_between_a_model_and_its_further_training(tmp_path):
    models = {}
    for seed, name in enumerate(("before", "after")):
        torch.manual_seed(seed)
        models[name] = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True)
        models[name].save_pretrained(tmp_path / name)
    models["before"].save_pretrained(tmp_path / "before" / "mouth")
    command = [
        sys.executable,
        ROOT / "release" / "average.py",
        *(tmp_path / name for name in ("before", "after", "out")),
    ]
    subprocess.run([*command, "--share", "0.25"], check=True)
    mixed = SARGAN.from_pretrained(tmp_path / "out")
    for name, weight in mixed.state_dict().items():
        between = 0.75 * models["before"].state_dict()[name] + 0.25 * models["after"].state_dict()[name]
        torch.testing.assert_close(weight, between)
    assert (tmp_path / "out" / "mouth" / "config.json").is_file()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode
    assert "exists already" in again.stderr
