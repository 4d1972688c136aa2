"""`classify_audio`: events equal evaluation's, engines, options, dumps; text, JSON, the view; ends that are clean."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import mltk_like as mltk
from mltk_like.audio import Detection, FrontendSettings, Recogniser, RecogniserSettings
from mltk_like.audio.board import simulated_board
from mltk_like.audio.live import Step
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.errors import DataError, MltkLikeError, ModelError, SettingError, ToolError
from mltk_like.evaluation import sensitivity
from mltk_like.evaluation.streams import StreamScorer
from mltk_like.evaluation.subject import make_scorer
from mltk_like.tflite.parameters import read_parameters, write_parameters
from mltk_like.tflite.runner import find_tflm, runner_path
from mltk_like.tflite.tflm_stream import TflmStream
from mltk_like.verbs.classify_audio import LEVELS, Dumps, classify_audio, present
from mltk_like.verbs.classify_audio.lines import json_line, text_line
from mltk_like.verbs.classify_audio.session import LiveAudio, Lost
from mltk_like.verbs.classify_audio.view import LiveView, can_draw, clock_text

RATE = 16000
CONV = Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite"
CLASSES = ("one", "two", "_three_", "four")
FRONTEND = FrontendSettings(sample_length_ms=332, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8)
RECOGNISER = RecogniserSettings(
    latency_ms=100, minimum_count=2, average_window_duration_ms=300, detection_threshold=70, suppression_ms=300
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A bare .tflite with random weights that has all it needs to listen."""
    parameters = {
        "classes": list(CLASSES), **FRONTEND.to_parameters(), **RECOGNISER.to_parameters(),
        "sensitivity.low.detection_threshold": 200, "sensitivity.high.detection_threshold": 20,
    }  # fmt: skip
    path = tmp_path / "ears.tflite"
    path.write_bytes(write_parameters(CONV.read_bytes(), parameters))
    return path


def audio(seconds: float = 3.0, rate: int = RATE) -> NDArray[np.int16]:
    t = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * 400 * t * (1 + t)) * (np.sin(5 * t) > 0) + 0.02 * rng.standard_normal(len(t))
    return (wave * 9000).astype(np.int16)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    write_wav(path, audio(), RATE)
    return path


@pytest.fixture
def tflm() -> None:
    try:
        find_tflm(), runner_path()
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")


@pytest.fixture
def board(tflm: None) -> Iterator[Callable[..., str]]:
    """Starts simulators of a board; gives the path of the line."""
    with ExitStack() as stack:

        def start(model: Path, *options: str) -> str:
            try:
                return stack.enter_context(simulated_board(model, find_tflm(), *options))
            except ToolError as error:
                pytest.skip(f"{error.message}; {error.hint}")

        yield start


def found(events: Any) -> list[Detection]:
    return [event for event in events if isinstance(event, Detection)]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mltk_like", "classify_audio", *map(str, arguments)]


def run(*arguments: object, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*arguments), input=data, capture_output=True, timeout=60)


# --- What is heard -----------------------------------------------------------------------------------------------


def test_a_file_is_heard_as_evaluation_hears_it(model: Path, sound: Path) -> None:
    live = classify_audio(model, input=sound)
    events = list(live)
    stream = StreamScorer(FRONTEND, 100, make_scorer(model.read_bytes())).long([audio()])
    assert [e.scores for e in events if isinstance(e, Step) and e.scores] == [tuple(r) for r in stream.scores.tolist()]
    expected = Recogniser(RECOGNISER, CLASSES).detect(stream.scores, stream.times_ms)
    assert found(events) == expected
    assert len(expected) > 2
    result = live.result
    assert (result.duration_s, result.inferences, result.lost_ms) == (3.0, len(stream.scores), 0)
    assert sum(result.detections.values()) == len(expected)
    assert json.loads(json.dumps(result.to_dict()))["detections"] == dict(result.detections)
    assert f"3.0 s of audio in {result.elapsed_s:.1f} s" in str(result)
    assert found(live) == expected, "listening anew"


