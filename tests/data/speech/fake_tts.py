"""A program that "speaks": half a second of a tone to a WAV file or to standard output. It fails on demand.

fake_tts.py [--out FILE] [--hz TONE] [--log FILE] [--say HOW] [TEXT]; without TEXT it reads standard input.
"""

import argparse
import io
import math
import struct
import sys
import time
import wave
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--out")
parser.add_argument("--hz", type=float, default=300.0)
parser.add_argument("--log")
parser.add_argument("--say", default="tone")
parser.add_argument("text", nargs="?")
args = parser.parse_args()
text = args.text if args.text is not None else sys.stdin.read()
if args.log:
    with open(args.log, "a", encoding="utf-8") as log:
        log.write(text + "\n")
if args.say == "fail":
    sys.exit("no voice today\nand none tomorrow")
if args.say == "sleep":
    time.sleep(60)
buffer = io.BytesIO()
with wave.open(buffer, "wb") as file:
    file.setnchannels(2)
    file.setsampwidth(2)
    file.setframerate(8000)
    tone = (round(9000 * math.sin(2 * math.pi * args.hz * n / 8000)) for n in range(4000))
    file.writeframes(b"".join(struct.pack("<hh", value, value) for value in tone))
data = {"tone": buffer.getvalue(), "nothing": b"", "rubbish": b"no wave at all"}[args.say]
if args.out:
    Path(args.out).write_bytes(data)
else:
    sys.stdout.buffer.write(data)
