"""`--format cmake`: a folder that CMake builds: a detector as a library, and a program that listens with it."""

from pathlib import Path

from mltk_like.artifact import Artifact
from mltk_like.codegen import NetSource, emit_net
from mltk_like.codegen.kernels import cpp_folder
from mltk_like.verbs.export.result import Written
from mltk_like.verbs.export.sources import check_no_prefix, detector_sources, model_sources

_LISTEN = ("detector/listen.cpp", "apps/host/audio_input.cpp", "apps/host/audio_input.hpp", "runner/runner_error.hpp")


def cmake_folder(artifact: Artifact, prefix: str) -> Written:
    """The sources of front end, net and recogniser with what the model says, and how they are built.

    Raises:
        SettingError: a prefix is given; names are the same for every model.
        ModelError: a layer has no kernel, or the model does not say what it hears.
        ToolError: the sources are not there.
    """
    check_no_prefix(prefix)
    data = artifact.tflite()
    net = emit_net(data)
    root = cpp_folder()
    sources = detector_sources() | {f"listen/{Path(name).name}": root / name for name in _LISTEN}
    files = {
        "CMakeLists.txt": (root / "detector" / "CMakeLists.txt").read_text(encoding="utf-8"),
        "README.md": _page(artifact.name, net),
        **{f"model/{name}": text for name, text in model_sources(data, artifact.name).items()},
        **{name: path.read_text(encoding="utf-8") for name, path in sources.items()},
    }
    return Written.of_net(net, files)


def _page(name: str, net: NetSource) -> str:
    arenas = net.arena_bytes
    return f"""# {name}

This folder is a model as a detector in C++17 and C11: samples go in, detections come out. It needs CMake
and a compiler.

```
cmake -S . -B build
cmake --build build
./build/listen recording.wav
arecord -f S16_LE -r 16000 -t raw | ./build/listen -
```

`recording.wav` has 16-bit mono PCM at the model's sample rate. `--scores` before it prints every score.

In a program of your own, link the library `detector`:

```cpp
#include "mltk/detector.hpp"

void heard(const mltk::Detection& detection, void*) {{ /* detection.class_index, .score, .time */ }}

static mltk::Detector detector(heard);

detector.open();
detector.hear(samples, count);  // for each block of the microphone
```

A clip takes this way: `frontend/` (samples to columns), `pipeline/` (columns to windows), `model/model_net.c` with
`kernels/` (windows to scores), `recogniser/` (scores to detections). `model/` is what the model says; all else is the
same for every model. With a toolchain file for a device CMake builds the library alone.

| memory of the net | bytes |
| --- | --- |
| flash, constants | {net.constant_bytes} |
| RAM, arena, portable kernels | {arenas["portable"]} |
| RAM, arena, kernels with the DSP extension (Cortex-M4, M7, M33) | {arenas["dsp"]} |
| RAM, arena, kernels with MVE (Cortex-M55) | {arenas["mve"]} |
| RAM, state between inferences | {net.state_bytes} |

The sources are part of mltk_like and are licensed under Apache-2.0.
"""
