"""Training a stranger's model further: all that runs code out of an archive, and only when it is asked for."""

import shlex
from pathlib import Path

from mltk_like.artifact import is_run_folder, open_artifact
from mltk_like.errors import ModelError
from mltk_like.loader import TEST_SUFFIX, typed_path
from mltk_like.paths import write_bytes
from mltk_like.run import ARCHIVE_SUFFIX


def is_trained(spec: str | Path) -> bool:
    """Whether MODEL is an archive or a run folder, and not a name or the file of a model."""
    return str(spec).endswith(ARCHIVE_SUFFIX) or is_run_folder(spec)


def carried_file(spec: str | Path, *, run: bool) -> Path:
    """The model's file that an archive or run folder carries; that of an archive is written beside it.

    Args:
        spec: an archive or run folder.
        run: the user asked for its code to be run.

    Raises:
        ModelError: that was not asked for, it carries no such file, or another file of its name lies beside it.
        DataError: the file cannot be written.
    """
    artifact = open_artifact(spec)
    path, member = artifact.path, f"{artifact.name}.py"
    code = artifact.read(member)
    if code is None:
        raise ModelError(f"{path} carries no {member}", f"give the model's file: train FILE --resume-from {path}")
    file = path / member if path.is_dir() else path.with_name(f"{artifact.name.removesuffix(TEST_SUFFIX)}.py")
    if not run:
        show = ["cat", str(file)] if path.is_dir() else ["unzip", "-p", str(path), member]
        raise ModelError(
            f"to train {path} further is to run the Python that it carries",
            f"read it ({shlex.join(show)}), and if you trust it add --run-its-code",
        )
    if path.is_dir():
        return file
    if not file.exists():
        write_bytes(file, code)
    elif file.read_bytes() != code:
        raise ModelError(
            f"{file} is another file than the one in {path}",
            f"move it away, or train it: train {shlex.quote(typed_path(file))} --resume-from {shlex.quote(str(path))}",
        )
    return file
