"""What the machine has: built parts, programs, voices, a microphone, cores and room on the disk."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mltk_like.audio.microphone import find_microphone
from mltk_like.audio.programs import program_path
from mltk_like.data.fetch import offline
from mltk_like.data.speech.catalogue import LISTED
from mltk_like.data.speech.engines import open_engine
from mltk_like.errors import MltkLikeError
from mltk_like.feed.pool import default_workers
from mltk_like.firmware import WASM_REMEDY, find_wasm_compiler
from mltk_like.paths import cache_dir, runs_dir
from mltk_like.systems import has_tflm, system_name
from mltk_like.tflite import TFLM_REQUIREMENT, find_tflm, is_tested_build, runner_path
from mltk_like.verbs.doctor.line import Line

_PARTS, _PROGRAMS, _VOICES, _MACHINE = "built parts", "programs", "speech engines", "machine"
_REINSTALL = "pip install --force-reinstall --no-deps mltk_like   # in a checkout: pip install -e ."
# What is used where it is found: programs, any of which will do.
_WANTED = (
    ("C++ compiler", ("c++", "g++", "clang++")),
    ("Arm compiler", ("arm-none-eabi-g++",)),
    ("QEMU for Arm", ("qemu-system-arm",)),
    ("ffmpeg", ("ffmpeg",)),
)
# How they are had: on Debian and Ubuntu, on macOS with Homebrew, on Windows.
_REMEDIES = {
    "linux": (
        "apt-get install g++", "apt-get install gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib",
        "apt-get install qemu-system-arm", "apt-get install ffmpeg",
    ),
    "darwin": (
        "xcode-select --install", "brew install --cask gcc-arm-embedded", "brew install qemu", "brew install ffmpeg",
    ),
    "win32": (
        "winget install LLVM.LLVM", "winget install Arm.GnuArmEmbeddedToolchain",
        "winget install SoftwareFreedomConservancy.QEMU", "winget install Gyan.FFmpeg",
    ),
}  # fmt: skip
# The caches of a model that ships, and a few runs.
_ROOM_GB = 5.0


def part_lines() -> Iterator[Line]:
    """What was compiled when the package was installed, and the library of TensorFlow Lite Micro."""
    native = importlib.util.find_spec("mltk_like._native")
    found = native.origin if native is not None else None
    yield Line(
        group=_PARTS,
        name="front end",
        ok=bool(found),
        found=found or "",
        remedy="" if found else _REINSTALL,
        needed=True,
    )
    parts: tuple[tuple[str, Callable[[], Path]], ...] = (
        ("tflm_runner", runner_path),
        ("audio_classifier", lambda: program_path("audio_classifier")),
    )
    for name, find in parts:
        try:
            yield Line(group=_PARTS, name=name, ok=True, found=str(find()))
        except MltkLikeError:
            yield _part(name, _REINSTALL)
    yield _tflm_line()


def _tflm_line() -> Line:
    name = "TensorFlow Lite Micro"
    try:
        library = find_tflm()
    except MltkLikeError as error:
        return _part(name, error.hint)
    if is_tested_build(library):
        return Line(group=_PARTS, name=name, ok=True, found="its hash is that of a tested build")
    remedy = f"pip install --force-reinstall --no-deps {TFLM_REQUIREMENT}"
    return Line(group=_PARTS, name=name, ok=False, found="its hash is of no tested build", remedy=remedy)


def _part(name: str, remedy: str) -> Line:
    """A part that is not there and needs TensorFlow Lite Micro, which is not published for every system."""
    if has_tflm():
        return Line(group=_PARTS, name=name, ok=False, remedy=remedy)
    return Line(group=_PARTS, name=name, ok=False, found="for Linux on x86-64 only", elsewhere=True)


def program_lines() -> Iterator[Line]:
    """Programs that some verbs use."""
    remedies = _REMEDIES.get(sys.platform, _REMEDIES["linux"])
    for (name, programs), remedy in zip(_WANTED, remedies, strict=True):
        found = next(filter(None, map(shutil.which, programs)), "")
        yield Line(group=_PROGRAMS, name=name, ok=bool(found), found=found, remedy="" if found else remedy)
    compiler = find_wasm_compiler()
    yield Line(
        group=_PROGRAMS, name="WebAssembly compiler", ok=compiler is not None, found=compiler.clang if compiler else "",
        remedy="" if compiler else WASM_REMEDY,
    )  # fmt: skip


def voice_lines() -> Iterator[Line]:
    """Who can speak here. Nothing is fetched."""
    for specification in LISTED:
        engine = open_engine(specification)
        try:
            with offline():
                if not engine.download:
                    engine.check()
                count = len(engine.voices())
        except MltkLikeError as error:
            yield Line(group=_VOICES, name=specification, ok=False, remedy=error.hint)
            continue
        found = engine.download or f"{count} voice{'s' * (count != 1)}"
        # One engine is enough; this is the one that also knows how English is pronounced.
        yield Line(group=_VOICES, name=specification, ok=True, found=found)


def machine_lines() -> Iterator[Line]:
    """System, microphone, cores and disk."""
    yield Line(group=_MACHINE, name="system", ok=True, found=system_name(), needed=True)
    try:
        found = find_microphone().name
        yield Line(group=_MACHINE, name="microphone", ok=True, found=found)
    except MltkLikeError as error:
        # Behind the comma stand ways to do without one.
        yield Line(group=_MACHINE, name="microphone", ok=False, remedy=error.hint.partition(", or ")[0])
    yield Line(group=_MACHINE, name="cores", ok=True, found=str(default_workers()), needed=True)
    for name, folder in (("disk of the cache", cache_dir()), ("disk of the runs", runs_dir())):
        yield _disk_line(name, folder)


def _disk_line(name: str, folder: Path) -> Line:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    variable = "MLTK_LIKE_CACHE" if "cache" in name else "MLTK_LIKE_RUNS"
    if not os.access(there, os.W_OK):
        return Line(
            group=_MACHINE, name=name, ok=False, found=f"{there} cannot be written", needed=True,
            remedy=f"export {variable}=FOLDER",
        )  # fmt: skip
    free_gb = shutil.disk_usage(there).free / 1e9
    fits = free_gb >= _ROOM_GB
    return Line(
        group=_MACHINE, name=name, ok=fits, found=f"{free_gb:.0f} GB free in {there}", needed=True,
        remedy="" if fits else f"export {variable}=FOLDER   # on a larger disk",
    )  # fmt: skip
