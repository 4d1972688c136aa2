"""Safe extraction of zip, tar (plain, gzip, bzip2, xz) and 7z archives that a stranger may have made.

Refused: absolute names, names that climb out with `..`, drive letters, links, devices, encrypted members, and archives
that grow beyond all measure. An archive is extracted whole or not at all: into a temporary folder, then one rename.
"""

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from mltk_like.errors import DataError, MltkLikeError
from mltk_like.opening import Measured

MAX_BYTES = 64 << 30
MAX_RATIO = 200.0
MAX_MEMBERS = 2_000_000
# Small archives of silence compress far better than MAX_RATIO and hurt nobody.
_RATIO_FREE_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 20
_UNPACKERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open, b"\x5d\0\0": lzma.open}
_7Z_MAGIC = b"7z\xbc\xaf\x27\x1c"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")


def extract(archive: Path, target: Path, *, max_bytes: int = MAX_BYTES, max_ratio: float = MAX_RATIO) -> None:
    """Extract a whole archive into the folder `target`, replacing it if it is there.

    The format is told by the content, not by the name. Nothing appears at `target` unless everything was extracted.

    Args:
        archive: a zip, tar, tar.gz, tar.bz2, tar.xz or 7z file.
        target: the folder to make.
        max_bytes: refuse to write more than this many bytes.
        max_ratio: refuse to write more than this many times the size of the archive (the first 16 MiB are free).

    Raises:
        DataError: the archive is missing, damaged, encrypted, unsafe, too large or of another format, or the disk is
            full.
    """
    try:
        size = archive.stat().st_size
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    except OSError as error:
        raise DataError(f"cannot extract {archive} to {target}: {error.strerror}") from error
    try:
        limit = min(max_bytes, max(_RATIO_FREE_BYTES, int(max_ratio * size)))
        sink = _Sink(archive=archive, root=temporary / "new", limit=limit)
        sink.root.mkdir()
        form = archive_format(archive)
        if not form:
            raise DataError(f"{archive} is not a zip, tar or 7z archive", "the address may lead to a web page instead")
        with _reading(archive):
            _EXTRACTORS[form](archive, sink)
        _put_in_place(sink.root, target, temporary / "old")
    except OSError as error:
        raise DataError(
            f"cannot extract {archive} to {target}: {error.strerror or error}", "check the free disk"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def archive_format(path: Path) -> str:
    """'zip', 'tar', '7z', or '' for none of them, told by the content. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        head = file.read(len(_7Z_MAGIC))
    if head == _7Z_MAGIC:
        return "7z"
    if head[:4] in _ZIP_MAGICS:
        return "zip"
    try:
        with _open_tar(path):
            return "tar"
    except MltkLikeError:
        return "tar"  # with a header beyond its limit, as extracting it will say
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        return ""


@contextmanager
def _open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar, packed or not; its headers are read within their limit, for a few bytes may claim gigabytes."""
    with path.open("rb") as file:
        head = file.read(6)
    opened: Any = next((opener for magic, opener in _UNPACKERS.items() if head.startswith(magic)), open)
    with opened(path, "rb") as plain:
        readable: Any = Measured(plain, "data header", path)
        with tarfile.open(fileobj=readable, mode="r:") as tar:
            yield tar


def safe_names(names: Iterable[str], *, archive: Path | str = "the archive") -> list[PurePosixPath]:
    """The names of an archive's members as relative paths that stay inside the folder they are joined to.

    Args:
        names: as the archive has them; folders may end in '/'.
        archive: what to call the archive in errors.

    Raises:
        DataError: a name is empty, absolute, has `..`, a drive letter, a backslash or a NUL, or names a file twice.
    """
    paths: list[PurePosixPath] = []
    files: set[PurePosixPath] = set()
    for name in names:
        path = PurePosixPath(name)
        unsafe = path.is_absolute() or ".." in path.parts or any(c in name for c in "\\\0") or name[1:2] == ":"
        if unsafe or not name:
            raise _refused(archive, f"the member {name!r} would be written outside the folder")
        if not name.endswith("/") and path.parts:
            if path in files:
                raise _refused(archive, f"it has two members called {name!r}")
            files.add(path)
        paths.append(path)
        if len(paths) > MAX_MEMBERS:
            raise _refused(archive, f"it has more than {MAX_MEMBERS:,} members")
    return paths


@dataclass(kw_only=True)
class _Sink:
    """Writes members below `root` and counts bytes, because the sizes that an archive declares can lie."""

    archive: Path
    root: Path
    limit: int
    written: int = 0

    def declare(self, size: int) -> None:
        """Refuse early what by its own account is too large."""
        if size > self.limit:
            raise self.too_large()

    def file(self, name: PurePosixPath, source: IO[bytes]) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            while chunk := source.read(_CHUNK_BYTES):
                self.count(len(chunk))
                out.write(chunk)

    def folder(self, name: PurePosixPath) -> None:
        (self.root / name).mkdir(parents=True, exist_ok=True)

    def count(self, size: int) -> None:
        self.written += size
        self.declare(self.written)

    def too_large(self) -> DataError:
        return _refused(self.archive, f"it would grow to more than {self.limit:,} bytes")


def _measured(file: IO[bytes], archive: Path) -> Any:
    return Measured(file, "data directory", archive)


def _extract_zip(archive: Path, sink: _Sink) -> None:
    with archive.open("rb") as file, zipfile.ZipFile(_measured(file, archive)) as opened:
        members = opened.infolist()
        names = safe_names((member.filename for member in members), archive=archive)
        sink.declare(sum(member.file_size for member in members))
        for member, name in zip(members, names, strict=True):
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(archive, f"the member {member.filename!r} is a link or a device")
            if member.is_dir():
                sink.folder(name)
            elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Others give gigabytes at once for a few kilobytes.
                raise _refused(archive, f"{member.filename!r} is packed by something else than deflate")
            else:
                with opened.open(member) as source:
                    sink.file(name, source)


def _extract_tar(archive: Path, sink: _Sink) -> None:
    seen: list[str] = []
    count = 0
    with _open_tar(archive) as opened:
        while (member := opened.next()) is not None:
            opened.members.clear()  # type: ignore[attr-defined]  # it keeps what it has read, which may be millions
            count += 1
            if count > MAX_MEMBERS:
                raise _refused(archive, f"it has more than {MAX_MEMBERS:,} members")
            if not (member.isreg() or member.isdir()):
                raise _refused(archive, f"the member {member.name!r} is a link or a device")
            # Before its data is read, because skipping over a bomb costs as much time as writing it.
            sink.declare(sink.written + member.size)
            name = safe_names([member.name], archive=archive)[0]
            source = opened.extractfile(member)
            if source is None:
                sink.folder(name)
            else:
                sink.file(name, source)
                seen.append(member.name)
    safe_names(seen, archive=archive)


def _extract_7z(archive: Path, sink: _Sink) -> None:
    import py7zr

    with py7zr.SevenZipFile(archive, max_extract_size=sink.limit) as opened:
        if opened.needs_password():
            raise _refused(archive, "it is encrypted")
        members = list(opened.files)
        safe_names((f"{m.filename}/" if m.is_directory else m.filename for m in members), archive=archive)
        for member in members:
            kind = member.st_fmt or 0
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or member.is_symlink or member.is_junction:
                raise _refused(archive, f"the member {member.filename!r} is a link or a device")
        # py7zr never writes more of a member than the size declared for it.
        sink.declare(sum(member.uncompressed or 0 for member in members))
        opened.extractall(path=sink.root)
    # It also gives each file the mode that the archive asks for, down to unreadable.
    for path in sink.root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


_EXTRACTORS: Mapping[str, Callable[[Path, _Sink], None]] = {"zip": _extract_zip, "tar": _extract_tar, "7z": _extract_7z}


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    """Turn whatever the three libraries raise for a damaged archive into a DataError."""
    try:
        yield
    except (DataError, OSError):
        raise
    except MltkLikeError as error:
        raise DataError(error.message, error.hint) from error
    except (
        Exception
    ) as error:  # They promise no closed set: zlib.error, struct.error, IndexError, ... for damaged headers.
        raise DataError(
            f"cannot extract {archive}: {error or type(error).__name__}",
            "the file is damaged: remove it and fetch it again",
        ) from error


def _put_in_place(new: Path, target: Path, old: Path) -> None:
    """Rename `new` to `target`; what was there goes to `old`, and comes back if the rename fails."""
    existed = target.exists()
    if existed:
        os.replace(target, old)
    try:
        os.replace(new, target)
    except OSError:
        if existed:
            os.replace(old, target)
        raise


def _refused(archive: Path | str, cause: str) -> DataError:
    return DataError(f"refused to extract {archive}: {cause}", "extract it yourself if you trust where it comes from")
