"""The workbench's clips, recordings and evaluations: what the verbs `data`, `record` and `report` know, over HTTP."""

import io
import json
import shutil
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_workbench import RATE, Browser, Patch
from toys import beep

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.data.corrections import CORRECTIONS
from mltk_like.data.labels import read_audacity
from mltk_like.verbs.report import evaluations_of
from mltk_like.verbs.workbench import workbench

MODEL = """
import mltk_like as mltk
from mltk_like.data import Folder


class Words(mltk.Model, mltk.AudioDatasetMixin):
    classes = ("yes", "_unknown_")

    def sources(self):
        return [Folder(path="{folder}/yes", label="yes"), Folder(path="{folder}/other", label="_unknown_")]


my_model = Words()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model with 30 recordings of one label and three of another, and its recordings' folder beside it."""
    made = tmp_path / "work"
    (made / "models").mkdir(parents=True)
    (made / "models" / "words.py").write_text(MODEL.format(folder="sound"))
    for label, count in (("yes", 30), ("other", 3)):
        for number in range(count):
            write_wav(made / "sound" / label / f"{number:02}.wav", np.full(RATE, number + 1, np.int16), RATE)
    return made


@pytest.fixture
def browser(folder: Path, monkeypatch: Patch) -> Iterator[Browser]:
    """A browser before a server of that folder."""
    monkeypatch.delenv("MLTK_LIKE_RUNS")
    with workbench(folder, browse=False) as server:
        yield Browser(server)


def test_clips_come_by_the_page(browser: Browser) -> None:
    found = browser.get("/api/clips", model="words")
    assert (found["total"], found["offset"], len(found["clips"]), found["labels"]) == (
        33, 0, 25, ["yes", "_unknown_", "_noise_"],
    )  # fmt: skip
    assert found["sources"] == [{"name": "yes", "state": "ready"}, {"name": "other", "state": "ready"}]
    assert found["clips"][0]["clip"] == "sound/yes/00.wav"
    assert (found["clips"][0]["start"], found["clips"][0]["end"], found["clips"][0]["out"]) == (0, 1, False)
    later = browser.get("/api/clips", model="words", offset=25)
    assert [clip["clip"] for clip in later["clips"]][4:] == [
        "sound/yes/29.wav",
        *(f"sound/other/0{n}.wav" for n in range(3)),
    ]
    assert browser.get("/api/clips", model="words", offset=5000)["offset"] == 25
    assert browser.get("/api/clips", model="words", source="other")["total"] == 3
    assert browser.get("/api/clips", model="words", label="_unknown_")["total"] == 3
    assert browser.get("/api/clips", model="words", text="YES/1")["total"] == 10
    assert "there is no model or run" in browser.fails("/api/clips", status=404, model="./words.py")


def test_a_clip_is_corrected_as_a_shell_would(browser: Browser, folder: Path) -> None:
    clip = "sound/yes/00.wav"
    before = (folder / clip).read_bytes()
    change = {"model": "words", "clip": clip, "label": "_unknown_", "trim": [0.25, 0.75], "out": False}
    done = browser.post("/api/clips", change)
    assert done["command"] == f"python -m mltk_like data words --relabel {clip} _unknown_ --trim {clip} 0.25 0.75"
    assert (done["clip"]["label"], done["clip"]["start"], done["clip"]["end"]) == ("_unknown_", 0.25, 0.75)
    table = folder / "sound" / "yes" / CORRECTIONS
    assert table.read_text().splitlines()[1:] == ["00.wav,,,_unknown_,0.25,0.75,"]
    assert browser.get("/api/clips", model="words", label="_unknown_")["total"] == 4
    assert (
        browser.get("/api/clips", model="words", again=1)["clips"][0]["now"] == "now _unknown_, from 0.25 s to 0.75 s"
    )
    # All that is said of a clip takes the place of what was.
    done = browser.post("/api/clips", {"model": "words", "clip": clip, "out": True})
    assert done["command"] == f"python -m mltk_like data words --throw-out {clip}"
    assert table.read_text().splitlines()[1:] == ["00.wav,,,,,,yes"]
    done = browser.post("/api/clips", {"model": "words", "clip": clip})
    assert done["command"] == f"python -m mltk_like data words --as-it-was {clip}"
    assert not table.exists()
    assert (folder / clip).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": "sound/yes/99.wav"}, "is no clip of words"),
        ({"clip": "../secret.wav", "out": True}, "is no clip of words"),
        ({"label": "jes"}, "the model has no label 'jes'"),
        ({"trim": [0.5]}, "trim must be two numbers"),
        ({"trim": [0.5, 0.5]}, "there is no stretch"),
        ({"trim": [0, "x"]}, "the end is 'x', which is no number"),
        ({"trim": [0, float("nan")]}, "which is no number"),
    ],
)
def test_corrections_that_cannot_be(browser: Browser, folder: Path, change: dict[str, Any], message: str) -> None:
    given = {"model": "words", "clip": "sound/yes/00.wav", **change}
    assert message in browser.fails("/api/clips", given)
    assert not list(folder.rglob(CORRECTIONS))


