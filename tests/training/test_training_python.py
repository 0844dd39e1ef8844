"""Training from Python: presets, a data set of one's own, losses and networks by name, the page and the notebook on it."""

import json
import re
from pathlib import Path

import pytest
import yaml
from datasets import Dataset
from drawing import draw_face, embed, write_expression_folder

from sargan_hf.commands.train import parse_config
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import ConfigurationError, DatasetError
from sargan_hf.training import FastObjective, TrainingConfig, register_generator, register_objective, train
from sargan_hf.training.config_fields import PRESETS

ROOT = Path(__file__).resolve().parents[2]


def test_a_preset_is_that_of_the_command_line():
    here = TrainingConfig.preset("paper", train_data_dir="faces")
    assert here == TrainingConfig(objective="paper", train_data_dir="faces")
    assert here == parse_config(["--train_data_dir", "faces", "--objective", "paper"])[0]
    assert {name: getattr(here, name) for name in PRESETS["paper"]} == PRESETS["paper"]
    assert TrainingConfig.preset("paper", critic_steps=2).critic_steps == 2


def test_old_and_misspelt_names_are_understood_or_told():
    with pytest.warns(FutureWarning, match="still_init is now init_drop_motion"):
        assert TrainingConfig(still_init=True, init_from="model").init_drop_motion
    assert TrainingConfig(lr_warmup_steps=7).warmup_steps == 7
    with pytest.raises(ConfigurationError, match=r"learning_rat \(did you mean learning_rate\?\)"):
        TrainingConfig(learning_rat=1e-4)
    with pytest.raises(ConfigurationError, match=r"one of fast, paper; got 'fasst'.*register_objective"):
        TrainingConfig(objective="fasst")


