"""A model on an emulated chip says what this computer says, score by score; its profile counts instructions."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import mltk_like as mltk
from mltk_like.audio.board import Board, ScoresReport, Tell
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.audio.live import Listener, Step
from mltk_like.audio.programs import program_path
from mltk_like.audio.recogniser import Detection, RecogniserSettings
from mltk_like.cli import main
from mltk_like.errors import ModelError, SettingError, ToolError
from mltk_like.firmware import CORES, emulated, firmware_image
from mltk_like.firmware.building import check_tools
from mltk_like.firmware.counting import count_net
from mltk_like.tflite import read_parameters, write_parameters
from mltk_like.verbs.emulate import emulate
from mltk_like.verbs.shared.engines import open_engine

DATA = Path(__file__).parent / "data" / "board"
M4 = CORES["cortex-m4"]


@pytest.fixture(scope="module")
def tools() -> None:
    pytest.importorskip("serial")
    try:
        check_tools("to emulate a chip")
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(autouse=True)
def built_once(private_folders: None, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Firmwares are kept from test to test."""
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(images))


def swelling(seconds: float, seed: int = 3) -> npt.NDArray[np.int16]:
    """Noise that swells and fades between whispered and clipped."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10 ** rng.uniform(0, 4.5, round(seconds * 8)), 2000)
    return np.clip(rng.standard_normal(len(loudness)) * loudness, -32768, 32767).astype(np.int16)


def on_this_computer(model: bytes, samples: npt.NDArray[np.int16]) -> tuple[list[Step], list[Detection]]:
    """Steps with scores, and detections, by TensorFlow Lite Micro."""
    parameters = read_parameters(model)
    frontend = frontend_from_parameters(parameters)
    classes = [str(each) for each in parameters["classes"]]  # type: ignore[union-attr]
    recogniser = RecogniserSettings.from_parameters(parameters)
    with open_engine("tflm", model, frontend.spectrogram_shape) as engine:
        gate = EnergyGateSettings.from_parameters(parameters)
        events = list(Listener(frontend, recogniser, classes, engine, gate=gate).push(samples))
    steps = [each for each in events if isinstance(each, Step) and each.scores]
    return steps, [each for each in events if isinstance(each, Detection)]


@contextmanager
def chip(model: bytes, core: str = "cortex-m4") -> Iterator[Board]:
    with (
        emulated(firmware_image(model, CORES[core]), CORES[core]) as emulator,
        Board(emulator.port, patience_s=30) as board,
    ):
        yield board


def check_same(board: Board, model: bytes, samples: npt.NDArray[np.int16]) -> None:
    reports: list[ScoresReport] = []

    def take(event: object) -> None:
        if isinstance(event, ScoresReport):
            reports.append(event)

    found = board.inject(samples, tell=Tell.DETECTIONS | Tell.SCORES, on_event=take)
    steps, detections = on_this_computer(model, samples)
    assert [(each.time_ms, tuple(each.scores.tolist())) for each in reports] == [
        (each.time_ms, each.scores) for each in steps
    ]
    assert len({each.scores for each in steps}) > 5
    assert found == detections


@pytest.mark.slow
@pytest.mark.parametrize(
    ("core", "name"),
    [
        *((f"cortex-{core}", "fixed") for core in ("m0plus", "m4", "m7", "m33", "m55")),
        # Without a unit for real numbers, with one, and with one for vectors of them.
        *((f"cortex-{core}", "float") for core in ("m0plus", "m4", "m55")),
        ("cortex-m4", "streaming"),
    ],
)
@pytest.mark.usefixtures("tools")
def test_scores_and_detections_are_those_of_this_computer(core: str, name: str) -> None:
    model = (DATA / f"{name}.tflite").read_bytes()
    with chip(model, core) as board:
        assert board.info.model == read_parameters(model)["name"]
        assert core in board.info.name
        check_same(board, model, swelling(4))


@pytest.mark.slow
@pytest.mark.usefixtures("tools")
def test_a_profile_counts_and_disturbs_nothing(tmp_path: Path) -> None:
    model = (DATA / "streaming.tflite").read_bytes()
    counted = count_net(model, M4, tmp_path)
    with chip(model) as board:
        first = board.profile()
        assert first == board.profile()
        nanoseconds = [round(1000 * each.time_us) for each in first.layers]
        assert sum(nanoseconds) == pytest.approx(1000 * first.time_us, abs=len(nanoseconds))
        # A nanosecond is an instruction: the layer's own, and a few of reading the clock.
        assert all(0 <= found - own <= 30 for found, own in zip(nanoseconds, counted.layers, strict=True))
        check_same(board, model, swelling(3))
        # The net forgets what the profile let it hear.
        assert board.profile().time_us == first.time_us
        check_same(board, model, swelling(3, seed=4))


@pytest.mark.slow
@pytest.mark.usefixtures("tools")
def test_settings_reach_the_chip() -> None:
    model = (DATA / "fixed.tflite").read_bytes()
    with chip(model) as board:
        assert board.parameters()["suppression_ms"] == 200
        board.set_parameters(detection_threshold=0, suppression_ms=0)
        often = board.inject(swelling(3))
        board.set_parameters(detection_threshold=255)
        assert len(often) > 5
        assert not board.inject(swelling(3))


@pytest.mark.slow
@pytest.mark.usefixtures("tools")
def test_a_shipped_model_that_keeps_its_state() -> None:
    """Half a minute of sound."""
    from mltk_like.verbs.shared.building import tflite_of

    model, _ = tflite_of("marvin", build=False)
    with chip(model) as board:
        check_same(board, model, swelling(30))


@pytest.mark.slow
@pytest.mark.usefixtures("tools")
def test_the_uart_of_the_board() -> None:
    """Few bytes: QEMU takes its time over each."""
    model = (DATA / "fixed.tflite").read_bytes()
    image = firmware_image(model, M4, line="uart")
    assert image != firmware_image(model, M4)
    with emulated(image, M4, line="uart") as emulator, Board(emulator.port) as board:
        assert board.info.classes == ("yes", "no")
        assert board.info.frames_ahead == 4
        assert board.parameters()["minimum_count"] == 2


@pytest.mark.slow
@pytest.mark.usefixtures("tools")
def test_the_verb_prints_the_line_and_ends_at_ctrl_c() -> None:
    command = [sys.executable, "-m", "mltk_like", "emulate", str(DATA / "fixed.tflite"), "--cpu", "M55"]
    # In a session of its own: shells give what runs in the background an ignored Ctrl-C.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        with Board(port) as board:
            assert board.info.model == "fixed"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"mps3-an547" in said
    with pytest.raises(mltk.DataError):
        Board(port)


def test_ctrl_c_before_the_chip_runs_is_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mltk_like.verbs.emulate.firmware_image", interrupted)
    assert main(["emulate", str(DATA / "fixed.tflite")]) == 130


@pytest.mark.usefixtures("tools")
def test_what_was_built_is_not_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path))
    built = []

    def build(model: Path, folder: Path, core: object, targets: object, options: object) -> None:
        built.append(core)
        program = folder / "mcu" / "firmware" / "firmware.elf"
        program.parent.mkdir(parents=True)
        program.write_bytes(b"program")

    monkeypatch.setattr("mltk_like.firmware.image.build", build)
    model = (DATA / "fixed.tflite").read_bytes()
    told: list[str] = []
    first = firmware_image(model, M4, progress=told.append)
    assert first.read_bytes() == b"program"
    assert firmware_image(model, M4, progress=told.append) == first
    assert built == [M4]
    assert told == ["compiling for cortex-m4"]
    other = write_parameters(model, {**read_parameters(model), "detection_threshold": 3})
    assert len({first, firmware_image(other, M4), firmware_image(model, CORES["cortex-m7"])}) == 3


def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert main(["emulate", str(DATA / "fixed.tflite")]) == 2
    said = capsys.readouterr().err
    assert "gcc-arm-none-eabi" in said
    assert "qemu-system-arm" in said
    assert "apt-get install" in said


def test_names_cannot_become_source(tmp_path: Path) -> None:
    model = (DATA / "fixed.tflite").read_bytes()
    names = {"name": 'a"; #error \n*/', "classes": ["tür\\", "??/\r\n}"]}
    file = tmp_path / "model.tflite"
    file.write_bytes(write_parameters(model, {**read_parameters(model), **names}))
    subprocess.run([program_path("model_constants"), file, tmp_path], check=True)
    text = (tmp_path / "model_constants.hpp").read_text("ascii")
    assert r'kModelName[] = "a\042\073 \043error \012\052\057";' in text
    assert r'"t\303\274r\134"' in text
    assert r'"\077\077\057\015\012\175"' in text


def test_a_core_that_there_is_not() -> None:
    with pytest.raises(SettingError, match="'cortex-m9' is no core"), emulate(DATA / "fixed.tflite", cpu="cortex-m9"):
        pass


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ["one", "two", "three"]}, "2 outputs for 3 classes"),
        ({"fe.filterbank_n_channels": 12}, "the net takes"),
    ],
)
def test_parameters_of_another_net(changes: dict[str, object], said: str) -> None:
    model = (DATA / "fixed.tflite").read_bytes()
    other = write_parameters(model, {**read_parameters(model), **changes})  # type: ignore[dict-item]
    with pytest.raises(ModelError, match=said):
        firmware_image(other, M4)


@pytest.mark.usefixtures("tools")
def test_a_model_that_does_not_say_what_it_hears() -> None:
    model = (DATA / "fixed.tflite").read_bytes()
    named = {key: value for key, value in read_parameters(model).items() if not key.startswith("fe.")}
    with pytest.raises(ModelError, match="no firmware for this model"):
        firmware_image(write_parameters(model, named), M4)
