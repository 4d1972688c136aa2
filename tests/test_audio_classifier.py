"""The C++ program alone: the very detections of the Python side, and one clear error for what it cannot take."""

import json
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.audio.gain import amplify
from mltk_like.audio.live import Step
from mltk_like.audio.programs import program_path
from mltk_like.audio.recogniser import Detection, Recogniser, RecogniserSettings, scores_to_uint8
from mltk_like.audio.wav import write_wav
from mltk_like.errors import ToolError
from mltk_like.evaluation.streams import StreamScorer
from mltk_like.tflite import find_tflm, read_parameters, run_tflm, summarize_tflite, write_parameters
from mltk_like.verbs.classify_audio import classify_audio

DATA = Path(__file__).parent / "data" / "board"
RATE = 16000

Program = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def classify() -> Program:
    try:
        command = [str(program_path("audio_classifier")), "--library", str(find_tflm())]
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")

    def run(*arguments: object, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([*command, *map(str, arguments)], input=given, capture_output=True, timeout=600)

    return run


def sound(seed: int, seconds: float) -> np.ndarray:
    """Like speech in what matters here: buzzing syllables of changing pitch, hiss and pauses, at all levels."""
    rng = np.random.default_rng(seed)
    parts, length = [], 0
    while length < seconds * RATE:
        count = int(rng.integers(RATE // 20, RATE // 3))
        phase = np.cumsum(rng.uniform(80, 400) * (1 + 0.2 * np.linspace(0, rng.uniform(-1, 1), count))) / RATE
        buzz = sum(np.sin(2 * np.pi * k * phase) * rng.uniform(0, 1) for k in range(1, 12))
        hiss = rng.standard_normal(count)
        level = 10 ** rng.uniform(0.5, 4) * np.hanning(count)
        parts.append(level * (buzz * rng.uniform(0, 0.3) + hiss * rng.uniform(0, 0.3)))
        length += count
    return np.clip(np.concatenate(parts)[: round(seconds * RATE)], -32768, 32767).astype(np.int16)


def python_side(model: bytes, samples: np.ndarray, **changes: Any) -> list[dict[str, Any]]:
    parameters = read_parameters(model)
    settings = RecogniserSettings.from_parameters(parameters).copy(**changes)
    shape = summarize_tflite(model).inputs[0].shape[1:]

    def score(windows: np.ndarray) -> np.ndarray:
        outputs = run_tflm(model, windows.reshape(-1, *shape), profile=False, repeat=1, arena_bytes=1 << 24).outputs
        assert outputs is not None
        return scores_to_uint8(outputs)

    stream = StreamScorer(frontend_from_parameters(parameters), settings.latency_ms, score).long(
        np.array_split(amplify(samples, settings.volume_gain), 7)
    )
    classes = parameters["classes"]
    assert isinstance(classes, list)
    return [
        {"time_ms": each.time_ms, "class_index": each.class_index, "label": each.label, "score": each.score}
        for each in Recogniser(settings, [str(name) for name in classes]).detect(stream.scores, stream.times_ms)
    ]


def detections(done: "subprocess.CompletedProcess[bytes]") -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", ["fixed", "float"])
def test_the_same_detections_as_in_python(classify: Program, kind: str, tmp_path: Path) -> None:
    model, samples = DATA / f"{kind}.tflite", sound(1, 60)
    wav = tmp_path / "sound.wav"
    write_wav(wav, samples, RATE)
    expected = python_side(model.read_bytes(), samples)
    assert len(expected) > 10
    assert detections(classify("--model", model, "--json", wav)) == expected
    raw = samples.tobytes()
    assert detections(classify("--model", model, "--json", "--raw", given=raw)) == expected
    assert detections(classify("--model", model, "--json", "-", given=wav.read_bytes())) == expected


def test_options_go_before_the_models_parameters(classify: Program, tmp_path: Path) -> None:
    model, samples = DATA / "fixed.tflite", sound(2, 30)
    changes = {
        "detection_threshold": 150, "latency_ms": 35, "minimum_count": 4, "average_window_duration_ms": 210,
        "suppression_ms": 90, "volume_gain": 3.7,
    }  # fmt: skip
    expected = python_side(model.read_bytes(), samples, **changes)
    names = ("--threshold", "--latency", "--count", "--window", "--suppression", "--volume")
    options = [text for name, value in zip(names, changes.values(), strict=True) for text in (name, value)]
    found = detections(classify("--model", model, "--json", "--raw", *options, given=samples.tobytes()))
    assert found == expected
    assert len(found) > 5


def test_thresholds_and_ignored_classes_of_the_model(classify: Program, tmp_path: Path) -> None:
    model = (DATA / "fixed.tflite").read_bytes()
    changed = read_parameters(model) | {"classes": ["yes", "_unknown_"], "detection_threshold_list": [140, 0]}
    path = tmp_path / "changed.tflite"
    path.write_bytes(write_parameters(model, changed))
    expected = python_side(path.read_bytes(), sound(3, 30))
    assert {each["label"] for each in expected} == {"yes"}
    assert detections(classify("--model", path, "--json", "--raw", given=sound(3, 30).tobytes())) == expected


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"energy_gate.threshold": 900, "energy_gate.backoff": 3}, {}),
        ({"energy_gate.threshold": 900, "energy_gate.backoff": 0, "latency_ms": 7}, {"gate": 1500}),
        ({"fe.activity_detection_enable": True}, {}),
    ],
)
def test_gates_close_where_they_do_in_python(
    classify: Program, changes: dict[str, Any], options: dict[str, int], tmp_path: Path
) -> None:
    model, wav = (DATA / "fixed.tflite").read_bytes(), tmp_path / "sound.wav"
    path = tmp_path / "changed.tflite"
    path.write_bytes(write_parameters(model, read_parameters(model) | changes))
    write_wav(wav, sound(4, 30), RATE)
    heard = list(classify_audio(path, input=wav, engine="tflm", **options))
    steps = [(each.time_ms, list(each.scores)) for each in heard if isinstance(each, Step) and each.scores is not None]
    asleep = [each for each in heard if isinstance(each, Step) and each.time_ms >= 420 and each.scores is None]
    assert min(len(steps), len(asleep)) > 20
    words = [text for name, value in options.items() for text in (f"--{name}", value)]
    lines = detections(classify("--model", path, "--json", "--scores", *words, wav))
    assert [(line["time_ms"], line["scores"]) for line in lines if "scores" in line] == steps
    found = [each.time_ms for each in heard if isinstance(each, Detection)]
    assert [line["time_ms"] for line in lines if "label" in line] == found


