"""`export` for boards' tools: each folder builds, hears what this computer hears, and no name can break it.

Vendors' SDKs are not here: `tests/stand_ins` has their headers and build functions, and runs the programs on this
computer.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mltk_like.audio.programs import program_path
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.tflite import find_tflm, read_parameters, write_parameters
from mltk_like.verbs.export import export
from mltk_like.verbs.export.board_folder import DETECTORS
from mltk_like.verbs.export.names import safe_name, safe_title

ROOT = Path(__file__).resolve().parents[1]
FIXED = ROOT / "tests" / "data" / "board" / "fixed.tflite"
STAND_INS = ROOT / "tests" / "stand_ins"
CORE = STAND_INS / "arduino" / "hardware" / "stand_in" / "host"
FORMATS = sorted(DETECTORS)
RATE = 16000
STRICT = ["-Wall", "-Wextra", "-Werror"]
NAME = "door_1_error"
PROGRAMS = {
    "arduino": ("examples/PDM_microphone/PDM_microphone.ino", "examples/I2S_microphone/I2S_microphone.ino"),
    "platformio": ("src/pdm_microphone.cpp", "src/i2s_microphone.cpp"),
    "esp-idf": ("main/main.cpp",),
    "zephyr": ("samples/microphone/src/main.cpp",),
    "pico-sdk": ("main.cpp",),
    "mcu": ("mltk/mcu/listen/main.cpp",),
}
# What would end a text, a comment, a line or a value of any of the languages in a folder.
HOSTILE = "a\" ' */ // ??/ \\ \n#error\r\n${HOME} $(id) `id` @NAME@ @RATE@ %s <b> ; : # &x {{}} \u202e \x1b[2J é"


def hostile(folder: Path) -> Path:
    """A model whose names are made to break files."""
    data = FIXED.read_bytes()
    changed = {"name": f"door 1\n#error {HOSTILE}", "classes": [HOSTILE, "*/ \\"], "version": -7, "2nd": HOSTILE}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "door 1 #error.tflite"
    path.write_bytes(write_parameters(data, {**read_parameters(data), **changed}, description=HOSTILE))
    return path


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler: linking the program takes seconds."""
    monkeypatch.setattr("mltk_like.verbs.export.board_folder.measure", lambda data: None)


def texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_has_all_of_it_and_no_name_is_left_out(format: str, tmp_path: Path) -> None:
    result = export(hostile(tmp_path), format=format, output=tmp_path / "out" / format)
    found = texts(tmp_path / "out" / format)
    assert {path.relative_to(tmp_path / "out" / format).as_posix() for path in result.files} == set(found)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [format]  # nothing temporary
    sources = {Path(name).name for name in found}
    assert {"detector.cpp", "stream.cpp", "pipeline.cpp", "recogniser.cpp", "model_net.c", "mltk_conv.c"} <= sources
    for program in PROGRAMS[format]:
        assert len(found[program].splitlines()) <= 60
        assert "on_samples" in found[program]
    page = found["README.md"]
    assert re.search(r"RAM, arena, kernels with the DSP extension .* \| \d", page)
    assert "no compiler for Arm was there" in page
    own = {name: text for name, text in found.items() if "mltk/" not in name and not name.startswith("model/")}
    for name, text in own.items():
        assert not re.search(r"@[A-Z]+@", name + text), name
        assert not {"\u202e", "\x1b", "${HOME}", "$(id)"} & set(re.findall(r"\u202e|\x1b|\$\{HOME\}|\$\(id\)", text))
        assert "#error" not in text


