"""Hours that a model is judged on: talk that is made where its own data has too little, and the threshold it gives."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from toys import Trained, write_toy

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.wav import duration_s, write_wav
from mltk_like.data.clip import Clip
from mltk_like.data.manifest import read_manifest
from mltk_like.data.source import STREAM_LABEL
from mltk_like.data.split import Splits
from mltk_like.data.talk import keywords_said, talk_for
from mltk_like.errors import SettingError
from mltk_like.evaluation.chosen import choose_threshold
from mltk_like.evaluation.judge import ScoredTests
from mltk_like.evaluation.voices import voices_of
from mltk_like.feed import streams as feed_streams
from mltk_like.feed.dataset import Dataset, collect, open_split, restore
from mltk_like.loader import load_file
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.tflite import read_parameters

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS

# A model with hours of its own: it listens to a folder that the test fills.
LISTENS = """epochs = 2
steps_per_epoch = 2
evaluate_hours = 0.02
target_false_accepts_per_hour = 4500.0

def stream_sources(self, split, hours):
    return [Folder(path=HERE / "hours" / split, label="anything", licence="CC0-1.0", name=f"hours for {split}")]
"""


def write_hours(folder: Path, split: str) -> None:
    for number in range(2):
        rng = np.random.default_rng([number, len(split)])
        write_wav(folder / "hours" / split / f"{number}.wav", np.concatenate([toys.other(rng)] * 120), toys.RATE)


@pytest.fixture
def listener(shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AudioDatasetMixin:
    monkeypatch.chdir(tmp_path)
    path = write_toy(tmp_path / "models", settings=LISTENS)
    write_hours(path.parent, "test")
    write_hours(path.parent, "validation")
    model = load_file(path)
    assert isinstance(model, AudioDatasetMixin)
    return model


def streams(dataset: Dataset) -> dict[str, list[Clip]]:
    return {name: [clip for clip in clips if clip.label == STREAM_LABEL] for name, clips in dataset.splits.items()}


def with_streams(model: AudioDatasetMixin, dataset: Dataset, **options: Any) -> Dataset:
    """The dataset as a training has it: with what its splits lack."""
    splits, problems = feed_streams.with_streams(model, dataset.splits, **options)
    return replace(dataset, splits=splits, problems=(*dataset.problems, *problems))


def test_what_is_lacking_is_added_to_the_test_alone(listener: AudioDatasetMixin) -> None:
    before = collect(listener, progress=False)
    found = with_streams(listener, before, progress=False)
    added = streams(found)
    assert [len(clips) for clips in added.values()] == [0, 0, 2]
    assert {clip.group for clip in added["test"]} == {"streams/test/hours for test/0", "streams/test/hours for test/1"}
    assert {clip.split for clip in added["test"]} == {"test"}
    assert found.splits.training == before.splits.training
    # Streams that rank the checkpoints have some too, and groups of their own.
    ranked = streams(with_streams(listener.with_settings(rank_by="streams"), before, progress=False))
    assert [len(clips) for clips in ranked.values()] == [0, 2, 2]
    assert not {c.group for c in ranked["validation"]} & {c.group for c in ranked["test"]}


def test_a_split_with_enough_of_its_own_gets_none(listener: AudioDatasetMixin) -> None:
    dataset = collect(listener, progress=False)
    assert with_streams(listener.with_settings(evaluate_hours=1e-4), dataset, progress=False) == dataset
    assert with_streams(listener.with_settings(evaluate_hours=0.0), dataset, progress=False) == dataset


def test_without_a_judgement_the_test_needs_none(listener: AudioDatasetMixin) -> None:
    dataset = collect(listener, progress=False)
    assert with_streams(listener, dataset, judged=False, progress=False) == dataset
    ranked = with_streams(listener.with_settings(rank_by="streams"), dataset, judged=False, progress=False)
    assert [len(clips) for clips in streams(ranked).values()] == [0, 2, 0]


@pytest.mark.slow
def test_hours_that_a_training_left_out_come_when_it_is_judged(
    listener: mltk.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    run = mltk.train(listener, workers=0, evaluate=False, progress=False).folder

    def added() -> list[str]:
        return [row.split for row in read_manifest(run / "manifest.jsonl") if row.label == STREAM_LABEL]

    assert added() == []
    judged = mltk.evaluate(run, tflite=True, progress=False)
    hours = next(iter(judged.curves.values())).hours
    state = json.loads((run / "state.json").read_text())
    (run / "state.json").write_text(json.dumps({**state, "status": "interrupted"}))
    again = mltk.train(listener, workers=0, resume=True, progress=False)
    assert again.folder == run
    assert added() == ["test", "test"]
    assert next(iter(again.evaluations["tflite"].curves.values())).hours == hours > 60 / 3600
    assert next(iter(mltk.evaluate(run, tflite=True, progress=False).curves.values())).hours == hours


def test_a_source_that_cannot_be_had_is_a_problem_and_no_end(listener: AudioDatasetMixin) -> None:
    for path in (Path("models") / "hours" / "test").iterdir():
        path.unlink()
    found = with_streams(listener, collect(listener, progress=False), progress=False)
    assert not streams(found)["test"]
    assert len(found.problems) == 1
    assert found.problems[0].startswith("hours for test: ")


def test_streams_are_in_no_window_and_no_babble(listener: AudioDatasetMixin) -> None:
    before = collect(listener, progress=False)
    after = with_streams(listener, before, progress=False)
    plain = open_split(listener, before.splits.test, seed=0, progress=False)
    files = open_split(listener, after.splits.test, seed=0, progress=False)
    assert len(files.streams) == 2
    assert replace(files, streams=()) == plain


@pytest.mark.slow
def test_a_training_hears_them_and_stores_its_threshold(
    listener: mltk.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    result = mltk.train(listener, workers=0)
    out = capsys.readouterr().out
    rows = [row for row in read_manifest(result.folder / "manifest.jsonl") if row.label == STREAM_LABEL]
    assert [row.split for row in rows] == ["test", "test"]
    heard = sum(row.duration_s for row in rows)
    for kind in ("keras", "tflite"):
        evaluation = result.evaluations[kind]
        hours = next(iter(evaluation.curves.values())).hours
        assert 3600 * hours > heard > 60
    parameters = read_parameters((result.folder / "toy.tflite").read_bytes())
    assert "threshold stored in the .tflite" in out
    assert parameters["detection_threshold"] == parameters["sensitivity.medium.detection_threshold"]
    assert parameters["sensitivity.medium.false_accepts_per_hour"] <= 4500
    assert parameters["sensitivity.hours"] == pytest.approx(hours, abs=1e-3)
    assert parameters["colour"] == "green"
    stored = json.loads((result.folder / "eval" / "tflite" / "eval-results.json").read_text())
    assert stored["threshold"] == parameters["detection_threshold"]
    assert (
        f"detection_threshold: {parameters['detection_threshold']}"
        in (result.folder / "toy.tflite.summary.txt").read_text()
    )
    # The same hours again, with the model as it is stored.
    again = mltk.evaluate(result.folder, tflite=True, progress=False)
    assert again.to_dict()["streams"] == stored["streams"]


def test_too_little_sound_leaves_the_threshold(trained: Trained) -> None:
    log = (trained.result.folder / "log.txt").read_text()
    assert "the model's own threshold 150 stays" in log
    assert "that takes 4 h without the word, and 0.00 h were heard" in log
    parameters = read_parameters(trained.tflite.read_bytes())
    assert parameters["detection_threshold"] == 150
    assert not [name for name in parameters if name.startswith("sensitivity.")]


def test_a_list_of_thresholds_stays(scored_nothing: ScoredTests) -> None:
    settings = RecogniserSettings(detection_threshold=99, detection_threshold_list=(99, 0))
    chosen = choose_threshold(scored_nothing, settings, 0.5)
    assert chosen.sensitivity is None
    assert "list of thresholds" in str(chosen)


@pytest.fixture
def scored_nothing(tmp_path: Path) -> ScoredTests:
    from mltk_like.evaluation.testset import TestSet

    tests = TestSet(
        description="", clips=(), samples=(), noise=lambda *_: np.zeros(0, np.int16), snrs_db=(), negatives=(),
        read=lambda _: [], sample_rate_hz=16000,
    )  # fmt: skip
    return ScoredTests(tests=tests, classes=("a", "_"), positives={}, word_ends_s=(), negatives=None, starts_s=())


def test_talk_says_no_keyword_and_is_other_talk_in_each_split() -> None:
    spoken = [data.say("alexa", "alexa stop", label="alexa", count=2), data.say_random(label="_unknown_", count=2)]
    assert keywords_said(spoken) == ["alexa", "alexa stop"]
    test, validation = (talk_for(spoken, split, 0.3) for split in ("test", "validation"))
    texts = [line.text for line in test[0].plan()]
    assert len(texts) == 34
    assert all(text.count(" ") > 15 for text in texts)
    assert not [text for text in texts if "alexa" in text.lower()]
    assert not set(texts) & {line.text for line in validation[0].plan()}
    # Nobody says a bell.
    assert talk_for([data.say_random(label="_unknown_", count=2)], "test", 6.0) == []
    with pytest.raises(SettingError):
        data.say_for_hours(0.0, label="_unknown_")


@pytest.mark.slow
def test_talk_lasts_as_long_as_it_should_and_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hibari")
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    path = write_toy(
        tmp_path / "models",
        settings="evaluate_hours = 0.1",
        sources='say("beep", label="beep", count=2, engines=("hibari",)),',
        imports="from mltk_like.data import say",
    )
    model = load_file(path)
    assert isinstance(model, AudioDatasetMixin)
    nothing = Dataset(splits=Splits(training=(), validation=(), test=()), problems=())
    clips = with_streams(model, nothing, workers=0, progress=False).splits.test
    assert sum(duration_s(clip.path) for clip in clips) / 3600 == pytest.approx(0.11, rel=0.25)
    assert {clip.group for clip in clips} == {"streams/test/hibari:heart"}
    sound = clips[0].path.read_bytes()
    clips[0].path.unlink()
    assert restore(model, clips, progress=False)
    assert clips[0].path.read_bytes() == sound


def test_synthetic_voices_are_called_so() -> None:
    def clip(label: str, engine: str = "") -> Clip:
        details = {"engine": engine} if engine else {}
        return Clip(path=Path("a.wav"), label=label, group="a", source="b", details=details)

    words = [clip("beep", "kokoro"), clip("beep", "piper")]
    negatives = [clip("_unknown_", "hibari"), clip(STREAM_LABEL, "hibari"), clip("_unknown_")]
    found = voices_of(words, negatives, [3600.0, 7200.0, 1800.0])
    assert (found.hours, found.synthetic_hours, found.stream_hours, found.engines) == (
        3.5,
        3.0,
        2.0,
        ("kokoro", "piper"),
    )
    counted, spoken = found.sentences()
    assert "3.50 h: 3.00 h of synthetic speech (2.00 h of it made for this alone, " in counted
    assert spoken.startswith(
        "All 2 clips with the word are spoken by synthetic voices (kokoro, piper). People are missed"
    )
    assert voices_of([clip("beep")], [clip("_unknown_")], [3600.0]).sentences() == []
    half = voices_of([clip("beep"), words[0]], [], [])
    assert [text.partition(" are")[0] for text in half.sentences()] == ["1 of the 2 clips with the word"]
