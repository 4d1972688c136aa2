"""Links that go round, and paths that lead nowhere: folders are walked once, and what cannot be read is said."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mltk_like.cli import main
from mltk_like.data.annotated import find_annotated
from mltk_like.data.recordings import Folder, audio_files
from mltk_like.errors import DataError, ModelError
from mltk_like.nets.weights import read_weights
from mltk_like.paths import portable, resolved


@pytest.fixture
def loops(tmp_path: Path) -> Path:
    """Two folders with a recording each that hold links to one another, and links to themselves of every kind."""
    root = tmp_path / "loops"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        soundfile.write(root / name / f"{name}.wav", np.zeros(16000, np.int16), 16000)
    (root / "a" / "other").symlink_to(root / "b")
    (root / "b" / "other").symlink_to(root / "a")
    (root / "a" / "up").symlink_to(root)
    for name in ("self", "x.wav", "labels_1.txt", "a.txt", "l.dcli"):
        (root / "a" / name).symlink_to(name)
    return root


def test_a_walk_ends_and_finds_each_recording_by_ways_that_do_not_go_round(loops: Path) -> None:
    found = [path.relative_to(loops).as_posix() for path in audio_files(loops) if path.name != "x.wav"]
    assert found == ["a/a.wav", "a/other/b.wav", "b/b.wav", "b/other/a.wav"]


def test_a_link_to_itself_among_recordings_is_left_out(loops: Path) -> None:
    clips = Folder(path=loops / "a", label="x", name="s").collect()
    assert [clip.path.name for clip in clips] == ["a.wav", "b.wav"]


def test_a_pipe_among_recordings_is_not_waited_for(loops: Path) -> None:
    os.mkfifo(loops / "b" / "pipe.wav")
    (loops / "b" / "link.wav").symlink_to("pipe.wav")
    assert [path.name for path in audio_files(loops / "b") if path.parent == loops / "b"] == ["b.wav"]
    with pytest.raises(ModelError, match="is no regular file"):
        read_weights(loops / "b" / "pipe.wav")


def test_label_files_that_are_links_to_themselves(loops: Path) -> None:
    with pytest.raises(DataError, match=r"l\.dcli"):
        find_annotated(loops / "a")
    found, skipped = find_annotated(loops / "a", labels="audacity")
    assert not found
    assert skipped


def test_a_path_without_links_is_asked_for_a_link_to_itself(loops: Path) -> None:
    assert resolved(loops / "a" / "self").name == "self"
    assert portable(loops / "a" / "self").endswith("a/self")


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "bell_detector", "--tflite", "--positives"],
        ["evaluate", "bell_detector", "--tflite", "--negatives"],
        ["evaluate", "bell_detector", "--tflite", "--labelled"],
        ["mine", "bell_detector", "--output", "out", "--negatives"],
        ["classify_audio", "bell_detector", "--input"],
        ["view_audio", "bell_detector"],
        ["summarize"],
    ],
    ids=" ".join,
)
def test_verbs_say_in_one_line_that_a_path_leads_nowhere(
    words: list[str], loops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (loops / "a" / "self", loops / "a" / "x.wav", "x" * 5000):
        assert main([*words, str(path)]) == 2
        assert capsys.readouterr().err.startswith("error: ")
