"""The formats in the packages: Rob Northen Compression, archives of games, G.722, files without a header."""

import contextlib
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.wav import write_wav
from mltk_like.data.debian import g722, rnc
from mltk_like.data.debian.decode import decoded, flac
from mltk_like.data.debian.game_files import recordings, tree
from mltk_like.data.debian.packages import Part
from mltk_like.errors import DataError

Pair = tuple[bytes, int, int]
# Bytes to copy, then how far back and how long a repeat is.


class Packer:
    """Writes what `rnc.unpack` reads: bits in words that are set aside when their first bit is due, bytes between."""

    def __init__(self) -> None:
        self.out = bytearray(18)
        self.bits: list[int] = []
        self.words: list[int] = []

    def put(self, value: int, count: int) -> None:
        while len(self.bits) + count > 16 * len(self.words):
            self.words.append(len(self.out))
            self.out += b"\0\0"
        self.bits += [value >> bit & 1 for bit in range(count)]

    def table(self) -> None:
        """Sixteen symbols of four bits."""
        self.put(16, 5)
        for _ in range(16):
            self.put(4, 4)

    def number(self, value: int) -> None:
        symbol = value.bit_length()
        self.put(int(f"{symbol:04b}"[::-1], 2), 4)
        if symbol > 1:
            self.put(value - (1 << (symbol - 1)), symbol - 1)

    def chunk(self, pairs: list[Pair]) -> None:
        for _ in range(3):
            self.table()
        self.put(len(pairs), 16)
        for left, (literal, back, length) in zip(range(len(pairs) - 1, -1, -1), pairs, strict=True):
            self.number(len(literal))
            self.out += literal
            if left:
                self.number(back - 1)
                self.number(length - 2)

    def finished(self, size: int) -> bytes:
        for index, at in enumerate(self.words):
            word = sum(bit << place for place, bit in enumerate(self.bits[16 * index : 16 * index + 16]))
            self.out[at : at + 2] = word.to_bytes(2, "little")
        self.out[:8] = b"RNC\x01" + size.to_bytes(4, "big")
        return bytes(self.out)


def packed(chunks: list[list[Pair]]) -> tuple[bytes, bytes]:
    """A stream, and what it holds. Repeats that would reach too far back are shortened."""
    packer, plain = Packer(), bytearray()
    packer.put(0, 2)
    for pairs in chunks:
        done = []
        for index, (literal, back, length) in enumerate(pairs):
            plain += literal
            back = min(back, len(plain))
            done.append((literal, back, length))
            if index < len(pairs) - 1:
                for _ in range(length):
                    plain.append(plain[-back])
        packer.chunk(done)
    return packer.finished(len(plain)), bytes(plain)


PAIRS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=40), st.integers(1, 300), st.integers(2, 70)), min_size=1, max_size=6
)
STREAMS = st.lists(PAIRS, min_size=1, max_size=3).map(packed)


@given(STREAMS)
@settings(deadline=None)
def test_rnc_gives_back_what_was_packed(stream: tuple[bytes, bytes]) -> None:
    assert rnc.is_packed(stream[0])
    assert rnc.unpack(stream[0] + b"after it") == stream[1]


@given(STREAMS, st.data())
@settings(deadline=None, max_examples=150)
def test_damaged_rnc_gives_as_much_as_it_says_or_an_error(stream: tuple[bytes, bytes], choose: st.DataObject) -> None:
    damaged = bytearray(stream[0])
    for at in choose.draw(st.lists(st.integers(6, len(damaged) - 1), max_size=4)):
        damaged[at] = choose.draw(st.integers(0, 255))
    cut = bytes(damaged[: choose.draw(st.integers(0, len(damaged)))])
    with contextlib.suppress(DataError):
        assert len(rnc.unpack(cut)) == int.from_bytes(cut[4:8], "big")


@given(st.binary(max_size=400), st.integers(1, 5000))
@settings(deadline=None, max_examples=150)
def test_noise_after_an_rnc_header_ends(noise: bytes, size: int) -> None:
    data = b"RNC\x01" + size.to_bytes(4, "big") + bytes(10) + noise
    with contextlib.suppress(DataError):
        assert len(rnc.unpack(data)) == size


def test_an_rnc_stream_that_says_too_much_is_refused() -> None:
    with pytest.raises(DataError, match="its header is none"):
        rnc.unpack(b"RNC\x01\xff\xff\xff\xff" + bytes(40))


def part(archive: str = "", files: tuple[str, ...] = ("*",), **more: object) -> Part:
    return Part(language="en", licence="", archive=archive, files=files, clips=1, **more)  # type: ignore[arg-type]


def share(root: Path) -> Path:
    folder = root / "usr" / "share" / "games"
    folder.mkdir(parents=True)
    return folder


def test_files_are_found_below_share_and_links_are_not(tmp_path: Path) -> None:
    folder = share(tmp_path)
    (folder / "a.ogg").write_bytes(b"a")
    (folder / "b.ogg").symlink_to("a.ogg")
    assert list(tree(tmp_path)) == ["games/a.ogg"]


def test_a_zip_file_counts_as_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(share(tmp_path) / "data.pk3", "w") as archive:
        archive.writestr("sound/b.ogg", b"bb")
        archive.writestr("sound/a.ogg", b"a")
        archive.writestr("sound/a.txt", b"text")
        archive.writestr("map/a.ogg", b"map")
    found = recordings(tree(tmp_path), part("*/data.pk3", ("*/sound/*.ogg",), without=("*/b.ogg",)))
    assert [(name, read()) for name, read in found] == [("games/data.pk3/sound/a.ogg", b"a")]


