"""What comes through a pipe: raw samples, or a WAV file whose header is read first; other files are refused by name."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from mltk_like.audio.inputs import Int16, raw_audio
from mltk_like.audio.rates import rate_fault
from mltk_like.audio.wav import loud_channel
from mltk_like.errors import DataError, SettingError

_PCM, _EXTENSIBLE = 1, 0xFFFE
_LONGEST_HEADER = 1 << 20
# Whoever writes into a pipe does not know the length, and writes nothing or the most that there is, or about that.
_UNKNOWN_FROM = 0x7FFF_0000
# From so much sound it is told whether the channels are out of phase.
_PROBE_S = 1.0
_OTHERS = {
    b"fLaC": "a FLAC file", b"OggS": "an OGG file", b"ID3\x03": "an MP3 file", b"ID3\x04": "an MP3 file",
    b"FORM": "an AIFF file", b"RF64": "an RF64 file", b".snd": "an AU file", b"caff": "a CAF file",
    b"riff": "a W64 file", b"NIST": "a SPHERE file", b"Crea": "a VOC file", b"\x1a\x45\xdf\xa3": "a WebM file",
    b"\x30\x26\xb2\x75": "a WMA file", b"#!AM": "an AMR file",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Header:
    rate_hz: int
    channels: int
    data_bytes: int | None
    size: int


def piped_audio(read: Callable[[], bytes], rate_hz: int | None, sample_rate_hz: int) -> Iterator[Int16]:
    """Samples from a pipe, as soon as they come, until it ends.

    Args:
        read: the next bytes, any number of them; none at the end. Raw int16, little-endian, mono; or a WAV file with
            16-bit samples, whose channels are averaged, or one is taken alone, as of files (`wav.loud_channel`).
        rate_hz: rate of raw samples in Hz; none: `sample_rate_hz`. A WAV file says its own.
        sample_rate_hz: rate of the result in Hz.

    Yields:
        int16 (n,), n > 0.

    Raises:
        SettingError: a rate is out of range, or is not that of the WAV file.
        DataError: a file of another kind comes, or a WAV file without 16-bit samples.
    """
    begin = _begin(read)
    if begin[:4] == b"RIFF" and begin[8:12] == b"WAVE":
        header, begin = _header(begin, read)
        if rate_hz not in (None, header.rate_hz):
            raise SettingError(
                f"a WAV file of {header.rate_hz} Hz is piped in, and --rate says {rate_hz}", "leave out --rate"
            )
        rate_hz = header.rate_hz
        read = _limited(_followed(begin, read), header.data_bytes)
        if header.channels > 1:
            read = partial(next, _mono(read, header), b"")
    elif name := _OTHERS.get(begin[:4]) or ("an MP4 file" if begin[4:8] == b"ftyp" else None):
        raise _not_raw(f"{name} is piped in, not raw samples", sample_rate_hz)
    else:
        read = _followed(begin, read)
    yield from raw_audio(read, rate_hz or sample_rate_hz, sample_rate_hz)


def _begin(read: Callable[[], bytes]) -> bytes:
    """The first bytes; as many as tell what they are, and of raw samples no more than come at once."""
    known = (b"RIFF", *_OTHERS)
    begin = data = read()
    while data and len(begin) < 12 and any(magic.startswith(begin[:4]) for magic in known):
        data = read()
        begin += data
    return begin


def _header(begin: bytes, read: Callable[[], bytes]) -> tuple[_Header, bytes]:
    """The header of a WAV file, and what came behind it."""
    while (header := _parse(begin)) is None:
        data = read()
        if not data or len(begin) > _LONGEST_HEADER:
            raise DataError("the WAV file that is piped in has no samples", "check what writes into the pipe")
        begin += data
    return header, begin[header.size :]


def _parse(begin: bytes) -> _Header | None:
    """None where more bytes are needed."""
    at, form = 12, b""
    while at + 8 <= len(begin):
        name, length = begin[at : at + 4], int.from_bytes(begin[at + 4 : at + 8], "little")
        if name == b"data":
            return _described(form, length, at + 8)
        if name == b"fmt ":
            form = begin[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return None


def _described(form: bytes, length: int, size: int) -> _Header:
    if len(form) < 16:
        raise DataError("the WAV file that is piped in is damaged: it has no format", "check what writes into the pipe")
    tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", form[:16])
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack("<H", form[24:26])
    if tag != _PCM or bits != 16 or not channels:
        raise _not_raw(f"a WAV file of {bits}-bit samples of kind {tag} is piped in; 16-bit PCM is read", 16_000)
    if fault := rate_fault(rate_hz):
        raise DataError(f"the WAV file that is piped in is damaged: {fault}", "check what writes into the pipe")
    known = 0 < length < _UNKNOWN_FROM
    return _Header(rate_hz=rate_hz, channels=channels, data_bytes=length if known else None, size=size)


def _not_raw(message: str, rate_hz: int) -> DataError:
    decode = f"ffmpeg -i FILE -f s16le -ac 1 -ar {rate_hz} - | ..."
    return DataError(message, f"give it as --input FILE, or pipe its samples: {decode} --input -")


def _followed(begin: bytes, read: Callable[[], bytes]) -> Callable[[], bytes]:
    """`read`, with what was read before."""
    waiting = [begin] if begin else []
    return lambda: waiting.pop() if waiting else read()


def _limited(read: Callable[[], bytes], count: int | None) -> Callable[[], bytes]:
    """So many bytes, and no more: other chunks may follow the samples."""
    if count is None:
        return read
    left = count

    def limited() -> bytes:
        nonlocal left
        data = read()[:left] if left else b""
        left -= len(data)
        return data

    return limited


def _mono(read: Callable[[], bytes], header: _Header) -> Iterator[bytes]:
    """One channel, as bytes of int16 again; the first second that is not silent comes in one piece."""
    width = 2 * header.channels
    least = round(_PROBE_S * header.rate_hz) * width
    rest, known, alone = b"", False, None
    while True:
        data = read()
        rest += data
        whole = len(rest) // width * width
        frames = np.frombuffer(rest[:whole], "<i2").reshape(-1, header.channels)
        if not known and frames.any():
            if data and whole < least:
                continue
            known, alone = True, loud_channel(frames)
        if whole:
            mono = np.rint(frames.mean(axis=1)) if alone is None else frames[:, alone]
            yield mono.astype("<i2").tobytes()
        if not data:
            return
        rest = rest[whole:]