@pytest.mark.parametrize("stream", [False, True])
def test_a_data_set_of_ones_own_is_trained_on(make_config, expression_folder, tmp_path, capfd, monkeypatch, stream):
    monkeypatch.setattr("datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.05)
    faces = load_expression_dataset(expression_folder)
    given = embed(faces).to_iterable_dataset(num_shards=2) if stream else faces
    config = make_config(train_data_dir=None, max_train_steps=1)
    assert (train(config, dataset=given) / "diffusion_pytorch_model.safetensors").is_file()
    assert "28 of 4 people" in capfd.readouterr().out
    assert "given in Python" in (tmp_path / "run" / "README.md").read_text()


def test_one_set_is_trained_on(make_config, expression_folder):
    faces = load_expression_dataset(expression_folder)
    with pytest.raises(ConfigurationError, match="one of train_data_dir FOLDER and dataset_name"):
        train(make_config(), dataset=faces)
    with pytest.raises(ConfigurationError, match="one of train_data_dir FOLDER and dataset_name"):
        train(make_config(train_data_dir=None))


def test_columns_may_be_named(make_config, tmp_path, capfd):
    """German columns, and a column `label` that says something else."""
    labels = ["AFS", "HAS", "NES", "SUS"] * 3
    people = [f"p{index // 4}" for index in range(12)]
    shown = {"AFS": "afraid", "HAS": "happy", "NES": "neutral", "SUS": "surprised"}
    faces = [draw_face(shown[label], int(person[1])) for label, person in zip(labels, people, strict=True)]
    columns = {"foto": faces, "gefuehl": labels, "person": people, "paar": people, "expression": ["x"] * 12}
    rows = Dataset.from_dict(columns).cast_column("foto", load_feature())
    named = {"image_column": "foto", "label_column": "gefuehl", "subject_column": "person", "pair_column": "paar"}
    train(make_config(train_data_dir=None, max_train_steps=1, **named), dataset=rows)
    said = capfd.readouterr().out
    assert "8 of 2 people, 8 of them paired" in said
    assert "afraid 2, angry 0, disgusted 0, happy 2" in said
    with pytest.raises(DatasetError, match=r"no column 'gefuhl' \(did you mean 'gefuehl'\?\). It has foto, gefuehl"):
        train(make_config("other", train_data_dir=None, **named | {"label_column": "gefuhl"}), dataset=rows)


def load_feature():
    from datasets import Image

    return Image()


def test_columns_of_a_metadata_file_may_be_named(expression_folder, tmp_path):
    folder = write_expression_folder(tmp_path / "set", people=2)
    text = (folder / "metadata.csv").read_text()
    (folder / "metadata.csv").write_text(text.replace("file_name,expression,subject", "bild,ausdruck,wer", 1))
    faces = load_expression_dataset(
        folder, columns={"image": "bild", "expression": "ausdruck", "subject": "wer", "pair": None}
    )
    assert (len(faces), len(set(faces["subject"]))) == (14, 2)
    with pytest.raises(DatasetError, match="Columns are named for image, expression, subject, pair; got person"):
        load_expression_dataset(folder, columns={"person": "wer"})


def test_a_registered_loss_is_a_setting_with_a_preset_and_in_the_checkpoint(make_config, tmp_path):
    class Mine(FastObjective):
        pass

    register_objective("mine", Mine, preset={"expression_weight": 0.25})
    train(make_config(objective="mine", max_train_steps=1, checkpointing_steps=1))
    state = json.loads((tmp_path / "run" / "checkpoint-00000001" / "state.json").read_text())
    saved = yaml.safe_load(state["config"])
    assert (saved["objective"], saved["expression_weight"]) == ("mine", 0.25)
    with pytest.raises(ConfigurationError, match="trained with objective mine; this run has objective fast"):
        train(make_config(resume_from_checkpoint="latest"))
    with pytest.raises(ConfigurationError, match="fast is the project's own"):
        register_objective("fast", Mine)


def test_a_loss_in_a_file_is_a_setting_too(make_config, tmp_path, monkeypatch):
    (tmp_path / "my_losses_of_test.py").write_text(
        "from sargan_hf.training import FastObjective\n\n\nclass Mine(FastObjective):\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    train(make_config(objective="my_losses_of_test:Mine", max_train_steps=1))
    with pytest.raises(ConfigurationError, match="my_losses_of_test:Other cannot be loaded"):
        train(make_config("other", objective="my_losses_of_test:Other", max_train_steps=1))


def test_a_network_that_cannot_be_saved_is_refused_at_once(make_config):
    import torch

    register_generator("bare", lambda config, expressions: torch.nn.Conv2d(3, 3, 1))
    with pytest.raises(ConfigurationError, match="builds a Conv2d, which cannot be saved"):
        train(make_config(generator="bare"))
    with pytest.raises(ConfigurationError, match="init_from and controls are of the generator sargan"):
        TrainingConfig(generator="bare", init_from="model")


def run_in(folder: Path, code: str, monkeypatch) -> dict:
    """The names that the code leaves behind when it runs in a folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", folder / "cache")
    names: dict = {"__name__": "notebook"}
    exec(compile(code, "notebook", "exec"), names)
    return names


def test_the_page_runs_as_it_stands(tmp_path, photo, monkeypatch):
    write_expression_folder(tmp_path / "my_faces")
    (tmp_path / "portrait.jpg").write_bytes(photo.read_bytes())
    page = (ROOT / "docs" / "changing_the_loss.md").read_text(encoding="utf-8")
    names = run_in(tmp_path, "\n".join(re.findall(r"```python\n(.*?)```", page, re.S)), monkeypatch)
    assert names["picture"].size == (512, 512)
    assert "objective: same-colours" in (tmp_path / "runs" / "colours" / "training_config.yaml").read_text()


def test_the_notebook_trains_and_edits(tmp_path, monkeypatch):
    notebook = json.loads((ROOT / "examples" / "train.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names = run_in(tmp_path, "\n".join(cells), monkeypatch)
    assert len(names["faces"]) == 9
    assert names["edited"].size == names["released"](names["examples"] / "photos" / "eileen-collins.jpg").images[0].size
    assert (names["folder"] / "run" / "checkpoint-00000050").is_dir()
