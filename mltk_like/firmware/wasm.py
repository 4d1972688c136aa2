"""A model's C and C++ as WebAssembly, by Clang and its linker: emscripten's, or those of the system.

Nothing of a C library is in it: front end, net and recogniser need none, so emscripten's own parts are not used, and
its compiler gives what Clang alone does.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mltk_like.codegen.kernels import cpp_folder
from mltk_like.errors import ToolError
from mltk_like.firmware.building import find_tool, run_tool
from mltk_like.firmware.image import check_ends
from mltk_like.firmware.sources import write_model

WASM_REMEDY = "apt-get install --no-install-recommends clang lld"
"""What installs a compiler for WebAssembly on Debian and Ubuntu."""

_VERSIONS = range(40, 12, -1)  # of Clang; SIMD is finished since 13
_C, _CPP = ("kernels/mltk_*.c",), (
    "frontend/*.cpp", "pipeline/*.cpp", "recogniser/recogniser.cpp", "detector/model_window.cpp", "web/page.cpp",
)  # fmt: skip
_INCLUDES = (
    "mcu/include", "kernels", "frontend", "frontend/include", "pipeline/include", "recogniser/include",
    "detector/include",
)  # fmt: skip
# Contracting a*b+c into one rounding would change the front end's values by a unit.
_OPTIONS = ("--target=wasm32", "-O3", "-msimd128", "-ffp-contract=off", "-ffreestanding", "-c")
_LINK = ("--no-entry", "--strip-all", "-O3", "--export=__wasm_call_ctors", "-z", "stack-size=131072")
_FAILED = "the model cannot be compiled to WebAssembly"


@dataclass(frozen=True, kw_only=True)
class WasmCompiler:
    """Clang and the linker that goes with it.

    Attributes:
        clang: path of a Clang that may know WebAssembly.
        linker: path of `wasm-ld` of the same version.
    """

    clang: str
    linker: str


def find_wasm_compiler() -> WasmCompiler | None:
    """The first Clang with a linker for WebAssembly: on the PATH, then emscripten's own, then those with a version in
    their names, the newest first; None where there is none."""
    for place, version in _candidates():
        clang, linker = (find_tool(f"{place}{name}{version}") for name in ("clang", "wasm-ld"))
        if clang and linker:
            return WasmCompiler(clang=clang, linker=linker)
    return None


def compile_wasm(model: bytes) -> bytes:
    """A model as a module of WebAssembly: samples in, columns, scores and detections out; see `cpp/web/page.cpp`.

    Args:
        model: content of a `.tflite` with parameters.

    Returns:
        The module. It imports three functions of "page", and has memory of its own.

    Raises:
        ModelError: the model does not say what it hears, or cannot become C.
        ToolError: there is no compiler, or it failed.
    """
    found = find_wasm_compiler()
    if found is None:
        raise ToolError(
            "a page for the browser needs a compiler for WebAssembly, and there is none here",
            f"{WASM_REMEDY} (0.2 GB), or emscripten (1.2 GB), which has one too",
        )
    check_ends(model, "there is no page for this model")
    with TemporaryDirectory(prefix="mltk_like_web_") as folder:
        place = Path(folder)
        write_model(model, place)
        objects = [path for part in _compiled(found, place) for path in part]
        linked = place / "page.wasm"
        run_tool([found.linker, *_LINK, "-o", str(linked), *map(str, objects)], _FAILED)
        return linked.read_bytes()


def _candidates() -> Iterator[tuple[str, str]]:
    """What stands before and behind a program's name."""
    yield "", ""
    if emscripten := find_tool("em-config"):
        try:
            done = subprocess.run(
                [emscripten, "LLVM_ROOT"],
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done is not None and done.returncode == 0 and done.stdout.strip():
            yield f"{done.stdout.strip()}/", ""
    for number in _VERSIONS:
        yield "", f"-{number}"


def _compiled(found: WasmCompiler, place: Path) -> Iterator[list[Path]]:
    """Object files of C, of C++, and of the memory functions, whose loops must not become calls of themselves."""
    root, model = cpp_folder(), place / "model"
    plus = ("-std=c++17", "-fno-exceptions", "-fno-rtti")
    kinds: tuple[tuple[str, Sequence[Path], Sequence[str]], ...] = (
        ("c", [*model.glob("*.c"), *_sources(root, _C)], ("-std=c11",)),
        ("cpp", [*model.glob("*.cpp"), *_sources(root, _CPP)], plus),
        ("memory", [root / "mcu" / "libc.cpp"], (*plus, "-fno-builtin")),
    )
    includes = [f"-I{folder}" for folder in (model, *(root / name for name in _INCLUDES))]
    for name, sources, options in kinds:
        folder = place / name
        folder.mkdir()
        run_tool([found.clang, *_OPTIONS, *options, *includes, *map(str, sources)], _FAILED, folder=folder)
        yield sorted(folder.glob("*.o"))


def _sources(root: Path, patterns: Sequence[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in root.glob(pattern))
