"""The front end on emulated Cortex-M cores: the host's bytes on each, and counts of instructions that repeat."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mltk_like.audio import Frontend, FrontendSettings, SpectrumSettings
from mltk_like.firmware import CORES
from mltk_like.firmware.building import find_tool
from mltk_like.firmware.counting import run_bare

CPP = Path(__file__).parent.parent / "cpp"
ALEXA = FrontendSettings(
    sample_length_ms=1200,
    window_size_ms=30,
    filterbank_n_channels=108,
    noise_reduction_enable=True,
    noise_reduction_min_signal_remaining=0.4,
    dc_notch_filter_enable=True,
    quantize_dynamic_scale_enable=True,
)
BANDS40 = FrontendSettings(window_size_ms=30, window_step_ms=20, filterbank_n_channels=40)
WAKE_WORD = SpectrumSettings(
    window_size_ms=64,
    window_step_ms=32,
    pre_emphasis=0.96875,
    window_function="hamming",
    window_periodic=False,
    filterbank_scale="htk",
    filterbank_triangles="mel",
    filterbank_normalize=False,
    filterbank_lower_band_limit=0.0,
    filterbank_upper_band_limit=8000.0,
    log_floor=1.024e-27,
    mean=-21.8969994,
    std=64.0,
    scale_minimum=0.0,
    scale_maximum=0.9437652,
)
FULL: dict[str, Any] = {
    "sample_rate_hz": 11025,
    "sample_length_ms": 500,
    "window_size_ms": 23,
    "window_step_ms": 11,
    "filterbank_upper_band_limit": 5000.5,
    "noise_reduction_enable": True,
    "pcan_enable": True,
    "activity_detection_enable": True,
    "dc_notch_filter_enable": True,
}
COLUMNS_PER_WINDOW = 10  # of mcu/hop.cpp

pytestmark = pytest.mark.slow


def find(program: str) -> str:
    """Path of a program; the test is skipped where it is not installed."""
    found = find_tool(program)
    if found is None:
        pytest.skip(f"{program} is not installed: make mcu says how to get it")
    return found


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one run of a firmware wrote and printed."""

    columns: npt.NDArray[np.uint16]
    windows: npt.NDArray[np.int8]
    report: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Board:
    """Firmware built for one core."""

    core: str
    build: Path

    def make(self, *targets: str) -> str:
        command = [find("cmake"), "--build", str(self.build), "--target", *targets]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, firmware: str, folder: Path) -> dict[str, Any]:
        """Run in `folder`, where the firmware finds and leaves files; returns the JSON it prints."""
        printed = run_bare(self.build / "mcu" / f"{firmware}.elf", CORES[self.core], folder=folder)
        report: dict[str, Any] = json.loads(printed)
        return report

    def hear(self, firmware: str, samples: npt.NDArray[np.int16], settings: FrontendSettings, folder: Path) -> Result:
        """The firmware's columns and windows of `samples`."""
        folder.mkdir(exist_ok=True)
        samples.astype("<i2").tofile(folder / "samples.bin")
        report = self.run(firmware, folder)
        shape = settings.spectrogram_shape
        columns = np.fromfile(folder / "columns.bin", "<u2").reshape(-1, shape[1])
        return Result(
            columns=columns, windows=np.fromfile(folder / "windows.bin", np.int8).reshape(-1, *shape), report=report
        )


def prepare(core: str, folder: Path, *options: str) -> Board:
    find("arm-none-eabi-g++")
    find("qemu-system-arm")
    options += ("-DCMAKE_TOOLCHAIN_FILE=mcu/toolchain-arm-none-eabi.cmake", f"-DMLTK_MCU_CPU={core}")
    options += ("-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={find('ninja')}")
    command = [find("cmake"), "-S", str(CPP), "-B", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Board(core=core, build=folder)


@pytest.fixture(scope="module")
def m4(tmp_path_factory: pytest.TempPathFactory) -> Board:
    values = ";".join(f"{name}={str(value).lower()}" for name, value in FULL.items())
    board = prepare("cortex-m4", tmp_path_factory.mktemp("m4"), f"-DMLTK_MCU_SETTINGS={values}")
    board.make("alexa_hop", "alexa_stages", "bands40_hop", "custom_hop")
    return board


def speech_like(seconds: float) -> npt.NDArray[np.int16]:
    """Syllables of a gliding voice with three formants, over quiet noise and an offset."""
    rng = np.random.default_rng(4)
    time = np.arange(int(16000 * seconds)) / 16000
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * time)) / 16000
    voice = np.zeros_like(time)
    for harmonic in range(1, 40):
        pitch = 120.0 * harmonic
        level = sum(np.exp(-(((pitch - formant) / 150) ** 2)) for formant in (600, 1400, 2600))
        voice += (level + 0.02) * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1) ** 2
    signal = 6000 * syllables * voice + 150 * rng.standard_normal(len(time)) + 300
    return np.clip(signal, -32768, 32767).astype(np.int16)