def test_any_format_and_rate(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "sound.flac"
    soundfile.write(path, np.stack([audio(rate=44100)] * 2, axis=1), 44100)
    live = classify_audio(model, input=path)
    assert found(live)
    assert live.result.duration_s in (2.9, 3.0)


@pytest.mark.usefixtures("tflm")
def test_tflm_hears_what_litert_hears(model: Path, sound: Path) -> None:
    one, other = (
        [e for e in classify_audio(model, input=sound, engine=engine) if isinstance(e, Step) and e.scores]
        for engine in ("litert", "tflm")
    )
    assert len(one) == len(other) > 10
    difference = np.abs(np.array([e.scores for e in one]) - np.array([e.scores for e in other]))
    assert difference.max() <= 4


def test_leaving_early_is_fine_and_the_result_says_how_far(model: Path, sound: Path) -> None:
    live = classify_audio(model, input=sound)
    events = iter(live)
    while not isinstance(next(events), Detection):
        pass
    events.close()
    assert 0 < live.result.duration_s < 3
    assert sum(live.result.detections.values()) == 1


def test_simulated_latency_keeps_to_real_time(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    write_wav(path, audio(0.85), RATE)
    live = classify_audio(model, input=path, simulate_latency=150)
    times = [e.time_ms for e in live if isinstance(e, Step) and e.scores]
    assert times == [400 + 150, 550 + 150, 700 + 150, 850 + 150]
    assert live.result.elapsed_s >= 0.84


# --- Settings ----------------------------------------------------------------------------------------------------


def test_settings_take_the_place_of_the_models(model: Path, sound: Path) -> None:
    changes = {"latency_ms": 50, "minimum_count": 0, "suppression_ms": 0, "detection_threshold": 10, "volume_gain": 2}
    live = classify_audio(model, input=sound, settings=changes)
    assert live.recogniser == RECOGNISER.copy(**changes)
    assert len(found(live)) > len(found(classify_audio(model, input=sound)))
    assert not found(classify_audio(model, input=sound, settings={"detection_threshold": 255}))


def test_a_threshold_counts_although_the_model_has_a_list(model: Path) -> None:
    data = write_parameters(
        model.read_bytes(),
        {"classes": list(CLASSES), **FRONTEND.to_parameters(), "detection_threshold_list": [250, 250, 250, 250]},
    )
    model.write_bytes(data)
    assert classify_audio(model).recogniser.detection_threshold_list == (250,) * 4
    changed = classify_audio(model, settings={"detection_threshold": 9}).recogniser
    assert (changed.detection_threshold, changed.detection_threshold_list) == (9, ())


def test_a_gate_is_the_models_or_that_of_the_option(model: Path, sound: Path) -> None:
    parameters = read_parameters(model.read_bytes()) | {"energy_gate.threshold": 32_000, "energy_gate.backoff": 1}
    gated = model.with_name("gated.tflite")
    gated.write_bytes(write_parameters(model.read_bytes(), parameters))
    heard = {name: classify_audio(gated, input=sound, gate=gate) for name, gate in (("own", None), ("open", 0))}
    heard["plain"] = classify_audio(model, input=sound)
    steps = {name: [e for e in live if isinstance(e, Step)] for name, live in heard.items()}
    assert {e.gate_open for e in steps["own"]} == {False}
    assert not any(e.scores for e in steps["own"])
    assert {e.gate_open for e in steps["open"]} == {True}
    assert [e.scores for e in steps["open"]] == [e.scores for e in steps["plain"]]
    shut = [e for e in classify_audio(model, input=sound, gate=32_768) if isinstance(e, Step)]
    assert {e.gate_open for e in shut} == {False}
    with pytest.raises(SettingError, match="energy gate is -1"):
        classify_audio(model, input=sound, gate=-1)


def test_sensitivity_is_a_stored_level_or_a_number(model: Path, sound: Path) -> None:
    assert tuple(sensitivity.LEVELS) == LEVELS
    assert classify_audio(model, sensitivity="low").recogniser.detection_threshold == 200
    assert classify_audio(model, sensitivity="high").recogniser.detection_threshold == 20
    both = classify_audio(model, sensitivity="high", settings={"detection_threshold": 77})
    assert both.recogniser.detection_threshold == 77
    active = [
        sum(
            event.activity for event in classify_audio(model, input=sound, sensitivity=value) if isinstance(event, Step)
        )
        for value in ("0", 0.01, 255)
    ]
    assert active[0] > active[1] > active[2] == 0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sensitivity": "medium"}, ModelError, "stores no sensitivity 'medium'"),
        ({"sensitivity": "huge"}, SettingError, "sensitivity cannot be 'huge'"),
        ({"sensitivity": -1.0}, SettingError, "sensitivity must be"),
        ({"engine": "gpu"}, SettingError, "no engine 'gpu'"),
        ({"settings": {"minimum_count": 9}}, SettingError, "would detect nothing"),
        ({"settings": {"loudness": 9}}, SettingError, "no setting 'loudness'"),
        ({"simulate_latency": -5}, SettingError, "cannot last"),
        ({"microphone": "x"}, SettingError, "audio comes from one place"),
        ({"rate_hz": 8000}, SettingError, "--rate goes with raw samples"),
        ({"input": "missing.wav"}, DataError, "missing.wav"),
    ],
)
def test_what_cannot_be_is_refused(
    model: Path, sound: Path, options: dict[str, Any], error: type[MltkLikeError], words: str
) -> None:
    with pytest.raises(error, match=words):
        list(classify_audio(model, **{"input": sound, **options}))


