"""Settings take effect, or are refused with the way out; what a run says of itself is what it did."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from drawing import write_expression_folder
from PIL import Image
from safetensors.torch import load_file

from sargan_hf import SARGAN
from sargan_hf.commands.train import parse_config
from sargan_hf.errors import ConfigurationError, ModelFormatError
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.dry_run import print_plan
from sargan_hf.training.launching import make_accelerator
from sargan_hf.training.loop import train
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[2]
OF_THE_MODEL = dict.fromkeys(("base_channels", "num_blocks", "attention", "ultimate_skip", "motion"))


@pytest.fixture
def fresh_accelerate():
    """Accelerate keeps one precision per process; this lets go of it."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_channels": 16}, "a network with base_channels 8, and the settings say base_channels 16"),
        ({"num_blocks": 2}, "num_blocks 1, and the settings say num_blocks 2"),
        ({"attention": False}, "attention True, and the settings say attention False"),
        ({"ultimate_skip": False}, "ultimate_skip True, and the settings say ultimate_skip False"),
        ({"motion": False}, "motion True, and the settings say motion False"),
        ({"init_widen_factor": 2, "base_channels": 8}, "base_channels 16, and the settings say base_channels 8"),
    ],
)
def test_settings_that_the_model_to_start_from_overrules_are_refused(make_config, tiny_model_folder, change, message):
    config = make_config(**OF_THE_MODEL | {"init_from": str(tiny_model_folder)} | change)
    with pytest.raises(ConfigurationError, match=message):
        train(config)
    assert not Path(config.output_dir).exists()


def test_a_run_says_which_network_it_trained(make_config, tiny_model_folder):
    """The settings used to name a network of 64 channels without motion, whatever was trained."""
    folder = train(make_config(**OF_THE_MODEL | {"init_from": str(tiny_model_folder)}, max_train_steps=1))
    written = yaml.safe_load((folder / "training_config.yaml").read_text())
    model = SARGAN.from_pretrained(folder)
    assert (model.config.base_channels, model.config.motion) == (8, True)
    assert {name: written[name] for name in OF_THE_MODEL} == {name: model.config[name] for name in OF_THE_MODEL}
    card = (folder / "README.md").read_text()
    assert "base_channels: 8" in card
    assert "motion: true" in card
    assert str(tiny_model_folder.parent) not in card
    TrainingConfig.from_dict(TrainingConfig.load(folder / "training_config.yaml"))


def test_a_model_that_is_not_there_is_one_sentence(make_config, tmp_path):
    with pytest.raises(ModelFormatError, match=r"neither a folder nor the name of a repository|cannot be loaded"):
        train(make_config(init_from=str(tmp_path / "nothing"), **OF_THE_MODEL))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stylise": 0.0, "blank_eyes": False}, "blank_eyes has no effect without stylise"),
        ({"objective": "paper", "feature_weight": 4.0}, "feature_weight has no effect in the paper's objective"),
        ({"objective": "paper", "adversarial_focus": 0.0}, "adversarial_focus has no effect in the paper's objective"),
        ({"flow_weight": 3.0}, "flow_weight has no effect without motion"),
        ({"flow_focus": 8.0}, "flow_focus has no effect without motion"),
        ({"paired_weight": 0.0, "small_edits": 4.0}, "small_edits has no effect without paired_weight"),
        ({"hub_private": True}, "hub_private has no effect without push_to_hub"),
        ({"learnig_rate": 1e-4}, r"Unknown settings: learnig_rate \(did you mean learning_rate\?\)"),
    ],
)
def test_settings_without_an_effect_are_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        TrainingConfig.from_dict(change)


@pytest.mark.parametrize(("objective", "critic_steps"), [("paper", 2), ("fast", 1)])
def test_before_its_start_the_adversary_teaches_nothing(make_config, objective, critic_steps):
    """The paper's generator learned from a critic that had not begun to."""
    settings = {"objective": objective, "critic_steps": critic_steps, "ema_decay": 0.0, "adversarial_start": 3}
    config = make_config(**settings, max_train_steps=12, warmup_steps=0)
    trainer = Trainer(config, Accelerator(cpu=True), prepare_data(config, Accelerator(cpu=True)))
    batch = {name: value[None].repeat(4, *[1] * value.ndim) for name, value in trainer.data.samples[0].items()}
    fresh = {name: value.clone() for name, value in trainer.discriminator.state_dict().items()}
    taught = []
    for step in range(8):
        parts = trainer.update([batch], step)
        learned = any(not torch.equal(fresh[name], value) for name, value in trainer.discriminator.state_dict().items())
        assert learned == (step >= 3)
        if "g_adversarial" in parts:
            taught.append(step)
    # The paper's: steps 3 and 4 are the critic's first, and 5 is the first of the generator after them.
    assert taught[0] == (5 if objective == "paper" else 3)


def test_the_launchers_precision_is_that_of_a_run_without_its_own(make_config, monkeypatch, fresh_accelerate, caplog):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    folder = train(make_config(max_train_steps=1))
    assert yaml.safe_load((folder / "training_config.yaml").read_text())["mixed_precision"] == "bf16"
    assert "mixed_precision: bf16" in (folder / "README.md").read_text()
    AcceleratorState._reset_state(reset_partial_state=True)
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION")
    own = train(make_config("own", max_train_steps=1, mixed_precision="bf16"))
    weights = "checkpoint-00000001/generator.safetensors"
    assert all(
        torch.equal(value, load_file(own / weights)[name]) for name, value in load_file(folder / weights).items()
    )
    assert "mixed_precision" not in caplog.text