def test_a_damaged_member_is_said_when_it_is_read(tmp_path: Path) -> None:
    path = share(tmp_path) / "data.pk3"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.ogg", b"content")
    path.write_bytes(path.read_bytes().replace(b"content", b"damaged"))
    ((_, read),) = recordings(tree(tmp_path), part("*/data.pk3"))
    with pytest.raises(DataError, match=r"cannot read a\.ogg"):
        read()


@pytest.mark.parametrize("name", ["../a.ogg", "/a.ogg"])
def test_a_member_outside_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(share(tmp_path) / "data.pk3", "w") as archive:
        archive.writestr(name, b"a")
    with pytest.raises(DataError, match="would be written outside the folder"):
        recordings(tree(tmp_path), part("*/data.pk3"))


@pytest.mark.parametrize("name", ["data.pk3", "queen.1c", "sky.dsk"])
def test_a_damaged_archive_is_said(tmp_path: Path, name: str) -> None:
    (share(tmp_path) / name).write_bytes(b"no archive" * 20)
    with pytest.raises(DataError, match=f"cannot read {name}"):
        recordings(tree(tmp_path), part(f"*/{name}"))


def test_the_archive_of_the_amazon_queen(tmp_path: Path) -> None:
    start = 15 + 2 * 21
    table = struct.pack(">12sBII", b"JOE1.SB", 1, start, 3) + struct.pack(">12sBII", b"TUNE.XM", 1, start + 3, 2)
    (share(tmp_path) / "queen.1c").write_bytes(bytes(13) + (2).to_bytes(2, "big") + table + b"joetu")
    found = recordings(tree(tmp_path), part("*/queen.1c", ("*/queen.1c/JOE*.SB",)))
    assert [(name, read()) for name, read in found] == [("games/queen.1c/JOE1.SB", b"joe")]


def test_the_archive_of_the_steel_sky(tmp_path: Path) -> None:
    stream, plain = packed([[(b"some speech ", 12, 30), (b"!", 1, 2)]])
    bodies = {50_001: b"raw", 50_002: stream, 60_600: b"text"}
    folder, data, index = share(tmp_path), bytearray(), b""
    for number, body in bodies.items():
        large = number == 50_002
        if large:  # Its offset counts in units of 16.
            data += bytes(-len(data) % 16)
        place = (len(data) >> 4 | 1 << 23) if large else len(data)
        index += struct.pack("<H", number) + place.to_bytes(3, "little") + (22 + len(body)).to_bytes(3, "little")
        data += bytes(22) + body
    (folder / "sky.dsk").write_bytes(data)
    (folder / "sky.dnr").write_bytes(len(bodies).to_bytes(4, "little") + index)
    found = recordings(tree(tmp_path), part("*/sky.dsk", ("*.sky",)))
    assert [(name, read()) for name, read in found] == [
        ("games/sky.dsk/50001.sky", b"raw"),
        ("games/sky.dsk/50002.sky", plain),
    ]


def tone(rate: int, seconds: float = 0.5, hz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def test_files_without_a_header_and_with_one(tmp_path: Path) -> None:
    eight_bit = np.round(tone(11025) * 127 + 128).astype(np.uint8).tobytes()
    write_wav(tmp_path / "a.wav", tone(22050), 22050)
    wav = (tmp_path / "a.wav").read_bytes()
    quiet = np.full(11025, 128, np.uint8).tobytes()
    items = [(name, lambda content=content: content) for name, content in (
        ("voice.ALS", eight_bit), ("a.wav", wav), ("quiet.als", quiet), ("short.als", eight_bit[:1000]),
        ("broken.wav", b"RIFF"),
    )]  # fmt: skip
    found = dict(decoded(items, ("PCM_U8", 11025)))
    assert list(found) == ["voice.ALS", "a.wav"]
    for samples in found.values():
        assert len(samples) == pytest.approx(8000, abs=2)
        inner, wanted = samples[500:7500] / 32768, tone(16000)[500:7500]
        assert np.abs(inner - wanted).max() < 0.02
    assert flac(found["a.wav"]).startswith(b"fLaC")


def encoded(low_band: np.ndarray) -> bytes:
    """G.722 by trying all codes of the low band at every step; the high band is kept near silence."""
    tried = np.arange(64, dtype=np.uint8)
    codes, state = bytearray(), g722._State(64)
    for target in low_band:
        code = tried | (1 + 2 * (len(codes) % 2)) << 6
        before = {name: array.copy() for name, array in vars(state).items()}
        best = int(np.abs(state.step(code)[0] - target).argmin())
        vars(state).update(before)
        state.step(np.full(64, code[best], np.uint8))
        codes.append(int(code[best]))
    return bytes(codes)


def test_g722_decodes_a_tone() -> None:
    target = (8000 * np.sin(2 * np.pi * 440 * np.arange(1600) / 8000)).astype(np.int64)
    (samples,) = g722.decode([encoded(target)])
    assert (samples.dtype, samples.shape) == (np.int16, (3200,))
    spectrum = np.abs(np.fft.rfft(samples[800:] * np.hanning(2400)))
    at = round(440 * 2400 / 16000)
    rest = np.delete(spectrum, range(at - 3, at + 4))
    assert 10 * np.log10((spectrum[at - 3 : at + 4] ** 2).sum() / (rest**2).sum()) > 25
    # A band's full scale is half of that of the samples.
    assert np.abs(samples[800:].astype(int)).max() == pytest.approx(16000, rel=0.05)


def test_g722_decodes_streams_side_by_side_as_alone() -> None:
    rng = np.random.default_rng(0)
    streams = [rng.bytes(size) for size in (700, 0, 40, 1100)]
    together = g722.decode(streams)
    for stream, samples in zip(streams, together, strict=True):
        np.testing.assert_array_equal(samples, g722.decode([stream])[0])
        assert len(samples) == 2 * len(stream)
    assert g722.decode([]) == []