@pytest.mark.usefixtures("unmeasured")
def test_metadata_stay_what_they_are(tmp_path: Path) -> None:
    model = hostile(tmp_path)
    folders = {format: texts(Path(os.path.commonpath(export(model, format=format, output=tmp_path / format).files)))
               for format in ("arduino", "platformio", "esp-idf", "zephyr")}  # fmt: skip
    properties = dict(line.split("=", 1) for line in folders["arduino"]["library.properties"].splitlines())
    assert properties["name"] == NAME
    assert properties["includes"] == f"{NAME}.h"
    assert f"src/{NAME}.h" in folders["arduino"]
    assert properties["version"] == "1.0.0"
    manifest = json.loads(folders["platformio"]["lib/detector/library.json"])
    assert (manifest["name"], manifest["version"]) == (NAME, "1.0.0")
    assert manifest["description"] == safe_title(HOSTILE) == properties["sentence"]
    # The same program in both; PlatformIO's library is told what Arduino's cannot be.
    assert folders["platformio"]["src/pdm_microphone.cpp"] == folders["arduino"][PROGRAMS["arduino"][0]]
    plain = folders["platformio"]["lib/detector/src/mltk/stream.cpp"]
    assert folders["arduino"]["src/mltk/stream.cpp"] == f'#pragma GCC optimize("O3", "fp-contract=off")\n{plain}'
    assert "-ffp-contract=off" in manifest["build"]["flags"]
    assert folders["zephyr"]["zephyr/module.yml"].splitlines()[0] == f"name: {NAME}"
    assert all(line.count('"') in (0, 2) for line in
               folders["esp-idf"]["components/detector/idf_component.yml"].splitlines())  # fmt: skip
    # Of the recogniser there is as much as the model has classes.
    header = folders["zephyr"]["mltk/recogniser.hpp"]
    assert "#define MLTK_RECOGNISER_MAX_CLASSES 2\n" in header


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("marvin", "marvin"),
        ("Hey Gecko!", "hey_gecko"),
        ("2nd", "model_2nd"),
        ("", "model"),
        ("日本", "model"),
        ("string", "string_model"),
        ("PDM", "pdm_model"),
        ("class", "class_model"),
        ("detector", "detector_model"),
        ("__a__b__", "a_b"),
        ("x" * 200, "x" * 32),
    ],
)
def test_names_that_every_tool_takes(given: str, expected: str) -> None:
    assert safe_name(given) == expected


def test_a_title_is_one_plain_line() -> None:
    assert safe_title('Detects: "alexa"\n*/ x') == "Detects: alexa x"
    assert len(safe_title("w" * 1000)) == 160


@pytest.mark.usefixtures("unmeasured")
def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "out"
    place.mkdir()
    export(FIXED, format="arduino", output=place)
    (place / "mine.txt").write_text("mine")
    before = texts(place)
    assert main(["export", str(FIXED), "--format", "zephyr", "-o", str(place)]) == 2
    assert "has something in it" in capsys.readouterr().err
    assert texts(place) == before
    with pytest.raises(DataError, match="is no folder"):
        export(FIXED, format="mcu", output=place / "mine.txt")
    with pytest.raises(DataError, match="is in use"):
        export(FIXED, format="mcu", output=Path("."))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ModelError("no")])
