"""Packs: what can be made again makes room for what is needed now."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mltk_like.cli import main
from mltk_like.data.clip import Clip
from mltk_like.errors import SettingError
from mltk_like.feed import packs
from mltk_like.feed.packs import pack_path
from mltk_like.feed.store import build_store
from mltk_like.paths import cache_dir

WavFiles = Callable[[int], list[Path]]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLTK_LIKE_PACKS_GB", raising=False)


def pack(key: str, megabytes: float, hours_ago: float, *neighbours: str) -> None:
    """A pack as an earlier training left it; the file is sparse."""
    folder = cache_dir() / "packs"
    folder.mkdir(parents=True, exist_ok=True)
    for name in (f"{key}.i16", *neighbours):
        with (folder / name).open("wb") as file:
            file.truncate(int(megabytes * 1e6) if name.endswith("i16") else 10)
        then = time.time() - 3600 * hours_ago
        os.utime(folder / name, (then, then))


def names() -> set[str]:
    """What lies there, without this process's own marks."""
    found = {path.name for path in (cache_dir() / "packs").iterdir()}
    return {name for name in found if not name.endswith(f".used-{os.getpid()}")}


def test_the_oldest_go_with_their_neighbours_before_another_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    pack("aa", 6, 30, "aa.json", "aa-babble-6-42.i16", "aa-babble-6-42.json", "aa.rooms.npz")
    pack("bb", 6, 20, "bb.json", ".bb.i16.tmp")
    pack("rooms-cc", 1, 10)
    monkeypatch.setenv("MLTK_LIKE_PACKS_GB", "0.010")
    path = pack_path("dd.i16")
    assert path == cache_dir() / "packs" / "dd.i16"
    assert names() == {"bb.i16", "bb.json", ".bb.i16.tmp", "rooms-cc.i16"}
    monkeypatch.setenv("MLTK_LIKE_PACKS_GB", "0")
    pack_path("dd.i16")
    assert names() == set()


def test_what_may_be_in_use_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    pack("aa", 6, 1)
    pack("bb", 6, 30)
    pack("cc", 6, 40)
    monkeypatch.setenv("MLTK_LIKE_PACKS_GB", "0")
    # One that is asked for again is as if it were new, and its content's time stays: other machines compare it.
    before = (cache_dir() / "packs" / "bb.i16").stat().st_mtime_ns
    assert pack_path("bb.i16").stat().st_mtime_ns == before
    assert names() == {"aa.i16", "bb.i16", "cc.i16"}
    pack_path("dd.i16")
    assert names() == {"aa.i16", "bb.i16"}


def test_what_another_process_uses_stays_as_long_as_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_PACKS_GB", "0")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        pack("aa", 6, 0, f"aa.used-{other.pid}")  # written when it ran
        pack("bb", 6, 30, "bb.used-123456789", "bb.used-me")
        os.utime(cache_dir() / "packs" / "aa.i16", (0, 0))
        monkeypatch.setattr(packs, "_IN_USE_S", -60.0)
        pack_path("dd.i16")
        assert names() == {"aa.i16", f"aa.used-{other.pid}"}
        other.communicate(b"\n")
    # Whoever opens the pack next takes the dead one's mark away.
    pack_path("aa.i16")
    assert names() == {"aa.i16"}
    pack_path("dd.i16")
    assert names() == set()


def test_by_default_some_gigabytes_are_kept() -> None:
    for number in range(5):
        pack(f"a{number}", 3000, 10 + number)
    pack_path("dd.i16")
    assert names() == {"a0.i16", "a1.i16", "a2.i16", "a3.i16"}


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_an_amount_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_PACKS_GB", text)
    with pytest.raises(SettingError, match="MLTK_LIKE_PACKS_GB is"):
        pack_path("dd.i16")


def test_it_is_refused_before_there_is_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLTK_LIKE_PACKS_GB", "much")
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    assert main(["train", "bell_detector-test"]) == 2
    assert "MLTK_LIKE_PACKS_GB is 'much'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_removed_pack_is_made_again(wav_files: WavFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_PACKS_GB", "0")
    clips = [Clip(path=path, label="yes", group="g", source="s") for path in wav_files(3)]
    first = build_store(clips, 16_000, progress=False)
    before = first[1].copy()
    for path in first.path.parent.iterdir():
        os.utime(path, (0, 0))
    build_store(clips[:2], 16_000, progress=False)
    assert not first.path.exists()
    assert (build_store(clips, 16_000, progress=False)[1] == before).all()
