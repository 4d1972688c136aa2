"""Archives: what is sound comes out whole, what is hostile or damaged is refused and leaves nothing behind."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.data.archives import archive_format, extract, safe_names
from mltk_like.errors import DataError

FILES = {"alexa/one.wav": b"RIFF one", "alexa/deep/two.wav": b"", "readme.txt": b"x" * 70_000}


def make_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in files.items():
            out.writestr(name, data)


def make_tar(mode: str) -> Callable[[Path, dict[str, bytes]], None]:
    def make(path: Path, files: dict[str, bytes]) -> None:
        with tarfile.open(path, f"w:{mode}") as out:  # type: ignore[call-overload]
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                out.addfile(member, io.BytesIO(data))

    return make


def make_7z(path: Path, files: dict[str, bytes]) -> None:
    with py7zr.SevenZipFile(path, "w") as out:
        for name, data in files.items():
            out.writestr(data, name)


MAKERS = {"zip": make_zip, "tar": make_tar(""), "tar.gz": make_tar("gz"), "tar.bz2": make_tar("bz2"),
          "tar.xz": make_tar("xz"), "7z": make_7z}  # fmt: skip
every_format = pytest.mark.parametrize("form", MAKERS)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(archive: Path, match: str, **limits: float) -> None:
    target = archive.parent / "out"
    before = set(archive.parent.iterdir())
    with pytest.raises(DataError, match=match):
        extract(archive, target, **limits)  # type: ignore[arg-type]
    assert set(archive.parent.iterdir()) == before


@every_format
def test_extracts_whatever_the_name(form: str, tmp_path: Path) -> None:
    archive = tmp_path / "archive.bin"
    MAKERS[form](archive, FILES)
    assert archive_format(archive) == form.partition(".")[0]
    extract(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    assert {p.name for p in tmp_path.iterdir()} == {"archive.bin", "out"}


@every_format
def test_replaces_an_old_folder_whole(form: str, tmp_path: Path) -> None:
    archive = tmp_path / f"a.{form}"
    MAKERS[form](archive, {"new.txt": b"new"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    extract(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {"new.txt": b"new"}


@every_format
def test_a_failure_keeps_the_old_folder(form: str, tmp_path: Path) -> None:
    archive = tmp_path / f"a.{form}"
    MAKERS[form](archive, FILES)
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    refused(archive, "cannot extract|refused|not a zip, tar")
    assert contents(tmp_path / "out") == {"old.txt": b"old"}


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "C:evil", "a\\..\\evil"])
def test_refuses_names_that_lead_outside(form: str, name: str, tmp_path: Path) -> None:
    MAKERS[form](tmp_path / "a", {"good.txt": b"good", name: b"evil"})
    refused(tmp_path / "a", "outside the folder")


def test_refuses_a_7z_name_that_leads_outside(tmp_path: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "a", "w") as out:
        out.writestr(b"evil", "xx/evil")
        out.header.files_info.files[0]["filename"] = "../evil"
    refused(tmp_path / "a", "outside the folder")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_refuses_tar_links_and_devices(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a", "w") as out:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/passwd"
        out.addfile(member)
    refused(tmp_path / "a", "link or a device")


def test_refuses_zip_and_7z_links(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", "link or a device")

    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("x")
    (source / "link").symlink_to("file")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as out7:
        out7.writeall(source, "source")
    refused(tmp_path / "a.7z", "link or a device")


@every_format
def test_refuses_bombs(form: str, tmp_path: Path) -> None:
    MAKERS[form](tmp_path / "a", {"one": bytes(600_000), "two": bytes(600_000)})
    refused(tmp_path / "a", "more than 1,000,000 bytes", max_bytes=1_000_000)
    if form != "tar":
        MAKERS[form](tmp_path / "b", {"zeros": bytes(18 << 20)})
        refused(tmp_path / "b", "would grow", max_ratio=20)


def test_counts_the_bytes_that_a_zip_really_holds(tmp_path: Path) -> None:
    make_zip(tmp_path / "a", {"zeros": bytes(2_000_000)})
    raw = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(raw.replace((2_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    refused(tmp_path / "a", "damaged|refused|CRC", max_bytes=1_000)


def test_refuses_duplicates_encryption_and_what_is_no_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "twice.tar", "w") as out:
        for _ in range(2):
            out.addfile(tarfile.TarInfo("same"))
    refused(tmp_path / "twice.tar", "two members|File exists")
    with py7zr.SevenZipFile(tmp_path / "locked.7z", "w", password="secret") as locked:
        locked.writestr(b"x", "x")
    refused(tmp_path / "locked.7z", "encrypted")
    (tmp_path / "page.7z").write_text("<html>gone</html>")
    refused(tmp_path / "page.7z", "not a zip, tar or 7z")
    refused(tmp_path / "missing.zip", "No such file")


def test_files_are_readable_whatever_mode_the_archive_asks_for(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"data")
    (tmp_path / "f").chmod(0o200)
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as out:
        out.write(tmp_path / "f", "f")
    extract(tmp_path / "a.7z", tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out" / "f").stat().st_mode) & 0o400


@settings(max_examples=25, deadline=None)
@given(form=st.sampled_from(sorted(MAKERS)), where=st.floats(0, 0.999), value=st.integers(1, 255))
def test_one_damaged_byte_is_a_data_error_or_harmless(
    form: str, where: float, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    MAKERS[form](folder / "a", FILES)
    raw = bytearray((folder / "a").read_bytes())
    raw[int(where * len(raw))] ^= value
    (folder / "a").write_bytes(raw)
    try:
        extract(folder / "a", folder / "out")
    except DataError:
        assert {p.name for p in folder.iterdir()} == {"a"}


name_parts = st.lists(st.sampled_from(["a", "..", ".", "", "b c", "/", "\\", "C:", "é"]), max_size=5)


@given(parts=name_parts)
@settings(max_examples=100, deadline=None)
def test_safe_names_stay_inside(parts: list[str]) -> None:
    name = "/".join(parts)
    try:
        (path,) = safe_names([name])
    except DataError:
        return
    assert Path("/root/folder").joinpath(path).resolve().is_relative_to("/root/folder")
    assert path == PurePosixPath(name)
