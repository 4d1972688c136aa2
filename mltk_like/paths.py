"""Where things live on disk, and how files are written so that a crash never leaves half of one."""

import errno
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mltk_like.errors import DataError

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk, or a share of one, that has no room left."""
UNREACHABLE = frozenset({errno.ENAMETOOLONG, errno.ELOOP})
"""Error numbers of a path that leads nowhere, whatever there is on the disk."""
_CLOSED = -1
_UMASK = threading.Lock()


def cache_dir() -> Path:
    """Folder for what can be made or fetched again: `$MLTK_LIKE_CACHE`, else `~/.cache/mltk_like`."""
    override = os.environ.get("MLTK_LIKE_CACHE")
    if override:
        return Path(override)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mltk_like"


def runs_dir() -> Path:
    """Folder that holds the run folders: `$MLTK_LIKE_RUNS`, else `./runs`."""
    return Path(os.environ.get("MLTK_LIKE_RUNS") or "runs")


def resolved(path: Path) -> Path:
    """The path without links, as far as they lead: `Path.resolve` raises RuntimeError where they go round."""
    return Path(os.path.realpath(path))


def portable(path: Path) -> str:
    """A path as it is stored in files that travel: relative to the cache (`cache:...`) or to the working folder."""
    for prefix, base in (("cache:", cache_dir()), ("", Path.cwd())):
        try:
            return prefix + resolved(path).relative_to(resolved(base)).as_posix()
        except ValueError:
            continue
    return str(path)


def unportable(text: str) -> Path:
    """The path that `portable` stored, on this machine."""
    return cache_dir() / text.removeprefix("cache:") if text.startswith("cache:") else Path(text)


def several_paths(given: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """The paths of an argument that takes one or several."""
    return (Path(given),) if isinstance(given, str | Path) else tuple(Path(path) for path in given)


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; on success it is renamed to `target`, else removed.

    The content is on the disk before it has its name, so that a power cut leaves the old file or the new one. A process
    that is killed leaves `.<name>.tmp`; the next one that writes the same file removes it.

    Raises:
        DataError: the folder cannot be written to, the disk is full, or `target` is a folder or device, in whose place
            a file would come.
    """
    try:
        if target.exists() and not target.is_file():
            raise DataError(f"cannot write {target}: it is there, and is no ordinary file", "give the name of a file")
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _open_temporary(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield temporary
        _give_rights(temporary, 0o666)
        os.fsync(handle)
        if sys.platform == "win32":
            os.close(handle)  # no file that is open can be renamed there
            handle = _CLOSED
        temporary.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        _discard(handle, temporary)


def _discard(handle: int, temporary: Path) -> None:
    """Close a temporary file, and remove what still has its name: on Windows, which keeps open files, in that order."""
    if sys.platform == "win32":
        if handle != _CLOSED:
            os.close(handle)
        temporary.unlink(missing_ok=True)
    else:
        temporary.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; on success it is renamed to that, else removed with all in it.

    Raises:
        DataError: `target` is there and is no empty folder, the folder above cannot be written to, or the disk is full.
    """
    if target.name in ("", ".."):
        raise DataError(f"{target} is a folder that is in use", "give a new folder by its name")
    with suppress(OSError):
        if not target.is_dir() and os.path.lexists(target):
            raise DataError(f"{target} is there, and is no folder", "give another folder")
        if any(target.iterdir()):
            raise DataError(f"the folder {target} has something in it", "give a new folder, or remove that one first")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield temporary
        _give_rights(temporary, 0o777)
        temporary.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files into a folder: all of them or none. Other files of a folder that is there stay.

    They are written to a temporary folder first. Where `folder` is new, that one becomes it; else the files are renamed
    into it one after another, and what they replaced comes back where that is broken off. A process that is killed
    between two renames leaves old and new files, each of them whole.

    Args:
        folder: made where it is not there.
        files: contents by path within `folder`.

    Raises:
        DataError: the folder cannot be written to, the disk is full, or a folder or device is where a file would come.
    """
    if not folder.is_dir():
        with atomic_folder(folder) as temporary:
            _write_all(temporary, files)
        return
    for path in (folder / name for name in files):
        if path.exists() and not path.is_file():
            raise DataError(f"cannot write {path}: it is there, and is no ordinary file", "give another folder")
    try:
        # Inside, since a folder may be a disk of its own.
        with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=folder) as work:
            new, old = Path(work) / "new", Path(work) / "old"
            _write_all(new, files)
            for name in filter(lambda each: os.path.lexists(folder / each), files):
                (old / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / name, old / name, follow_symlinks=False)
            _put_in(folder, new, old, list(files))
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        write_bytes(folder / name, content)


