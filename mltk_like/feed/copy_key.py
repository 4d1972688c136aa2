"""What stored windows are named by: everything that their bytes depend on."""

import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from mltk_like.errors import SettingError
from mltk_like.feed.windows import SplitFiles
from mltk_like.mixins import EvaluateClassifierMixin, TrainMixin
from mltk_like.settings import declared, to_json

# What augmentation may call on; a new version may give other samples.
_PACKAGES = ("numpy", "soxr", "soundfile", "audiomentations", "scipy")


def copies_key(model: Any, files: SplitFiles) -> str:
    """Changes with everything that a window depends on: the model's file, settings, clips, this package's code.

    Settings of training and evaluation do not count, but for the seed: a sweep over learning rates shares its copies.
    Modules of the author's own that the model's file imports are not looked at.

    Raises:
        SettingError: the model has no file.
    """
    if model.path is None:
        raise SettingError("augmented copies need a model that has a file", "save the class as NAME.py and load that")
    without = {*declared(TrainMixin), *declared(EvaluateClassifierMixin)} - {"seed"}
    settings = {name: value for name, value in to_json(model).items() if name not in without}
    sounds = [_status(path) for path in (files.speech, files.ambience, files.microphone, files.babble, files.rooms)]
    clips = [files.labels, files.names, files.families, files.weights, files.companions]
    digest = hashlib.sha256(json.dumps([settings, sounds, clips, _versions()], sort_keys=True).encode())
    digest.update(model.path.read_bytes())
    package = Path(__file__).parents[1]
    sources = [*(package / "audio").rglob("*.py"), *(package / "feed").glob("*.py"), package / "data" / "noise_bank.py"]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def _versions() -> list[str]:
    found = []
    for name in ("mltk_like", *_PACKAGES):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(name)
    return found


def _status(path: Path | None) -> list[str | int]:
    if path is None:
        return []
    status = path.stat()
    return [str(path), status.st_size, status.st_mtime_ns]