def test_models_that_cannot_listen_are_refused(model: Path, sound: Path) -> None:
    model.write_bytes(write_parameters(CONV.read_bytes(), FRONTEND.to_parameters()))
    with pytest.raises(ModelError, match="names no classes"):
        classify_audio(model)
    wide = FRONTEND.copy(filterbank_n_channels=9)
    model.write_bytes(write_parameters(CONV.read_bytes(), {"classes": list(CLASSES), **wide.to_parameters()}))
    with pytest.raises(ModelError, match="the front end gives"):
        list(classify_audio(model, input=sound))


# --- TFLM row by row ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tflm")
def test_a_tflm_stream_answers_as_run_tflm_does() -> None:
    from mltk_like.tflite.runner import run_tflm

    rows = np.random.default_rng(0).integers(-128, 128, (50, 16, 8, 1)).astype(np.int8)
    whole = run_tflm(CONV, rows, repeat=1, profile=False).outputs
    assert whole is not None
    with TflmStream(CONV) as stream:
        assert stream.input_shape == (16, 8, 1)
        assert np.array_equal(np.array([stream.predict(row) for row in rows]), whole)
        with pytest.raises(DataError, match="takes int8 rows"):
            stream.predict(rows[0].astype(np.float32))
        assert np.array_equal(stream.predict(rows[3]), whole[3])
    stream.close()


@pytest.mark.usefixtures("tflm")
def test_a_tflm_process_that_dies_is_an_error() -> None:
    row = np.zeros((16, 8, 1), np.int8)
    with TflmStream(CONV) as stream:
        stream.predict(row)
        os.kill(stream._process.pid, signal.SIGKILL)
        with pytest.raises(ModelError, match="crashed"):
            stream.predict(row)
    with pytest.raises(ModelError):
        TflmStream(CONV.read_bytes()[:-2000])


def test_a_runner_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tflm: None) -> None:
    (tmp_path / "runner").write_text("no program")
    (tmp_path / "runner").chmod(0o755)
    monkeypatch.setenv("MLTK_LIKE_RUNNER", str(tmp_path / "runner"))
    with pytest.raises(ToolError, match="cannot run"):
        TflmStream(CONV)


