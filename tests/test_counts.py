"""Counts of instructions on emulated cores: those that were recorded, and how they hang together."""

import json
import shutil
from pathlib import Path
from typing import Any

import counts
import pytest

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.firmware import CORES, count_model
from mltk_like.firmware.building import check_tools, compiler_version
from mltk_like.firmware.counting import count_net

pytestmark = pytest.mark.slow
TINY = Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite"


@pytest.fixture(autouse=True, scope="module")
def tools() -> None:
    """What counting needs."""
    try:
        check_tools("to count instructions")
    except mltk.ToolError as error:
        pytest.skip(error.message)


def recorded(core: str) -> Any:
    """Of a core, for the compiler that is here."""
    record = json.loads(counts.RECORD.read_text())
    if record["compiler"] != compiler_version():
        pytest.skip(f"recorded with GCC {record['compiler']}, this is {compiler_version()}: python -m tests.counts")
    return record["cores"][core]


@pytest.mark.parametrize("core", counts.CORES_OF_RECORD)
def test_nets_take_as_many_instructions_as_they_did(core: str, tmp_path: Path) -> None:
    expected = recorded(core)["net"]
    assert counts.net_counts(core, tmp_path) == expected


@pytest.mark.parametrize("core", counts.CORES_OF_RECORD)
def test_sound_takes_as_many_instructions_as_it_did(core: str) -> None:
    expected = recorded(core)["sound"]
    assert counts.sound_counts(core) == expected


def test_layers_add_up_and_counts_repeat(tmp_path: Path) -> None:
    model = open_artifact("keyword_spotting_alexa_small").tflite()
    first, again = (count_net(model, CORES["cortex-m4"], tmp_path) for _ in range(2))
    assert first == again
    assert sum(first.layers) == pytest.approx(first.inference, rel=1e-3)
    assert len(first.layers) == 21


def test_a_whole_firmware() -> None:
    found = count_model(open_artifact("marvin").tflite(), CORES["cortex-m33"])
    assert found.sound is not None
    assert found.flash_bytes is not None
    assert found.ram_bytes is not None
    sound = found.sound
    # Streaming: three columns an inference, two inferences a step of 60 ms.
    assert sound.inferences_a_second == pytest.approx(1000 / 30)
    assert sound.hop_least <= sound.hop <= sound.hop_most
    assert 0 < sound.rest < sound.second
    assert found.second == sound.second + round(found.net.inference * 1000 / 30)
    assert 40_000 < found.flash_bytes < 120_000
    assert 20_000 < found.ram_bytes < 100_000


def test_a_model_that_does_not_say_what_it_hears() -> None:
    found = mltk.profile_target(TINY, "m7", clock="216MHz")
    assert found.counts.sound is found.counts.second is None
    assert len(found.counts.net.layers) == len(found.summary.layers)
    assert found.counts.net.inference > 0
    with pytest.raises(mltk.ModelError, match="does not say what it hears"):
        mltk.profile_boards(TINY)


def test_what_cannot_be_compiled_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = shutil.which("arm-none-eabi-gcc")
    broken = tmp_path / "arm-none-eabi-gcc"
    broken.write_text(
        f'#!/bin/sh\ncase "$*" in *-c*model_net.c*) echo "error: no room" >&2; exit 1;; esac\n{compiler} "$@"\n'
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(mltk.ToolError, match="the firmware cannot be built: error: no room"):
        count_net(TINY.read_bytes(), CORES["cortex-m4"], tmp_path)
