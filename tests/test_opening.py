"""Files and archives of others: sizes are checked before anything is read, and what points elsewhere is refused."""

import io
import os
import re
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.data.archives import archive_format, extract
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.limits import LIMITS, most
from mltk_like.low_bit.files import from_npz
from mltk_like.nets.weights import read_weights
from mltk_like.nets.weights_file import check_net_file
from mltk_like.opening import kind_of, open_archive, read_file, read_npz
from mltk_like.training.checkpoint import load_checkpoint

MB = 1 << 20


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """The block takes no more memory than that at its height."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * MB, f"{peak / MB:.1f} MB"


def zip_of(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def claiming(path: Path, size: int, packed: int | None = None) -> Path:
    """The archive, its last member said to have so many bytes."""
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, entry + 24, size)
    if packed is not None:
        struct.pack_into("<I", data, entry + 20, packed)
    path.write_bytes(data)
    return path


def test_the_table_has_a_reason_for_every_limit() -> None:
    assert all(limit.most > 0 and limit.unit and limit.reason for limit in LIMITS.values())
    assert {kind_of(f"a{suffix}") for suffix in (".json", ".jsonl", ".tflite", ".keras", ".npz", ".png", "")} <= set(
        LIMITS
    )


@pytest.mark.parametrize(
    "member",
    ["a.tflite", "a.keras", "state.json", "train/history.json", "manifest.jsonl", "train/calibration.npz", "a.py"],
)
def test_a_member_beyond_its_limit_is_refused_unread(member: str, tmp_path: Path) -> None:
    limit = LIMITS[kind_of(member)].most
    archive = claiming(zip_of(tmp_path / "a.mltk.zip", {member: b"x"}), limit + 1, limit)
    with open_archive(archive) as opened, at_most(1), pytest.raises(ModelError) as caught:
        opened.read(member)
    assert f"{member} in {archive} claims {limit + 1} bytes, and {limit} are allowed (" in caught.value.message
    assert caught.value.hint == "it is damaged or hostile; if it is yours and right, set MLTK_LIKE_LIMITS=2"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTK_LIKE_LIMITS", "2")
        with open_archive(archive) as opened, pytest.raises(ModelError, match="is shorter than it claims"):
            opened.read(member)  # it does not have what it claims


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "inf", "1e300", "1001"])
def test_what_is_allowed_is_a_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_LIMITS", text)
    with pytest.raises(SettingError, match="MLTK_LIKE_LIMITS is"):
        most("json")


def test_archives_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = zip_of(tmp_path / "many.zip", {f"{index}": b"" for index in range(LIMITS["members"].most + 1)})
    with pytest.raises(ModelError, match="4097 members, and 4096 are allowed"), open_archive(many):
        pass
    large = zip_of(tmp_path / "large.zip", {"a.png": b"x"})
    with pytest.raises(ModelError, match=r"large\.zip claims"), open_archive(claiming(large, 2 << 30)):
        pass
    grown = claiming(zip_of(tmp_path / "grown.zip", {"a.png": b"x"}), 17 * MB)
    with open_archive(grown) as opened, pytest.raises(ModelError, match=r"would grow .* times, and 200 are allowed"):
        opened.read("a.png")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("state.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("state.json", b"[]")
    with pytest.raises(ModelError, match="two members of one name"), open_archive(tmp_path / "two.zip"):
        pass
    packed = zip_of(tmp_path / "bz2.zip", {"a.json": b"{}"}, zipfile.ZIP_BZIP2)
    with open_archive(packed) as opened, pytest.raises(ModelError, match="packed in a way that is not read"):
        opened.read("a.json")


def test_a_directory_is_not_read_before_its_size_is_known(tmp_path: Path) -> None:
    """A sparse file whose end says that it is a directory of a gigabyte."""
    path = tmp_path / "a.mltk.zip"
    size = 1 << 30
    with path.open("wb") as file:
        file.seek(size)
        file.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, size, 0, 0))
    with at_most(4), pytest.raises(ModelError, match=r"a header in .* claims 1073741824 bytes"):
        open_artifact(path)


@pytest.mark.slow
def test_replacing_a_file_copies_the_others_piece_by_piece(tmp_path: Path) -> None:
    block = os.urandom(MB)
    members = {"state.json": b'{"name": "a"}', "a.tflite": b"old", "a.png": block * 24, "b.png": block * 24}
    path = zip_of(tmp_path / "a.mltk.zip", members, zipfile.ZIP_STORED)
    with at_most(12):
        open_artifact(path).replace("a.tflite", b"new")
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {**members, "a.tflite": b"new"}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tflite")
    with pytest.raises(ModelError, match="no regular file"):
        read_file(tmp_path / "a.tflite")
    with pytest.raises(ModelError, match="no regular file"):
        read_file(Path("/dev/zero"), "json")


def npy(shape: tuple[int, ...], data: bytes, descr: str = "|i1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + data


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "c": np.array("text"),
        "d": np.zeros((0, 4), np.int8),
        "e": np.array(True),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_npz(tmp_path / "a.npz", "a.npz")
    assert list(found) == list(arrays)
    for name, value in arrays.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
        assert np.array_equal(found[name], value)
        assert found[name].flags.writeable


@pytest.mark.parametrize(
    "content",
    [
        npy((1 << 40,), b"x"), npy((-1,), b"x"), npy((2,), b"x" * 3), npy((1,), b"x" * 8, "|O"), b"", b"\x93NUMPY\t",
        npy((1,), b"x")[:20],
    ],
)  # fmt: skip
def test_an_array_that_claims_what_it_has_not(content: bytes, tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.npz", {"windows.npy": content})
    with at_most(1), pytest.raises(ValueError, match=r"\w"):
        read_npz(path, "a.npz")
    with pytest.raises(ModelError, match="cannot read the checkpoint"):
        load_checkpoint(path)
    with pytest.raises(ModelError, match="cannot read the low-bit net"):
        from_npz(path.read_bytes())


def weights(path: Path, change: Callable[[Any], None]) -> Path:
    """A `.weights.h5` as Keras writes one, changed."""
    import h5py

    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "dense"
        group.create_dataset("0", data=np.ones((3, 2), np.float32))
        change(file)
    return path


def swap(file: Any, **options: Any) -> None:
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", **options)


def test_weights_do_not_reach_out_of_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import h5py

    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(b"s" * 24)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones((3, 2), np.float32)
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3, 2))

    def link(target: object) -> Callable[[Any], None]:
        def change(file: Any) -> None:
            del file["layers/dense/vars/0"]
            file["layers/dense/vars/0"] = target

        return change

    def virtual(file: Any) -> None:
        del file["layers/dense/vars/0"]
        file.create_virtual_dataset("layers/dense/vars/0", layout)

    def circle(file: Any) -> None:
        file["layers/dense/again"] = file["layers"]

    refused: dict[str, tuple[Callable[[Any], None], str]] = {
        "external": (lambda file: swap(file, shape=(3, 2), dtype="f4", external=[("secret", 0, 24)]), "another file"),
        "virtual": (virtual, "another file"),
        "soft": (link(h5py.SoftLink("/layers")), "link to another place"),
        "external-link": (link(h5py.ExternalLink("other.h5", "x")), "link to another place"),
        "fill": (lambda file: swap(file, shape=(10**5, 10**5), dtype="f4", chunks=(1000, 1000)), "would grow|claim"),
        "texts": (lambda file: swap(file, data=np.array(["a"], object), dtype=h5py.string_dtype()), "holds no numbers"),
        "circle": (circle, "by two names"),
    }
    good = weights(tmp_path / "good.weights.h5", lambda file: None)
    assert np.array_equal(read_weights(good)["dense"][0], np.ones((3, 2)))
    for name, (change, message) in refused.items():
        path = weights(tmp_path / f"{name}.weights.h5", change)
        keras = zip_of(tmp_path / f"{name}.keras", {"config.json": b"{}", "model.weights.h5": path.read_bytes()})
        for given in (path, keras):
            with at_most(4), pytest.raises(ModelError, match=message) as caught:
                read_weights(given)
            assert re.match(r"cannot read weights from", caught.value.message)
        with pytest.raises(ModelError, match=message):
            check_net_file(keras)


def test_a_net_has_no_other_members_than_keras_writes(tmp_path: Path) -> None:
    good = weights(tmp_path / "good.weights.h5", lambda file: None).read_bytes()
    members = {"metadata.json": b"{}", "config.json": b'{"a": 1}', "model.weights.h5": good}
    assert check_net_file(zip_of(tmp_path / "a.keras", members)) == {"a": 1}
    with pytest.raises(ModelError, match="'assets/evil', which no net needs"):
        check_net_file(zip_of(tmp_path / "b.keras", {**members, "assets/evil": b"x"}))
    large = claiming(zip_of(tmp_path / "c.keras", members), 12 * 10**8)
    with at_most(1), pytest.raises(ModelError, match=r"c\.keras claims 12000000"):
        check_net_file(large)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_long_header_of_a_tar_is_not_believed(kind: bytes, packed: bool, tmp_path: Path) -> None:
    """Pax headers and long names, which tarfile reads in one piece."""
    import gzip

    member = tarfile.TarInfo("header")
    member.type, member.size = kind, 1 << 33
    data = member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    path = tmp_path / "a.tar"
    path.write_bytes(gzip.compress(data) if packed else data)
    with at_most(4):
        assert archive_format(path) == "tar"
        with pytest.raises(DataError, match="8589934592 bytes, and 1048576 are allowed"):
            extract(path, tmp_path / "out")
    assert [found.name for found in tmp_path.iterdir()] == ["a.tar"]


def test_a_zip_of_data_is_unpacked_by_deflate_alone(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.wav": bytes(1 << 20)}, zipfile.ZIP_BZIP2)
    with pytest.raises(DataError, match="packed by something else than deflate"):
        extract(path, tmp_path / "out")