def test_what_ends_in_the_middle_leaves_nothing(
    error: type[BaseException] | BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise error

    monkeypatch.setattr("mltk_like.verbs.export.board_folder.measure", ended)
    with pytest.raises((KeyboardInterrupt, ModelError)):
        export(FIXED, format="arduino", output=tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_is_no_detector_is_refused(tmp_path: Path) -> None:
    tiny = ROOT / "tests" / "data" / "tflite" / "tiny_conv.tflite"
    with pytest.raises(ModelError, match="does not say what its front end is"):
        export(tiny, format="pico-sdk", output=tmp_path / "out")
    with pytest.raises(SettingError, match="no prefix"):
        export(FIXED, format="esp-idf", output=tmp_path / "out", prefix="door")
    assert not list(tmp_path.iterdir())


# What follows compiles, and is slow.


def swelling(seconds: float) -> npt.NDArray[np.int16]:
    """Noise that swells and fades between whispered and clipped."""
    rng = np.random.default_rng(3)
    loudness = np.repeat(10 ** rng.uniform(0, 4.5, round(seconds * 8)), 2000)
    return np.clip(rng.standard_normal(len(loudness)) * loudness, -32768, 32767).astype(np.int16)


def events(printed: bytes) -> list[tuple[int, int, int]]:
    """(class, score, ms) of each detection that a program printed."""
    return [tuple(map(int, found)) for found in
            re.findall(rb"Detected class=(\d+) label=.*? score=(\d+) @(\d+)ms", printed, re.DOTALL)]  # type: ignore[misc] # fmt: skip


def on_this_computer(samples: npt.NDArray[np.int16], folder: Path, model: Path = FIXED) -> list[tuple[int, int, int]]:
    """Detections of `audio_classifier`, which runs TensorFlow Lite Micro."""
    write_wav(folder / "sound.wav", samples, RATE)
    command = [program_path("audio_classifier"), "--library", find_tflm(), "--model", model, folder / "sound.wav"]
    return events(subprocess.run(command, capture_output=True, check=True).stdout.replace(b",", b""))


def built(*command: str | Path, folder: Path | None = None, **variables: str | Path) -> None:
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[tuple[int, int, int]]]:
    samples = swelling(4)
    expected = on_this_computer(samples, tmp_path_factory.mktemp("sound"))
    assert len(expected) > 10
    assert {found[0] for found in expected} == {0, 1}
    return samples.tobytes(), expected


def heard(program: Path, sound: bytes) -> list[tuple[int, int, int]]:
    return events(subprocess.run([program], input=sound, capture_output=True, timeout=60).stdout)


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, unmeasured: None) -> Path:
    """The folder of a format of the hostile model, at a path with a space in it."""
    export(hostile(tmp_path), format=request.param, output=tmp_path / "of mine")
    return tmp_path / "of mine"


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("name", ["fixed", "float", "streaming"])
def test_arduino_sketches_hear_what_this_computer_hears(name: str, tmp_path: Path) -> None:
    """As ArduinoCore-mbed compiles for the Nano 33 BLE: C++14, size before speed, char unsigned."""
    folder, model, samples = tmp_path / "library", FIXED.with_name(f"{name}.tflite"), swelling(4)
    export(hostile(tmp_path) if name == "fixed" else model, format="arduino", output=folder)
    expected = on_this_computer(samples, tmp_path, model)
    assert len(expected) > 5
    header = NAME if name == "fixed" else safe_name(name)
    assert (folder / "src" / f"{header}.h").is_file()
    flags = ["-Os", "-funsigned-char", "-ffunction-sections", *STRICT, f"-I{folder / 'src'}"]
    sources = sorted((folder / "src" / "mltk").glob("*.c*"))
    objects = [tmp_path / f"{source.name}.o" for source in sources]
    for source, target in zip(sources, objects, strict=True):
        language = (["gcc", "-std=gnu11"] if source.suffix == ".c" else
                    ["g++", "-std=gnu++14", "-fno-exceptions", "-fno-rtti"])  # fmt: skip
        built(*language, *flags, "-c", source, "-o", target)
    for sketch, library in zip(PROGRAMS["arduino"], ("PDM", "ESP_I2S"), strict=True):
        program = tmp_path / library
        place = CORE / "libraries" / library / "src"
        built("g++", "-std=gnu++14", *flags, f"-I{CORE / 'cores' / 'host'}", f"-I{place}", "-x", "c++", folder / sketch,
              CORE / "cores" / "host" / "main.cpp", place / f"{library}.cpp", "-x", "none", *objects,
              "-o", program)  # fmt: skip
        assert heard(program, samples.tobytes()) == expected


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["arduino"], indirect=True)
def test_arduino_library_compiles_for_the_board(folder: Path, tmp_path: Path) -> None:
    compiler = tool("arm-none-eabi-g++")
    target = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16", "-ffreestanding"]
    places = [f"-I{folder / 'src'}", f"-I{ROOT / 'cpp' / 'mcu' / 'include'}"]
    flags = [*target, "-Os", "-funsigned-char", "-Wvla", *STRICT, *places]
    for source in sorted((folder / "src" / "mltk").glob("*.c*")):
        is_c = source.suffix == ".c"
        standard = ["-x", "c", "-std=gnu11"] if is_c else ["-std=gnu++14", "-fno-rtti", "-fno-exceptions"]
        built(compiler, *flags, *standard, "-S", source, "-o", tmp_path / f"{source.name}.s")
    code = "".join(path.read_text() for path in tmp_path.glob("*.cpp.s"))
    assert "vmul.f32" in code or "__aeabi_fmul" in code or "smlal" in code
    assert not re.search(r"\tv(fma|mla)", code)  # two roundings, as on this computer


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["arduino"], indirect=True)
def test_arduino_builder_takes_the_library(
    folder: Path, tmp_path: Path, sound: tuple[bytes, list[tuple[int, int, int]]]
) -> None:
    builder = tool("arduino-builder")
    shutil.copytree(folder, tmp_path / "libraries" / NAME)
    sketch = tmp_path / "libraries" / NAME / PROGRAMS["arduino"][0]
    (tmp_path / "build").mkdir()
    built(builder, "-hardware", STAND_INS / "arduino" / "hardware", "-tools", Path(builder).parent, "-libraries",
          tmp_path / "libraries", "-fqbn", "stand_in:host:computer", "-warnings", "all", "-build-path",
          tmp_path / "build", sketch)  # fmt: skip
    assert heard(tmp_path / "build" / f"{sketch.name}.elf", sound[0]) == sound[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "project", "variable", "program"),
    [
        ("esp-idf", ".", "IDF_PATH", f"{NAME}.elf"),
        ("zephyr", "samples/microphone", "ZEPHYR_BASE", "app"),
        ("pico-sdk", ".", "PICO_SDK_PATH", "listen"),
    ],
    indirect=["folder"],
)
def test_cmake_builds_the_program_and_it_hears(
    folder: Path, project: str, variable: str, program: str, tmp_path: Path,
    sound: tuple[bytes, list[tuple[int, int, int]]],
) -> None:  # fmt: skip
    cmake = tool("cmake")
    vendor = {variable: STAND_INS / folder_format(variable)}
    options = [f"-DCMAKE_{language}_FLAGS={' '.join(STRICT)}" for language in ("C", "CXX")]
    build = tmp_path / "build"
    built(cmake, "-S", folder / project, "-B", build, *options, **vendor)
    built(cmake, "--build", build, **vendor)
    if variable != "PICO_SDK_PATH":
        assert heard(build / program, sound[0]) == sound[1]
        return
    # A microphone's bits are not the samples: the program must hear what its own filter makes of them.
    samples = filtered(folder, tmp_path, sound[0])
    found = heard(build / program, sound[0])
    assert found == on_this_computer(samples, tmp_path)
    assert len(found) > 10


