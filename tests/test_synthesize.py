"""`synthesize`: folders of speech that another source reads, with a manifest; resumed, extended, listed."""

import json
import wave
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import mltk_like as mltk
from mltk_like import data
from mltk_like.cli import main
from mltk_like.data.speech import export
from mltk_like.data.speech.render import make_clips
from mltk_like.data.speech.word_list import WordList, read_words
from mltk_like.data.split import split_by_group
from mltk_like.errors import DataError, SettingError

pytest.importorskip("hibari", reason="the lexicon is hibari's")
pytest.importorskip("onnxruntime")

FAKE = "fake_speech_engine:Beeper"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def choir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A Piper voice of nine speakers, and the engine that beeps importable."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "data" / "speech"))
    monkeypatch.setenv("FAKE_SPEECH_LOG", str(tmp_path / "log"))
    monkeypatch.chdir(tmp_path)
    from tiny_voice import write_tiny_voice

    return f"piper:{write_tiny_voice(tmp_path / 'choir.onnx', speakers=9)}"


def speak(*words: str, out: Path, engine: str, **settings: Any) -> mltk.SynthesizeResult:
    return mltk.synthesize(*words, out=out, engines=[engine], workers=0, progress=False, **settings)


def clips(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*.wav"))


def manifest(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_a_folder_of_speech_is_a_source_split_by_voice(tmp_path: Path, choir: str) -> None:
    out = tmp_path / "out"
    result = speak("Yes", "oh no", out=out, engine=choir, count=18)
    assert result.labels == {"yes": 18, "oh_no": 18}
    assert (result.made, result.missing) == (36, 0)
    found = data.Folder(path=out, group=data.SPOKEN_BY).collect()
    assert Counter(clip.label for clip in found) == {"yes": 18, "oh_no": 18}
    assert {clip.group for clip in found} == {f"out/piper_choir-{speaker:03d}" for speaker in range(9)}
    splits = split_by_group(found, fractions=(0.6, 0.2, 0.2))
    voices = [{clip.group for clip in part} for _, part in splits.items()]
    assert all(voices)
    assert not voices[0] & voices[1] | voices[0] & voices[2] | voices[1] & voices[2]


def test_names_and_rows_say_who_said_what_and_how(tmp_path: Path, choir: str) -> None:
    result = speak("hey you", out=tmp_path, engine=choir, count=4)
    rows = manifest(tmp_path)
    assert len(rows) == 4 == sum(line.clips for line in result.engines)
    for row in rows:
        assert row["label"] == "hey_you"
        assert row["text"].rstrip(".!?,…").replace(",", "") == "hey you"
        assert row["group"] == row["voice_id"] == f"piper:{row['voice']}"
        engine, voice, said, parameters, key = Path(row["path"]).stem.split("_")
        assert (engine, voice, said) == ("piper", row["voice"].replace("#", "-"), "hey-you")
        assert parameters == f"s{float(row['speed']):.2f}-p{float(row['pitch']):.2f}"
        assert len(key) == 16
        with wave.open(str(tmp_path / row["path"])) as file:
            assert file.getframerate() == 16_000
            assert file.getnframes() / 16_000 == pytest.approx(row["duration_s"], abs=1e-3)
    assert result.engines[0].seconds == pytest.approx(sum(row["duration_s"] for row in rows), abs=0.1)


def test_the_manifest_is_a_list_of_recordings(tmp_path: Path, choir: str) -> None:
    speak("yes", out=tmp_path, engine=choir, count=3)
    found = data.RecordingList(path=tmp_path / "manifest.jsonl", speakers="speech").collect()
    assert {clip.label for clip in found} == {"yes"}
    assert {clip.group.partition("#")[0] for clip in found} == {"speech/piper:choir"}


def test_a_second_call_makes_only_what_is_missing(tmp_path: Path, choir: str) -> None:
    out = tmp_path / "out"
    speak("yes", out=out, engine=choir, count=5)
    before = {path: (out / path).stat().st_mtime_ns for path in clips(out)}
    (out / next(iter(before))).unlink()
    assert speak("yes", out=out, engine=choir, count=7).made == 3
    after = {path: (out / path).stat().st_mtime_ns for path in clips(out)}
    assert len(after) == 7
    assert sum(after[path] == time for path, time in before.items()) == 4


def test_more_words_add_to_the_manifest_and_lost_files_leave_it(tmp_path: Path, choir: str) -> None:
    out = tmp_path / "out"
    speak("yes", out=out, engine=choir, count=2)
    (out / clips(out)[0]).unlink()
    speak("no", out=out, engine=choir, count=2)
    assert [row["path"] for row in manifest(out)] == [path.as_posix() for path in clips(out)]
    assert Counter(row["label"] for row in manifest(out)) == {"yes": 1, "no": 2}


def test_an_interrupt_leaves_whole_files_and_the_next_call_goes_on(
    tmp_path: Path, choir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_clips

    def interrupted(jobs: Sequence[Any], **settings: Any) -> None:
        whole(jobs[:3], **settings)
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(export, "make_clips", interrupted)
        with pytest.raises(KeyboardInterrupt):
            speak("yes", out=out, engine=choir, count=6)
    assert not out.exists()
    asked: list[int] = []

    def counting(jobs: Sequence[Any], **settings: Any) -> None:
        asked.append(len(jobs))
        whole(jobs, **settings)

    monkeypatch.setattr(export, "make_clips", counting)
    assert speak("yes", out=out, engine=choir, count=6).made == 6
    assert asked == [3]


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_any_rate(tmp_path: Path, choir: str, rate: int) -> None:
    speak("yes", out=tmp_path / "out", engine=choir, count=1, rate_hz=rate)
    (path,) = clips(tmp_path / "out")
    assert f"-{rate}hz_" in path.name
    with wave.open(str(tmp_path / "out" / path)) as file:
        assert file.getframerate() == rate
        assert file.getnframes() / rate == pytest.approx(manifest(tmp_path / "out")[0]["duration_s"], abs=1e-3)


def test_words_that_come_out_wrong_are_reported(tmp_path: Path, choir: str) -> None:
    result = speak("go", "see", out=tmp_path, engine=FAKE, count=2)
    assert result.labels == {"go": 2}
    assert result.missing == 2
    assert "2 clips are missing" in str(result)
    with pytest.raises(DataError, match="no clip came out right"):
        speak("see", out=tmp_path / "none", engine=FAKE, count=2)
    assert not (tmp_path / "none").exists()


def test_sound_alikes_parts_and_single_words_are_negatives(tmp_path: Path, choir: str) -> None:
    result = speak("hey computer", out=tmp_path, engine=choir, count=16, sound_alikes=5)
    assert result.labels == {"hey_computer": 16, "_unknown_": 16}
    assert len(result.alikes["hey computer"]) == 5
    texts = [row["text"].rstrip(".!?,…") for row in manifest(tmp_path) if row["label"] == "_unknown_"]
    assert {alike.phrase for alike in result.alikes["hey computer"]} <= set(texts)
    assert {"hey", "computer"} <= set(texts)
    assert sum("ˈ" in text for text in texts) >= 2
    found = data.Folder(path=tmp_path, labels=("hey_computer", "_unknown_"), group=data.SPOKEN_BY).collect()
    assert Counter(clip.label for clip in found) == {"hey_computer": 16, "_unknown_": 16}


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        ([], {}, "no word"),
        (["yes"], {"count": 0}, "no numbers of clips"),
        (["?!"], {}, "nothing to say"),
        (["yes"], {"rate_hz": 96_000}, "out of range"),
        (["yes"], {"language": "de"}, "speaks English, not 'de'"),
        (["yes"], {"language": "de", "sound_alikes": 3}, "lexicon is English"),
        (["yes"], {"voices": "nobody"}, "no voice of .* matches nobody"),
    ],
)
def test_bad_settings_are_refused_and_nothing_is_written(
    tmp_path: Path, choir: str, words: list[str], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        speak(*words, out=tmp_path / "out", engine=choir, **settings)
    assert not (tmp_path / "out").exists()


def test_another_file_called_manifest_is_not_overwritten(tmp_path: Path, choir: str) -> None:
    (tmp_path / "manifest.jsonl").write_text("mine\n")
    with pytest.raises(DataError, match="is not a manifest"):
        speak("yes", out=tmp_path, engine=choir, count=1)
    assert (tmp_path / "manifest.jsonl").read_text() == "mine\n"
    assert not clips(tmp_path)


@pytest.mark.skipif(find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed")
def test_another_language_with_a_lexicon_of_its_own(tmp_path: Path, choir: str) -> None:
    (tmp_path / "german.txt").write_text("Hallo\nHalle\nhohl\nHolm\nZwölf\nQuark\nhalle 2\n", encoding="utf-8")
    result = mltk.synthesize(
        "hallo", out=tmp_path / "out", count=6, language="de", sound_alikes=3, lexicon=tmp_path / "german.txt",
        workers=0, progress=False,
    )  # fmt: skip
    assert result.labels == {"hallo": 6, "_unknown_": 6}
    phrases = [alike.phrase for alike in result.alikes["hallo"]]
    assert phrases[0] == "Halle"
    assert "Hallo" not in phrases
    assert {row["voice"].partition("+")[0] for row in manifest(tmp_path / "out")} == {"de"}


def test_a_lexicon_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("1\n2\n")
    for name, message in (("empty.txt", "holds 0 words"), ("gone.txt", "cannot read the word list")):
        lexicon = WordList(path=str(tmp_path / name), language="de")
        with pytest.raises(DataError, match=message):
            read_words(lexicon)


def test_command_line_speaks(tmp_path: Path, choir: str, capsys: Capture) -> None:
    assert main(["synthesize", "yes", "--out", "out", "--count", "2", "--engine", choir, "--workers", "0"]) == 0
    shown = capsys.readouterr().out
    assert "2 clips (2 in yes), 2 of them made now" in shown
    assert "data.Folder(path='out', group=data.SPOKEN_BY)" in shown
    assert main(["synthesize", "yes", "--out", "out", "--count", "2", "--engine", choir, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["folder"], result["labels"], result["made"]) == ("out", {"yes": 2}, 0)


def test_command_line_lists_alikes_and_voices(choir: str, capsys: Capture) -> None:
    assert main(["synthesize", "alexa", "--sound-alikes", "40", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "0.75  alexia" in shown
    assert "and 10 more" in shown
    assert main(["synthesize", "--list-voices", "--engine", choir, "--voices", "*#00[12]"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["  piper:choir#001", "  piper:choir#002"]
    assert main(["synthesize", "--list-voices", "--json"]) == 0
    engines = {line["engine"]: line for line in json.loads(capsys.readouterr().out)["engines"]}
    assert len(engines["piper:libritts_r"]["voices"]) == 904
    assert engines["hibari"]["licence"] == "Apache-2.0"


def test_workers_are_counted_from_0(capsys: Capture) -> None:
    assert main(["synthesize", "yes", "--out", "nowhere", "--workers", "-1"]) == 2
    assert "'-1' is not 0, 1, 2" in capsys.readouterr().err


def test_command_line_needs_a_folder(capsys: Capture) -> None:
    assert main(["synthesize", "alexa"]) == 2
    assert "give --out DIR" in capsys.readouterr().err
