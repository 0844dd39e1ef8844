"""What a run trains: the classes that the set holds, or those that the user names; and what it says of that."""

import logging
import re

import pytest
from accelerate import Accelerator
from datasets import ClassLabel
from drawing import embed, write_expression_folder

from sargan_hf import SARGAN
from sargan_hf.commands.train import parse_config
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import ConfigurationError, DatasetError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.loop import train
from sargan_hf.training.setup_data import prepare_data

STREAMING = pytest.mark.parametrize("streaming", [False, True])


@pytest.fixture
def shards_of(tmp_path, monkeypatch):
    """Writes the drawn people with some of the expressions only, unpaired, and returns the folder."""
    monkeypatch.setattr("datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.05)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")

    def write(*kept: str, paired: bool = False, names: dict[str, str] | None = None) -> str:
        whole = embed(load_expression_dataset(write_expression_folder(tmp_path / "drawn", paired=paired)))
        labels = whole.features["expression"].names
        rows = whole.select([row for row, label in enumerate(whole["expression"]) if labels[label] in kept])
        if names:
            renamed = [names[labels[label]] for label in rows["expression"]]
            feature = ClassLabel(names=sorted(names.values()))
            rows = (
                rows.remove_columns("expression").add_column("expression", renamed).cast_column("expression", feature)
            )
        (tmp_path / "some").mkdir()
        rows.to_parquet(tmp_path / "some" / "train-00000-of-00001.parquet")
        return str(tmp_path / "some")

    return write


@STREAMING
def test_pictures_are_edited_to_expressions_that_the_set_holds(make_config, shards_of, streaming, caplog):
    folder = shards_of("happy", "neutral")
    with caplog.at_level(logging.WARNING):
        data = prepare_data(make_config(train_data_dir=folder, streaming=streaming), Accelerator(cpu=True))
    dataset = data.samples.loader_kwargs(0, 4, 0, 1)["dataset"]
    samples = dataset if streaming else map(dataset.__getitem__, range(40))
    targets = {EXPRESSIONS[int(sample["target_expression"])] for sample, _ in zip(samples, range(40), strict=False)}
    assert targets == {"happy", "neutral"}
    assert "There is no picture of afraid, angry, disgusted, sad, surprised to train on" in caplog.text
    assert "--expressions happy,neutral" in caplog.text


@STREAMING
def test_one_class_is_refused(make_config, shards_of, streaming):
    config = make_config(train_data_dir=shards_of("happy"), streaming=streaming)
    with pytest.raises(DatasetError, match=r"All \d+ pictures to train on are happy"):
        train(config)


def test_a_run_may_have_classes_of_its_own(make_config, shards_of):
    folder = shards_of(
        "happy", "sad", "angry", paired=True, names={"happy": "smirk", "sad": "pout", "angry": "contempt"}
    )
    run = train(make_config(train_data_dir=folder, expressions="contempt, smirk, pout", max_train_steps=2))
    model = SARGAN.from_pretrained(run)
    assert list(model.config.expressions) == ["contempt", "smirk", "pout"]
    card = (run / "README.md").read_text()
    assert 'expression="contempt"' in card
    assert "| smirk |" in card
    again = TrainingConfig.from_dict(TrainingConfig.load(run / "training_config.yaml"))
    assert again.class_names == ("contempt", "smirk", "pout")


def test_a_settings_file_may_list_them(tmp_path):
    (tmp_path / "settings.yaml").write_text("train_data_dir: faces\nexpressions: [contempt, smirk]\n")
    config, _ = parse_config(["--config", str(tmp_path / "settings.yaml")])
    assert config.class_names == ("contempt", "smirk")


@pytest.mark.parametrize("names", ["happy", "happy,,sad", "happy,Happy", ",".join(f"face{n}" for n in range(41))])
def test_names_that_cannot_be_classes_are_refused(names):
    with pytest.raises(ConfigurationError, match="2 to 40 different names"):
        TrainingConfig(train_data_dir="faces", expressions=names)


def test_a_revision_of_a_folder_is_refused():
    with pytest.raises(ConfigurationError, match="revision has no effect without dataset_name"):
        TrainingConfig(train_data_dir="faces", revision="main")


def test_a_run_says_what_it_trains(make_config, capfd):
    train(make_config(max_train_steps=2))
    train(make_config(max_train_steps=3, resume_from_checkpoint="latest"))
    said = capfd.readouterr().out
    assert re.search(r"Pictures    (28|35) of (4|5) people, \1 of them paired, in \2 pairs\n", said)
    assert re.search(
        r"Expressions afraid (\d), angry \1, disgusted \1, happy \1, neutral \1, sad \1, surprised \1\n", said
    )
    assert "Batch       4: 4 x 1 accumulated x 1 processes on cpu, precision no" in said
    assert "Steps       3, from step 2 on" in said
    assert "tracker none" in said
