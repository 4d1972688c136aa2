"""`profile --target` and `--boards`: cores, clocks, ranges, tables, what is not installed; test_counts counts."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import SettingError, ToolError
from mltk_like.firmware import BOARDS, CORES, BoardFacts, Core, Counts, NetCount, SoundCount, core_of
from mltk_like.firmware.counting import sound_count
from mltk_like.verbs.profile import TargetProfile
from mltk_like.verbs.profile.boards import on_boards
from mltk_like.verbs.profile.load import Span, cycles, load, parse_clock, percent, seconds

TINY = Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite"
LAYERS = len(mltk.summarize(TINY).layers)  # type: ignore[union-attr]
SOUND = SoundCount(
    hop=40_000,
    hop_least=39_000,
    hop_most=41_000,
    hops_a_second=100.0,
    window=100_000,
    windows_a_second=5.0,
    inferences_a_second=5.0,
    second=5_000_000,
    stack_bytes=300,
)


def counts(core: str, *, second: int = 55_000_000, heard: bool = True) -> Counts:
    """What counting could have found: `second` instructions of a second of audio."""
    inference = (second - SOUND.second) // 5
    net = NetCount(inference=inference, layers=(inference // LAYERS,) * LAYERS, stack_bytes=200)
    if not heard:
        return Counts(core=core, compiler="12.2.1", net=net)
    return Counts(core=core, compiler="12.2.1", net=net, sound=SOUND, flash_bytes=150_000, ram_bytes=60_000)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting that takes no time."""

    def count(model: bytes, core: Core, **_: Any) -> Counts:
        assert model == TINY.read_bytes()
        return counts(core.name)

    monkeypatch.setattr("mltk_like.verbs.profile.target.count_model", count)
    monkeypatch.setattr("mltk_like.verbs.profile.boards.count_model", count)


@pytest.mark.parametrize("name", ["cortex-m0plus", "m0plus", "M0+", "Cortex-M0+", "cortex-m0+"])
def test_a_core_by_any_of_its_names(name: str) -> None:
    assert core_of(name) is CORES["cortex-m0plus"]


def test_a_core_that_there_is_not() -> None:
    with pytest.raises(SettingError, match="'z80' is no core that can be emulated here") as caught:
        core_of("z80")
    assert caught.value.hint == f"there are {', '.join(CORES)}"
    with pytest.raises(SettingError) as caught:
        core_of("m0pluss")
    assert caught.value.hint == "did you mean cortex-m0plus?"


def test_cores_have_ranges_with_reasons_and_sources() -> None:
    for core in CORES.values():
        least, most = core.cycles
        assert 0.5 <= least < most <= 2.0
        assert core.reason
        assert "Arm" in core.source


@pytest.mark.parametrize(
    ("text", "hertz"),
    [("78MHz", 78e6), ("78e6", 78e6), ("78000000", 78e6), ("1.2 GHz", 1.2e9), ("32khz", 32e3), ("64 mhz", 64e6)],
)
def test_clocks(text: str, hertz: float) -> None:
    assert parse_clock(text) == pytest.approx(hertz)


@pytest.mark.parametrize("text", ["", "fast", "78", "78MB", "-78MHz", "1e99", "nan", "1.2.3MHz", "MHz"])
def test_what_is_no_clock(text: str) -> None:
    with pytest.raises(SettingError, match="no clock of a microcontroller"):
        parse_clock(text)


def test_ranges() -> None:
    core = CORES["cortex-m4"]
    found = cycles(10_000_000, core)
    assert found == Span(1e7 * core.cycles[0], 1e7 * core.cycles[1])
    assert load(Span(25e6, 50e6), 100e6) == Span(25.0, 50.0)
    assert percent(Span(4.24, 12.6)) == "4.2 .. 13"
    assert Span(25_100_000, 38_300_000).text() == "25.1M .. 38.3M"
    assert seconds(Span(0.000_69, 0.0118)) == "690.0u .. 11.8m"


def test_a_second_of_sound_from_what_the_program_prints() -> None:
    hop = {"count": 150, "min": 30_668, "mean": 31_483, "max": 31_819}
    printed = {
        "hop": hop, "window": {"mean": 78_038}, "sound": {"mean": 12_974_506}, "rate": 16_000, "step": 160,
        "samples": 32_640, "latency_ms": 60, "steps": 34, "runs": 68, "stack_bytes": 220,
    }  # fmt: skip
    found = sound_count(printed)
    assert (found.hop, found.hop_least, found.hop_most) == (31_483, 30_668, 31_819)
    assert found.hops_a_second == 100
    assert found.inferences_a_second == pytest.approx(2 * 1000 / 60)
    assert found.second == round(12_974_506 * 16_000 / 32_640)
    assert found.rest == found.second - round(31_483 * 100 + 78_038 * 1000 / 60)
    # A detector of activity that kept the net from being asked: counted as if it had been.
    assert sound_count({**printed, "steps": 0, "runs": 0}).inferences_a_second == pytest.approx(1000 / 60)


def test_all_of_a_second_is_the_sum_of_its_parts() -> None:
    found = counts("cortex-m4")
    assert found.second == SOUND.second + 5 * found.net.inference == 55_000_000
    assert 100 * SOUND.hop + 5 * SOUND.window + SOUND.rest == SOUND.second
    assert counts("cortex-m4", heard=False).second is None


@pytest.mark.usefixtures("counted")
def test_a_target_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(TINY), "--target", "m4", "--clock", "100MHz"]) == 0
    printed = capsys.readouterr().out
    least, most = (55 * end for end in CORES["cortex-m4"].cycles)
    assert f"CPU Utilization (%): {least:.0f} .. {most:.0f}\n" in printed
    assert f"Clock that it needs (hz): {least:.1f}M .. {most:.1f}M\n" in printed
    for words in ("Target: cortex-m4", "Instruction Count: 10.00M", "Clock Rate (hz): 100.0M", "without wait states"):
        assert words in printed
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert "Time (s)" in rows[6]
    assert len(rows) == 1 + 5 + 1 + LAYERS


