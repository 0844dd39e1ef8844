"""Facial controls as a condition: what a pair is asked for by, and what a run makes of that."""

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from drawn_controls import control_rows, write_controls_set
from safetensors.torch import load_file

from sargan_hf import SARGAN
from sargan_hf.controls import CONTROL_NAMES, controls_vector, mirrored_controls
from sargan_hf.errors import ConfigurationError, DatasetError
from sargan_hf.expressions import EXPRESSIONS, NO_CLASS
from sargan_hf.training.config import TrainingConfig
from sargan_hf.training.dry_run import print_plan
from sargan_hf.training.loop import train
from sargan_hf.training.losses import expression_error, flow_error, small_edit_weight
from sargan_hf.training.optical_flow import MotionMaps
from sargan_hf.training.sample import Draw, Face, SampleMaker
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.setup_networks import build_generator

PLAIN = {"stylise": 0.0, "occluders": 0.0, "held_out": 0.3}
STREAMING = pytest.mark.parametrize("streaming", [False, True])


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return control_rows()


@pytest.fixture
def control_set(rows, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.05)
    return {"train_data_dir": str(write_controls_set(tmp_path / "controlled", rows, shards=2))}


def read(config: TrainingConfig, count: int) -> list[dict[str, torch.Tensor]]:
    samples = prepare_data(config, Accelerator(cpu=True)).samples
    dataset = samples.loader_kwargs(0, 4, 0, 1)["dataset"]
    endless = dataset if config.streaming else map(dataset.__getitem__, itertools.count())
    return list(itertools.islice(endless, count))


def either_way(vector: np.ndarray) -> set[bytes]:
    """A vector of controls and that of the flipped picture, as keys."""
    return {np.round(each + 0.0, 4).tobytes() for each in (np.float32(vector), mirrored_controls(vector))}


def key(controls: torch.Tensor) -> bytes:
    return np.round(controls.numpy() + 0.0, 4).tobytes()


@STREAMING
def test_without_a_class_pairs_are_asked_for_by_what_target_and_source_differ_in(
    make_config, control_set, rows, streaming
):
    config = make_config(
        **control_set, **PLAIN, controls=True, controls_alone=1.0, controls_added=0.0, streaming=streaming
    )
    samples = [sample for sample in read(config, 80) if sample["paired"]]
    assert len(samples) > 50
    of_one = rows[: len(rows) // 5]
    known = set().union(*(either_way(t["controls"] - s["controls"]) for t, s in itertools.permutations(of_one, 2)))
    assert all(sample["target_expression"] == NO_CLASS for sample in samples)
    assert all(key(sample["controls"]) in known for sample in samples)
    assert len({key(sample["controls"]) for sample in samples}) > 10
    # Turned back, they ask for the class of the source and what is on top of it, or for the reverse.
    for sample in samples:
        if sample["source_expression"] == NO_CLASS:
            assert key(sample["source_controls"]) == key(-sample["controls"])


@STREAMING
def test_the_shares_are_those_of_the_settings(make_config, control_set, streaming):
    config = make_config(
        **control_set, **PLAIN, controls=True, controls_alone=0.5, controls_added=0.2, streaming=streaming
    )
    ways: Counter[str] = Counter()
    for sample in read(config, 400):
        if not sample["paired"]:
            continue
        if sample["target_expression"] == NO_CLASS:
            ways["alone"] += 1
        else:
            ways["added" if sample["controls"].any() else "class"] += 1
    shares = {way: count / ways.total() for way, count in ways.items()}
    if streaming:  # a pair is not complete until its last picture has come
        assert min(shares.values()) > 0.05
        assert shares["alone"] > shares["added"]
        return
    assert shares["alone"] == pytest.approx(0.5, abs=0.08)
    assert shares["added"] == pytest.approx(0.2, abs=0.08)


def test_a_class_with_controls_on_top_is_asked_for_by_both(make_config, control_set):
    config = make_config(**control_set, **PLAIN, controls=True, controls_alone=0.0, controls_added=1.0)
    surprised, added = EXPRESSIONS.index("surprised"), either_way(controls_vector({"jaw_open": -0.5}))
    for sample in read(config, 40):
        assert sample["paired"]
        assert sample["target_expression"] == surprised
        assert key(sample["controls"]) in added


def test_a_class_alone_is_asked_for_as_ever(make_config, control_set):
    config = make_config(**control_set, **PLAIN, controls=True, controls_alone=0.0, controls_added=0.0)
    samples = read(config, 60)
    assert all(sample["paired"] and not sample["controls"].any() for sample in samples)
    assert {int(sample["target_expression"]) for sample in samples} == set(range(len(EXPRESSIONS)))
    # Pictures of no class are sources as well: an expression is absolute, whatever the face shows.
    assert NO_CLASS in {int(sample["source_expression"]) for sample in samples}


def test_a_flipped_sample_has_flipped_controls():
    maker = SampleMaker(Draw(32, 0.5, 0.0, 0.0, 0.0, False, 0, rotation=0.0), 40, MotionMaps())
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, 20:] = 255
    asked = np.stack([controls_vector({"smile_left": 1.0, "gaze_x": 0.5}), controls_vector({"eye_wide_right": -1.0})])
    seen = set()
    for seed in range(8):
        face = Face(picture, 0)
        sample = maker.make(face, face, NO_CLASS, None, np.random.default_rng(seed), asked)
        flipped = bool(sample["source"][..., :10].mean() > 0)
        expected = mirrored_controls(asked) if flipped else asked
        np.testing.assert_array_equal(torch.stack([sample["controls"], sample["source_controls"]]), expected)
        seen.add(flipped)
    assert seen == {True, False}


