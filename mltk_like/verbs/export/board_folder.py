"""Folders that boards' own tools build: files of `folders/FORMAT` with the model's names put in, and the sources."""

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from types import MappingProxyType

from mltk_like.artifact import Artifact
from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.codegen import NetSource, emit_net
from mltk_like.codegen.kernels import cpp_folder
from mltk_like.errors import ToolError
from mltk_like.tflite import read_parameters, summarize_tflite
from mltk_like.verbs.export.measured import Linked, measure
from mltk_like.verbs.export.names import safe_name, safe_title
from mltk_like.verbs.export.result import Written
from mltk_like.verbs.export.sources import check_no_prefix, detector_sources, model_sources

DETECTORS: Mapping[str, str] = MappingProxyType(
    {
        "arduino": "src/mltk",
        "platformio": "lib/detector/src/mltk",
        "esp-idf": "components/detector/mltk",
        "zephyr": "mltk",
        "pico-sdk": "mltk",
        "mcu": "",
    }
)
"""The formats, and the folder of each that has all sources of the detector; "mcu" has the package's own folders."""

# The Arduino IDE cannot be told how a library is compiled; contracting a*b+c into one rounding would change scores.
_OPTIONS = '#pragma GCC optimize("O3", "fp-contract=off")\n'
_EMULATED = (
    "CMakeLists.txt", "options.cmake", "board/**/*", "detector/**/*.?pp", "frontend/**/*", "kernels/*", "pipeline/**/*",
    "recogniser/**/*",
    "mcu/counting/*", "mcu/firmware/*", "mcu/listen/*", "mcu/include/*", "mcu/*.cmake", "mcu/*.txt", "mcu/link.ld.in",
    "mcu/count_report.hpp", "mcu/libc.cpp", "mcu/machine.?pp", "mcu/startup.cpp",
)  # fmt: skip
# A program in PlatformIO's folder is an example of Arduino's.
_SKETCHES = {"pdm_microphone.cpp": "PDM_microphone", "i2s_microphone.cpp": "I2S_microphone"}
_MOST_CLASSES = re.compile(r"^#define MLTK_RECOGNISER_MAX_CLASSES \d+$", re.MULTILINE)


def board_folder(format: str, artifact: Artifact, prefix: str) -> Written:
    """What `export --format FORMAT` writes for a board's tools.

    Args:
        format: a name in `DETECTORS`.
        artifact: a trained model.
        prefix: "model"; any other is refused.

    Raises:
        SettingError: a prefix is given; names are the same for every model.
        ModelError: a layer has no kernel, or the model does not say what it hears.
        ToolError: the sources are not there.
    """
    check_no_prefix(prefix)
    data = artifact.tflite()
    net = emit_net(data)
    model = model_sources(data, artifact.name)
    linked = measure(data)
    values = _values(data, artifact.name, net, linked)
    files = {**dict(filled(format, values)), **dict(_sources(format, model, _class_count(data)))}
    return Written.of_net(net, files, linked)


def _class_count(data: bytes) -> int:
    classes = read_parameters(data).get("classes")
    return len(classes) if isinstance(classes, list) else 0


def _values(data: bytes, name: str, net: NetSource, linked: Linked | None) -> dict[str, str]:
    parameters = read_parameters(data)
    description = summarize_tflite(data, name=name).description
    version = parameters.get("version")
    return {
        "NAME": safe_name(name),
        "TITLE": safe_title(description or name) or safe_name(name),
        "VERSION": f"{version if isinstance(version, int) and 0 <= version < 2**31 else 1}.0.0",
        "RATE": str(frontend_from_parameters(parameters).sample_rate_hz),
        "MEMORY": _memory(net, linked),
    }


def _memory(net: NetSource, linked: Linked | None) -> str:
    arenas = net.arena_bytes
    rows = [
        "| memory | bytes |",
        "| --- | --- |",
        f"| net: flash, constants | {net.constant_bytes:,} |",
        f"| net: RAM, arena, portable kernels | {arenas['portable']:,} |",
        f"| net: RAM, arena, kernels with the DSP extension (Cortex-M4, M7, M33) | {arenas['dsp']:,} |",
        f"| net: RAM, arena, kernels with MVE (Cortex-M55) | {arenas['mve']:,} |",
        f"| net: RAM, state between inferences | {net.state_bytes:,} |",
    ]
    if linked is None:
        return "\n".join([*rows, "", "Front end and code come on top; no compiler for Arm was there to measure them."])
    return "\n".join(
        [
            *rows,
            f"| all of the detector, linked for a Cortex-M4: flash | {linked.flash_bytes:,} |",
            f"| all of the detector, linked for a Cortex-M4: RAM, without the stack | {linked.ram_bytes:,} |",
        ]
    )


def filled(format: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The files of a format, by name, with values in place of `@NAME@` and the like in both names and texts.

    Raises:
        ToolError: they are not in this installation.
    """
    root = resources.files("mltk_like.verbs.export") / "folders"
    templates = dict(_texts(root / format))
    if format == "platformio":
        sketches = dict(_texts(root / "arduino"))
        templates["lib/detector/src/@NAME@.h"] = sketches["src/@NAME@.h"]
        for name, sketch in _SKETCHES.items():
            templates[f"src/{name}"] = sketches[f"examples/{sketch}/{sketch}.ino"]
    if not templates:
        raise ToolError(f"the files of {format} are not in this installation", "reinstall it with pip install .")
    for name, text in templates.items():
        yield _put_in(name, values), _put_in(text, values)


def _put_in(text: str, values: Mapping[str, str]) -> str:
    return re.sub("@([A-Z]+)@", lambda found: values.get(found[1], found[0]), text)


def _texts(folder: Traversable, within: str = "") -> Iterator[tuple[str, str]]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{within}{entry.name}"
        if entry.is_dir():
            yield from _texts(entry, f"{name}/")
        else:
            yield name, entry.read_text(encoding="utf-8")


def _sources(format: str, model: Mapping[str, str], classes: int) -> Iterator[tuple[str, str]]:
    if format == "mcu":
        yield from ((f"model/{name}", text) for name, text in model.items())
        root = cpp_folder()
        for path in sorted({path for pattern in _EMULATED for path in root.glob(pattern) if path.is_file()}):
            yield f"mltk/{path.relative_to(root).as_posix()}", path.read_text(encoding="utf-8")
        return
    shared = {PurePosixPath(name).name: path.read_text(encoding="utf-8") for name, path in detector_sources().items()}
    # No tool passes a definition on to whoever includes a header, so the header has it.
    number = f"#define MLTK_RECOGNISER_MAX_CLASSES {classes}"
    shared["recogniser.hpp"] = _MOST_CLASSES.sub(number, shared["recogniser.hpp"])
    for name, text in sorted({**shared, **model}.items()):
        compiled = format == "arduino" and name.endswith((".c", ".cpp"))
        yield f"{DETECTORS[format]}/{name}", (_OPTIONS if compiled else "") + text
