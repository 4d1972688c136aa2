"""Folders of recordings as clips."""

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
from mltk_like.data.recordings import Folder
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
    with caplog.at_level(logging.WARNING):
        clips = Folder(path=tmp_path, label="x").collect()
    assert [c.path.name for c in clips] == ["good.wav"]
    assert len(caplog.records) == 1
    assert "3 of 4 files" in caplog.text
    assert "empty.wav" in caplog.text
    with pytest.raises(DataError, match="3 of 4 files"):
        Folder(path=tmp_path, label="x", strict=True).collect()


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
    with pytest.raises(DataError, match="none of the 1 recordings"):
        Folder(path=tmp_path, label="x").collect()