def _put_in(folder: Path, new: Path, old: Path, names: Sequence[str]) -> None:
    """Rename files of `new` into `folder`; those of `old` take their place again where that is broken off."""
    above = {folder / parent for name in names for parent in Path(name).parents}
    missing = sorted((each for each in above if not each.is_dir()), reverse=True)  # what lies in another comes first
    try:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).replace(folder / name)
    except BaseException:
        for name in names:
            if os.path.lexists(old / name):
                (old / name).replace(folder / name)
            elif not (new / name).exists():
                (folder / name).unlink(missing_ok=True)
        for each in missing:
            with suppress(OSError):
                each.rmdir()
        raise


def _give_rights(path: Path, mode: int) -> None:
    """What is private until now gets what an ordinary new file or folder would have."""
    # The mask can only be read by setting it: of two threads that did so at once, one would leave none behind.
    with _UMASK:
        umask = os.umask(0)
        os.umask(umask)
    path.chmod(mode & ~umask)


def _unwritable(target: Path, error: OSError) -> DataError:
    return DataError(
        f"cannot write {target}: {error.strerror or error}", "check the folder's permissions and free disk"
    )


def _open_temporary(target: Path) -> tuple[int, Path]:
    """A new temporary file beside the target, locked while it is open: one that nobody holds is a dead process's."""
    path = target.with_name(f".{target.name}.tmp")
    remove_abandoned(path)
    with suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        if _is_held(handle, path):
            return handle, path
        # The file system has no locks.
        os.close(handle)
        path.unlink(missing_ok=True)
    # Or two write the same file at once.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    _is_held(handle, Path(name))
    return handle, Path(name)


def remove_abandoned(temporary: Path) -> None:
    """Remove a temporary file of `atomic_path` whose process was killed; one that is being written stays."""
    if sys.platform == "win32":
        with suppress(OSError):
            temporary.unlink(missing_ok=True)  # which fails while a process has it open
        return
    try:
        handle = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    with suppress(OSError):
        if _is_held(handle, temporary):
            temporary.unlink()
    os.close(handle)


def _is_held(handle: int, path: Path) -> bool:
    """Whether this process has the lock of an open file now, and it still is the one of that name.

    On Windows a file that is open is as good as locked: nobody can remove it.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except OSError:
        return False


def unreachable(error: OSError) -> DataError:
    """What to say of an error whose number is one of `UNREACHABLE`."""
    return DataError(f"no path can be {str(error.filename)[:80]!r}: {error.strerror}", "check its length and its links")


def disk_full(error: OSError) -> DataError:
    """What to say of an error whose number is one of `DISK_FULL`."""
    where = f" ({error.filename})" if error.filename else ""
    return DataError(
        f"the disk is full: {error.strerror}{where}",
        "make room, or set MLTK_LIKE_CACHE, MLTK_LIKE_RUNS and TMPDIR to folders on a larger one",
    )


def write_bytes(target: Path, data: bytes) -> None:
    """Write a whole file atomically. Raises DataError as `atomic_path` does."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)


def write_text(target: Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically. Raises DataError as `atomic_path` does.

    Names of files that are no text, which Python holds as lone surrogates, are written as `\\udce9`.
    """
    write_bytes(target, text.encode(errors="backslashreplace"))
