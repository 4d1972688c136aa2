"""Folders of recordings as clips."""

import logging
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
from mltk_like.data.clip import Clip, lengths_s
from mltk_like.data.recordings import Folder
from mltk_like.data.skipped import of_labels, usable
from mltk_like.errors import DataError, SettingError


def make(root: Path, *names: str) -> None:
    for name in names:
        write_wav(root / name, np.ones(1600, np.int16), 16000)


def speaker(path: Path) -> str:
    return path.stem.split("+")[-1]


def test_labels_come_from_the_sub_folders(tmp_path: Path) -> None:
    make(tmp_path, "yes/b.wav", "yes/deep/a.WAV", "no/c.wav", "_background_noise_/d.wav", ".index/e.wav", "loose.wav")
    (tmp_path / "yes" / "notes.txt").write_text("x")
    clips = Folder(path=tmp_path).collect()
    assert [(c.label, c.path.name) for c in clips] == [("no", "c.wav"), ("yes", "b.wav"), ("yes", "a.WAV")]
    assert {c.source for c in clips} == {tmp_path.name}
    assert len({c.group for c in clips}) == 3

    some = Folder(path=tmp_path, labels=("yes", "_background_noise_"), other="_unknown_").collect()
    assert {c.label for c in some} == {"yes", "_background_noise_", "_unknown_"}
    assert {c.label for c in Folder(path=tmp_path, labels=("yes",)).collect()} == {"yes"}


def test_one_label_for_all_and_what_the_manifest_needs(tmp_path: Path) -> None:
    make(tmp_path, "a/x.wav", "y.wav", "y.flac.txt.wav")
    clips = Folder(
        path=str(tmp_path), label="bell", licence="CC0-1.0", split="test", name="mine", pattern="*.wav"
    ).collect()
    assert [c.path.name for c in clips] == ["y.flac.txt.wav", "y.wav"]
    assert {(c.label, c.licence, c.split, c.source) for c in clips} == {("bell", "CC0-1.0", "test", "mine")}


@pytest.mark.parametrize(
    ("rule", "groups"),
    [
        ("parent", {"s/a", "s/b"}),
        ("stem", {"s/a/c53_nohash_1", "s/a/c53_nohash_2", "s/b/other+77"}),
        (r"^(\w+?)_nohash_\d+\.wav$", {"s/c53", "s/b/other+77"}),
        (speaker, {"s/c53_nohash_1", "s/c53_nohash_2", "s/77"}),
    ],
)
def test_groups(rule: str, groups: set[str], tmp_path: Path) -> None:
    make(tmp_path, "a/c53_nohash_1.wav", "a/c53_nohash_2.wav", "b/other+77.wav")
    source = Folder(path=tmp_path, label="x", group=rule, speakers="s")
    assert {c.group for c in source.collect()} == groups
    assert pickle.loads(pickle.dumps(source)) == source


@pytest.mark.parametrize("rule", ["(", "no_group", "(two)(groups)"])
def test_a_wrong_group_rule_is_refused_at_once(rule: str) -> None:
    with pytest.raises(SettingError, match="group="):
        Folder(path="x", group=rule)


def test_unusable_files_are_skipped_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path, "good.wav")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.mp3").write_bytes(b"not audio")
    write_wav(tmp_path / "short.wav", np.ones(10, np.int16), 16000)
    write_wav(tmp_path / "soon.wav", np.ones(400, np.int16), 16000)
    with caplog.at_level(logging.WARNING):
        clips = Folder(path=tmp_path, label="x").collect()
    assert [c.path.name for c in clips] == ["good.wav"]
    assert {item.path.name: item.reason for item in clips.skipped} == {
        "empty.wav": "the file is empty",
        "text.mp3": clips.skipped[-1].reason,
        "short.wav": "0.000625 s are less than 0.05 s",
        "soon.wav": "0.025 s are less than 0.05 s",
    }
    assert len(caplog.records) == 1
    assert "4 of 5 recordings" in caplog.text
    assert "empty.wav" in caplog.text
    assert "text.mp3" not in caplog.text, "the log names the first few alone"
    with pytest.raises(DataError, match="4 of 5 recordings"):
        Folder(path=tmp_path, label="x", strict=True).collect()