def test_samples_are_a_function_of_their_position(make_config, control_set):
    config = make_config(**control_set, controls=True, held_out=0.3)
    samples = prepare_data(config, Accelerator(cpu=True)).samples
    first = [samples[position] for position in range(12)]
    again = [samples[position] for position in reversed(range(12))][::-1]
    assert all(torch.equal(a[name], b[name]) for a, b in zip(first, again, strict=True) for name in a)


def test_what_is_not_known_is_not_asked_for(make_config, rows, tmp_path, monkeypatch):
    """Photographs do not tell their gaze: they are edited to classes, and never by controls alone."""
    happy = EXPRESSIONS.index("happy")
    unknown = np.full(len(CONTROL_NAMES), np.nan, np.float32)
    photographs = [
        row | {"recipe": "real", "controls": unknown, "controls_added": unknown} if row["expression"] == happy else row
        for row in rows
    ]
    folder = write_controls_set(tmp_path / "photographs", photographs)
    config = make_config(train_data_dir=str(folder), **PLAIN, controls=True)
    samples = read(config, 200)
    from_photographs = [sample for sample in samples if sample["source_expression"] == happy]
    assert len(from_photographs) > 20
    assert all(sample["target_expression"] not in (NO_CLASS, happy) for sample in from_photographs)
    assert all(sample[name].isfinite().all() for sample in samples for name in ("controls", "source_controls"))


def test_without_the_setting_such_a_set_is_what_it_was(make_config, control_set, rows, tmp_path):
    plain = [row for row in rows if row["expression"] != NO_CLASS and not row["controls_added"].any()]
    folder = write_controls_set(tmp_path / "plain", plain)
    ours, theirs = (read(make_config(train_data_dir=str(of)), 30) for of in (control_set["train_data_dir"], folder))
    assert "controls" not in ours[0]
    assert all(torch.equal(a[name], b[name]) for a, b in zip(ours, theirs, strict=True) for name in a)


@STREAMING
def test_a_set_without_controls_is_refused(make_config, expression_folder, streaming, tmp_path):
    with pytest.raises(DatasetError, match=r"no column controls and no column controls_added.*sargan rig"):
        train(make_config(controls=True, streaming=streaming))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"controls_alone": 0.5}, "controls_alone has no effect without controls"),
        ({"controls": True, "controls_alone": 0.7, "controls_added": 0.5}, r"at most 1 together; got 0\.7 and 0\.5"),
        ({"controls": True, "paired_weight": 0.0}, "controls are learned from pairs"),
    ],
)
def test_settings_that_cannot_work_are_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        TrainingConfig.from_dict({"train_data_dir": "set"} | change)


def test_no_class_costs_nothing_and_teaches_nothing():
    logits = torch.randn(3, 7, requires_grad=True)
    labels = torch.tensor([2, NO_CLASS, 4])
    error = expression_error(logits, labels)
    torch.testing.assert_close(error * 3, torch.nn.functional.cross_entropy(logits[[0, 2]], labels[[0, 2]]) * 2)
    error.backward()
    assert not logits.grad[1].any()
    assert expression_error(logits, torch.full((3,), NO_CLASS)) == 0