# --- Dumps -------------------------------------------------------------------------------------------------------


def test_dumps(model: Path, sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    dumps = Dumps(audio=folder, spectrograms=folder / "pictures", raw_spectrograms=folder / "raw")
    detections = found(classify_audio(model, input=sound, settings={"volume_gain": 0.5}, dumps=dumps))
    assert np.array_equal(read_audio(folder / "dumped_audio.wav", RATE), np.rint(audio() * 0.5).astype(np.int16))
    assert not list(folder.glob("*.part"))
    names = [f"{d.time_ms:09}ms-{d.label}" for d in detections]
    assert sorted(path.stem for path in (folder / "raw").iterdir()) == names
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == [f"{name}.png" for name in names]
    assert (folder / "pictures" / f"{names[0]}.png").read_bytes().startswith(b"\x89PNG")
    window = np.load(folder / "raw" / f"{names[0]}.npy")
    assert (window.dtype, window.shape) == (np.int8, (16, 8))
    again = make_scorer(model.read_bytes())(window[None])[0]
    steps = classify_audio(model, input=sound, settings={"volume_gain": 0.5})
    at = {e.time_ms: e.scores for e in steps if isinstance(e, Step)}
    assert tuple(again.tolist()) == at[detections[0].time_ms]


def test_the_dump_is_whole_when_listening_is_broken_off(model: Path, sound: Path, tmp_path: Path) -> None:
    events = iter(classify_audio(model, input=sound, dumps=Dumps(audio=tmp_path)))
    next(events)
    events.close()
    assert np.array_equal(read_audio(tmp_path / "dumped_audio.wav", RATE), audio()[:RATE])


def test_a_dump_that_cannot_be_written(model: Path, sound: Path) -> None:
    with pytest.raises(DataError, match="cannot write"):
        list(classify_audio(model, input=sound, dumps=Dumps(audio=sound / "below")))


# --- Lines -------------------------------------------------------------------------------------------------------


def test_lines() -> None:
    detection = Detection(time_ms=1400, class_index=0, label="one", score=230)
    step = Step(time_ms=1400, level_dbfs=-32.1, scores=(230, 5), inference_ms=0.42, activity=True)
    assert text_line(detection) == "Detected class=0 label=one score=230 @1400ms"
    assert text_line(step) == "[   1400] ( 0.4ms) 230   5  -32.1 dBFS *"
    assert text_line(Step(time_ms=100, level_dbfs=-96.0)) == "[    100] -  -96.0 dBFS"
    assert text_line(Step(time_ms=100, level_dbfs=-60.0, gate_open=False)) == "[    100] quiet  -60.0 dBFS"
    assert text_line(Lost(time_ms=5, lost_ms=7)) == "Lost 7 ms of audio @5ms"
    assert json.loads(json_line(detection)) == {
        "event": "detection", "time_ms": 1400, "class_index": 0, "label": "one", "score": 230,
    }  # fmt: skip
    assert json.loads(json_line(step))["scores"] == [230, 5]
    assert json.loads(json_line(Lost(time_ms=5, lost_ms=7))) == {"event": "lost", "time_ms": 5, "lost_ms": 7}


def test_file_and_pipe_print_the_same(model: Path, sound: Path) -> None:
    from_file, from_pipe = run(model, "--input", sound), run(model, "--input", "-", data=audio().tobytes())
    assert (from_file.returncode, from_file.stderr) == (from_pipe.returncode, from_pipe.stderr) == (0, b"")
    lines = from_file.stdout.decode().splitlines()
    assert lines[:-2] == from_pipe.stdout.decode().splitlines()[:-2]
    assert re.fullmatch(r"Detected class=\d label=\w+ score=\d+ @\d+ms", lines[0])
    assert re.match(r"ears on litert: 3.0 s of audio in .* times real time\), \d+ inferences", lines[-2])
    assert lines[-1].startswith("detections: ")


def test_a_sound_shorter_than_the_window_is_said_to_be(model: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "short.wav", audio()[:1600], 16000)
    done = run(model, "--input", tmp_path / "short.wav")
    assert done.returncode == 0
    *_, judged, detections, why = done.stdout.decode().splitlines()
    assert judged.endswith(" 0 inferences")
    assert detections == "detections: none"
    assert why.startswith("the net was not run: this is shorter than the 400 ms that it needs")
    assert json.loads(run(model, "--input", tmp_path / "short.wav", "--json").stdout)["not_run"] in why


def test_a_gate_that_stays_closed_is_not_a_short_sound(model: Path, sound: Path) -> None:
    live = classify_audio(model, input=sound, gate=32767)
    list(live)
    assert "its energy gate" in live.result.not_run
    list(live := classify_audio(model, input=sound, gate=0))
    assert live.result.not_run == ""


def test_json_has_one_event_a_line(model: Path, sound: Path) -> None:
    done = run(model, "--input", sound, "--json", "--verbose", "-t", "10", "-c", "0", "-s", "0", "-w", "0", "-l", "50")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert (done.returncode, kinds[-1], set(kinds)) == (0, "result", {"step", "detection", "result"})
    assert kinds.count("step") == 60
    assert kinds.count("detection") == sum(events[-1]["detections"].values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--input", "no.wav"], "no.wav"),
        (["--input", "-", "-m", "x"], "audio comes from one place"),
        (["--input", "-", "--rate", "1"], "sample rate of 1 Hz"),
        (["--input", "-", "-t", "256"], "detection_threshold must be"),
        (["--input", "-", "--engine", "gpu"], "no engine"),
    ],
)
def test_errors_on_the_command_line(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    from mltk_like.cli import main

    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert main(["classify_audio", str(model), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error


def test_a_model_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    from mltk_like.cli import main

    assert main(["classify_audio"]) == 2
    assert "no model is named" in capsys.readouterr().err


# --- Ends --------------------------------------------------------------------------------------------------------


def interrupt_after_a_second_of_audio(*arguments: object, **options: Any) -> tuple[int, bytes]:
    """Give audio through a pipe that stays open, then Ctrl-C."""
    process = subprocess.Popen(command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    assert process.stdin
    assert process.stdout
    process.stdin.write(audio().tobytes())
    process.stdin.flush()
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    return process.returncode, first + rest


@pytest.mark.parametrize("engine", ["litert", "tflm"])
def test_ctrl_c_prints_what_was_heard(model: Path, tmp_path: Path, engine: str, tflm: None) -> None:
    arguments = (model, "--input", "-", "--engine", engine, "--dump-audio", tmp_path / "dump")
    code, printed = interrupt_after_a_second_of_audio(*arguments, stderr=subprocess.PIPE)
    lines = printed.decode().splitlines()
    assert code == 130
    assert lines[0].startswith("Detected")
    assert lines[-1].startswith("detections: ")
    assert "Traceback" not in printed.decode()
    dumped = read_audio(tmp_path / "dump" / "dumped_audio.wav", RATE)
    assert np.array_equal(dumped, audio()[: len(dumped)])


def test_a_reader_that_goes_away(model: Path, sound: Path) -> None:
    process = subprocess.Popen(
        command(model, "--input", sound, "--verbose", "-l", "1", "-w", "100"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


# --- The view ----------------------------------------------------------------------------------------------------


def on_a_terminal(arguments: list[object], *, interrupt: bool = False, **environment: str) -> tuple[int, str]:
    """Run with the output on a pseudo-terminal; returns the exit code and all that was written."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "60", "LINES": "24", **environment}
    if "NO_COLOR" not in environment:
        env.pop("NO_COLOR", None)
    process = subprocess.Popen(command(*arguments), stdin=subprocess.PIPE, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    assert process.stdin
    process.stdin.write(audio().tobytes())
    process.stdin.flush()
    if not interrupt:
        process.stdin.close()
    written = b""
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        written += data
        if interrupt and written.count("░".encode()) > 200:
            process.send_signal(signal.SIGINT)
            interrupt = False
    os.close(ours)
    code = process.wait(timeout=30)
    process.stdin.close()
    return code, written.decode()


@pytest.mark.parametrize("interrupt", [False, True])
def test_the_view_is_drawn_in_place_and_leaves_the_cursor(model: Path, interrupt: bool) -> None:
    code, written = on_a_terminal([model, "--input", "-"], interrupt=interrupt)
    assert code == (130 if interrupt else 0)
    assert written.startswith("\x1b[?25l")
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1
    assert re.search(r"\x1b\[\d+F", written), "it goes back up"
    end = written.rindex("\x1b[?25h")
    assert "detections: " in written[end:]
    last = written[written.rindex("ears on litert   ") : end]
    assert [line.split()[0] for line in last.splitlines()[1:6]] == ["level", *CLASSES]
    assert "█" in last
    assert "dBFS" in last


@pytest.mark.parametrize(
    ("options", "environment"), [([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"}), (["--verbose"], {}), (["--json"], {})]
)
def test_lines_on_a_terminal_where_they_are_wanted(model: Path, options: list[str], environment: Any) -> None:
    code, written = on_a_terminal([model, "--input", "-", *options], **environment)
    assert code == 0
    assert "\x1b" not in written
    assert "Detected" in written or '"detection"' in written


class Terminal(io.StringIO):
    """A terminal of the test's own."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    def resize(columns: int, lines: int) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines))

    return resize


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (30, 6), (5, 2)])
def test_no_line_is_longer_than_the_terminal(model: Path, small: Any, columns: int, lines: int) -> None:
    small(columns, lines)
    out = Terminal()
    live = classify_audio(model)
    with LiveView(out, live, clock=lambda: 0.0) as view:
        view.show(Step(time_ms=100, level_dbfs=-10.0, scores=(0, 100, 255, 3), inference_ms=1.0, activity=True))
        view.show(Detection(time_ms=61_200, class_index=1, label="two", score=200))
    for picture in re.split(r"\x1b\[\d+F", out.getvalue()):
        drawn = re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", picture).splitlines()
        assert len(drawn) < lines
        assert all(len(line) < columns for line in drawn)


def test_the_view_shows_scores_thresholds_and_detections(model: Path, small: Any) -> None:
    small(80, 24)
    now, out = [0.0], Terminal()
    with LiveView(out, classify_audio(model), clock=lambda: now[0]) as view:
        view.show(Step(time_ms=100, level_dbfs=-48.0, scores=(0, 255, 0, 0), inference_ms=1.5, activity=True))
        drawn = out.getvalue()
        for time_ms in range(200, 5000, 100):
            view.show(Step(time_ms=time_ms, level_dbfs=-48.0))
        assert out.getvalue() == drawn, "no time has passed"
        view.show(Detection(time_ms=61_200, class_index=1, label="two", score=200))
    last = out.getvalue().split("\x1b[11F")[-1]
    assert "1:01.2  two  200" in last
    bars = {line.split()[0]: line for line in last.splitlines() if "░" in line or "█" in line}
    assert abs(bars["level"].count("█") - bars["level"].count("░")) <= 1
    assert bars["two"].count("░") == 0
    assert bars["one"].count("│") == 1
    assert "│" not in bars["_three_"]
    assert "●" in drawn
    for is_open, said in ((True, "gate open"), (False, "gate closed")):
        with LiveView(out, classify_audio(model)) as view:
            view.show(Step(time_ms=100, level_dbfs=-48.0, scores=(0, 255, 0, 0), gate_open=is_open))
        assert f"0:00.1   {said}" in out.getvalue()


def test_a_terminal_without_unicode(model: Path, small: Any) -> None:
    small(80, 24)
    out = Terminal()
    out.encoding = "ascii"
    with LiveView(out, classify_audio(model)) as view:
        view.show(Step(time_ms=100, level_dbfs=-48.0, scores=(0, 255, 0, 0), inference_ms=1.5, activity=True))
    assert out.getvalue().isascii()


def test_where_the_view_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert can_draw(Terminal())
    assert not can_draw(io.StringIO())


@pytest.mark.parametrize(
    ("time_ms", "text"), [(0, "0:00.0"), (59_999, "0:59.9"), (61_200, "1:01.2"), (36_061_200, "10:01:01.2")]
)
def test_clock(time_ms: int, text: str) -> None:
    assert clock_text(time_ms) == text


# --- Boards and microphones ----------------------------------------------------------------------------------------


class Package(types.ModuleType):
    """As much of sounddevice as a microphone takes; it speaks as soon as it is started, then goes away."""

    PortAudioError = RuntimeError
    default = types.SimpleNamespace(device=[0, 0])

    def query_devices(self) -> list[dict[str, Any]]:
        return [{"name": "Fake", "max_input_channels": 1, "default_samplerate": 16000.0}]

    def check_input_settings(self, **_: Any) -> None:
        pass

    def InputStream(self, *, callback: Any, **_: Any) -> Any:
        def start() -> None:
            for number, block in enumerate(np.split(audio(), 30)):
                callback(block[:, None], len(block), None, types.SimpleNamespace(input_overflow=number == 12))

        return types.SimpleNamespace(start=start, close=lambda: None, active=False)


@pytest.fixture
def microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Package("sounddevice"))
    monkeypatch.setattr("mltk_like.audio.microphone._WAIT_S", 0.01)


def test_a_microphone_is_heard_until_it_goes_away(model: Path, sound: Path, microphone: None) -> None:
    live: LiveAudio = classify_audio(model)
    events: list[Any] = []
    with pytest.raises(DataError, match="has stopped"):
        events.extend(live)
    assert found(events) == found(classify_audio(model, input=sound))
    assert [event for event in events if isinstance(event, Lost)] == [Lost(time_ms=0, lost_ms=1)]
    assert live.result.lost_ms == 1
    assert "audio lost: 1 ms" in str(live.result)


def test_a_board_hears_what_this_machine_hears(model: Path, sound: Path, board: Callable[..., str]) -> None:
    """Both uploaded to a slot, and built in."""
    settings = {"detection_threshold": 65, "suppression_ms": 200}
    here = list(classify_audio(model, input=sound, engine="tflm", settings=settings))
    for options in ([], ["--slot", "0"]):
        live = classify_audio(model, input=sound, device=board(model, *options), settings=settings)
        events = list(live)
        steps = [event for event in events if isinstance(event, Step)]
        assert [(e.time_ms, e.scores) for e in steps] == [
            (e.time_ms, e.scores) for e in here if isinstance(e, Step) and e.scores
        ]
        assert found(events) == found(here)
        assert all(text_line(event) for event in events)
        assert live.result.engine.startswith("board ")


def test_a_boards_microphone(model: Path, sound: Path, board: Callable[..., str]) -> None:
    events = iter(classify_audio(model, device=board(model, "--microphone", str(sound))))
    while not isinstance(event := next(events), Detection):
        assert isinstance(event, Step)
    events.close()
    assert event.label in CLASSES


def test_breaking_off_what_a_board_is_sent(model: Path, sound: Path, board: Callable[..., str]) -> None:
    port = board(model)
    events = iter(classify_audio(model, input=sound, device=port))
    next(events)
    events.close()
    assert found(classify_audio(model, input=sound, device=port)), "the board can be used again"


def test_a_board_with_another_model(model: Path, board: Callable[..., str]) -> None:
    port = board(model, "--slot", "0")
    data = {"classes": ["a", "b", "c", "d"], **FRONTEND.to_parameters()}
    other = model.with_name("other.tflite")
    other.write_bytes(write_parameters(CONV.read_bytes(), data))
    with pytest.raises(ModelError, match="hears one, two, _three_, four"):
        next(iter(classify_audio(other, device=port)))


def test_a_board_that_loses_and_resets(model: Path, sound: Path, board: Callable[..., str]) -> None:
    port = board(model, "--fault", "drop=0.0005,reset=40000", "--seed", "3")
    events = list(classify_audio(model, input=sound, device=port))
    by_time = sorted(found(events), key=lambda detection: detection.time_ms)
    assert by_time == found(classify_audio(model, input=sound, engine="tflm"))
    times = [event.time_ms for event in events if isinstance(event, Step)]
    assert times == sorted(set(times))


@pytest.mark.parametrize("options", [{"microphone": "x"}, {"input": "-"}, {"rate_hz": 8000}])
def test_audio_that_a_board_cannot_hear(model: Path, options: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="a board listens to its own microphone"):
        classify_audio(model, device="auto", **options)


def test_what_a_board_with_a_model_cannot_do(model: Path, board: Callable[..., str]) -> None:
    live = classify_audio(model, device=board(model), engine="tflm", gate=0, simulate_latency=3.0)
    with pytest.raises(SettingError, match="the board runs the net: --engine, --gate, --simulate-latency cannot be"):
        next(iter(live))


@pytest.mark.parametrize("fault", ["drop=0", "reset=60000"])
def test_what_a_board_is_sent_is_dumped(
    model: Path, sound: Path, tmp_path: Path, board: Callable[..., str], fault: str
) -> None:
    """The same files as without a board."""
    settings = {"volume_gain": 0.5}
    for name, options in {"here": {}, "board": {"device": board(model, "--fault", fault)}}.items():
        place = tmp_path / name
        dumps = Dumps(audio=place, raw_spectrograms=place)
        detections = found(classify_audio(model, input=sound, settings=settings, dumps=dumps, **options))
        assert len(detections) > 1
    here, there = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("here", "board"))
    assert here == there


def test_what_a_boards_microphone_heard_is_dumped(
    model: Path, sound: Path, tmp_path: Path, board: Callable[..., str]
) -> None:
    """Its detections are those of the dumped audio; each has its window."""
    dumps = Dumps(audio=tmp_path / "heard", raw_spectrograms=tmp_path / "heard")
    live = classify_audio(model, device=board(model, "--microphone", str(sound)), dumps=dumps)
    on_board = []
    for event in live:
        on_board += found([event])
        if len(on_board) == 2:
            break
    file = tmp_path / "heard" / "dumped_audio.wav"
    again = Dumps(raw_spectrograms=tmp_path / "again")
    here = found(classify_audio(model, input=file, engine="tflm", dumps=again))
    assert here[: len(on_board)] == on_board
    for path in (tmp_path / "heard").glob("*.npy"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    assert len(list((tmp_path / "heard").glob("*.npy"))) == 2
    assert re.fullmatch("board simulator at /dev/.*", live.result.engine)


def test_microphones_are_listed(microphone: None, capsys: pytest.CaptureFixture[str]) -> None:
    from mltk_like.cli import main

    assert main(["classify_audio", "--list-microphones"]) == 0
    assert capsys.readouterr().out == "*   0  Fake  (1 channels, 16000 Hz)\n"
    assert main(["classify_audio", "--list-microphones", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "Fake"


def test_present_returns_the_code(model: Path, sound: Path) -> None:
    out = io.StringIO()
    assert present(classify_audio(model, input=sound), out) == 0
    assert out.getvalue().splitlines()[-1].startswith("detections:")


def test_it_is_offered() -> None:
    assert mltk.classify_audio is classify_audio