def test_no_warning_where_all_is_well(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path, "good.wav")
    assert Folder(path=tmp_path, label="x", strict=True).collect().skipped == ()
    assert not caplog.records


def test_stretches_count_as_long_as_they_are(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    whole = Folder(path=tmp_path, label="x").collect()[0]
    spans = {(0.0, None): 0.1, (0.02, 0.05): 0.03, (0.08, 9.0): 0.02, (0.5, 0.6): 0.0}
    clips = [replace(whole, start_s=start, end_s=end) for start, end in spans]
    assert lengths_s(clips) == pytest.approx(list(spans.values()))
    gone = replace(clips[1], path=tmp_path / "gone.wav")
    found = usable([*clips, gone], min_duration_s=0.025)
    assert list(found) == clips[:2]
    assert [item.reason for item in found.skipped] == [
        "0.02 s are less than 0.025 s",
        f"{tmp_path / 'a.wav'} [0.5-0.6 s] begins after the end of the file",
        "there is no such file",
    ]


def test_links_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "data/yes/a.wav", "elsewhere/b.wav")
    (tmp_path / "data" / "no").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "yes" / "again").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "yes" / "itself").symlink_to(tmp_path / "data" / "yes")
    clips = Folder(path=tmp_path / "data").collect()
    assert [(clip.label, clip.path.name) for clip in clips] == [("no", "b.wav"), ("yes", "a.wav")]


@pytest.mark.parametrize(
    "wrong",
    [{"start_s": -1.0}, {"start_s": 2.0, "end_s": 2.0}, {"end_s": 0.0}, {"start_s": float("nan")}, {"weight": 0.0},
     {"start_s": float("inf")}, {"end_s": float("nan")}, {"weight": float("nan")}, {"weight": float("inf")}],
)  # fmt: skip
def test_a_clip_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match=r"a\.wav"):
        Clip(path=Path("a.wav"), label="x", group="g", source="s", **wrong)


def test_a_clip_is_a_value(tmp_path: Path) -> None:
    clip = Clip(path=tmp_path / "a.wav", label="x", group="g", source="s", details={"voice": "amy"})
    assert pickle.loads(pickle.dumps(clip)) == clip
    assert len({clip, replace(clip, details={}), replace(clip, start_s=1.0)}) == 3
    assert replace(clip, start_s=1.0, end_s=2.5).name == f"{clip.path} [1-2.5 s]"
    assert replace(clip, start_s=1.0).name == f"{clip.path} [1- s]"


def test_labels_that_no_class_has_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "yes/a.wav", "yse/b.wav")
    found = of_labels(Folder(path=tmp_path).collect(), {"yes", "no"})
    assert [clip.label for clip in found] == ["yes"]
    assert [str(item) for item in found.skipped] == [
        f"{tmp_path / 'yse' / 'b.wav'}: its label 'yse' is no class of the model"
    ]


def test_limit_spreads_over_labels_and_groups(tmp_path: Path) -> None:
    make(tmp_path, *(f"{label}/{who}_{i}.wav" for label in ("a", "b") for who in "xyz" for i in range(5)))
    clips = Folder(path=tmp_path, group=r"^(.)_").collect(limit=6)
    assert {(c.label, c.group[-1]) for c in clips} == {(label, who) for label in "ab" for who in "xyz"}


def test_nothing_to_find_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        Folder(path=tmp_path / "missing", label="x").collect()
    with pytest.raises(DataError, match="no recordings match"):
        Folder(path=tmp_path, label="x").collect()
    (tmp_path / "a.wav").write_bytes(b"bad")
    with pytest.raises(DataError, match="none of 1 recordings"):
        Folder(path=tmp_path, label="x").collect()