def test_clips_outside_of_the_folder_are_listed_alone(browser: Browser, folder: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "elsewhere" / "a.wav", np.ones(RATE, np.int16), RATE)
    (folder / "models" / "far.py").write_text(MODEL.replace("{folder}/yes", str(tmp_path / "elsewhere")))
    (clip,) = browser.get("/api/clips", model="far")["clips"]
    assert not clip["here"]
    assert "is no sound file of this folder" in browser.fails("/api/sound", status=403, file=clip["file"])
    given = {"model": "far", "clip": clip["clip"], "out": True}
    assert "lies outside of the folder" in browser.fails("/api/clips", given)
    assert not (tmp_path / "elsewhere" / CORRECTIONS).exists()


def wav_of(samples: np.ndarray, rate: int) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
    return data.getvalue()


@pytest.fixture
def recorded() -> bytes:
    """Three beeps in a quiet room, as a browser records them, at 48 kHz."""
    rng = np.random.default_rng(1)
    sound = (rng.standard_normal(4 * 48000) * 10).astype(np.int16)
    for at in (0.5, 1.7, 2.9):
        word = np.repeat(beep(np.random.default_rng(2)), 3)
        sound[round(at * 48000) :][: len(word)] += word
    return wav_of(sound, 48000)


def test_a_recording_is_what_the_verb_writes(browser: Browser, folder: Path, recorded: bytes, tmp_path: Path) -> None:
    found = browser.post("/api/recordings", raw=recorded, label="hey_gecko")
    assert (found["audio"], found["events"]) == ("recordings/audio_hey_gecko_001.wav", 3)
    assert found["command"] == "python -m mltk_like record hey_gecko --seconds 4"
    (tmp_path / "same.wav").write_bytes(recorded)
    same = mltk.record("hey_gecko", input=tmp_path / "same.wav", output=tmp_path / "same", progress=False)
    assert (folder / found["audio"]).read_bytes() == same.audio.read_bytes()
    assert (folder / found["labels"]).read_bytes() == same.labels.read_bytes()
    assert browser.post("/api/recordings", raw=recorded, label="_noise_", whole=1)["events"] == 1
    assert len(read_audio(folder / "recordings" / "audio__noise__001.wav", RATE)) == 4 * RATE
    assert read_audacity(folder / "recordings" / "labels__noise__001.txt").intervals[0].end_s == 4.0
    listed = browser.get("/api/recordings")
    assert listed["total"] == 2
    assert {one["file"]: one["labels"] for one in listed["recordings"]} == {
        "recordings/audio_hey_gecko_001.wav": {"hey_gecko": 3}, "recordings/audio__noise__001.wav": {"_noise_": 1},
    }  # fmt: skip
    event = listed["recordings"][1]["events"][0]
    status, _, data = browser.ask("/api/sound", file="recordings/audio_hey_gecko_001.wav", **event)
    assert (status, data[:4]) == (200, b"RIFF")