@pytest.mark.usefixtures("counted")
def test_a_clock_that_is_too_slow_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(TINY), "--target", "m4", "--clock", "48MHz"]) == 0
    assert ": more than the core has" in capsys.readouterr().out


@pytest.mark.usefixtures("counted")
def test_a_target_as_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(TINY), "--target", "cortex-m33", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["target"], values["instructions"], values["instructions_a_second"]) == (
        "cortex-m33", 10_000_000, 55_000_000,
    )  # fmt: skip
    assert values["clock_hz"] is values["cpu_utilization"] is values["time_s"] is None
    assert values["sound"]["rest"] == SOUND.rest
    assert main(["profile", str(TINY), "--target", "cortex-m33", "--clock", "1e8", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [int(row["instructions"]) for row in rows] == [layer["instructions"] for layer in values["layers"]]
    assert set(rows[0]) == set(values["layers"][0])
    assert float(rows[0]["time_s_most"]) == pytest.approx(int(rows[0]["cycles_most"]) / 1e8, rel=1e-6)


def test_a_net_that_nobody_said_what_it_hears() -> None:
    summary = mltk.summarize(TINY)
    found = TargetProfile(
        summary=summary,  # type: ignore[arg-type]
        core=CORES["cortex-m4"],
        counts=counts("cortex-m4", heard=False),
        clock_hz=1e8,
    )
    assert "only the net was counted" in str(found)
    assert "CPU Utilization" not in str(found)
    assert found.to_dict()["sound"] is found.to_dict()["cpu_utilization"] is None


def test_at_least_twenty_boards_with_facts_and_sources() -> None:
    arm = [board for board in BOARDS if board.core]
    assert len(arm) >= 30
    assert {board.core for board in arm} == set(CORES)
    assert len({board.name for board in BOARDS}) == len(BOARDS)
    for board in BOARDS:
        assert 16e6 <= board.clock_hz <= 1e9
        assert board.ram_bytes > 8 * 1024
        assert board.flash_bytes > 32 * 1024
        assert board.source
    others = [board for board in BOARDS if not board.core]
    assert {"ESP32-S3"} <= {board.chip for board in others}


def board_of(**changed: Any) -> BoardFacts:
    """A board on which `counts` just fit."""
    facts = {
        "name": "it", "chip": "c", "core": "cortex-m4", "processor": "Cortex-M4", "clock_hz": 100_000_000,
        "flash_bytes": 150_000, "ram_bytes": 60_000, "accelerator": "", "source": "s",
    }  # fmt: skip
    return BoardFacts(**{**facts, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "fits"),
    [
        ({}, "yes"),
        ({"flash_bytes": 149_999}, "no: flash"),
        ({"ram_bytes": 59_999}, "no: RAM"),
        ({"ram_bytes": 59_999, "flash_bytes": 149_999}, "no: flash, RAM"),
        ({"clock_hz": 80_000_000}, "maybe: clock"),
        ({"clock_hz": 50_000_000}, "no: clock"),
        ({"clock_hz": 50_000_000, "core": "", "processor": "other"}, "yes"),
    ],
)
def test_what_fits(changed: dict[str, Any], fits: str) -> None:
    (found,) = on_boards({"cortex-m4": counts("cortex-m4")}, [board_of(**changed)])
    assert found.fits == fits
    assert (found.load is None) == (changed.get("core") == "")


@pytest.mark.usefixtures("counted")
def test_boards_as_a_table_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(TINY), "--boards"]) == 0
    printed = capsys.readouterr().out
    assert all(board.name in printed for board in BOARDS)
    teensy = next(line for line in printed.splitlines() if "Teensy" in line)
    assert [cell.strip() for cell in teensy.split("|")[3:8]] == ["Cortex-M7", "600M", "8192K", "1024K", ""]
    assert main(["profile", str(TINY), "--boards", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["boards"]
    assert [one["board"] for one in values] == [board.name for board in BOARDS]
    by_chip = {one["chip"]: one for one in values}
    assert by_chip["EFR32MG24B310F1536"]["accelerator"] == "MVP"
    assert by_chip["EFR32MG24B310F1536"]["cpu_utilization_least"] == pytest.approx(
        100 * 55e6 * CORES["cortex-m33"].cycles[0] / 78e6, abs=0.01
    )
    assert by_chip["ESP32-S3"]["cpu_utilization_least"] is None
    assert main(["profile", str(TINY), "--boards", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["fits"] for row in rows] == [one["fits"] for one in values]


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["--target", "z80"], "'z80' is no core that can be emulated here", "there are cortex-m0plus, cortex-m3"),
        (["--target", "m4", "--clock", "soon"], "'soon' is no clock", "as in: --clock 78MHz"),
        (["--clock", "78MHz"], "--clock is that of a --target", "as in: profile MODEL --target"),
        (["--csv"], "--csv goes with --target or --boards", "--json prints"),
        (["--target", "m4", "--boards"], "--boards does not go with --target", "leave one of them out"),
        (["--boards", "--json", "--csv"], "--csv does not go with --json", "leave one of them out"),
    ],
)
def test_wrong_usage(arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(TINY), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {error}")
    assert f"hint: {hint}" in said


def test_tools_that_are_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"missing: .*gcc-arm-none-eabi, qemu-system-arm") as caught:
        mltk.profile_target(TINY, "m4")
    assert "apt-get install" in caught.value.hint