def folder_format(variable: str) -> str:
    return {"IDF_PATH": "esp-idf", "ZEPHYR_BASE": "zephyr", "PICO_SDK_PATH": "pico-sdk"}[variable]


DUMP = """
#include <cstdio>
#include "pdm_microphone.hpp"
void keep(const int16_t* samples, size_t count) { std::fwrite(samples, sizeof *samples, count, stdout); }
int main() { pdm_microphone_listen(2, 3, 16000, keep); }
"""


def filtered(folder: Path, place: Path, sound: bytes) -> npt.NDArray[np.int16]:
    """What the Pico's driver makes of the bits of a PDM microphone that hears `sound`."""
    (place / "dump.cpp").write_text(DUMP)
    vendor = STAND_INS / "pico-sdk"
    built("g++", "-std=c++17", "-O2", *STRICT, f"-I{folder}", f"-I{vendor / 'include'}", place / "dump.cpp",
          folder / "pdm_microphone.cpp", vendor / "source" / "hardware.cpp", "-o", place / "dump")  # fmt: skip
    done = subprocess.run([place / "dump"], input=sound, capture_output=True, timeout=60, check=True)
    return np.frombuffer(done.stdout, np.int16)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["pico-sdk"], indirect=True)
def test_the_pdm_filter_gives_back_the_sound(folder: Path, tmp_path: Path) -> None:
    time = np.arange(2 * RATE) / RATE
    for hz in (200, 1000, 3000, 6500):
        tone = (8000 * np.sin(2 * np.pi * hz * time)).astype(np.int16)
        found = filtered(folder, tmp_path, tone.tobytes())[RATE // 2 : RATE // 2 + RATE].astype(float)
        basis = np.stack([np.sin(2 * np.pi * hz * time[:RATE]), np.cos(2 * np.pi * hz * time[:RATE])])
        part = found @ basis.T / (RATE / 2)
        # The stand-in draws lines from sample to sample, which takes off the square of sinc.
        assert np.hypot(*part) == pytest.approx(8000 * np.sinc(hz / RATE) ** 2, rel=0.05), hz
        assert np.std(found - part @ basis) < 8000 / np.sqrt(2) / 30, hz


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["mcu"], indirect=True)
def test_the_bare_program_hears_in_qemu(
    folder: Path, tmp_path: Path, sound: tuple[bytes, list[tuple[int, int, int]]]
) -> None:
    cmake, qemu = tool("cmake"), tool("qemu-system-arm")
    tool("arm-none-eabi-gcc")
    build = tmp_path / "build"
    built(cmake, "-S", folder, "-B", build)
    built(cmake, "--build", build)
    (tmp_path / "sound.raw").write_bytes(sound[0])
    page = (folder / "README.md").read_text()
    command = re.search(r"^qemu-system-arm .* build/listen\.elf$", page, re.MULTILINE)
    assert command
    words = [qemu, *command[0].split()[1:]]
    done = subprocess.run(words, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    assert events(done.stdout + done.stderr) == sound[1]
    assert (build / "firmware.elf").is_file()


@pytest.mark.slow
def test_sizes_are_those_of_the_linked_program(tmp_path: Path) -> None:
    tool("arm-none-eabi-gcc")
    tool("cmake")
    result = export(FIXED, format="pico-sdk", output=tmp_path / "out")
    assert result.linked is not None
    # The net's weights are a part of flash, and its arena of RAM.
    assert result.flash_bytes < result.linked.flash_bytes < 100_000
    assert result.arenas["dsp"] < result.linked.ram_bytes < 50_000
    page = (tmp_path / "out" / "README.md").read_text()
    assert f"linked for a Cortex-M4: flash | {result.linked.flash_bytes:,} |" in page
    assert "flash, linked" in str(result)
    assert result.to_dict()["linked"]["ram_bytes"] == result.linked.ram_bytes
