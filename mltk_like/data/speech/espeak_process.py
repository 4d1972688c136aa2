"""Runs espeak-ng (GPL-3) as a program of its own: `python espeak_process.py FOLDER_OF_ESPEAKNG_LOADER`.

Reads one JSON request a line ({voice, text, rate, pitch, range}) from standard input; answers with rate in hertz and
size in bytes (two little-endian uint32) and 16-bit samples. A request with {phonemes: true} is answered with its IPA in
UTF-8 in place of the samples. An unknown voice gives nothing. Ends with its input.
Stands alone on purpose: it shares no code and no memory with the rest.
"""

import ctypes
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, in this thread
_UTF8 = 1
_IPA = 2
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main(folder: Path) -> None:
    """Serve requests until the input ends."""
    name = next(path for path in sorted(folder.iterdir()) if "espeak-ng." in path.name)
    library = ctypes.CDLL(str(name))
    hertz = library.espeak_Initialize(_SYNCHRONOUS, 0, str(folder / "espeak-ng-data").encode(), 0)
    pieces: list[bytes] = []

    def keep(samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: object) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _CALLBACK(keep)
    library.espeak_SetSynthCallback(callback)
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    for line in sys.stdin:
        # The library keeps state from one text to the next. In a fork each text is its first: always the same sound.
        # Windows has no forks: there the process ends with its first text, and the next text gets another.
        if sys.platform != "win32" and (child := os.fork()):
            os.waitpid(child, 0)
            continue
        request = json.loads(line)
        known = library.espeak_SetVoiceByName(request["voice"].encode()) == 0
        if known and request.get("phonemes"):
            pieces.append(_phonemes(library, request["text"]))
        elif known:
            _speak(library, request)
        answer = b"".join(pieces)
        sys.stdout.buffer.write(struct.pack("<II", hertz, len(answer)) + answer)
        sys.stdout.buffer.flush()
        os._exit(0)


def _speak(library: ctypes.CDLL, request: dict[str, Any]) -> None:
    for parameter, setting in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "range")):
        if setting in request:
            library.espeak_SetParameter(parameter, request[setting], 0)
    text = request["text"].encode() + b"\0"
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()


def _phonemes(library: ctypes.CDLL, text: str) -> bytes:
    """The library translates a clause at a time and moves the pointer on; at the end it is null."""
    at = ctypes.c_char_p(text.encode())
    clauses = []
    while at.value:
        clauses.append(library.espeak_TextToPhonemes(ctypes.byref(at), _UTF8, _IPA) or b"")
    return b" ".join(clauses)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
