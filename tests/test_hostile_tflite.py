"""`.tflite` files that are not right, through every verb that describes or runs one: one line, never a traceback."""

import multiprocessing
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hostile import flipped, refused

from mltk_like.artifact import Artifact
from mltk_like.codegen import emit_net
from mltk_like.errors import MltkLikeError, ModelError, SettingError
from mltk_like.loader import find_model
from mltk_like.tflite import TfliteModel, compact, compare_engines, read_parameters, run_tflm, summarize_tflite
from mltk_like.tflite.model_file import parse, serialise
from mltk_like.tflite.parameters import write_parameters
from mltk_like.tflite.streaming import to_streaming
from mltk_like.tflite.tflm_stream import TflmStream
from mltk_like.verbs.classify_audio import classify_audio
from mltk_like.verbs.profile import profile
from mltk_like.verbs.report.stored import read_model
from mltk_like.verbs.shared.subject import open_subject
from mltk_like.verbs.summarize import steps_of
from mltk_like.verbs.update_params import update_params

PARAMETERS: tuple[Any, ...] = (-1, 0, 2.5, float("nan"), float("inf"), "x", "", [], ["a"], ["a"] * 5, [1], True, b"x")
FILES = 100


@pytest.fixture(scope="module")
def whole() -> bytes:
    with zipfile.ZipFile(find_model("bell_detector").path.with_name("bell_detector.mltk.zip")) as archive:
        return archive.read("bell_detector.tflite")


@pytest.fixture
def tone_file(tmp_path: Path) -> Path:
    file = tmp_path / "tone.wav"
    soundfile.write(file, (8000 * np.sin(np.arange(24000) / 5)).astype(np.int16), 16000)
    return file


def with_ends(model: bytes, which: str, ends: list[int] | None) -> bytes:
    tree = parse(model)
    setattr(tree.subgraphs[0], which, ends)
    return serialise(tree)


def judged(file: Path, kind: str) -> None:
    subject = open_subject(Artifact(name="m", path=file), kind)
    scores = subject.score(np.zeros((2, *subject.frontend.spectrogram_shape), np.int8))
    assert scores.shape == (2, len(subject.classes))
    for label in subject.labels(None):
        assert 0 <= subject.threshold(label) <= 254


def described(file: Path) -> list[Callable[[], object]]:
    """What reads a file and runs nothing."""
    data = file.read_bytes()
    return [
        lambda: (str(summarize_tflite(data)), summarize_tflite(data).to_dict()),
        lambda: str(steps_of(file)),
        lambda: read_model(Artifact(name="m", path=file)),
        lambda: compact(data),
        lambda: update_params(file, ["detection_threshold=190"], output=file.with_name("other.tflite")),
    ]


def turned(file: Path) -> list[Callable[[], object]]:
    """What makes another net of a file."""
    data = file.read_bytes()
    return [lambda: emit_net(data), lambda: to_streaming(data)]


def run_by_litert(file: Path, sound: Path) -> list[Callable[[], object]]:
    return [
        lambda: list(classify_audio(file, input=sound)),
        lambda: list(classify_audio(file, input=sound, sensitivity="medium")),
        lambda: judged(file, "tflite"),
    ]


def run_by_tflm(file: Path, sound: Path) -> list[Callable[[], object]]:
    return [
        lambda: str(profile(file, repeat=1)),
        lambda: list(classify_audio(file, input=sound, engine="tflm")),
        lambda: judged(file, "tflm"),
    ]


@pytest.mark.parametrize("which", ["inputs", "outputs"])
@pytest.mark.parametrize("ends", [None, [], [-1], [10**6]])
def test_a_model_without_ends_or_with_ends_that_are_no_tensors(
    whole: bytes, tmp_path: Path, tone_file: Path, which: str, ends: list[int] | None
) -> None:
    model, file = with_ends(whole, which, ends), tmp_path / "m.tflite"
    file.write_bytes(model)
    for call in (*described(file), *turned(file)):
        refused(call)
    for use in (TfliteModel, TflmStream, compare_engines):
        with pytest.raises(ModelError):
            use(model)
    with pytest.raises(ModelError):
        run_tflm(model, np.zeros((1, 1), np.int8))
    for call in run_by_litert(file, tone_file):
        assert refused(call)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -1.0])
