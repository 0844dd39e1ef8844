"""Published sets: trees with the real names and layout, read by the rule of each, refused by the name of what does not fit."""

import csv
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.sources import SOURCES
from sargan_hf.data.video_frames import apex_index
from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS

APEX = 9  # of the frames of a clip


def picture(path: Path, colour: int = 128, size: tuple[int, int] = (32, 40)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour, 90, 60)).save(path)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def clip(path: Path, codec: str = "mpeg4", size: tuple[int, int] = (64, 48)) -> None:
    """Fourteen frames: dark, brightest at APEX, dark again, with a white corner that shows what is up."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(14):
            level = max(0, 200 - 40 * abs(index - APEX))
            frame = np.full((size[1], size[0], 3), level, np.uint8)
            frame[:16, :16] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def kdef(root: Path) -> None:
    for person in ("AF01", "AM02", "BF01"):
        for expression in ("AF", "AN", "DI", "HA", "NE", "SA", "SU"):
            for angle in ("FL", "HL", "S", "HR", "FR"):
                picture(root / "KDEF_and_AKDEF" / "KDEF" / person / f"{person}{expression}{angle}.JPG")
    picture(root / "KDEF_and_AKDEF" / "KDEF" / "AF31" / "AF31V.JPG")
    picture(root / "KDEF_and_AKDEF" / "AKDEF" / "AKDEFAFS.JPG")


def rafd(root: Path) -> None:
    for camera in ("045", "090"):
        for model in ("01_Caucasian_female", "41_Kid_female", "73_Moroccan_male"):
            for expression in ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"):
                for gaze in ("frontal", "left"):
                    picture(root / f"Rafd{camera}_{model}_{expression}_{gaze}.jpg")


def cfee(root: Path) -> None:
    for category in range(1, 27):
        part, low = (category - 1) // 4 + 1, (category - 1) // 4 * 4 + 1
        for person in ("106", "128"):
            picture(
                root / f"{low:02d}-{low + 3:02d}" / f"Images{part}" / f"{category:02d}_{person}_{2000 + category}.jpg"
            )


def ckplus(root: Path) -> None:
    for person, sequence, label, last in (("S005", "001", 3, 11), ("S010", "002", 7, 14), ("S138", "004", 2, 8)):
        for frame in range(1, last + 1):
            name = f"{person}_{sequence}_{frame:08d}"
            picture(root / "cohn-kanade-images" / person / sequence / f"{name}.png", frame)
        text(root / "Emotion" / person / sequence / f"{name}_emotion.txt", f"   {label:.7e}\n")
    picture(root / "cohn-kanade-images" / "S005" / "002" / "S005_002_00000001.png")  # a sequence without a label


def mmi(root: Path) -> None:
    sessions = (
        ("1767", "S052-109", "4", "0", True),
        ("1768", "S053-002", "6", "0", False),
        ("1769", "S054-003", "1", "1", True),
    )
    for session, name, emotion, view, coded in sessions:
        folder = root / "Sessions" / session
        clip(folder / f"{name}.avi")
        annotation = f'<annotation filename="{name}-oao_aucs.xml"/>' if coded else ""
        text(folder / "session.xml", f'<session><track view="{view}">{annotation}</track></session>')
        text(
            folder / f"{name}.xml",
            f'<Metadata><Metatag Name="Subject" Value="52"/><Metatag Name="Emotion" Value="{emotion}"/></Metadata>',
        )
    clip(root / "Sessions" / "2041" / "S060-001.avi")  # spontaneous, without an emotion
    text(root / "Sessions" / "2041" / "session.xml", '<session><track view="0"/></session>')


def jaffe(root: Path) -> None:
    for number, (person, code) in enumerate(
        (p, c) for p in ("KA", "YM") for c in ("AN", "DI", "FE", "HA", "NE", "SA", "SU")
    ):
        picture(root / "jaffedbase" / f"{person}.{code}1.{number + 39}.tiff")
    text(root / "jaffedbase" / "README", "read me")


def affectnet(root: Path) -> None:
    for part, numbers in (("train_set", range(8)), ("val_set", range(8, 16))):
        for number in numbers:
            picture(root / part / "images" / f"{number}.jpg")
            annotation = root / part / "annotations" / f"{number}_exp.npy"
            annotation.parent.mkdir(parents=True, exist_ok=True)
            np.save(annotation, np.array(str(number % 8)))


def rafdb(root: Path) -> None:
    lines = []
    for number, part in enumerate(["train"] * 7 + ["test"] * 7):
        picture(root / "basic" / "Image" / "aligned" / f"{part}_{number:05d}_aligned.jpg")
        picture(root / "basic" / "Image" / "original" / f"{part}_{number:05d}.jpg")
        lines.append(f"{part}_{number:05d}.jpg {number % 7 + 1}")
    text(root / "basic" / "EmoLabel" / "list_patition_label.txt", "\n".join(lines) + "\n")


def fer2013(root: Path) -> None:
    root.mkdir(parents=True)
    with (root / "fer2013.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["emotion", "pixels", "Usage"])
        for usage in ("Training", "PublicTest", "PrivateTest"):
            for emotion in range(7):
                table.writerow([emotion, " ".join([str(10 * emotion)] * 48 * 48), usage])


def cremad(root: Path) -> None:
    for name in ("1001_DFA_ANG_XX", "1001_IEO_HAP_HI", "1001_IEO_HAP_LO", "1002_DFA_NEU_XX", "1040_ITH_SAD_X"):
        clip(root / "VideoFlash" / f"{name}.flv", "flv1")


def ravdess(root: Path) -> None:
    for modality in ("01", "02"):
        for emotion in ("01", "02", "03", "08"):
            clip(root / "Video_Speech_Actor_12" / "Actor_12" / f"{modality}-01-{emotion}-01-02-01-12.mp4")


def london(root: Path) -> None:
    for person in ("001", "173"):
        for view, folder in (("03", "neutral_front"), ("08", "smiling_front"), ("04", "neutral_left_threequarter")):
            picture(root / folder / f"{person}_{view}.jpg")
            text(root / folder / f"{person}_{view}.tem", "189\n")


def portraits(root: Path) -> None:
    for name in ("neutral/london_001", "smiling/london_001", "neutral/canada_007f"):
        picture(root / f"{name}.jpg")
        text(root / f"{name}.csv", "1,2\n")


BUILDERS = {
    function.__name__: function
    for function in (
        kdef, rafd, cfee, ckplus, mmi, jaffe, affectnet, rafdb, fer2013, cremad, ravdess, london, portraits,
    )
}  # fmt: skip
SEVEN = dict.fromkeys(EXPRESSIONS, 1)
# Pictures of each expression, people, and pairs with the number of pictures in each.
EXPECTED = {
    "kdef": (dict.fromkeys(EXPRESSIONS, 3), {"kdef_F01", "kdef_M02"}, [7, 7, 7]),
    "rafd": (dict.fromkeys(EXPRESSIONS, 6), {"rafd_01", "rafd_41", "rafd_73"}, [7] * 6),
    "cfee": (dict.fromkeys(EXPRESSIONS, 2), {"cfee_106", "cfee_128"}, [7, 7]),
    "ckplus": (
        {"neutral": 3, "disgusted": 1, "surprised": 1},
        {"ckplus_S005", "ckplus_S010", "ckplus_S138"},
        [1, 2, 2],
    ),
    "mmi": ({"neutral": 2, "happy": 1, "surprised": 1}, {"mmi_S052", "mmi_S053"}, [2, 2]),
    "jaffe": (dict.fromkeys(EXPRESSIONS, 2), {"jaffe_KA", "jaffe_YM"}, []),
    "affectnet": (SEVEN, {""}, []),
    "rafdb": (SEVEN, {""}, []),
    "fer2013": (SEVEN, {""}, []),
    "cremad": ({"angry": 1, "happy": 1, "neutral": 1, "sad": 1}, {"cremad_1001", "cremad_1002", "cremad_1040"}, []),
    "ravdess": ({"neutral": 2, "happy": 1, "surprised": 1}, {"ravdess_12"}, []),
    "london": ({"neutral": 2, "happy": 2}, {"london_001", "london_173"}, []),
    "portraits": ({"neutral": 2, "happy": 1}, {"london_001", "canada_007f"}, []),
}


def load(root: Path, **options):
    return load_expression_dataset(root, cache_dir=root.parent / "cache", **options)


def test_every_source_has_a_tree_and_tells_its_rule_in_the_documentation():
    assert set(BUILDERS) == set(EXPECTED) == set(SOURCES)
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    for name, source in SOURCES.items():
        if name != "portraits":  # described in words
            assert f"| `{name}` | {source.title} | {source.rule} | {source.licence} | {source.obtain} |" in page


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_a_set_is_recognised_and_read_by_its_names(name, tmp_path):
    BUILDERS[name](tmp_path / "set")
    counts, people, pairs = EXPECTED[name]
    dataset = load(tmp_path / "set")
    labels = [EXPRESSIONS[label] for label in dataset["expression"]]
    assert Counter(labels) == counts
    assert set(dataset["subject"]) == people
    assert sorted(Counter(pair for pair in dataset["pair"] if pair).values()) == pairs
    assert all(row["image"].size[0] > 0 for row in dataset)
    assert load(tmp_path / "set", adapter=name)._fingerprint == dataset._fingerprint


@pytest.mark.parametrize(
    ("name", "stray", "mentions"),
    [
        ("kdef", "KDEF_and_AKDEF/KDEF/AF01/AF01XXS.JPG", "AF01ANS.JPG"),
        ("rafd", "Rafd090_01_Caucasian_female_bored_frontal.jpg", "angry_frontal.jpg"),
        ("cfee", "01-04/Images1/27_106_2331.jpg", "01 to 26"),
        ("ckplus", "cohn-kanade-images/S005/001/frame1.png", "S005_001_00000011.png"),
        ("mmi", "Sessions/9/video.avi", "S052-109.avi"),
        ("jaffe", "jaffedbase/KA.XX1.39.tiff", "KA.AN1.39.tiff"),
        ("rafdb", "basic/Image/aligned/train_90000_aligned.jpg", "list_patition_label.txt"),
        ("cremad", "VideoFlash/holiday.mp4", "1001_DFA_ANG_XX.flv"),
        ("ravdess", "Video_Speech_Actor_12/Actor_12/09-09.mp4", "02-01-06-01-02-01-12.mp4"),
        ("london", "neutral_front/holiday.jpg", "001_03.jpg"),
        ("portraits", "neutral/holiday.jpg", "london_001.jpg"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(name, stray, mentions, tmp_path):
    BUILDERS[name](tmp_path / "set")
    picture(tmp_path / "set" / Path(stray).with_suffix(".png"))
    (tmp_path / "set" / Path(stray).with_suffix(".png")).rename(tmp_path / "set" / stray)
    with pytest.raises(DatasetError) as error:
        load(tmp_path / "set", adapter=name)
    assert Path(stray).name in str(error.value)
    assert mentions in str(error.value)


def test_wrong_contents_of_label_files_are_named(tmp_path):
    ckplus(tmp_path / "ck")
    text(tmp_path / "ck" / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt", "anger")
    with pytest.raises(DatasetError, match=r"S005_001_00000011_emotion.txt, 'anger'"):
        load(tmp_path / "ck")
    affectnet(tmp_path / "affectnet")
    np.save(tmp_path / "affectnet" / "train_set" / "annotations" / "3_exp.npy", np.array("11"))
    with pytest.raises(DatasetError, match=r"3_exp.npy"):
        load(tmp_path / "affectnet")
    fer2013(tmp_path / "fer")
    with (tmp_path / "fer" / "fer2013.csv").open("a") as file:
        file.write("3,1 2 3,Training\n")
    with pytest.raises(DatasetError, match=r"line 23 of fer2013.csv"):
        load(tmp_path / "fer")
    mmi(tmp_path / "mmi")
    text(tmp_path / "mmi" / "Sessions" / "1767" / "session.xml", "<session>")
    with pytest.raises(DatasetError, match=r"1767/session.xml"):
        load(tmp_path / "mmi")


def test_official_parts_stay_apart(tmp_path):
    fer2013(tmp_path / "fer")
    fear = [
        load(tmp_path / "fer", split=part).filter(lambda row: row["expression"] == 0)[0] for part in ("train", "test")
    ]
    assert all(np.asarray(row["image"]).tolist() == np.full((48, 48), 20).tolist() for row in fear)
    rafdb(tmp_path / "raf")
    assert len(load(tmp_path / "raf")) == len(load(tmp_path / "raf", split="test")) == 7
    with pytest.raises(DatasetError, match="test, train"):
        load(tmp_path / "raf", split="validation")


def test_labels_beyond_the_seven_come_with_a_model_that_knows_them(tmp_path):
    rafd(tmp_path / "set")
    dataset = load(tmp_path / "set", expressions=(*EXPRESSIONS, "contemptuous"))
    assert Counter(dataset["expression"])[7] == 6


def test_other_distributions_of_the_same_sets(tmp_path):
    for part, numbers in (("train", range(7)), ("test", range(7, 9))):
        for number in numbers:
            picture(tmp_path / "raf" / "DATASET" / part / str(number % 7 + 1) / f"{part}_{number:05d}_aligned.jpg")
    assert Counter(load(tmp_path / "raf")["expression"]) == dict.fromkeys(range(7), 1)
    for number, folder in enumerate(("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")):
        picture(tmp_path / "fer" / "train" / folder / f"Training_{number}.jpg")
        picture(tmp_path / "fer" / "test" / folder / f"PrivateTest_{number}.jpg")
    assert Counter(load(tmp_path / "fer", split="test")["expression"]) == dict.fromkeys(range(7), 1)
    picture(tmp_path / "affect" / "Manually_Annotated_Images" / "689" / "737.jpg")
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    text(
        tmp_path / "affect" / "training.csv",
        f"{header}\n689/737.jpg,1,1,9,9,1;2,1,0.5,0.2\n9/9.jpg,1,1,9,9,1;2,10,-2,-2\n",
    )
    assert load(tmp_path / "affect")["expression"] == [EXPRESSIONS.index("happy")]


def test_the_apex_of_a_clip_is_found_cached_and_turned_upright(tmp_path):
    mmi(tmp_path / "set")
    dataset = load(tmp_path / "set")
    levels = [np.asarray(row["image"].convert("L"))[24:40, 24:40].mean() for row in dataset]
    assert levels[0] < 20 < 180 < levels[1]
    assert dataset[0]["image"].size == (64, 48)
    turned = np.asarray(dataset[3]["image"].convert("L"), dtype=float)
    assert turned.shape == (64, 48)  # filmed sideways, so turned clockwise: the white corner is now on the right
    assert turned[:12, -12:].mean() > turned[:12, :12].mean() + 20
    cached = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.jpg")}
    for path in cached:
        path.unlink()
    assert load(tmp_path / "set")._fingerprint == dataset._fingerprint
    assert cached == {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.jpg")}


def test_a_video_that_cannot_be_decoded_is_named(tmp_path):
    cremad(tmp_path / "set")
    (tmp_path / "set" / "VideoFlash" / "1002_DFA_NEU_XX.flv").write_bytes(b"FLV\x01 not really")
    with pytest.raises(DatasetError, match=r"1002_DFA_NEU_XX.flv cannot be decoded"):
        load(tmp_path / "set")


def test_a_blink_is_not_an_apex():
    frames = np.zeros((40, 4, 4), np.float32)
    frames[5] = 100
    frames[20:30] = 60
    assert 20 <= apex_index(frames) < 30


def test_adapters_are_chosen_by_name_where_asked(tmp_path):
    kdef(tmp_path / "set")
    with pytest.raises(DatasetError, match=r"no adapter 'kdf'.*kdef, rafd"):
        load(tmp_path / "set", adapter="kdf")
    with pytest.raises(DatasetError, match=r"Rafd090_01_Caucasian_female_angry_frontal.jpg"):
        load(tmp_path / "set", adapter="rafd")


def test_the_portraits_of_the_assets(assets):
    dataset = load_expression_dataset(assets / "portraits")
    assert Counter(dataset["expression"]) == {EXPRESSIONS.index("neutral"): 129, EXPRESSIONS.index("happy"): 91}
    assert set(dataset["pair"]) == {""}
