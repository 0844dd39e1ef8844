"""Sprite packs: 28 pictures of one character, cut out alike, from a model with or without controls."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from sargan_hf import SARGAN, EditRecipe, Preset, SARGANPipeline
from sargan_hf.editing.sprites import REPLACEMENTS, make_sprites
from sargan_hf.errors import ConfigurationError, PresetError
from sargan_hf.images.picture_packs import sheet_of
from sargan_hf.presets import SPRITE_NAMES, shipped_presets


@pytest.fixture(scope="module")
def pipe(tiny_model_folder) -> SARGANPipeline:
    return SARGANPipeline.from_pretrained(str(tiny_model_folder))


@pytest.fixture(scope="module")
def character(photo) -> Image.Image:
    """A portrait with nothing behind the head."""
    image = Image.open(photo).convert("RGBA")
    alpha = np.full((512, 512), 0, np.uint8)
    alpha[:, 120:420] = 255
    image.putalpha(Image.fromarray(alpha))
    return image


@pytest.fixture(scope="module")
def pack(pipe, character):
    return make_sprites(pipe, character, side=128)


def test_all_names_are_there_cut_out_alike_and_transparent(pack):
    assert tuple(pack.images) == SPRITE_NAMES
    assert {image.size for image in pack.images.values()} == {(128, 128)}
    alphas = [np.asarray(image)[..., 3] for image in pack.images.values()]
    assert alphas[0].min() == 0
    assert all(np.array_equal(alphas[0], other) for other in alphas)


def test_no_two_are_the_same_and_the_pack_says_what_was_replaced(pack):
    assert len({image.tobytes() for image in pack.images.values()}) == 28
    plain = {name for name in SPRITE_NAMES if not shipped_presets()[name].controls}
    assert set(pack.replaced) == set(SPRITE_NAMES) - plain == set(REPLACEMENTS)
    assert plain == {"anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"}


@pytest.mark.parametrize("format", ["png", "webp"])
def test_the_file_holds_pictures_and_what_they_show(pack, tmp_path, format):
    with zipfile.ZipFile(pack.save(tmp_path / "pack.zip", format)) as file:
        assert sorted(file.namelist()) == sorted([*(f"{name}.{format}" for name in SPRITE_NAMES), "sprites.json"])
        joy = Image.open(io.BytesIO(file.read(f"joy.{format}")))
        assert (joy.mode, joy.size) == ("RGBA", (128, 128))
        (tmp_path / "joy").write_bytes(file.read(f"joy.{format}"))
        assert EditRecipe.load(tmp_path / "joy").edits[0].expression == {"happy": 1}
        shown = json.loads(file.read("sprites.json"))
    assert shown["pride"]["replaced"]
    assert not shown["joy"]["replaced"]


def test_a_model_with_controls_shows_the_presets_themselves(character):
    torch.manual_seed(0)
    names = sorted({name for preset in shipped_presets().values() for name in preset.controls})
    model = SARGAN(base_channels=8, motion=True, attention_channels=8, sample_size=64, controls=names)
    pack = make_sprites(SARGANPipeline(model), character, names=("joy", "confusion"), side=96)
    assert pack.replaced == ()
    assert dict(pack.presets) == {name: shipped_presets()[name] for name in ("joy", "confusion")}


def test_own_presets_whole_pictures_and_sizes(pipe, character):
    pack = make_sprites(
        pipe, character, names=("joy",), presets={"joy": Preset({"sad": 1}, {}, 0.5)}, crop="whole", side=300
    )
    assert pack.images["joy"].size == (300, 300)
    assert dict(pack.presets["joy"].expression) == {"sad": 1}
    strong = make_sprites(pipe, character, names=("grief", "joy"), intensity=1.5, side=64)
    recipes = [EditRecipe.from_text(image.recipe) for image in strong.images.values()]
    assert [recipe.edits[0].intensity for recipe in recipes] == [1.5, 1.5]
    for wrong, error, says in (
        ({"intensity": 9}, ConfigurationError, "from 0 to 1.5; got 9"),
        ({"names": ("hunger",)}, PresetError, "There is no preset 'hunger'"),
        ({"crop": "hat"}, ConfigurationError, "crop='hat'"),
        ({"side": 5}, ConfigurationError, "from 64 to 4096"),
    ):
        with pytest.raises(error, match=says):
            make_sprites(pipe, character, **wrong)


def test_a_sheet_has_every_picture_and_its_name(pack):
    sheet = sheet_of(pack.images, columns=7)
    assert sheet.size == (7 * 128, 4 * (128 + 28))
    assert np.asarray(sheet)[135:150].min() < 100  # the names in the first row


def command(module):
    import typer

    app = typer.Typer()
    app.command()(module.command)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_writes_a_pack_and_names_what_it_replaced(tiny_model_folder, photo, tmp_path):
    from sargan_hf.commands import sprites

    run, pack = command(sprites), tmp_path / "pack.zip"
    made = run(photo, "-o", pack, "--side", 64, "--model", tiny_model_folder, "--format", "webp")
    assert made.exit_code == 0, made.output
    assert "28 pictures in" in made.output
    assert "pride, realization" in made.output
    with zipfile.ZipFile(pack) as file:
        assert "joy.webp" in file.namelist()
    assert "exists: choose another" in str(run(photo, "-o", pack).exception)
    assert "must end in .zip" in str(run(photo, "-o", tmp_path / "pack").exception)


def test_neutral_takes_a_file_or_a_folder(tiny_model_folder, photo, tmp_path, pipe):
    from sargan_hf.commands import neutral

    run, model = command(neutral), ("--model", tiny_model_folder)
    assert "1 face made neutral" in run(photo, tmp_path / "one.png", *model).output
    expected = np.asarray(pipe(photo, "neutral").images[0])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "one.png")), expected)
    assert "exists: choose another" in str(run(photo, tmp_path / "one.png", *model).exception)
    assert run(photo.parent, tmp_path / "many", *model).exit_code == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "many" / photo.name)), expected)
