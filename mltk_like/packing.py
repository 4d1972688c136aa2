"""The archive of a run: written whole from its folder, and put beside the model's file."""

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mltk_like.data.manifest import DIGEST, MANIFEST, lean_manifest
from mltk_like.errors import DataError, ModelError
from mltk_like.model import Model
from mltk_like.opening import read_file
from mltk_like.paths import atomic_path
from mltk_like.run import ARCHIVE_SUFFIX, Run

_LEFT_OUT = (
    "train/checkpoint.npz", "train/best.npz", "train/calibration.npz", "augmented/", "train/teachers/", "train/mined-",
    "train/heard/", "train/answers.npy",
    "train/activations/", "train/weights/", "train/tensorboard/", "report/", "model_file.json",
)  # fmt: skip
# The `.keras` file holds the same weights by the same names.
_LEFT_OUT_ENDINGS = (".mltk.zip", ".tmp", ".weights.h5")


def pack(run: Run, *, state: Mapping[str, Any] | None = None) -> Path:
    """Write the run's archive from its folder, atomically. Raises DataError.

    Args:
        run: the run.
        state: what `state.json` says in the archive; none: what it says in the folder.
    """
    with atomic_path(run.archive) as temporary, _new_zip(temporary) as archive:
        for path in sorted(run.folder.rglob("*")):
            member = path.relative_to(run.folder).as_posix()
            if path.is_file() and not member.startswith(_LEFT_OUT) and not member.endswith(_LEFT_OUT_ENDINGS):
                # Where an archive was unpacked, the manifest is lean already and its digest lies beside it.
                if member == MANIFEST and not path.with_name(DIGEST).is_file():
                    _write_manifest(archive, path)
                elif member == "state.json" and state is not None:
                    _write_instead(archive, path, member, f"{json.dumps(state, indent=2)}\n".encode())
                else:
                    archive.write(path, member)
    return run.archive


def _write_manifest(archive: zipfile.ZipFile, path: Path) -> None:
    """The manifest without a hash for each clip, and one hash over all of them; a damaged one as it is."""
    try:
        rows, digest = lean_manifest(read_file(path), path)
    except (DataError, ModelError):
        archive.write(path, MANIFEST)
        return
    for member, content in ((MANIFEST, rows), (DIGEST, f"{digest}\n".encode())):
        _write_instead(archive, path, member, content)


def _write_instead(archive: zipfile.ZipFile, path: Path, member: str, content: bytes) -> None:
    """A member with the time and the mode of a file, and other content."""
    info = zipfile.ZipInfo.from_file(path, member)
    archive.writestr(info, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _new_zip(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9)


def publish(archive: Path, model: Model) -> Path | None:
    """Copy a finished archive beside the model's file, atomically; None where that folder cannot be written."""
    if model.path is None:
        return None
    target = model.path.with_name(f"{model.name}{ARCHIVE_SUFFIX}")
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(archive, temporary)
    except DataError:
        return None
    return target
