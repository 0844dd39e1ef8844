"""The blind test of two editors: what raters may not learn, and what the key makes of their answers."""

import json
import re
from collections import Counter

import pytest
from PIL import Image
from typer.testing import CliRunner

from sargan_hf.commands.evaluate import evaluate_app
from sargan_hf.errors import ConfigurationError
from sargan_hf.evaluation.blind_result import open_result
from sargan_hf.evaluation.blind_test import open_key, write_blind_test
from sargan_hf.evaluation.samples import load_samples


@pytest.fixture(scope="module")
def blind(drawn_edits, find_points, tmp_path_factory):
    """A page and its key; B's fear is A's, so six of nine pairs are asked."""
    output = tmp_path_factory.mktemp("blind") / "test"
    samples = load_samples(str(drawn_edits["faces"]))
    return write_blind_test(str(drawn_edits["A"]), str(drawn_edits["B"]), samples, output, find_points)


def answers_for(key_path, who: dict[str, str], tmp_path, rater="", name="answers.json"):
    """A file as the page saves it; `who` says for a pair who wins: "A", "B", "same" or "both broken"."""
    key = open_key(key_path)
    side = {name: "left" if key.pairs[name].left == winner else "right" for name, winner in who.items()}
    given = {name: side[name] if winner in "AB" else winner for name, winner in who.items()}
    saved = {"form": "compare", "id": key.sha256[:12], "rater": rater, "answers": given, "key_sha256": key.sha256}
    (tmp_path / name).write_text(json.dumps(saved))
    return tmp_path / name


def test_a_page_does_not_tell_who_made_which_edit(blind, drawn_edits):
    page, key_path = blind
    html = page.read_text(encoding="utf-8")
    assert str(drawn_edits["A"]) not in html
    assert "person0" not in html
    assert not re.search(r"(src|href)=\"?https?:", html)
    assert key_path.parent == page.parent.parent
    assert "person0" not in key_path.read_text()
    seen = {}
    for side in ("left", "right"):
        with Image.open(page.parent / "pictures" / f"0001-{side}.jpg") as picture:
            assert picture.size == (512, 512)
            seen[side] = dict(picture.info)
    assert seen["left"] == seen["right"]


def test_sides_are_balanced_and_identical_edits_are_not_asked(blind):
    key = open_key(blind[1])
    assert Counter(pair.left for pair in key.pairs.values()) == {"A": 3, "B": 3}
    assert {pair.expression for pair in key.pairs.values()} == {"happy", "sad"}
    assert key.identical == [("avatars", "afraid"), ("avatars", "afraid"), ("paintings", "afraid")]


def test_the_left_picture_is_by_whom_the_key_says(blind):
    """B's edits are a fifth darker."""
    page, key_path = blind
    for name, pair in open_key(key_path).pairs.items():
        light = []
        for side in ("left", "right"):
            with Image.open(page.parent / "pictures" / f"{name}-{side}.jpg") as picture:
                light.append(picture.convert("L").resize((1, 1)).getpixel((0, 0)))
        assert (light[0] > light[1]) == (pair.left == "A")


def test_a_seed_repeats_the_order_and_without_one_it_is_new(drawn_edits, find_points, tmp_path):
    samples = load_samples(str(drawn_edits["faces"]))
    places = (str(drawn_edits["A"]), str(drawn_edits["B"]))
    keys = []
    for number, seed in enumerate((5, 5, None)):
        write_blind_test(*places, samples, tmp_path / f"test{number}", find_points, seed=seed)
        keys.append(open_key(tmp_path / f"test{number}.key.json"))
    assert keys[0].pairs == keys[1].pairs
    assert keys[0].seed == 5 != keys[2].seed


