"""WAV files whose header was never finished: the recorder lost its power, or wrote into a pipe.

Their `data` chunk claims to be empty, and the sound lies behind it.
"""

import io
import os
from pathlib import Path

_CHUNK_HEADER = 8
_MOST_CHUNKS = 1000


def finished_wav(path: Path | str) -> "FinishedWav | None":
    """The file with the right length in its header; None where nothing but whole chunks follow the empty `data`."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        begin = file.read(12)
        if begin[:4] != b"RIFF" or begin[8:] != b"WAVE":
            return None
        chunks = list(_chunks(file, 12, size))
        data = next(((at, length) for at, name, length in chunks if name == b"data"), None)
        if data is None or data[1] != 0:
            return None
        after = list(_chunks(file, data[0] + _CHUNK_HEADER, size))
    rest = size - data[0] - _CHUNK_HEADER
    if rest == 0 or (after and after[-1][0] + _CHUNK_HEADER + after[-1][2] in (size, size - 1)):
        return None
    length = min(rest, 0xFFFF_FFFF - data[0])
    return FinishedWav(path, {4: data[0] + length, data[0] + 4: length})


def _chunks(file: io.BufferedReader, at: int, size: int) -> list[tuple[int, bytes, int]]:
    """Where each chunk begins, its name and the length it claims; up to the first that is none."""
    found: list[tuple[int, bytes, int]] = []
    while at + _CHUNK_HEADER <= size and len(found) < _MOST_CHUNKS:
        file.seek(at)
        head = file.read(_CHUNK_HEADER)
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if not all(32 <= byte < 127 for byte in name) or at + _CHUNK_HEADER + length > size:
            break
        found.append((at, name, length))
        at += _CHUNK_HEADER + length + length % 2
    return found


class FinishedWav(io.RawIOBase):
    """A file with other numbers at some places; it is read in pieces, as large as it may be.

    Args:
        path: the file.
        numbers: by offset, what the four bytes there are to be, little-endian.
    """

    def __init__(self, path: Path | str, numbers: dict[int, int]) -> None:
        self._file = open(path, "rb")  # noqa: SIM115  closed by close()
        self._bytes = {at + i: byte for at, n in numbers.items() for i, byte in enumerate(n.to_bytes(4, "little"))}

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        """The file's bytes, with the other numbers."""
        at = self._file.tell()
        count = self._file.readinto(buffer)
        bytes_read = memoryview(buffer).cast("B")
        for place, byte in self._bytes.items():
            if at <= place < at + count:
                bytes_read[place - at] = byte
        return count

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()
