"""`evaluate A B C`: several models of any tools on the same recordings."""

import csv
import json
from pathlib import Path

import brought_models as brought
import pytest

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import DataError, SettingError
from mltk_like.verbs.evaluate import several


@pytest.fixture
def recorded(tmp_path: Path) -> mltk.Recordings:
    words, room = brought.recordings(tmp_path)
    return mltk.Recordings(positives=words, negatives=(room,))


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """One of microWakeWord, an archive of MLTK, a bare `.tflite`, and one that cannot hear."""
    bare, deaf = tmp_path / "ours.tflite", tmp_path / "deaf.tflite"
    bare.write_bytes(brought.detector(2))
    deaf.write_bytes(brought.of_shape((1, 16, 96), "FLOAT32"))
    archive = brought.mltk_archive(tmp_path / "theirs.mltk.zip", brought.detector(3))
    return [brought.wake_word(tmp_path), archive, deaf, bare]


def test_each_is_judged_as_alone_and_the_broken_one_is_reported(
    models: list[Path], recorded: mltk.Recordings, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = mltk.evaluate_models(models, recordings=recorded, output=out, progress=False)
    assert [model.name for model in result.models] == ["okay_nabu", "theirs", "ours"]
    assert [one.name for one in result.refused] == [str(models[2])]
    assert "as the heads of openWakeWord do" in result.refused[0].message
    for model, path in zip(result.models, (models[0], models[1], models[3]), strict=True):
        alone = mltk.evaluate(path, tflite=True, recordings=recorded, merge_ms=1000, progress=False)
        assert model.result.to_dict() == {**alone.to_dict(), "name": model.name}
        assert json.loads((out / model.name / "eval-results.json").read_text()) == model.result.to_dict()
    text = str(result)
    assert (out / "summary.txt").read_text() == f"{text}\n"
    assert "missed, clean (4 words, 0.00 h without them), at" in text
    assert "not judged: " in text
    assert (out / "models.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "models.json").read_text()) == json.loads(json.dumps(result.to_dict()))
    check_rows(result, out / "models.csv", models[0])


def check_rows(result: mltk.SideBySide, file: Path, manifest: Path) -> None:
    """The table as CSV, and what stands in it."""
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert len(rows) == 3 * 2 * 5  # models, conditions, and own threshold beside four rates
    for row, expected in zip(rows, result.rows(), strict=True):
        assert row == {name: "" if value is None else str(value) for name, value in expected.items()}
    first = [row for row in result.rows() if row["model"] == "okay_nabu"]
    assert {row["p_against_first"] for row in first} == {None}
    own = next(row for row in result.rows() if row["model"] == "ours" and row["false_accepts_per_hour"] == "own")
    assert own["threshold"] == brought.RECOGNISER.detection_threshold
    assert own["positives"] == 4
    assert 0 <= own["p_against_first"] <= 1
    cost = result.models[0].cost
    assert cost.flash_bytes == manifest.with_suffix(".tflite").stat().st_size
    assert (cost.latency_ms, cost.window_ms, cost.averaged_ms) == (30, 170, 60)


def test_what_was_judged_before_an_interruption_is_written(
    models: list[Path], recorded: mltk.Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score, heard = several.score_tests, []

    def interrupted(*args: object, **options: object) -> object:
        heard.append(args)
        if len(heard) == 2:
            raise KeyboardInterrupt
        return score(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(several, "score_tests", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mltk.evaluate_models(models, recordings=recorded, output=tmp_path / "out", progress=False)
    kept = json.loads((tmp_path / "out" / "models.json").read_text())
    assert list(kept["models"]) == ["okay_nabu"]


def test_models_of_one_name_are_told_apart(recorded: mltk.Recordings, tmp_path: Path) -> None:
    paths = [tmp_path / str(index) / "net.tflite" for index in range(3)]
    for seed, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(brought.detector(seed))
    result = mltk.evaluate_models(paths, recordings=recorded, progress=False)
    assert [model.name for model in result.models] == ["net", "net-2", "net-3"]


def test_other_keywords_are_said_and_a_label_is_asked_of_each(recorded: mltk.Recordings, tmp_path: Path) -> None:
    one, two, many = (tmp_path / f"{name}.tflite" for name in ("one", "two", "many"))
    one.write_bytes(brought.detector(1))
    two.write_bytes(brought.detector(2, ("hey_you", "_unknown_")))
    many.write_bytes(brought.detector(3, ("yes", "no", "_unknown_")))
    result = mltk.evaluate_models([one, two, many], recordings=recorded, progress=False)
    assert "They detect: one 'okay_nabu', two 'hey_you'" in str(result)
    assert [one.name for one in result.refused] == ["many"]
    assert "--label yes or no" in result.refused[0].hint


def test_no_recordings_is_an_error_of_all(models: list[Path], tmp_path: Path) -> None:
    nowhere = mltk.Recordings(positives=tmp_path / "nowhere")
    with pytest.raises(DataError, match="no such folder"):
        mltk.evaluate_models(models, recordings=nowhere, output=tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
    with pytest.raises(SettingError, match="nothing to compare"):
        mltk.evaluate_models(models[:1], recordings=nowhere, progress=False)


def test_the_command_line(
    models: list[Path], recorded: mltk.Recordings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--positives", str(recorded.positives), "--negatives", str(recorded.negatives[0])]
    assert main(["evaluate", str(models[0]), *given, "--json", str(models[3])]) == 0
    assert list(json.loads(capsys.readouterr().out)["models"]) == ["okay_nabu", "ours"]
    assert main(["evaluate", *map(str, models[1:3]), *given]) == 2
    out = capsys.readouterr().out
    assert "theirs" in out
    assert "not judged: " in out
    for wrong, message in (
        ([], "several models are judged on recordings"),
        ([*given, "--both"], "several models go with --positives"),
        ([*given, "--subset", "training"], "several models go with --positives"),
    ):
        assert main(["evaluate", str(models[0]), str(models[1]), *wrong]) == 2
        assert message in capsys.readouterr().err
