"""Rob Northen Compression, method 1: what the speech of "Beneath a Steel Sky" is packed with.

An 18-byte header ("RNC", the method, sizes and checksums) is followed by 16-bit little-endian words of bits, lowest bit
first, between which bytes to be copied lie as they are. A chunk has three Huffman tables (how many bytes to copy from
the input, how far back and how long a repeat is) and a count of pairs of a copy and a repeat.
"""

from mltk_like.errors import DataError

MAX_BYTES = 64 << 20
_HEADER_BYTES = 18

_Table = list[tuple[int, int] | None]
# By the next bits of the input: how many of them are the code, and its symbol.


def is_packed(data: bytes) -> bool:
    """Whether it starts like a stream of method 1."""
    return data[:4] == b"RNC\x01"


def unpack(data: bytes) -> bytes:
    """What a stream holds. The work is bounded by the sizes of input and output, whatever the input is.

    Args:
        data: header and stream; bytes after it do not matter.

    Raises:
        DataError: it is no such stream, is cut or damaged, or would grow beyond 64 MiB.
    """
    size = int.from_bytes(data[4:8], "big")
    if not is_packed(data) or len(data) <= _HEADER_BYTES or size > MAX_BYTES:
        raise _damaged("its header is none")
    bits, out = _Bits(data), bytearray()
    bits.take(2)
    while len(out) < size:
        _chunk(bits, out, size)
    return bytes(out)


class _Bits:
    """The input: bits from words, bytes between them. A word is fetched when the first of its bits is needed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = _HEADER_BYTES
        self.held = 0
        self.count = 0

    def take(self, count: int) -> int:
        """The next bits, at most 16."""
        if self.count < count:
            if self.at >= len(self.data):
                raise _damaged("it ends too early")
            self.held |= int.from_bytes(self.data[self.at : self.at + 2], "little") << self.count
            self.count += 16
            self.at += 2
        value = self.held & ((1 << count) - 1)
        self.held >>= count
        self.count -= count
        return value

    def number(self, table: _Table) -> int:
        """A number whose bit length is a symbol of `table`: symbols 0 and 1 stand for themselves."""
        ahead = self.held | int.from_bytes(self.data[self.at : self.at + 2], "little") << self.count
        entry = table[ahead & (len(table) - 1)] if table else None
        if entry is None:
            raise _damaged("a code is in no table")
        self.take(entry[0])
        symbol = entry[1]
        if symbol > 16:
            raise _damaged("a number is too long")
        return symbol if symbol < 2 else 1 << (symbol - 1) | self.take(symbol - 1)

    def copy(self, count: int) -> bytes:
        """The next bytes as they are."""
        found = self.data[self.at : self.at + count]
        if len(found) < count:
            raise _damaged("it ends too early")
        self.at += count
        return found


def _chunk(bits: _Bits, out: bytearray, size: int) -> None:
    copies, distances, lengths = _table(bits), _table(bits), _table(bits)
    count = bits.take(16)
    for left in range(count - 1, -1, -1):
        length = bits.number(copies)
        if length:
            out += bits.copy(length)
        if left:
            back, length = bits.number(distances) + 1, bits.number(lengths) + 2
            if back > len(out):
                raise _damaged("it repeats what was not there")
            # A repeat may overlap itself: it then goes on with what it has just written.
            unit = out[-back:]
            out += (unit * (length // back + 1))[:length]
        if len(out) > size:
            raise _damaged("it is longer than it says")


def _table(bits: _Bits) -> _Table:
    """Canonical Huffman codes of given lengths, as a table over the next bits."""
    lengths = [bits.take(4) for _ in range(bits.take(5))]
    longest = max(lengths, default=0)
    table: _Table = [None] * (1 << longest if longest else 0)
    code = 0
    for length in range(1, longest + 1):
        for symbol, own in enumerate(lengths):
            if own == length:
                if code >> length:
                    raise _damaged("a table has too many codes")
                first = int(f"{code:0{length}b}"[::-1], 2)
                for index in range(first, len(table), 1 << length):
                    table[index] = length, symbol
                code += 1
        code <<= 1
    return table


def _damaged(why: str) -> DataError:
    return DataError(f"cannot unpack RNC data: {why}", "the file is damaged")
