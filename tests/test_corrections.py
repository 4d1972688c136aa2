"""`corrections.csv`: other labels, other ends, clips thrown out; the recordings stay as they are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import model_with

from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cli import main
from mltk_like.data import Clip, Folder, LabelledRecordings
from mltk_like.data.corrections import (
    CORRECTIONS,
    Correction,
    corrected,
    read_corrections,
    uncorrected,
    write_corrections,
)
from mltk_like.data.labels import Interval, write_audacity
from mltk_like.data.own import OwnRecordings
from mltk_like.errors import DataError, MisnamedError, SettingError
from mltk_like.evaluation.testset import Recordings, from_folders
from mltk_like.feed.dataset import collect
from mltk_like.verbs.data import Change, correct_clips, data_report, list_clips

RATE = 16000
HEAD = "file,start,end,label,trim_start,trim_end,out\n"

MODEL = """
import mltk_like as mltk
from mltk_like.data import Folder


class Words(mltk.Model, mltk.AudioDatasetMixin):
    classes = ("yes", "_unknown_")

    def sources(self):
        return [Folder(path="{folder}", labels=("yes",), other="_unknown_", name="words")]


my_model = Words()
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Two labels with four recordings each, of 1 s."""
    for label in ("yes", "no"):
        for number in range(4):
            samples = np.full(RATE, 100 * number + 1, np.int16)
            write_wav(tmp_path / "words" / label / f"{number}.wav", samples, RATE)
    return tmp_path / "words"


def source(words: Path) -> Folder:
    return Folder(path=words, labels=("yes",), other="_unknown_", name="words")


def table(words: Path, *rows: str) -> None:
    (words / "yes" / CORRECTIONS).write_text(HEAD + "".join(f"{row}\n" for row in rows))


def told(clips: Any) -> list[tuple[str, str, float, float | None]]:
    return sorted((f"{c.path.parent.name}/{c.path.name}", c.label, c.start_s, c.end_s) for c in clips)


def test_a_source_gives_what_the_table_says(words: Path) -> None:
    before = {path: path.read_bytes() for path in words.rglob("*.wav")}
    table(words, "0.wav,,,_unknown_,,,", "1.wav,,,,0.25,0.5,", "2.wav,,,,,,yes", "gone.wav,,,,,,yes")
    found = source(words).collect()
    assert told(found)[4:] == [
        ("yes/0.wav", "_unknown_", 0.0, None), ("yes/1.wav", "yes", 0.25, 0.5), ("yes/3.wav", "yes", 0.0, None),
    ]  # fmt: skip
    assert [str(item) for item in found.skipped] == [f"{words}/yes/2.wav: thrown out in corrections.csv"]
    assert {clip.path.name: clip.details for clip in found if clip.details} == {
        "0.wav": {"corrected": "it was yes, from 0 s to the end"},
        "1.wav": {"corrected": "it was yes, from 0 s to the end"},
    }
    assert {path: path.read_bytes() for path in words.rglob("*.wav")} == before
    with uncorrected():
        assert len(source(words).collect()) == 8
    assert told(corrected(found)) == told(found)


def test_a_training_takes_the_corrections(words: Path) -> None:
    table(words, "0.wav,,,_unknown_,,,", "1.wav,,,,0.25,0.5,", "2.wav,,,,,,yes")
    model = model_with(source(words), classes=("yes", "_unknown_"))
    splits = collect(model, progress=False).splits
    clips = [clip for _, part in splits.items() for clip in part]
    assert [c for c in told(clips) if c[0] == "yes/1.wav"] == [("yes/1.wav", "yes", 0.25, 0.5)]
    assert sum(clip.label == "yes" for clip in clips) == 2
    report = data_report(model)
    assert (report.corrected, report.thrown_out) == (2, 1)
    assert "2 clips are relabelled or trimmed, and 1 thrown out, by corrections.csv" in str(report)


class Spoken:
    """A source of the kind that does not read recordings: its clips are made, and may be corrected all the same."""

    name, label = "spoken", "yes"

    def __init__(self, words: Path) -> None:
        self._words = words

    def collect(self, **unused: Any) -> list[Clip]:
        paths = sorted((self._words / "yes").glob("*.wav"))
        return [Clip(path=path, label="yes", group=path.stem, source=self.name) for path in paths]


def test_clips_that_were_made_are_corrected_too(words: Path) -> None:
    table(words, "2.wav,,,,,,yes", "1.wav,,,,0.25,,")
    model = model_with(Spoken(words), classes=("yes",))
    dataset = collect(model, progress=False)
    clips = [clip for _, part in dataset.splits.items() for clip in part]
    assert [(start, end) for _, _, start, end in told(clips)] == [(0.0, None), (0.25, None), (0.0, None)]
    assert [item.path.name for item in dataset.skipped] == ["2.wav"]


def test_stretches_of_a_long_recording(tmp_path: Path) -> None:
    write_wav(tmp_path / "evening.wav", np.ones(4 * RATE, np.int16), RATE)
    labels = [Interval(start_s=at, end_s=at + 0.5, label="yes") for at in (0.5, 1.5, 2.5)]
    write_audacity(tmp_path / "evening.txt", labels)
    rows = "evening.wav,0.5,1,,,,yes\nevening.wav,1.5,2,no,1.6,,\nevening.wav,9,10,,,,yes\n"
    (tmp_path / CORRECTIONS).write_text(HEAD + rows)
    found = LabelledRecordings(path=tmp_path).collect()
    assert told(found) == sorted(
        [(f"{tmp_path.name}/evening.wav", "no", 1.6, 2.0), (f"{tmp_path.name}/evening.wav", "yes", 2.5, 3.0)]
    )


def test_own_recordings_are_trimmed_before_they_are_cut(words: Path) -> None:
    write_wav(words / "yes" / "long.wav", np.ones(10 * RATE, np.int16), RATE)
    table(words, "long.wav,,,,2,8,", "0.wav,,,,,,yes")
    found = OwnRecordings(path=words / "yes", label="_unknown_", window_s=1.0).collect()
    cut = [(clip.start_s, clip.end_s) for clip in found if clip.file.name == "long.wav"]
    assert cut == [(2.0, 4.0), (3.0, 5.0), (4.0, 6.0), (5.0, 7.0), (6.0, 8.0)]
    assert "0.wav" not in {clip.file.name for clip in found}


def test_an_evaluation_hears_recordings_as_they_are_corrected(words: Path) -> None:
    table(words, "0.wav,,,_unknown_,,,", "1.wav,,,,0.25,0.5,", "2.wav,,,,,,yes")
    (words / "no" / CORRECTIONS).write_text(HEAD + "0.wav,,,yes,,,\n1.wav,,,,0.25,0.5,\n2.wav,,,,,,yes\n")
    recordings = Recordings(positives=words / "yes", negatives=[words / "no"], label="yes")
    found = from_folders(recordings, ("yes", "_unknown_"), RATE, ())
    assert [(clip.path.name, len(found.samples[at])) for at, clip in enumerate(found.clips)] == [
        ("1.wav", RATE // 4), ("3.wav", RATE),
    ]  # fmt: skip
    heard = [sum(len(block) for block in found.read(number)) for number in range(len(found.negatives))]
    assert [clip.path.name for clip in found.negatives] == ["1.wav", "3.wav"]
    assert heard == [RATE // 4, RATE]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("../x.wav,,,,,,yes", "'../x.wav' is no file's name that a table can hold"),
        (",,,a,,,", "'' is no file's name that a table can hold"),
        ('"a\nb.wav",,,,,,yes', "is no file's name that a table can hold"),
        ("a.wav,,,,1,0.5,", "a.wav: there is no stretch from 1.0 s to 0.5 s"),
        ("a.wav,2,1,,,,yes", "there is no stretch from 2.0 s to 1.0 s"),
        ("a.wav,,,,nan,,", "there is no stretch from nan s"),
        ("a.wav,,,,soon,,", "trim_start is 'soon', which is no number of seconds"),
        ("a.wav,,,,,,no", "out is 'no'; write yes, or nothing"),
        ("a.wav,,,,,,yes,", "8 values for 7 columns"),
        ("a.wav,,,,,,yes\na.wav,,,b,,,", "line 3: a.wav has a row already"),
    ],
)
def test_a_row_that_is_not_understood_is_an_error(words: Path, row: str, why: str) -> None:
    table(words, row)
    with pytest.raises(MisnamedError) as caught:
        source(words).collect()
    assert why in caught.value.message
    # The model is not trained without it: nothing of what was decided would hold.
    with pytest.raises(MisnamedError):
        collect(model_with(source(words), classes=("yes", "_unknown_")), progress=False)


def test_a_table_of_something_else(words: Path) -> None:
    (words / "yes" / CORRECTIONS).write_text("path,label\na.wav,yes\n")
    with pytest.raises(MisnamedError, match="there is no column 'path'; there are file, start"):
        source(words).collect()
    (words / "yes" / CORRECTIONS).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MisnamedError, match="is not text in UTF-8"):
        source(words).collect()


def test_nothing_is_left(words: Path) -> None:
    for label in ("yes", "no"):
        rows = "".join(f"{number}.wav,,,,,,yes\n" for number in range(4))
        (words / label / CORRECTIONS).write_text(HEAD + rows)
    with pytest.raises(DataError, match=r"none of 8 recordings can be used: .*: thrown out in corrections\.csv"):
        source(words).collect()


NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1)
SECONDS = st.integers(0, 10**8).map(lambda units: units / 10**4)


@given(
    name=NAMES.filter(lambda text: text not in (".", "..")), label=st.one_of(st.just(""), NAMES),
    start=SECONDS, trim=SECONDS, length=st.one_of(st.none(), SECONDS.map(lambda x: x + 0.0001)), out=st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    label: str,
    start: float,
    trim: float,
    length: float | None,
    out: bool,
) -> None:
    folder = tmp_path_factory.getbasetemp() / "written"
    given_row = Correction(
        file=name, start_s=start, end_s=None, label=label, out=out,
        trim_s=(trim, None if length is None else round(trim + length, 4)),
    )  # fmt: skip
    write_corrections(folder, [given_row])
    assert read_corrections(folder) == {given_row.key: given_row}
    write_corrections(folder, [Correction(file=name, start_s=start)])
    assert not (folder / CORRECTIONS).exists()


@pytest.fixture
def model(words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "words.py").write_text(MODEL.format(folder="words"))
    monkeypatch.chdir(tmp_path)
    return "./words.py"


def test_a_shell_corrects_clips(model: str, words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["data", model, "--relabel", "words/yes/0.wav", "_unknown_", "--trim", "./words/yes/1.wav", "0.25", "0.5"]
    assert main([*command, "--throw-out", str(words / "yes" / "2.wav")]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "words/yes/0.wav: now _unknown_", "words/yes/1.wav: from 0.25 s to 0.5 s", "words/yes/2.wav: thrown out",
        "written: words/yes/corrections.csv",
    ]  # fmt: skip
    rows = "0.wav,,,_unknown_,,,\n1.wav,,,,0.25,0.5,\n2.wav,,,,,,yes\n"
    assert (words / "yes" / CORRECTIONS).read_text() == HEAD + rows
    assert main(["data", model, "--relabel", "words/yes/1.wav", "_noise_", "--as-it-was", "words/yes/2.wav"]) == 0
    rows = "0.wav,,,_unknown_,,,\n1.wav,,,_noise_,0.25,0.5,\n"
    assert (words / "yes" / CORRECTIONS).read_text() == HEAD + rows
    capsys.readouterr()
    assert main(["data", model, "--clips", "words"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[5] == "   1.00 s  yes            words/yes/1.wav  (now _noise_, from 0.25 s to 0.5 s)"
    assert lines[-1] == "8 clips"
    assert main(["data", model, "--clips", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["clips"]) == 8
    assert main(["data", model, "--relabel", "words/yes/0.wav", "yes", "--as-it-was", "words/yes/1.wav"]) == 0
    assert not (words / "yes" / CORRECTIONS).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--throw-out", "words/yes/9.wav"], "words/yes/9.wav is no clip of the model\nhint: did you mean words/yes/"),
        (["--relabel", "words/yes/0.wav", "jes"], "the model has no label 'jes'\nhint: it has yes, _unknown_"),
        (["--trim", "words/yes/0.wav", "0.5", "0.2"], "there is no stretch from 0.5 s to 0.2 s"),
        (["--trim", "words/yes/0.wav", "early", "1"], "--trim: 'early' is no number of seconds"),
        (["--clips", "nothing"], "words has no source 'nothing'\nhint: it has words"),
    ],
)
def test_wrong_uses(model: str, words: Path, options: list[str], message: str, capsys: Any) -> None:
    assert main(["data", model, *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(words.rglob(CORRECTIONS))


def test_a_stretch_is_named_by_its_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / "a@1.wav", np.ones(4 * RATE, np.int16), RATE)
    write_audacity(tmp_path / "a@1.txt", [Interval(start_s=0.5, end_s=1.25, label="yes")])
    listening = model_with(LabelledRecordings(path=tmp_path, name="evening"), classes=("yes",))
    (line,) = list_clips(listening).clips
    assert (line.clip, line.file, line.seconds) == ("a@1.wav@0.5-1.25", "a@1.wav", 0.75)
    assert str(correct_clips(listening, {"./a@1.wav@0.5-1.25": Change(trim_s=(0.75, None))})).splitlines() == [
        "a@1.wav@0.5-1.25: from 0.75 s", "written: corrections.csv",
    ]  # fmt: skip
    (clip,) = LabelledRecordings(path=tmp_path).collect()
    assert (clip.start_s, clip.end_s) == (0.75, 1.25)
    assert len(read_audio(tmp_path / "a@1.wav", RATE)) == 4 * RATE
    with pytest.raises(SettingError):
        correct_clips(listening, {line.clip: Change(label="no")})