@pytest.mark.parametrize("options", [{}, {"gate": 1500}, {"latency": 50}, {"latency": 80}])
def test_a_net_with_its_own_state_says_what_it_says_in_python(
    classify: Program, options: dict[str, int], tmp_path: Path
) -> None:
    """Also after a pause, and where the rows since the last inference are no multiple of those that it takes."""
    model, wav = DATA / "streaming.tflite", tmp_path / "sound.wav"
    write_wav(wav, sound(6, 20), RATE)
    changes: dict[str, Any] = {"gate": options.get("gate")}
    if "latency" in options:
        changes["settings"] = {"latency_ms": options["latency"]}
    heard = list(classify_audio(model, input=wav, engine="tflm", **changes))
    steps = [(each.time_ms, list(each.scores)) for each in heard if isinstance(each, Step) and each.scores is not None]
    assert len(steps) > 100
    assert np.ptp([scores for _, scores in steps], axis=0).min() > 100
    words = [text for name, value in options.items() for text in (f"--{name}", value)]
    lines = detections(classify("--model", model, "--json", "--scores", *words, wav))
    assert [(line["time_ms"], line["scores"]) for line in lines if "scores" in line] == steps
    found = [each.time_ms for each in heard if isinstance(each, Detection)]
    assert [line["time_ms"] for line in lines if "label" in line] == found
    assert len(found) > 5


