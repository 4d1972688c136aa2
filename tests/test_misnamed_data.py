"""Data never becomes something else: near names of classes, lists of other files, two recordings of one name."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from toys import model_with

import mltk_like as mltk
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.data import Folder, LabelledRecordings, RecordingList, multilingual_spoken_words, speech_commands
from mltk_like.data.annotated import find_annotated
from mltk_like.data.names import name_in_list, near_name, refuse_strange_list
from mltk_like.data.positives import positive_folders
from mltk_like.errors import MisnamedError, MltkLikeError, SettingError
from mltk_like.evaluation.testset import Recordings, from_folders
from mltk_like.feed.dataset import collect, gather
from mltk_like.verbs.train.recordings import OwnData

RATE = 16_000
ACCENTED = "é"


def make(root: Path, *names: str, seconds: float = 0.1) -> None:
    for name in names:
        write_wav(root / name, np.ones(round(seconds * RATE), np.int16), RATE)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Beep", "beep"), ("BEEP", "beep"), ("beeps", "beep"), ("beep ", "beep"), ("_beep", "beep"),
        ("be ep", "beep"), ("key io", "Key IO"), ("key-io", "Key IO"), ("KeyIOs", "Key IO"),
        ("unknown", "_unknown_"), ("_Unknown_", "_unknown_"), ("_unknown", "_unknown_"),
        (unicodedata.normalize("NFD", ACCENTED), ACCENTED), ("bee\u200bp", "beep"), ("ｂｅｅｐ", "beep"),
        ("box", "boxes"), ("berry", "berries"), ("STRASSE", "straße"),
        ("beep", None), ("other", None), ("bee", None), ("creeps", None), ("का", None),
    ],
)  # fmt: skip
def test_near_names(name: str, near: str | None) -> None:
    known = ("beep", "Key IO", "_unknown_", ACCENTED, "boxes", "berries", "straße", "कि")
    assert near_name(name, known) == near


def test_a_plural_is_another_word_in_a_corpus_of_words() -> None:
    assert near_name("dogs", ["dog"]) == "dog"
    assert near_name("dogs", ["dog"], plurals=False) is None
    assert near_name("Dog", ["dog"], plurals=False) == "dog"


def test_a_folder_that_is_nearly_a_label(tmp_path: Path) -> None:
    make(tmp_path, "beep/a.wav", "Beep/b.wav", "other/c.wav")
    source = Folder(path=tmp_path, labels=("beep",), other="_unknown_")
    with pytest.raises(MisnamedError, match="the folder 'Beep' is nearly 'beep'") as caught:
        source.collect()
    assert "call it 'beep'" in caught.value.hint
    (tmp_path / "Beep").rename(tmp_path / "boop")
    assert sorted(clip.label for clip in source.collect()) == ["_unknown_", "_unknown_", "beep"]
    # A form of Unicode cannot be seen: it is named.
    make(tmp_path, f"{unicodedata.normalize('NFD', ACCENTED)}/a.wav")
    with pytest.raises(MisnamedError, match="in another form of Unicode"):
        Folder(path=tmp_path, labels=(ACCENTED,)).collect()


def test_a_folder_called_unknown_is_unknown(tmp_path: Path) -> None:
    make(tmp_path, "beep/a.wav", "_unknown_/b.wav", "_noise_/c.wav", "_old_/d.wav")
    assert sorted(clip.label for clip in Folder(path=tmp_path).collect()) == ["_noise_", "_unknown_", "beep"]
    both = Folder(path=tmp_path, labels=("beep",), other="_unknown_")
    assert sorted(clip.label for clip in both.collect()) == ["_noise_", "_unknown_", "beep"]
    (tmp_path / "_unknown_").rename(tmp_path / "_Unknown_")
    with pytest.raises(MisnamedError, match="'_Unknown_' is nearly '_unknown_'"):
        Folder(path=tmp_path).collect()


def test_a_folder_and_a_source_for_a_part_of_it_give_each_recording_once(tmp_path: Path) -> None:
    make(tmp_path, "beep/a.wav", "_unknown_/v1_a.wav", "_unknown_/v1_b.wav")
    part = Folder(path=tmp_path / "_unknown_", label="_unknown_", group=r"^(v\d)_", name="part")
    for sources in ((Folder(path=tmp_path), part), (part, Folder(path=tmp_path))):
        clips = gather(model_with(*sources), progress=False).clips
        assert sorted((clip.label, clip.source) for clip in clips) == [
            ("_unknown_", "part"), ("_unknown_", "part"), ("beep", tmp_path.name),
        ]  # fmt: skip


class Costly:
    """A source that must not be made before names are looked at."""

    name = "costly"
    label = "_unknown_"

    def collect(self, *, limit: Any = None, workers: Any = None, progress: bool = True) -> list[Any]:
        raise AssertionError("made")


@pytest.mark.parametrize("kind", ["folder", "label", "list", "dcli"])
def test_a_label_that_is_nearly_a_class_stops_before_anything_is_made(kind: str, tmp_path: Path) -> None:
    make(tmp_path, "Beep/a.wav", seconds=1.0)
    (tmp_path / "l.csv").write_text("path,label\nBeep/a.wav,beeps\n")
    segments = [{"name": "BEEP", "start": 0, "end": 8000}]
    captures = [{"file_name": "a.wav", "sessions": [{"session_name": "s", "segments": segments}]}]
    (tmp_path / "p.dcli").write_text(json.dumps(captures))
    source: Any = {
        "folder": Folder(path=tmp_path),
        "label": Folder(path=tmp_path, label="_beep"),
        "list": RecordingList(path=tmp_path / "l.csv"),
        "dcli": LabelledRecordings(path=tmp_path / "p.dcli"),
    }[kind]
    for act in (collect, gather, mltk.data_report):
        with pytest.raises(MisnamedError, match="is nearly 'beep'"):
            act(model_with(Costly(), source), progress=False)


def test_a_wrong_folder_is_not_a_source_that_cannot_be_had(tmp_path: Path) -> None:
    make(tmp_path, "all/beep/a.wav", "all/Beep/b.wav", "mine/c.wav")
    sources = (
        Folder(path=tmp_path / "mine", label="beep"), Folder(path=tmp_path / "all", labels=("beep",), other="_unknown_")
    )  # fmt: skip
    with pytest.raises(MisnamedError, match="'Beep' is nearly 'beep'"):
        collect(model_with(*sources), progress=False)


def test_the_command_line_refuses_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = 'Folder(path=HERE / "audio", labels=("beep",), other="_unknown_", name="all"),'
    path = toys.write_toy(tmp_path / "toy", sources=sources)
    make(tmp_path / "toy" / "audio", "Beep/x.wav")
    for words in (["data", str(path)], ["train", str(path), "--workers", "0"]):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert "the folder 'Beep' is nearly 'beep', and is not\nhint: call it 'beep'" in error
        assert not (tmp_path / "runs").exists()


# What is meant by --positives.


def folders(root: Path, *names: str, label: str | None = None, classes: str = "alexa bixby _unknown_") -> list[str]:
    for name in names:
        make(root, f"{name}/a.wav" if not name.endswith(".wav") else name)
    found = positive_folders(root, classes.split(), label)
    return [f"{name}: {path.relative_to(root.parent).as_posix()}" for name, path in found.items()]


def test_sub_folders_are_classes_or_people(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    assert folders(root, "alexa", "bixby") == ["alexa: mine/alexa", "bixby: mine/bixby"]
    assert folders(tmp_path / "people", "ann", "bob", classes="alexa _unknown_") == ["alexa: people"]
    assert folders(tmp_path / "people", label="bixby") == ["bixby: people"]
    assert folders(tmp_path / "flat", "a.wav", classes="alexa _unknown_") == ["alexa: flat"]


@pytest.mark.parametrize(
    ("names", "label", "message"),
    [
        (("Alexa", "other"), None, "Alexa is nearly the class 'alexa'"),
        (("alexa", "other"), None, "other is no class of the model, and a folder beside it is"),
        (("alexa", "_unknown_"), None, "_unknown_ holds no keyword"),
        (("alexa", "unknown"), None, "unknown is nearly the class '_unknown_'"),
        (("alexa", "b.wav"), None, "recordings beside folders of classes"),
        (("alexa", "bixby"), "alexa", "bixby is called as 'bixby', not as 'alexa'"),
        (("unknown",), "alexa", "unknown is called as '_unknown_', not as 'alexa'"),
        (("ann", "bob"), None, "does not say of which class"),
        (("a.wav",), None, "does not say of which class"),
    ],
)
def test_positives_that_would_become_something_else(
    names: tuple[str, ...], label: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(MltkLikeError, match=message):
        folders(tmp_path / "mine", *names, label=label)
    classes = ("alexa", "bixby", "_unknown_")
    with pytest.raises(MltkLikeError, match=message):
        from_folders(Recordings(positives=tmp_path / "mine", label=label), classes, RATE, [10.0])
    with pytest.raises(MltkLikeError, match=message):
        OwnData(positives=tmp_path / "mine", label=label).sources(model_with(classes=classes))


def test_recordings_without_a_class_need_a_label(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        folders(tmp_path / "knocks", "a.wav", classes="key knock _unknown_")
    assert caught.value.hint.startswith("say which, --label knock or key;")


def test_each_class_of_the_positives_is_a_source_of_its_own(tmp_path: Path) -> None:
    make(tmp_path, "left/ann/1.wav", "right/2.wav")
    sources = OwnData(positives=tmp_path).sources(model_with(classes=("left", "right", "_unknown_")))
    assert [(source.name, source.label) for source in sources] == [
        ("own positives left", "left"), ("own positives right", "right")
    ]  # fmt: skip
    tests = from_folders(Recordings(positives=tmp_path), ("left", "right", "_unknown_"), RATE, [10.0])
    assert [(clip.label, clip.group) for clip in tests.clips] == [("left", "ann"), ("right", "right")]


# Lists.


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("yes\\a.wav\r", "yes/a.wav"),
        (" ./yes//a.wav ", "yes/a.wav"),
        ("C:\\d\\yes\\a.wav", "C:/d/yes/a.wav"),
        (" ", ""),
    ],
)
def test_names_in_lists(given: str, name: str) -> None:
    assert name_in_list(given) == name


def test_more_than_a_tenth_that_is_missing_is_a_wrong_list(tmp_path: Path) -> None:
    names = [f"{n}.wav" for n in range(20)]
    refuse_strange_list(tmp_path, names[:2], 20, "")
    refuse_strange_list(tmp_path, names[:1], 2, "")  # a slip
    for missing, total in ((3, 20), (2, 10), (1, 1)):
        with pytest.raises(MisnamedError, match=rf"{missing} of {total} names in .* such as '0\.wav'"):
            refuse_strange_list(tmp_path, names[:missing], total, "")


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    root = tmp_path / "sc"
    make(root, *(f"{word}/{who}_nohash_0.wav" for word in ("yes", "no") for who in ("aa", "bb", "cc", "dd")))
    return root


@pytest.mark.parametrize("style", ["{}\\{}", "./{}/{}", ".\\{}\\{}", "ROOT/{}/{}", "C:\\corpus\\{}\\{}", "sc/{}/{}"])
def test_lists_of_speech_commands_are_read_however_they_are_written(style: str, commands: Path) -> None:
    style = style.replace("ROOT", str(commands))
    for name, who in (("validation_list", "bb"), ("testing_list", "cc")):
        lines = [style.format(word, f"{who}_nohash_0.wav") for word in ("yes", "no", "word_that_is_not_here")]
        (commands / f"{name}.txt").write_text("\r\n".join(lines))
    clips = speech_commands(commands, labels=("yes",)).collect()
    assert {clip.group.rpartition("/")[2]: clip.split for clip in clips} == {
        "aa": "training", "bb": "validation", "cc": "test", "dd": "training",
    }  # fmt: skip


@pytest.mark.parametrize("style", ["{}-{}", "elsewhere/{}", "YES/{}", "yes/x{}"])
def test_a_list_of_other_files_is_refused(style: str, commands: Path) -> None:
    names = [style.format("yes", n) if style.count("{}") > 1 else style.format(n) for n in range(5)]
    (commands / "testing_list.txt").write_text("\n".join(names))
    with pytest.raises(MisnamedError, match=r"5 of 5 names in .*testing_list\.txt are of no recording"):
        speech_commands(commands).collect()


def test_a_word_that_differs_by_a_capital_is_refused_in_corpora(commands: Path, tmp_path: Path) -> None:
    with pytest.raises(MisnamedError, match="'yes' is nearly 'Yes'"):
        speech_commands(commands, labels=("Yes",)).collect()
    make(tmp_path / "words" / "clips", "Dog/a.wav", "dogs/b.wav")
    with pytest.raises(MisnamedError, match="'Dog' is nearly 'dog'"):
        multilingual_spoken_words(tmp_path / "words", labels=("dog",), other="_unknown_").collect()
    # Dogs are another word than a dog.
    labels = [c.label for c in multilingual_spoken_words(tmp_path / "words", labels=("Dog",), other="x").collect()]
    assert labels == ["Dog", "x"]


@pytest.mark.parametrize("link", ["yes\\a.opus", "./yes/a.opus", "/data/clips/yes/a.opus"])
def test_tables_of_spoken_words(link: str, tmp_path: Path) -> None:
    make(tmp_path / "clips", "yes/a.wav")
    table = tmp_path / "en_splits.csv"
    table.write_text(f"SET,LINK,WORD,VALID,SPEAKER,GENDER\nTEST,{link},yes,True,s1,NAN\n")
    (clip,) = multilingual_spoken_words(tmp_path).collect()
    assert (clip.group, clip.split) == ("common_voice/s1", "test")
    table.write_text("SET,LINK,WORD,VALID,SPEAKER,GENDER\nTEST,a.opus,yes,True,s1,NAN\n")
    with pytest.raises(MisnamedError, match="names 0 of the 1 recordings"):
        multilingual_spoken_words(tmp_path).collect()


def test_recording_lists_of_windows(tmp_path: Path) -> None:
    make(tmp_path, "sub/a.wav", "sub/b.wav")
    (tmp_path / "l.csv").write_text("path,label\nsub\\a.wav,yes\n.\\sub\\b.wav,yes\n")
    clips = RecordingList(path=tmp_path / "l.csv").collect()
    assert [clip.path for clip in clips] == [tmp_path / "sub" / "a.wav", tmp_path / "sub" / "b.wav"]
    (tmp_path / "l.csv").write_text("path,label\n" + "".join(f"D:\\x\\{n}.wav,yes\n" for n in range(3)))
    with pytest.raises(MisnamedError, match="3 of 3 names"):
        RecordingList(path=tmp_path / "l.csv").collect()


# Projects of SensiML.


def segment(start: Any, end: Any, value: str = "knock") -> dict[str, Any]:
    return {"name": "Label", "value": value, "start": start, "end": end}


def project(folder: Path, *captures: tuple[str, dict[str, list[dict[str, Any]]]]) -> Path:
    found = [
        {"file_name": name, "sessions": [{"session_name": s, "segments": given} for s, given in sessions.items()]}
        for name, sessions in captures
    ]
    folder.mkdir(exist_ok=True)
    (folder / "p.dcli").write_text(json.dumps(found))
    return folder / "p.dcli"


def test_of_two_recordings_of_a_name_it_is_the_one_beside_the_project(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "old/a.wav", "x/b.wav", "y/b.wav", seconds=1.0)
    one = {"s": [segment(0, 99)]}
    found, _ = find_annotated(project(tmp_path, ("a.wav", one), ("x\\b.wav", one), ("./y/b.wav", one)))
    assert [item.path.relative_to(tmp_path).as_posix() for item in found] == ["a.wav", "x/b.wav", "y/b.wav"]
    with pytest.raises(MisnamedError, match=r"means b\.wav, and there are x/b\.wav, y/b\.wav"):
        find_annotated(project(tmp_path, ("b.wav", one)))
    with pytest.raises(MisnamedError, match=r"names .*a\.wav twice"):
        find_annotated(project(tmp_path, ("a.wav", one), ("./a.wav", one)))


def test_one_bad_segment_skips_that_segment(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "b.wav", seconds=1.0)
    bad = [segment(0, 99), segment(-5, 99), segment(50, 20), segment("x", 9), {"name": "y"}, "no", segment(200, 299)]
    path = project(tmp_path, ("a.wav", {"s": bad}), ("b.wav", {"s": [segment(0, 99)]}))
    found, skipped = find_annotated(path)
    assert [len(item.intervals) for item in found] == [2, 1]
    assert [item.reason.partition(": ")[2][:26] for item in skipped] == [
        f"segment {number} of session 's': " for number in (2, 3, 4, 5, 6)
    ]
    assert "it ends at 20, before it starts at 50" in skipped[1].reason


def test_what_only_another_session_labels_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav", seconds=2.0)
    path = project(
        tmp_path,
        ("a.wav", {"train": [segment(0, 7999)], "test": [segment(16000, 23999)]}),
        ("b.wav", {"test": [segment(0, 7999)]}),
        ("c.wav", {"train": []}),
        ("d.wav", {}),
    )
    found, skipped = find_annotated(path, sessions={"train": "training"})
    assert [(item.path.name, len(item.intervals), len(item.others)) for item in found] == [
        ("a.wav", 1, 1), ("c.wav", 0, 0)
    ]  # fmt: skip
    assert [(item.path.name, item.reason) for item in skipped] == [("d.wav", "no session has labels of it")]
    source = LabelledRecordings(path=path, sessions={"train": "training"}, window_s=0.5)
    clips = [(clip.path.name, clip.start_s, clip.label) for clip in source.collect()]
    assert clips[:3] == [("a.wav", 0.0, "knock"), ("a.wav", 0.5, "_unknown_"), ("a.wav", 1.5, "_unknown_")]
    assert {name for name, _, _ in clips} == {"a.wav", "c.wav"}


def test_a_label_that_is_nearly_one_that_is_mapped(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", seconds=1.0)
    path = project(tmp_path, ("a.wav", {"s": [segment(0, 99, "Ding"), segment(200, 299, "ding ")]}))
    with pytest.raises(MisnamedError, match="the label 'ding ' is nearly 'Ding'"):
        LabelledRecordings(path=path, label_map={"Ding": "bell"}).collect()
    both = LabelledRecordings(path=path, label_map={"Ding": "bell", "ding ": "bell"}, min_duration_s=0.001)
    assert [clip.label for clip in both.collect()] == ["bell", "bell"]
