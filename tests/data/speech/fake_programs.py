#!/usr/bin/env python3
"""Stands for the programs flite and festival: half a second of a tone, and a line in the file $FAKE_LOG."""

import io
import math
import os
import re
import struct
import sys
import wave
from typing import BinaryIO

LOCATIONS = '((kal_diphone . "/voices/english/kal_diphone/") (lp_diphone . "/voices/italian/lp_diphone/"))'


def log(line: str) -> None:
    with open(os.environ["FAKE_LOG"], "a", encoding="utf-8") as file:
        file.write(line + "\n")


def write_tone(target: BinaryIO | str) -> None:
    tone = [int(9000 * math.sin(at * 0.4)) for at in range(4000)]
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<4000h", *tone))


def flite(arguments: list[str]) -> None:
    if arguments == ["-lv"]:
        print("Voices available: kal awb_time kal16 slt ")
    elif "nobody" in arguments:
        print("no such voice", file=sys.stderr)
        sys.exit(3)
    else:
        whole = io.BytesIO()
        write_tone(whole)
        sys.stdout.buffer.write(whole.getvalue())


def festival(arguments: list[str]) -> None:
    if "-b" in arguments:
        print(LOCATIONS)
        return
    if "FAKE_END" in os.environ:
        return
    for line in sys.stdin:
        log(line.strip())
        if "die" in line:
            sys.exit(1)
        if "ready" in line:
            print("\nready", flush=True)
        elif "fail" in line:
            print("BACKTRACE:")
        else:
            write_tone(re.findall(r'"([^"]*\.wav)"', line)[0])


if __name__ == "__main__":
    log(str(sys.argv))
    (flite if sys.argv[0].endswith("flite") else festival)(sys.argv[1:])
