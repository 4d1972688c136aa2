"""Models of other tools: read as what they are, run as their devices run them, refused with the reason."""

import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import brought_models as brought
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from int8_nets import Net

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.audio.frontend import Frontend, frontend_from_parameters
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.brought.micro_wake_word import front_end
from mltk_like.cli import main
from mltk_like.errors import ModelError
from mltk_like.evaluation.streams import StreamScorer
from mltk_like.tflite import TfliteModel, read_parameters, write_parameters
from mltk_like.tflite.memory import inferences_heard
from mltk_like.tflite.model_file import parse, serialise
from mltk_like.tflite.streaming import to_streaming
from mltk_like.tflite.streaming.graph import Node
from mltk_like.verbs.shared.subject import open_subject

STREAM = to_streaming(brought.windowed_net()).model


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return brought.wake_word(tmp_path)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_how_far_back_a_stream_hears(rows: int) -> None:
    streamed = to_streaming(brought.windowed_net(rows))
    assert inferences_heard(streamed.model) == streamed.window_rows // streamed.rows == 5
    assert inferences_heard(brought.detector()) == 1


def test_a_state_that_never_forgets_is_refused() -> None:
    """A recurrent layer: what is kept is what it gave, which was made of what had been kept."""
    net = Net((1, 4, 1, 40))
    tree = parse(to_streaming(net.model(net.flat_dense(net.depthwise(net.conv(net.input, 8), (2, 1)), 1))).model)
    operators = tree.subgraphs[0].operators
    names = [Node(tree, index).op for index in range(len(operators))]
    assign, layer = operators[names.index("assign_variable")], operators[names.index("depthwise_conv_2d")]
    assign.inputs = np.array([assign.inputs[0], layer.outputs[0]], np.int32)
    operators.remove(assign)
    operators.append(assign)
    with pytest.raises(ModelError, match="never forgets"):
        inferences_heard(serialise(tree))


@hypothesis_settings(deadline=None, max_examples=150)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_stream_is_refused_or_followed(flips: list[tuple[float, int]]) -> None:
    data = bytearray(STREAM)
    for place, value in flips:
        data[int(place * len(data))] = value
    with suppress(ModelError):
        assert inferences_heard(bytes(data)) >= 1


@pytest.mark.parametrize(
    ("changes", "step_ms", "results", "threshold"),
    [
        ({}, 10, 3, 127),
        ({"micro": {"probability_cutoff": 0.97, "sliding_window_size": 1, "feature_step_size": 20}}, 20, 1, 247),
        ({"version": 1, "micro": {"probability_cutoff": 0.9, "sliding_window_average_size": 10}}, 20, 10, 229),
    ],
)
def test_what_a_manifest_says_becomes_parameters(
    tmp_path: Path, changes: dict[str, Any], step_ms: int, results: int, threshold: int
) -> None:
    path = brought.wake_word(tmp_path, **changes)
    parameters = read_parameters(open_artifact(path).tflite())
    latency = 3 * step_ms
    assert parameters["classes"] == ["okay_nabu"]
    assert parameters["streaming.rows"] == 3
    found = frontend_from_parameters(parameters).to_parameters()
    assert found == pytest.approx(front_end(step_ms, 15).to_parameters())  # stored in single precision
    assert front_end(step_ms, 15).spectrogram_shape == (15, 40)
    assert RecogniserSettings.from_parameters(parameters) == RecogniserSettings(
        latency_ms=latency, minimum_count=results, average_window_duration_ms=(results - 1) * latency,
        detection_threshold=threshold, suppression_ms=100 * step_ms,
    )  # fmt: skip
    assert path.with_suffix(".tflite").read_bytes() == STREAM


def test_scores_are_those_of_the_net_run_hop_by_hop(manifest: Path) -> None:
    """From a state of zeros, three new columns an inference, as the firmware does; from the first whole window on."""
    subject = open_subject(open_artifact(manifest), "tflite")
    samples = (np.random.default_rng(3).standard_normal(brought.RATE * 3) * 4000).astype(np.int16)
    stream = StreamScorer(subject.frontend, subject.recogniser.latency_ms, subject.score).clips([samples])[0]
    columns = Frontend(subject.frontend)(samples)
    # A window ends with column 3 k - 3 of those that 30 k ms hold, so that a hop ends there too.
    hops = columns[1 : 1 + (len(columns) - 1) // 3 * 3].reshape(-1, 3, 40)
    expected = TfliteModel(manifest.with_suffix(".tflite")).predict(hops)[:, 0]
    assert stream.scores.dtype == expected.dtype == np.uint8
    np.testing.assert_array_equal(stream.scores[:, 0], expected[stream.times_ms // 30 - 2])
    assert len(np.unique(expected)) > 8
    assert stream.times_ms[0] == 180  # 15 columns of 10 ms, and the rest of the window


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "sound"}, "is no manifest of microWakeWord: Invalid enum value 'sound'"),
        ({"version": 3}, "is no manifest of microWakeWord: Invalid enum value 3"),
        ({"micro": {"sliding_window_size": 5}}, "missing required field probability_cutoff"),
        ({"micro": {"probability_cutoff": 97}}, "<= 1"),
        ({"micro": {"probability_cutoff": 0.9, "sliding_window_size": 0}}, ">= 1"),
        ({"model": "../okay_nabu.tflite"}, "which is no file beside it"),
        ({"model": "elsewhere.tflite"}, "names the model elsewhere.tflite, which is not beside it"),
    ],
)
def test_manifests_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], message: str
) -> None:
    path = brought.wake_word(tmp_path, **changes)
    assert main(["summarize", str(path)]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert message in error
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (brought.of_shape((1, 3, 32)), "maps int8 1x3x32 to int8 1x96, and microWakeWord int8 1xNx40"),
        (brought.windowed_net(), "keeps no state"),
        (b"text", "okay_nabu.json names the model okay_nabu.tflite, which is not a .tflite file"),
    ],
)
def test_what_a_manifest_may_not_name(manifest: Path, model: bytes, message: str) -> None:
    manifest.with_suffix(".tflite").write_bytes(model)
    with pytest.raises(ModelError, match=message):
        open_artifact(manifest).tflite()


