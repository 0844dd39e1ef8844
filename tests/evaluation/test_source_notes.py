"""Kinds and groups of pictures from a `SOURCES.csv`, and who is held out of a folder."""

import pytest
from drawing import draw_face

from sargan_hf.errors import DatasetError
from sargan_hf.evaluation.samples import load_samples, some_of_each_kind
from sargan_hf.evaluation.source_notes import read_source_notes

AVATARS = """file,group,prompt,path
old_1.png,old,old-viking-scarred-face,x
darkskin_2.png,darkskin,black-warrior-woman,x
plain_3.png,plain,a-boy-with-glasses-and-a-goatee,x
plain_4.png,plain,tomboy-in-bold-colours,x
"""
PAINTINGS = """file,kind,work,colour
rembrandt_a.png,painting,Portrait of an old lady,colour
admiral_b.png,drawing,Admiral,mono
bust_c.png,sculpture,Madonna and Child,mono
"""


@pytest.fixture
def folders(tmp_path):
    for name, table in (("avatars", AVATARS), ("art", PAINTINGS)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "SOURCES.csv").write_text(table)
        for person, line in enumerate(table.splitlines()[1:]):
            draw_face("neutral", person, 96).save(tmp_path / name / line.split(",")[0])
    (tmp_path / "people").mkdir()
    for person in range(30):
        draw_face("neutral", person, 64).save(tmp_path / "people" / f"london_{person:03d}.png")
    return tmp_path


def test_prompts_and_labels_make_groups_and_nothing_is_guessed(folders):
    notes = read_source_notes(folders / "avatars")
    assert {note.kind for note in notes.values()} == {"avatar"}
    assert notes["old_1.png"].groups == ("age: old", "label: old")
    assert notes["darkskin_2.png"].skin_tone == "dark"
    assert notes["plain_3.png"].groups == ("age: child", "hair: beard", "worn: glasses", "label: plain")
    assert notes["plain_4.png"].groups == ("label: plain",)
    assert read_source_notes(folders / "people") == {}


def test_drawings_count_as_paintings_and_titles_say_little(folders):
    notes = read_source_notes(folders / "art")
    assert notes["rembrandt_a.png"].groups == ("age: old", "colour: yes")
    assert notes["bust_c.png"].groups == ("colour: none",)
    assert (notes["admiral_b.png"].kind, notes["bust_c.png"].kind) == ("painting", "sculpture")
    assert notes["admiral_b.png"].groups == ("technique: drawing", "colour: none")


def test_several_folders_are_one_evaluation_with_kinds(folders):
    samples = load_samples([str(folders / "avatars"), str(folders / "art"), f"photograph={folders / 'people'}"])
    kinds = {sample.name.split("/")[0]: sample.domain for sample in samples if "art/bust" not in sample.name}
    assert kinds == {"avatars": "avatar", "art": "painting", "people": "photograph"}
    assert len({sample.name for sample in samples}) == 37
    drawn = some_of_each_kind(samples, 2, seed=3)
    assert [sum(s.domain == kind for s in drawn) for kind in ("avatar", "painting", "photograph")] == [2, 2, 2]
    assert drawn == some_of_each_kind(samples, 2, seed=3)
    with pytest.raises(DatasetError, match="Write KIND=FOLDER"):
        load_samples(["photograph=nowhere"])


def test_held_out_faces_of_a_folder_are_those_of_the_split_by_people(folders):
    """The people that training on rig pictures of the folder would hold out: subjects are the names of the files."""
    from datasets import Dataset
    from datasets import Image as ImageFeature

    from sargan_hf.data.people import split_by_subject

    files = sorted((folders / "people").iterdir())
    rows = {"image": [str(file) for file in files], "subject": [file.stem for file in files]}
    test = split_by_subject(Dataset.from_dict(rows).cast_column("image", ImageFeature()), held_out=0.2, seed=4)["test"]
    held_out = load_samples(str(folders / "people"), held_out=0.2, seed=4)
    assert sorted(sample.name for sample in held_out) == sorted(f"{subject}.png" for subject in test["subject"])
    with pytest.raises(DatasetError, match="between 0 and 1"):
        load_samples(str(folders / "people"), held_out=1.5)


def test_a_table_without_file_names_is_refused(tmp_path):
    (tmp_path / "SOURCES.csv").write_text("name,group\na.png,old\n")
    with pytest.raises(DatasetError, match="one called file"):
        read_source_notes(tmp_path)
