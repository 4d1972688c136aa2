"""Runs SVOX Pico as a program of its own: `python pico_process.py FOLDER_OF_PY_NANOTTS`.

Reads one JSON request a line ({voice, text, speed, pitch}) from standard input; answers with rate in hertz and size in
bytes (two little-endian uint32) and 16-bit samples. An unknown voice gives nothing. Ends with its input.
"""

import json
import os
import struct
import sys
from pathlib import Path

_RATE = 16_000


def main(folder: Path) -> None:
    """Serve requests until the input ends."""
    sys.path.insert(0, str(folder.parent))
    from py_nanotts import NanoTTS

    for line in sys.stdin:
        # What a text sounds like depends on the memory that the texts before it left behind, and a text may bring the
        # library down. In a fork each text is its first, and a crash is no more than a clip that is missing.
        # Windows has no forks: there the process ends with its first text, and the next text gets another.
        if sys.platform != "win32" and (child := os.fork()):
            _, status = os.waitpid(child, 0)
            if status:
                _answer(b"")
            continue
        try:
            data = NanoTTS().speak(**json.loads(line))
        except (ValueError, RuntimeError):
            data = b""
        _answer(data)
        os._exit(0)


def _answer(data: bytes) -> None:
    sys.stdout.buffer.write(struct.pack("<II", _RATE, len(data)) + data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