def test_a_scale_that_is_none(whole: bytes, scale: float) -> None:
    tree = parse(whole)
    graph = tree.subgraphs[0]
    graph.tensors[graph.inputs[0]].quantization.scale = [scale]
    assert refused(lambda: TfliteModel(serialise(tree)))


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("classes", ["a", "b", "c", "d", "e", "f"], MltkLikeError),
        ("detection_threshold_list", [200], SettingError),
        ("sensitivity", "x", SettingError),
        ("sensitivity", [1], SettingError),
        ("fe.window_size_ms", 10, MltkLikeError),
    ],
)
def test_parameters_of_another_net(
    whole: bytes, tmp_path: Path, tone_file: Path, name: str, value: Any, error: type[Exception]
) -> None:
    file = tmp_path / "m.tflite"
    file.write_bytes(write_parameters(whole, {**read_parameters(whole), name: value}))
    with pytest.raises(error):
        list(classify_audio(file, input=tone_file))
    if name != "sensitivity":  # evaluate has no use for it
        with pytest.raises(error):
            judged(file, "tflite")


def test_parameters_of_every_kind(whole: bytes, tmp_path: Path, tone_file: Path) -> None:
    rng, file, own = random.Random(0), tmp_path / "m.tflite", read_parameters(whole)
    names = [*own, "streaming.rows", "gate.threshold", "detection_threshold_list", "sensitivity"]
    found = []
    for _ in range(12):
        file.write_bytes(write_parameters(whole, {**own, rng.choice(names): rng.choice(PARAMETERS)}))
        found += [refused(call) for call in (*described(file), *run_by_litert(file, tone_file))]
    assert True in found
    assert False in found


def test_bytes_that_are_not_those_of_the_file_are_described_or_refused(whole: bytes, tmp_path: Path) -> None:
    rng, file = random.Random(0), tmp_path / "m.tflite"
    found = []
    for _ in range(25):
        file.write_bytes(flipped(whole, rng))
        found += [refused(call) for call in (*described(file), *turned(file))]
    assert True in found
    assert False in found


def mutated(whole: bytes, rng: random.Random) -> bytes:
    """A file with one thing in its structure that is not right."""
    tree = parse(whole)
    graph = tree.subgraphs[0]
    tensor = graph.tensors[rng.choice([graph.inputs[0], graph.outputs[0], rng.randrange(len(graph.tensors))])]
    operator = rng.choice(graph.operators)
    shape = [int(n) for n in tensor.shape]
    changes: list[Callable[[], object]] = [
        lambda: setattr(tensor, "type", rng.randrange(20)),
        lambda: setattr(tensor, "shape", rng.choice([None, [], [0], [1], [1, -1], [*shape, 1], [2, *shape[1:]]])),
        lambda: setattr(tensor, "quantization", None),
        lambda: setattr(tensor, "buffer", rng.choice([0, 1, 10**6])),
        lambda: setattr(operator, "inputs", rng.choice([None, [], [-1], [0], [10**6]])),
        lambda: setattr(operator, "outputs", rng.choice([None, [], [0], [10**6]])),
        lambda: setattr(operator, "opcodeIndex", rng.choice([0, 1, 100])),
        lambda: graph.operators.remove(operator),
        lambda: setattr(graph, rng.choice(["inputs", "outputs"]), [rng.randrange(len(graph.tensors))]),
    ]
    rng.choice(changes)()
    return serialise(tree)


def _all_uses(whole: bytes, file: Path, sound: Path, seen: Any) -> None:
    """In a process of its own: LiteRT, which trusts a file, may crash on one; the next process goes on behind it."""
    for number in range(seen.value, FILES):
        seen.value = number
        rng = random.Random(number)
        file.write_bytes(mutated(whole, rng) if number % 4 else flipped(whole, rng))
        for call in (*described(file), *turned(file), *run_by_litert(file, sound), *run_by_tflm(file, sound)):
            refused(call)


@pytest.mark.slow
def test_structures_of_every_kind(whole: bytes, tmp_path: Path, tone_file: Path) -> None:
    file = tmp_path / "m.tflite"
    context = multiprocessing.get_context("spawn")
    last = 0
    while last < FILES:
        seen = context.Value("i", last)
        process = context.Process(target=_all_uses, args=(whole, file, tone_file, seen))
        process.start()
        process.join()
        assert process.exitcode != 1, f"a traceback for file {seen.value}"
        last = seen.value + 1 if process.exitcode else FILES


@pytest.mark.parametrize("rows", [[1], "x", 2.5])
def test_rows_of_a_stream_that_are_no_number(whole: bytes, tmp_path: Path, tone_file: Path, rows: Any) -> None:
    file = tmp_path / "m.tflite"
    file.write_bytes(write_parameters(whole, {**read_parameters(whole), "streaming.rows": rows}))
    assert refused(lambda: list(classify_audio(file, input=tone_file)))
    assert refused(lambda: update_params(file, ["detection_threshold=190"], output=tmp_path / "other.tflite"))