def test_a_net_with_its_own_state_whose_rows_are_not_said(classify: Program, tmp_path: Path) -> None:
    model = (DATA / "streaming.tflite").read_bytes()
    for rows, said in ((0, "is not 20 columns of 8"), (3, "is not 3 columns of 8"), (-1, "is not -1 columns")):
        path = tmp_path / "changed.tflite"
        path.write_bytes(write_parameters(model, read_parameters(model) | {"streaming.rows": rows}))
        done = classify("--model", path, "--raw", given=b"")
        assert done.returncode == 2
        assert said in done.stderr.decode()


def test_text_and_scores(classify: Program) -> None:
    samples = sound(1, 5)
    done = classify("--model", DATA / "fixed.tflite", "--raw", "--scores", given=samples.tobytes() + b"x")
    lines = done.stdout.decode().splitlines()
    assert sum(line.startswith("Scores @") for line in lines) == (5000 - 420) // 60 + 1
    assert any(line.startswith("Detected class=") and "label=" in line for line in lines)


@pytest.mark.slow
def test_an_hour(classify: Program, tmp_path: Path) -> None:
    samples = sound(5, 3600)
    wav = tmp_path / "hour.wav"
    write_wav(wav, samples, RATE)
    model = DATA / "fixed.tflite"
    expected = python_side(model.read_bytes(), samples)
    assert len(expected) > 1000
    assert detections(classify("--model", model, "--json", wav)) == expected


def wav_file(path: Path, *, channels: int = 1, width: int = 2, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(bytes(4000 * channels * width))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": 2}, "2 channel(s) of 16-bit PCM; 16-bit mono PCM is needed"),
        ({"width": 1}, "1 channel(s) of 8-bit PCM"),
        ({"rate": 44100}, "has 44100 samples a second; the model takes 16000"),
    ],
)
def test_other_wav_files(classify: Program, change: dict[str, int], said: str, tmp_path: Path) -> None:
    done = classify("--model", DATA / "fixed.tflite", wav_file(tmp_path / "a.wav", **change))
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert done.stdout == b""


def test_a_wav_file_with_more_in_it_and_cut_off(classify: Program, tmp_path: Path) -> None:
    plain = wav_file(tmp_path / "a.wav").read_bytes()
    listed = plain[:12] + b"LIST\x05\0\0\0abcde\0" + plain[12:]
    model = DATA / "fixed.tflite"
    assert detections(classify("--model", model, "--json", given=listed)) == []
    assert b"holds no sound" in classify("--model", model, given=plain[:36]).stderr
    assert b"cut off" in classify("--model", model, given=plain[:30]).stderr
    assert detections(classify("--model", model, "--json", given=plain[:1000])) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--model is needed"),
        (["--model", DATA / "nothing.tflite"], "cannot read"),
        (["--model", DATA / "make_models.py"], "the model's file"),
        (["--model", DATA.parent / "tflite" / "tiny_tenet.tflite"], "carries no parameters"),
        (["--model", DATA / "fixed.tflite", "--threshold", "300"], "--threshold must be a number from 0 to 255"),
        (["--model", DATA / "fixed.tflite", "--count", "1.5"], "--count must be a whole number"),
        (["--model", DATA / "fixed.tflite", "--latency", "500"], "make --window longer"),
        (["--model", DATA / "fixed.tflite", "nothing.wav"], "cannot read nothing.wav"),
        (["--model", DATA / "fixed.tflite"], "is not a WAV file"),
        (["--model", DATA / "fixed.tflite", "--raw", "--rate", "8000"], "takes 16000 samples a second, not 8000"),
        (["--loud"], "unknown option --loud"),
        (["--model"], "--model needs a value"),
    ],
)
def test_one_clear_error(classify: Program, arguments: list[object], said: str) -> None:
    done = classify(*arguments, given=b"no sound at all")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr.decode()