def test_links_among_the_recordings_lead_nowhere(
    browser: Browser, folder: Path, recorded: bytes, tmp_path: Path
) -> None:
    browser.post("/api/recordings", raw=recorded, label="word")
    (tmp_path / "secret.wav").write_bytes(recorded)
    (folder / "recordings" / "secret.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "recordings" / "gone.wav").symlink_to(folder / "gone.wav")
    labels = folder / "recordings" / "labels_word_001.txt"
    labels.rename(tmp_path / "secret.txt")
    labels.symlink_to(tmp_path / "secret.txt")
    (found,) = browser.get("/api/recordings")["recordings"]
    assert (found["file"], found["labels"]) == ("recordings/audio_word_001.wav", {})


def test_recordings_that_cannot_be(browser: Browser, folder: Path, recorded: bytes, tmp_path: Path) -> None:
    def refused(body: bytes, label: str) -> str:
        status, _, data = browser.ask("/api/recordings", body, label=label)
        assert status == 400
        message: str = json.loads(data)["error"]
        return message

    assert "cannot be part of a file's name" in refused(recorded, "../up")
    assert "there is no recording" in refused(b"", "word")
    assert "cannot read audio" in refused(b"no sound", "word")
    assert not (folder / "recordings").exists()
    (folder / "recordings").symlink_to(tmp_path)
    assert "leads out of" in refused(recorded, "word")


@pytest.fixture
def judged(browser: Browser, folder: Path) -> Browser:
    """A model of the folder that was judged, as a run of its own, with the sounds of two of its errors."""
    source = Path(mltk.load_model("marvin").path or "").with_name("marvin.mltk.zip")
    shutil.copy(source, folder / "models")
    return browser


def test_errors_are_those_of_the_evaluation(judged: Browser, folder: Path) -> None:
    stored = evaluations_of(open_artifact(folder / "models" / "marvin.mltk.zip"))["tflite"]
    assert {"id": "marvin", "conditions": list(stored.streams)} in judged.get("/api/judged")["models"]
    found = judged.get("/api/errors", id="marvin")
    assert found["threshold"] == stored.own_threshold
    assert [miss["score"] for miss in found["misses"]] == [miss.score for miss in stored.worst_misses or ()]
    assert [event["file"] for event in found["accepts"]] == [e.file for e in stored.loudest_false_accepts or ()]
    assert all(miss["start"] < miss["time"] < miss["end"] for miss in found["misses"])
    assert {one["problem"] for one in (*found["misses"], *found["accepts"])} == {"the file is not here"}
    assert "there is no model or run" in judged.fails("/api/errors", status=404, id="nothing")
    assert "has not been trained" in judged.fails("/api/errors", id="words")


def test_curves_of_several_models_are_one_plot(judged: Browser) -> None:
    pytest.importorskip("matplotlib")
    status, headers, one = judged.ask("/api/det.png", id=["marvin"])
    assert (status, headers["Content-Type"], one[:4]) == (200, "image/png", b"\x89PNG")
    two = judged.ask("/api/det.png", id=["marvin", "keyword_spotting_alexa"], condition="clean")[2]
    assert two[:4] == b"\x89PNG"
    assert two != one
    assert judged.fails("/api/det.png") == "0 curves in one plot"
    assert judged.fails("/api/det.png", id=["marvin"] * 8) == "8 curves in one plot"
    assert "condition 'underwater'" in judged.fails("/api/det.png", id="marvin", condition="underwater")


def test_a_damaged_evaluation_is_said(browser: Browser, folder: Path, model_file: Callable[..., Path]) -> None:
    run = folder / "runs" / "toy" / "1"
    (run / "eval" / "tflite").mkdir(parents=True)
    (run / "state.json").write_text('{"name": "toy", "status": "complete"}')
    (run / "eval" / "tflite" / "eval-results.json").write_text('{"name": 1}')
    assert "toy/1" not in [one["id"] for one in browser.get("/api/judged")["models"]]
    assert "eval-results.json" in browser.fails("/api/errors", id="toy/1")