@pytest.mark.parametrize("objective", ["fast", "paper"])
@STREAMING
def test_a_run_learns_controls_and_is_resumed_as_if_never_interrupted(
    make_config, control_set, tmp_path, objective, streaming, capfd
):
    changes = control_set | {"controls": True, "objective": objective, "streaming": streaming, "max_train_steps": 4}
    changes |= {"paired_weight": 10.0, "ema_decay": 0.998}  # the paper's preset has neither
    folder = train(make_config("whole", **changes))
    train(make_config("parts", **changes | {"max_train_steps": 2}))
    train(make_config("parts", **changes, resume_from_checkpoint="latest"))
    for name in ("generator", "discriminator", "ema"):
        whole, parts = (
            load_file(tmp_path / run / "checkpoint-00000004" / f"{name}.safetensors") for run in ("whole", "parts")
        )
        assert all(torch.equal(value, parts[key]) for key, value in whole.items())
    model = SARGAN.from_pretrained(folder)
    assert tuple(model.config.controls) == CONTROL_NAMES
    assert "| controls |" in (folder / "README.md").read_text()
    assert "held-out error" in capfd.readouterr().out
    if objective == "fast":  # the paper trains the generator once in five steps
        assert all(modulation.weight.abs().max() > 0 for modulation in model.modulations.values())


def test_controls_cannot_come_in_the_middle(make_config, control_set):
    train(make_config(**control_set))
    with pytest.raises(ConfigurationError, match="was trained with controls False; this run has controls True"):
        train(make_config(**control_set, controls=True, max_train_steps=6, resume_from_checkpoint="latest"))


def test_a_model_without_controls_is_a_start(make_config, tmp_path):
    torch.manual_seed(0)
    plain = SARGAN(base_channels=8, motion=True, attention_channels=8)
    plain.save_pretrained(tmp_path / "plain")
    config = TrainingConfig(train_data_dir="set", init_from=str(tmp_path / "plain"), controls=True, resolution=64)
    generator = build_generator(config, EXPRESSIONS)
    faces, happy = torch.rand(1, 3, 64, 64) * 2 - 1, torch.eye(7)[3:4]
    nothing = torch.from_numpy(controls_vector({}))[None]
    torch.testing.assert_close(
        generator(faces, happy, controls=nothing).sample, plain(faces, happy).sample, atol=1e-5, rtol=0
    )
    generator.save_pretrained(tmp_path / "controlled")
    config = TrainingConfig(train_data_dir="set", init_from=str(tmp_path / "controlled"), resolution=64)
    with pytest.raises(ConfigurationError, match="has controls, and training by classes alone would unlearn them"):
        build_generator(config, EXPRESSIONS)


def test_a_plan_counts_pictures_of_no_class(make_config, control_set, capfd):
    print_plan(make_config(**control_set, controls=True), timed_steps=1)
    assert ", surprised 6, by controls alone 9" in capfd.readouterr().out


@pytest.mark.parametrize(("unedited", "times"), [(0.0, 1.0), (0.02, 7.5), (0.1, 1.5), (0.15, 1.0), (0.4, 1.0)])
def test_a_pair_that_differs_little_counts_more(unedited, times):
    assert float(small_edit_weight(torch.tensor([unedited]), 8.0)) == pytest.approx(times)


def test_no_pair_counts_more_than_asked_for():
    assert float(small_edit_weight(torch.tensor([0.004]), 8.0)) == pytest.approx(8.0)


def _best_undecided_motion(focus: float) -> float:
    """The motion with the least mean loss, at a place that moves by 0.08 in two faces of five, and not at all in three."""
    truths = torch.zeros(5, 2, 4, 4)
    truths[:2, 1] = 0.08
    known = torch.ones(5, 1, 4, 4)
    guesses = [0.0, 0.02, 0.04, 0.06, 0.08]

    def loss(guess: float) -> float:
        # Elsewhere half of the picture is known to stand still, as in a face of which the lids alone move.
        motion = torch.zeros(5, 2, 4, 4)
        motion[:, 1, :, :2] = guess
        moved = truths * (torch.arange(4) < 2)
        return float(flow_error(motion, moved, known, known, focus).mean())

    return min(guesses, key=loss)


def test_focus_on_long_motion_shuts_a_lid_that_a_median_would_leave_open():
    assert _best_undecided_motion(0.0) == 0.0
    assert _best_undecided_motion(8.0) == 0.08