def test_a_json_file_of_another_kind_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("[1, 2]", "{", '{"history": {}}'):
        (tmp_path / "x.json").write_text(text)
        assert main(["evaluate", str(tmp_path / "x.json"), "--positives", "."]) == 2
        _, hint = capsys.readouterr().err.splitlines()
        assert "JSON file that comes with a model of microWakeWord" in hint


def test_a_manifest_is_never_written(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, words = manifest.read_bytes(), str(brought.recordings(tmp_path)[0])
    for command in (
        ["update_params", str(manifest), "detection_threshold=9"],
        ["evaluate", str(manifest), "--positives", words, "--negatives", words, "--target-false-accepts", "1"],
    ):
        assert main(command) == 2
        assert "is a manifest of microWakeWord, which is left as it is" in capsys.readouterr().err
    assert manifest.read_bytes() == before
    copy = tmp_path / "copy.tflite"
    assert main(["update_params", str(manifest), "detection_threshold=9", "--output", str(copy)]) == 0
    assert read_parameters(copy.read_bytes())["detection_threshold"] == 9


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["manifest", "archive"])
def test_the_verbs_take_them(
    kind: str, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    archive = brought.mltk_archive(tmp_path / "renamed.mltk.zip", brought.detector())
    model, (words, room) = str(manifest if kind == "manifest" else archive), brought.recordings(tmp_path)
    for command in (
        ["summarize", model], ["summarize", model, "--frontend"], ["profile", model], ["check", model],
        ["report", model, "-o", "page"], ["export", model, "-o", "a"], ["export", model, "--format", "c", "-o", "c"],
        ["export", model, "--format", "cmake", "-o", "m"], ["classify_audio", model, "--input", str(words / "0.wav")],
        ["view_audio", model, str(words / "0.wav"), "-o", "v"],
        ["evaluate", model, "--positives", str(words), "--negatives", str(room), "-o", "e"],
        ["mine", model, "--negatives", str(room), "-o", "mined"],
    ):  # fmt: skip
        assert main(command) == 0, command
    assert json.loads(Path("e/eval-results.json").read_text())["label"] == "okay_nabu"
    capsys.readouterr()
    for command in (["evaluate", model], ["quantize", model], ["update_params", model]):
        assert main(command) == 2
        assert ("a manifest of microWakeWord" if kind == "manifest" else "MLTK") in capsys.readouterr().err


def test_parameters_change_in_an_archive_of_mltk_and_nothing_else(tmp_path: Path) -> None:
    path = brought.mltk_archive(tmp_path / "x.mltk.zip", brought.detector())
    with zipfile.ZipFile(path) as archive:
        before = {name: archive.read(name) for name in archive.namelist()}
    mltk.update_params(path, ["detection_threshold=99"])
    with zipfile.ZipFile(path) as archive:
        after = {name: archive.read(name) for name in archive.namelist()}
    assert read_parameters(after.pop("their_model.tflite"))["detection_threshold"] == 99
    del before["their_model.tflite"]
    assert after == before


@pytest.mark.parametrize(
    ("model", "message", "hint"),
    [
        (brought.of_shape((1, 16, 96), "FLOAT32"), "as the heads of openWakeWord do", "openWakeWord's own tools"),
        (brought.of_shape((1, 640)), "as models of Edge Impulse do", "update_params FILE.tflite fe."),
        (brought.of_shape((1, 96, 96, 3), "FLOAT32"), "takes float32 1x96x96x3", "front ends here give int8"),
        (STREAM, "as models of microWakeWord do", "give the JSON manifest"),
        (write_parameters(brought.of_shape((1, 8, 8, 1)), {"date": "today"}), "pictures or motion", "update_params"),
    ],
)
def test_why_a_model_cannot_hear(tmp_path: Path, model: bytes, message: str, hint: str) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(model)
    words, _ = brought.recordings(tmp_path)
    for verb in (
        lambda: mltk.evaluate(path, recordings=mltk.Recordings(positives=words), progress=False),
        lambda: mltk.classify_audio(path, input=words / "0.wav"),
    ):
        with pytest.raises(ModelError, match="cannot hear") as caught:
            verb()
        assert message in caught.value.message
        assert hint in caught.value.hint


def test_the_manifest_beside_a_bare_model_is_named(manifest: Path) -> None:
    with pytest.raises(ModelError) as caught:
        mltk.classify_audio(manifest.with_suffix(".tflite"), input="x.wav")
    assert caught.value.hint == f"give {manifest}"


def test_settings_written_into_a_bare_model_let_it_hear(tmp_path: Path) -> None:
    """What the hint says helps: a net that came without parameters, and a front end that is here."""
    path, stripped = tmp_path / "x.tflite", write_parameters(brought.detector(), {})
    path.write_bytes(stripped)
    values = {**brought.FRONTEND.to_parameters(), "latency_ms": 100}
    given = [f"{name}={json.dumps(value)}" for name, value in values.items()]
    mltk.update_params(path, [*given, 'classes=["okay_nabu", "_unknown_"]'])
    words, room = brought.recordings(tmp_path)
    recordings = mltk.Recordings(positives=words, negatives=(room,))
    assert mltk.evaluate(path, recordings=recordings, progress=False).label == "okay_nabu"