def test_the_result_counts_wins_by_kind_and_expression(blind, tmp_path):
    _, key_path = blind
    key = open_key(key_path)
    who = {name: "A" if pair.expression == "happy" else "B" for name, pair in key.pairs.items()}
    painting = next(n for n, pair in key.pairs.items() if pair.kind == "paintings" and pair.expression == "sad")
    who[painting] = "both broken"
    result = open_result(key_path, [answers_for(key_path, who, tmp_path)])
    tallies = {tally.group: tally for tally in result.tallies}
    everything = tallies["all"]
    assert (everything.a, everything.b, everything.same, everything.both_broken, everything.identical) == (
        3,
        2,
        0,
        1,
        3,
    )
    share, low, high = everything.share_of_b()
    assert share == pytest.approx(0.4)
    assert (low, high) == pytest.approx((0.118, 0.769), abs=0.001)  # Wilson, 2 of 5
    assert (tallies["happy"].a, tallies["happy"].b) == (3, 0)
    assert (tallies["paintings"].a, tallies["paintings"].both_broken) == (1, 1)


def test_several_people_count_once_for_every_pair(blind, tmp_path):
    _, key_path = blind
    first = next(iter(open_key(key_path).pairs))
    votes = {"anna": "A", "ben": "B", "cleo": "B"}
    files = [answers_for(key_path, {first: winner}, tmp_path, who, f"{who}.json") for who, winner in votes.items()]
    result = open_result(key_path, files)
    assert (result.tallies[0].a, result.tallies[0].b, result.open_pairs) == (0, 1, 5)
    assert result.answered == {"anna": 1, "ben": 1, "cleo": 1}
    drawn = open_result(key_path, files[:2]).tallies[0]
    assert (drawn.a, drawn.b, drawn.same) == (0, 0, 1)
    assert drawn.share_of_b() is None
    with pytest.raises(ConfigurationError, match="Two files are from 'anna'"):
        open_result(key_path, [files[0], files[0]])


def test_a_changed_key_or_another_tests_answers_are_refused(blind, tmp_path):
    _, key_path = blind
    answers = answers_for(key_path, dict.fromkeys(open_key(key_path).pairs, "A"), tmp_path)
    saved = json.loads(key_path.read_text())
    forged = tmp_path / "forged.key.json"
    forged.write_text(json.dumps(saved | {"sealed": saved["sealed"][:-8] + "AAAAAAA="}))
    with pytest.raises(ConfigurationError, match="seal is broken"):
        open_result(forged, [answers])
    other = json.loads(answers.read_text()) | {"key_sha256": "0" * 64}
    answers.write_text(json.dumps(other))
    with pytest.raises(ConfigurationError, match="answers another test"):
        open_result(key_path, [answers])
    answers.write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read as JSON"):
        open_result(key_path, [answers])


def test_what_cannot_be_compared_is_said(drawn_edits, find_points, tmp_path):
    samples, a = load_samples(str(drawn_edits["faces"])), str(drawn_edits["A"])
    with pytest.raises(ConfigurationError, match="are both"):
        write_blind_test(a, a, samples, tmp_path / "same", find_points)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="holds no edits"):
        write_blind_test(a, str(tmp_path / "empty"), samples, tmp_path / "test", find_points)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="is there already"):
        write_blind_test(a, str(drawn_edits["B"]), samples, tmp_path / "kept", find_points)


def test_the_command_compares_a_model_with_edits_of_others(tiny_model_folder, drawn_edits, tmp_path):
    output = tmp_path / "test"
    places = [str(tiny_model_folder), str(drawn_edits["A"]), str(drawn_edits["faces"])]
    run = CliRunner().invoke(evaluate_app, ["--compare", *places, "--output", str(output), "--faces", "1"])
    assert run.exit_code == 0, run.output
    key = open_key(tmp_path / "test.key.json")
    assert Counter(pair.kind for pair in key.pairs.values()) == {"avatars": 3, "paintings": 3}
    answers = answers_for(tmp_path / "test.key.json", dict.fromkeys(key.pairs, "B"), tmp_path)
    arguments = ["--open-key", str(tmp_path / "test.key.json"), str(answers), "--json", str(tmp_path / "result.json")]
    run = CliRunner().invoke(evaluate_app, arguments)
    assert run.exit_code == 0, run.output
    assert "6 of 6 pairs" in run.output
    assert json.loads((tmp_path / "result.json").read_text())["tallies"][0]["share_of_b"] == 1.0
    assert "nan" not in run.output