def check_bytes(result: Result, samples: npt.NDArray[np.int16], settings: FrontendSettings) -> None:
    frontend = Frontend(settings, "uint16")
    columns = frontend(samples)
    np.testing.assert_array_equal(result.columns, columns, strict=True)
    starts = np.arange(0, len(columns) - settings.spectrogram_shape[0] + 1, COLUMNS_PER_WINDOW)
    assert len(starts) > 3
    np.testing.assert_array_equal(result.windows, frontend.windows(columns, starts), strict=True)
    assert len(np.unique(result.windows)) > 100


@pytest.mark.parametrize("core", sorted(set(CORES) - {"cortex-m4"}))
def test_same_bytes_on_every_core(core: str, tmp_path: Path) -> None:
    board = prepare(core, tmp_path / "build")
    board.make("alexa_hop", "alexa_alone")
    samples = speech_like(1.6)
    result = board.hear("alexa_hop", samples, ALEXA, tmp_path / "run")
    check_bytes(result, samples, ALEXA)
    assert abs(result.report["calibration"] - 200_000) <= 2


def test_counts_by_stage(m4: Board, tmp_path: Path) -> None:
    samples = speech_like(1.6)
    result = m4.hear("alexa_hop", samples, ALEXA, tmp_path / "hop")
    check_bytes(result, samples, ALEXA)
    report = result.report
    assert abs(report["calibration"] - 200_000) <= 2
    hop = report["hop"]
    assert hop["count"] == len(result.columns)
    assert 20_000 < hop["min"] <= hop["mean"] <= hop["max"] < 60_000
    staged = m4.hear("alexa_stages", samples, ALEXA, tmp_path / "stages")
    check_bytes(staged, samples, ALEXA)
    stages = staged.report["stages"]
    assert stages["fft"] == max(stages.values())
    assert sum(stages.values()) == pytest.approx(hop["mean"], rel=0.02)


def test_float_front_end(m4: Board, tmp_path: Path) -> None:
    """Tables in flash, pre-emphasis over all hops: every bit of the columns, and every byte that a net is given."""
    m4.make("wakeword_hop")
    samples = speech_like(1.6)
    samples = samples[: len(samples) // WAKE_WORD.step_samples * WAKE_WORD.step_samples]  # the firmware reads steps
    samples.astype("<i2").tofile(tmp_path / "samples.bin")
    report = m4.run("wakeword_hop", tmp_path)
    columns = Frontend(WAKE_WORD, "float32")(samples)
    assert (tmp_path / "columns.bin").read_bytes() == columns.tobytes()
    assert (tmp_path / "bytes.bin").read_bytes() == Frontend(WAKE_WORD, "int8")(samples).tobytes()
    assert report["hop"]["count"] == len(columns)
    assert 30_000 < report["hop"]["mean"] < 90_000
    assert report["stream_bytes"] < 14_000


def test_counts_repeat(m4: Board, tmp_path: Path) -> None:
    samples = speech_like(1.6)
    reports = [m4.hear("bands40_hop", samples, BANDS40, tmp_path / str(i)).report for i in range(2)]
    assert reports[0] == reports[1]


@pytest.mark.parametrize("seed", range(2))
def test_loud_and_silent(m4: Board, tmp_path: Path, seed: int) -> None:
    """Where sums wrap and where the window's shift is at its ends."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10.0 ** rng.uniform(-1, 6, 100), 320)
    samples = np.clip(rng.standard_normal(32000) * loudness, -32768, 32767).astype(np.int16)
    check_bytes(m4.hear("bands40_hop", samples, BANDS40, tmp_path), samples, BANDS40)


def test_settings_of_ones_own(m4: Board, tmp_path: Path) -> None:
    """Every stage on, an odd number of samples in a window and in a step."""
    settings = FrontendSettings(**FULL)
    samples = speech_like(1.5)
    samples = samples[: len(samples) // settings.step_samples * settings.step_samples]  # the firmware reads steps
    assert settings.window_samples % 2 == settings.step_samples % 2 == 1
    check_bytes(m4.hear("custom_hop", samples, settings, tmp_path), samples, settings)


def test_tables_built_on_the_device_equal_the_constant_ones(m4: Board, tmp_path: Path) -> None:
    m4.make("alexa_tables", "custom_tables")
    for firmware in ("alexa_tables", "custom_tables"):
        assert m4.run(firmware, tmp_path)["equal"] == 1


def test_printed_figures(m4: Board) -> None:
    lines = m4.make("mcu_size").splitlines()
    code, tables, stream, stack = (int(cell) for cell in next(x for x in lines if x.startswith("alexa ")).split()[1:])
    assert 2000 < code < 6000
    assert 6000 < tables < 8000
    assert 3000 < stream < 5000
    assert 100 < stack < 1000
    assert any(line.startswith("hop, mean") for line in m4.make("mcu_count").splitlines())