def test_a_precision_that_the_launcher_contradicts_is_warned_of(make_config, monkeypatch, fresh_accelerate, caplog):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    accelerator, config = make_accelerator(make_config(mixed_precision="no"))
    assert (accelerator.mixed_precision, config.mixed_precision) == ("no", "no")
    assert "The launcher says mixed_precision bf16 and this run's own setting no: training in no." in caplog.text


@pytest.mark.parametrize("setting", ["fp16", None])
def test_fp16_on_a_cpu_is_refused(make_config, monkeypatch, fresh_accelerate, setting):
    """It used to be fp32."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no" if setting else "fp16")
    with pytest.raises(ConfigurationError, match="mixed_precision fp16 needs a GPU; on a CPU use bf16 or no"):
        train(make_config(mixed_precision=setting))
    train(make_config(mixed_precision="bf16", max_train_steps=1))  # nothing of it sticks to the process


def test_another_precision_in_the_same_process_is_one_sentence(make_config, fresh_accelerate):
    train(make_config(max_train_steps=1))
    with pytest.raises(ConfigurationError, match="restart the kernel"):
        train(make_config("second", mixed_precision="bf16"))


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ACCELERATE_USE_FSDP", "true", r"does not run under FSDP.*docs/launch/several_gpus\.yaml"),
        ("ACCELERATE_USE_DEEPSPEED", "true", "does not run under DeepSpeed"),
        ("ACCELERATE_DYNAMO_BACKEND", "INDUCTOR", "dynamo_backend inductor would have no effect"),
        ("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4", r"train_accelerate\.py --gradient_accumulation_steps 4"),
        ("ACCELERATE_MIXED_PRECISION", "fp8", "mixed_precision fp8 is not supported: use one of no, fp16, bf16"),
    ],
)
def test_what_the_launcher_asks_for_in_vain_is_refused(make_config, monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=message):
        make_accelerator(make_config())


@pytest.mark.parametrize("launcher", ["--cpu", "--config_file=docs/launch/cpu.yaml"])
def test_one_process_instead_of_several_is_warned_of(expression_folder, tmp_path, launcher):
    command = [sys.executable, "-m", "accelerate.commands.launch", launcher, "--num_processes=2"]
    command += ["train_accelerate.py", "--dry_run"]
    flags = ["--train_data_dir", str(expression_folder), "--resolution", "32", "--base_channels", "4"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, *flags], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "You requested several processes, but Accelerate has started one." in done.stderr
    working = "ACCELERATE_USE_CPU=true accelerate launch --config_file docs/launch/several_gpus.yaml --num_processes N"
    assert working in done.stderr


@pytest.mark.parametrize("start", [train, print_plan])
def test_a_tracker_that_is_not_installed_is_refused_before_the_first_step(make_config, monkeypatch, start):
    monkeypatch.setattr("sargan_hf.training.launching.get_available_trackers", lambda: ["tensorboard"])
    config = make_config(report_to="wandb")
    with pytest.raises(ConfigurationError, match=r"needs the package wandb.*pip install wandb.*--report_to none"):
        start(config)
    assert not Path(config.output_dir).exists()


def test_numbers_of_a_settings_file_may_be_written_as_everybody_does(tmp_path):
    """To YAML 1.1, 1e-4 is a word."""
    (tmp_path / "settings.yaml").write_text("learning_rate: 1e-4\ndecay_fraction: 0\ntrain_data_dir: faces\n")
    config, _ = parse_config(["--config", str(tmp_path / "settings.yaml")])
    assert config.learning_rate == 1e-4
    (tmp_path / "settings.yaml").write_text("learning_rate: nan\ntrain_data_dir: faces\n")
    with pytest.raises(ConfigurationError, match="learning_rate must be"):
        parse_config(["--config", str(tmp_path / "settings.yaml")])


@pytest.mark.parametrize("flag", ["--learningrate", "--learn", "--learning_rat=1e-4"])
def test_a_mistyped_flag_is_told_with_the_one_it_looks_like(flag):
    with pytest.raises(ConfigurationError, match=r"--learn.*did you mean --learning_rate\?"):
        parse_config(["--train_data_dir", "faces", flag, "1e-4"])


def test_what_was_not_measured_is_not_called_nan(make_config, tmp_path, capfd):
    data = write_expression_folder(tmp_path / "unpaired", paired=False)
    folder = train(make_config(train_data_dir=str(data), max_train_steps=2))
    said = capfd.readouterr().out
    assert "step 2: nobody held out is in a pair to measure it on; samples in" in said
    assert "nan" not in said
    assert "nan" not in (folder / "README.md").read_text()


def test_the_same_picture_under_two_names_is_no_measure(make_config, tmp_path, capfd):
    """Not editing it has no error to compare with."""
    data = write_expression_folder(tmp_path / "same")
    for path in data.rglob("*happy*"):
        Image.open(str(path).replace("happy", "neutral")).save(path)
    folder = train(make_config(train_data_dir=str(data), max_train_steps=2))
    assert "held-out error" in capfd.readouterr().out
    card = (folder / "README.md").read_text()
    assert "nan" not in card
    assert "| happy |" not in card
    assert "| sad |" in card
    assert np.isfinite(float(card.split("| all | ")[1].split(" |")[0]))
