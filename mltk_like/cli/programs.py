"""The C++ programs of the package as commands: `audio_classifier` and `board_simulator`.

Each is replaced by its program, which finds TensorFlow Lite Micro where this installation has it.
"""

import os
import sys

from mltk_like.errors import MltkLikeError

_HELP = {
    "audio_classifier": """\
usage: audio_classifier --model FILE.tflite [options] [FILE.wav | -]

What a model hears in a recording or on a live line, without Python; the very detections of classify_audio.
The recording is a WAV file of 16-bit mono PCM at the model's rate; -, or nothing, is standard input.

options, before the recording; those that are not given are the model's own:
  --threshold N      score to exceed, 0 to 255, for every class
  --latency MS       time from one inference to the next
  --count N          results needed to decide; 0 decides on the latest alone
  --window MS        older results are not averaged
  --suppression MS   time until the same class can be detected again
  --volume GAIN      factor on the samples
  --gate N           sample that opens the energy gate, 0 to 32768; 0: always open
  --scores           print the scores of every step
  --json             one JSON object an event
  --raw              samples alone, little-endian; with --rate HZ where that is not the model's
  --library FILE     TensorFlow Lite Micro (default: that of the installed tflite-micro)

example: arecord -f S16_LE -r 16000 -t raw | audio_classifier --model keyword_spotting_alexa.tflite --raw
""",
    "board_simulator": """\
usage: board_simulator --model FILE.tflite [options]
       board_simulator --microphone FILE.wav [options]

A board without hardware: front end, recogniser and TensorFlow Lite Micro behind the board protocol, on a
pseudo-terminal. The first line of its output is the path of that; it ends when its standard input is closed.
Without a model it is a board that only streams its microphone.

options:
  --microphone FILE  a WAV file that it hears over and over, in real time (default: silence)
  --rate HZ          of the microphone of a board without a model (default: 16000)
  --slot BYTES       room for a model that is sent to it
  --name TEXT        what it calls itself
  --fault LIST       drop=P,flip=P,garbage=P,reset=BYTES,unplug=BYTES: what goes wrong on the line
  --seed N           of the faults
  --library FILE     TensorFlow Lite Micro (default: that of the installed tflite-micro)

example: board_simulator --model keyword_spotting_alexa.tflite
         mltk_like classify_audio keyword_spotting_alexa --device /dev/pts/N
""",
}


def audio_classifier() -> int:
    """The command `audio_classifier`."""
    return _become("audio_classifier", sys.argv[1:])


def board_simulator() -> int:
    """The command `board_simulator`."""
    return _become("board_simulator", sys.argv[1:])


def _become(name: str, arguments: list[str]) -> int:
    """Turn this process into a program; returns only where there is help to show (0) or that cannot be (2)."""
    if {"-h", "--help"} & set(arguments):
        print(_HELP[name], end="")
        return 0
    from mltk_like.audio.programs import program_path
    from mltk_like.tflite.runner import find_tflm

    try:
        program = str(program_path(name))
        library = [] if "--library" in arguments or "--model" not in arguments else ["--library", str(find_tflm())]
    except MltkLikeError as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    os.execv(program, [name, *library, *arguments])
