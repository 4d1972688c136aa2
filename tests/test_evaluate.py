"""`evaluate`: the run's own test voices, and anyone's recordings on a bare `.tflite`."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.paths import unportable
from mltk_like.tflite import read_parameters
from mltk_like.training.convert import stamp
from mltk_like.trust import remember
from mltk_like.verbs.evaluate import evaluate_both

pytest_plugins = ["toy_fixtures"]
pytestmark = [*toys.TENSORFLOW_WARNINGS, pytest.mark.usefixtures("trained")]


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """`positives/` (5 beeps), `negatives/` (3 long ones), `more/` (1) and `noise/`."""
    for index in range(5):
        write_wav(tmp_path / "positives" / f"{index}.wav", toys.beep(np.random.default_rng(100 + index)), toys.RATE)
    for index in range(3):
        rng = np.random.default_rng(200 + index)
        write_wav(tmp_path / "negatives" / "deep" / f"{index}.wav", np.concatenate([toys.other(rng)] * 4), toys.RATE)
    write_wav(tmp_path / "more" / "long.wav", np.zeros(3 * toys.RATE, np.int16), toys.RATE)
    write_wav(tmp_path / "noise" / "hum.wav", toys.other(np.random.default_rng(7)), toys.RATE)
    return tmp_path


def test_both_engines_agree(trained: Trained) -> None:
    keras, tflite = (trained.result.evaluations[kind].windows for kind in ("keras", "tflite"))
    assert keras is not None
    assert tflite is not None
    assert keras.support.tolist() == tflite.support.tolist()
    assert np.abs(keras.confusion - tflite.confusion).sum() / 2 <= 2
    assert keras.support.tolist() == [24, 36]


@pytest.mark.parametrize("tflite", [False, True])
def test_the_verb_finds_what_the_training_found(trained: Trained, tflite: bool, tmp_path: Path) -> None:
    result = mltk.evaluate(trained.result.folder, tflite=tflite, progress=False, output=tmp_path)
    assert result.to_dict() == trained.result.evaluations["tflite" if tflite else "keras"].to_dict()
    plots = ("streams", "confusion_matrix", "roc", "precision_vs_recall")
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} >= {
        "eval-results.json", "summary.txt", *(f"toy-{plot}.png" for plot in plots)
    }  # fmt: skip
    assert json.loads((tmp_path / "eval-results.json").read_text()) == result.to_dict()
    assert (tmp_path / "summary.txt").read_text() == f"{result}\n"
    assert all((tmp_path / f"toy-{plot}.png").read_bytes().startswith(b"\x89PNG") for plot in plots)


def test_every_form_of_the_model_gives_the_same(trained: Trained) -> None:
    expected = trained.result.evaluations["tflite"].to_dict()
    for form in (mltk.load_model(trained.path), str(trained.path), trained.result.published):
        assert form is not None
        assert mltk.evaluate(form, tflite=True, progress=False).to_dict() == expected


def test_the_test_voices_are_made_again_where_they_are_gone(
    trained: Trained,
    own_copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "empty"))
    remember(trained.path)
    manifest = own_copy / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace("/audio/", "/gone/"))
    again = mltk.evaluate(own_copy, tflite=True, progress=False)
    assert again.to_dict()["windows"] == trained.result.evaluations["tflite"].to_dict()["windows"]


def test_a_rate_of_false_accepts_and_its_report(trained: Trained) -> None:
    result = trained.result.evaluations["tflite"]
    assert list(result.curves) == ["clean", "10 dB"]
    streams = result.to_dict()["streams"]["clean"]
    assert [point["false_accepts_per_hour_target"] for point in streams["operating_points"]] == [0.1, 0.5, 1.0, 2.0]
    assert streams["at_own_threshold"]["threshold"] == 150
    assert streams["at_own_threshold"]["positives"] == 6
    text = str(result)
    assert text.startswith("toy, int8 (.tflite), on test voices of the model's own data")
    assert "'beep', clean:" in text
    header, own, first = text.split("'beep', clean:\n")[1].splitlines()[:3]
    assert header.split()[:3] == ["false", "accepts/h", "threshold"]
    assert own.split()[:4] == ["the", "model's", "own", "150"], "what the model does as it is stands first"
    assert first.split()[0] == "0.1*"
    assert "60 single windows" in text


def test_recordings_on_a_bare_tflite(trained: Trained, recordings: Path) -> None:
    bare = Path(shutil.copy(trained.tflite, recordings / "found.tflite"))
    given = mltk.Recordings(
        positives=recordings / "positives", negatives=(recordings / "negatives", recordings / "more")
    )
    result = mltk.evaluate(bare, recordings=given, progress=False)
    assert (result.name, result.kind, result.label, result.windows) == ("found", "tflite", "beep", None)
    clean = result.curves["clean"]
    samples = sum(4 * len(toys.other(np.random.default_rng(200 + index))) for index in range(3))
    assert clean.hours == pytest.approx((samples / toys.RATE + 3 + 4 * 0.3) / 3600)
    assert clean.positives == 5
    # It hears most of them, and a threshold that nothing passes hears none.
    assert clean.misses[100] < 5
    assert clean.misses[-1] == 5
    assert str(recordings / "more") in result.data
    json.dumps(result.to_dict(), allow_nan=False)


def test_a_folder_gives_the_same_as_the_bare_tflite(trained: Trained, recordings: Path) -> None:
    given = mltk.Recordings(positives=recordings / "positives", negatives=(recordings / "negatives",))
    left = mltk.evaluate(trained.tflite, recordings=given, progress=False).to_dict()
    right = mltk.evaluate(trained.result.folder, tflite=True, recordings=given, progress=False).to_dict()
    assert left == right
    float_one = mltk.evaluate(trained.result.folder, recordings=given, progress=False)
    assert float_one.kind == "keras"
    assert abs(int(float_one.curves["clean"].misses[120]) - left["streams"]["clean"]["curve"]["misses"][120]) <= 1


def test_noise_and_its_level_are_the_users(trained: Trained, recordings: Path) -> None:
    given = mltk.Recordings(positives=recordings / "positives", noise=recordings / "noise")
    result = mltk.evaluate(trained.tflite, recordings=given, snr_db=-20.0, progress=False)
    assert list(result.curves) == ["clean", "-20 dB"]
    assert result.curves["-20 dB"].misses[150] >= result.curves["clean"].misses[150]


def test_positives_alone_and_negatives_alone(trained: Trained, recordings: Path) -> None:
    words = mltk.evaluate(
        trained.tflite, recordings=mltk.Recordings(positives=recordings / "positives"), progress=False
    )
    assert words.curves["clean"].hours == 0
    assert "not measured" in str(words)
    speech = mltk.evaluate(
        trained.tflite, recordings=mltk.Recordings(negatives=(recordings / "negatives",)), progress=False
    )
    assert speech.curves["clean"].positives == 0
    assert "not measured" in str(speech)
    for result in (words, speech):
        json.dumps(result.to_dict(), allow_nan=False)
    with pytest.raises(DataError, match="nothing to judge"):
        mltk.evaluate(trained.tflite, recordings=mltk.Recordings(), progress=False)


def test_several_ratios_are_a_condition_each(trained: Trained, recordings: Path) -> None:
    given = mltk.Recordings(positives=recordings / "positives", noise=recordings / "noise")
    result = mltk.evaluate(trained.tflite, recordings=given, snr_db=[20.0, -20.0, 20.0], progress=False)
    assert list(result.curves) == ["clean", "20 dB", "-20 dB"]
    alone = mltk.evaluate(trained.tflite, recordings=given, snr_db=-20.0, progress=False)
    assert np.array_equal(result.peaks["-20 dB"], alone.peaks["-20 dB"])


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_another_subset_of_its_own_data(trained: Trained, subset: str) -> None:
    result = mltk.evaluate(trained.result.folder, tflite=True, subset=subset, progress=False)
    assert result.data == f"{subset} voices of the model's own data"
    # Half and a quarter of 8 voices, three takes each.
    assert result.curves["clean"].positives == {"training": 12, "validation": 6}[subset]


def test_a_subset_that_cannot_be(trained: Trained, recordings: Path) -> None:
    with pytest.raises(SettingError, match="no subset 'tests'"):
        mltk.evaluate(trained.result.folder, subset="tests", progress=False)
    given = mltk.Recordings(positives=recordings / "positives")
    with pytest.raises(SettingError, match="recordings have no subset 'training'"):
        mltk.evaluate(trained.tflite, recordings=given, subset="training", progress=False)


def test_misses_are_told_by_voice_and_file(trained: Trained) -> None:
    result = trained.result.evaluations["tflite"]
    groups = {row.name: row.positives for row in result.misses_by if row.by == "group" and row.condition == "clean"}
    assert sorted(groups.values()) == [3, 3]
    assert all(name.startswith("toys/voice") for name in groups)
    for miss in result.worst_misses:
        assert unportable(miss.file).is_file()
        assert miss.group in groups


def test_folders_name_their_groups(trained: Trained, recordings: Path) -> None:
    for index in range(4):
        path = recordings / "people" / ("anna", "bert")[index % 2] / f"{index}.wav"
        write_wav(path, toys.beep(np.random.default_rng(index)), toys.RATE)
    by_folder = mltk.Recordings(
        positives=recordings / "people", negatives=(recordings / "negatives", recordings / "more")
    )
    result = mltk.evaluate(trained.tflite, recordings=by_folder, progress=False)
    assert {row.name for row in result.misses_by} == {"anna", "bert"}
    assert {(row.by, row.name) for row in result.false_accepts_by} == {
        ("group", "deep"), ("group", "more"), ("source", "negatives"), ("source", "more"),
    }  # fmt: skip
    hours = sum(row.hours for row in result.false_accepts_by if row.by == "source")
    assert hours == pytest.approx(result.curves["clean"].hours)
    by_name = mltk.Recordings(positives=recordings / "people", group=r"^(\d)")
    assert len(mltk.evaluate(trained.tflite, recordings=by_name, progress=False).misses_by) == 8
    with pytest.raises(SettingError, match="groups in parentheses"):
        mltk.evaluate(trained.tflite, recordings=mltk.Recordings(positives=recordings, group="x"), progress=False)


def test_a_false_accept_can_be_heard_again(trained: Trained, recordings: Path) -> None:
    """Beeps in the negatives: what is listed lies where they are."""
    rng = np.random.default_rng(3)
    hum, beep = (rng.standard_normal(4 * toys.RATE) * 100).astype(np.int16), toys.beep(rng)
    hum[2 * toys.RATE : 2 * toys.RATE + len(beep)] += beep
    write_wav(recordings / "more" / "beeps.wav", hum, toys.RATE)
    given = mltk.Recordings(negatives=(recordings / "negatives", recordings / "more"))
    result = mltk.evaluate(trained.tflite, recordings=given, progress=False)
    (event,) = [event for event in result.loudest_false_accepts if event.file.endswith("beeps.wav")]
    assert 2.0 < event.time_s < 3.0
    assert (event.label, event.group, event.source) == ("beep", "more", "more")


def test_float_beside_int8(trained: Trained, recordings: Path, tmp_path: Path) -> None:
    given = mltk.Recordings(positives=recordings / "positives", negatives=(recordings / "negatives",))
    both = evaluate_both(trained.result.folder, recordings=given, output=tmp_path / "both", progress=False)
    left = mltk.evaluate(trained.result.folder, recordings=given, progress=False)
    right = mltk.evaluate(trained.result.folder, tflite=True, recordings=given, progress=False)
    plain = both.to_dict()
    assert (plain["keras"], plain["tflite"]) == (left.to_dict(), right.to_dict())
    assert all(0 < row["p_value"] <= 1 for row in plain["comparison"] if row["test"])
    assert {path.name for path in (tmp_path / "both").iterdir()} == {
        "eval-results.json",
        "summary.txt",
        "keras",
        "tflite",
    }
    assert "missed % at 0.5 /h, clean" in str(both)
    with pytest.raises(ModelError, match="int8 model alone"):
        evaluate_both(trained.tflite, recordings=given, progress=False)


def test_tflm_computes_what_litert_does(trained: Trained, recordings: Path) -> None:
    pytest.importorskip("tflite_micro")
    given = mltk.Recordings(positives=recordings / "positives", negatives=(recordings / "negatives",))
    result = mltk.evaluate(trained.tflite, tflm=True, recordings=given, progress=False)
    assert result.kind == "tflm"
    litert = mltk.evaluate(trained.tflite, recordings=given, progress=False)
    for name, peaks in result.peaks.items():
        assert np.abs(peaks - litert.peaks[name]).max() <= 2
    assert "on TensorFlow Lite Micro" in str(result)


def test_recordings_shorter_than_a_window(trained: Trained, tmp_path: Path) -> None:
    write_wav(tmp_path / "short" / "click.wav", np.full(50, 900, np.int16), toys.RATE)
    given = mltk.Recordings(positives=tmp_path / "short", negatives=(tmp_path / "short",))
    result = mltk.evaluate(trained.tflite, recordings=given, progress=False)
    assert result.curves["clean"].misses.tolist()[-1] == 1
    assert result.curves["clean"].false_accepts.sum() == 0


def test_negatives_that_cannot_be_read(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "a.wav").write_text("no sound")
    (tmp_path / "junk" / "b.wav").write_bytes(b"")
    with pytest.raises(DataError, match="none of the recordings without the word can be read"):
        mltk.evaluate(trained.tflite, recordings=mltk.Recordings(negatives=(tmp_path / "junk",)), progress=False)


@pytest.mark.parametrize("what", ["positives", "negatives", "noise"])
@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_folder_without_recordings(trained: Trained, recordings: Path, what: str, kind: str) -> None:
    folder = recordings / "nothing"
    if kind == "empty":
        folder.mkdir()
    values: dict[str, Any] = {"positives": recordings / "positives"}
    values[what] = (folder,) if what == "negatives" else folder
    with pytest.raises(DataError, match="no such folder" if kind == "missing" else "no audio in"):
        mltk.evaluate(trained.tflite, recordings=mltk.Recordings(**values), progress=False)


@pytest.mark.parametrize("label", ["bell", "_unknown_", ""])
def test_a_label_that_is_not_detected(trained: Trained, recordings: Path, label: str) -> None:
    given = mltk.Recordings(positives=recordings / "positives", label=label)
    with pytest.raises(ModelError, match="the model detects no") as caught:
        mltk.evaluate(trained.tflite, recordings=given, progress=False)
    assert caught.value.hint == "it detects: beep"


def test_a_tflite_that_names_no_classes(trained: Trained, tmp_path: Path) -> None:
    data = trained.tflite.read_bytes()
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(stamp(data, {k: v for k, v in read_parameters(data).items() if k != "classes"}, None))
    with pytest.raises(ModelError, match="names no classes"):
        mltk.evaluate(bare, recordings=mltk.Recordings(), progress=False)


def test_a_bare_tflite_needs_recordings(trained: Trained) -> None:
    with pytest.raises(ModelError, match=r"bare \.tflite") as caught:
        mltk.evaluate(trained.tflite, progress=False)
    assert caught.value.hint


def test_a_model_that_has_not_been_trained(tmp_path: Path) -> None:
    path = toys.write_toy(tmp_path / "models", name="other")
    with pytest.raises(ModelError, match="other has not been trained"):
        mltk.evaluate(str(path), progress=False)


def test_the_command_line(trained: Trained, recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = recordings / "out"
    arguments = ["evaluate", str(trained.tflite), "--positives", str(recordings / "positives")]
    arguments += ["--negatives", str(recordings / "negatives"), str(recordings / "more"), "--snr", "6"]
    assert main([*arguments, "--json", "-o", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed["streams"]) == ["clean", "6 dB"]
    assert printed["windows"] is None
    assert {path.name for path in out.iterdir()} == {"eval-results.json", "summary.txt", "toy-streams.png"}
    assert main(arguments) == 0
    assert "'beep', 6 dB:" in capsys.readouterr().out
    assert main([*arguments, "--json", "--snr", "0", "5", "--merge-ms", "1000", "--group", "stem"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (list(printed["streams"]), printed["merge_ms"]) == (["clean", "0 dB", "5 dB"], 1000)
    assert len(printed["misses_by"]) == 15
    wrong_ones = (
        ["--free", "minimum_count"], ["--labelled", str(recordings)], ["--both", "--tflm"], ["--both", "--low-bit"],
        ["--low-bit", "--target-false-accepts", "1"], ["--merge-ms", "-5"], ["--target-false-accepts", "nan"],
        ["--snr", "nan"], ["--snr", "-400"],
    )  # fmt: skip
    for wrong in wrong_ones:
        assert main([*arguments, *wrong]) == 2, wrong
    capsys.readouterr()
    assert main(["evaluate", str(trained.tflite), "--positives", "nowhere"]) == 2
    assert "error: no such folder: nowhere" in capsys.readouterr().err
