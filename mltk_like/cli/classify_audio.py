"""`classify_audio MODEL`."""

import argparse
import sys
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP, add_device
from mltk_like.errors import SettingError

# Names, where the value goes, type, name of the value, help.
_VALUES = (
    (
        ("--input",),
        "input",
        str,
        "FILE",
        "a sound file, or - for raw int16 samples or a WAV on stdin (default: the microphone)",
    ),
    (("--rate",), "rate", int, "HZ", "rate of the raw samples (default: the model's)"),
    (("-m", "--microphone"), "microphone", str, "NAME", "number, name or part of the name of a microphone"),
    (("--engine",), "engine", str, "NAME", "litert, or tflm: TensorFlow Lite Micro in a process of its own"),
    (("-w", "--window_duration"), "average_window_duration_ms", int, "MS", "older results are not averaged"),
    (("-c", "--count"), "minimum_count", int, "N", "results needed to decide; 0 decides on the latest alone"),
    (("-t", "--threshold"), "detection_threshold", int, "0..255", "score to exceed, for every class"),
    (("-s", "--suppression"), "suppression_ms", int, "MS", "time until the same class can be detected again"),
    (("-l", "--latency"), "latency_ms", int, "MS", "time from one inference to the next"),
    (("-u", "--volume"), "volume_gain", float, "GAIN", "factor on the samples"),
    (
        ("-g", "--gate"),
        "gate",
        int,
        "0..32768",
        "sample that opens the energy gate; 0: always open",
    ),
    (("-i", "--sensitivity"), "sensitivity", str, "LEVEL", "low, medium or high; a number: of the activity sign"),
)
_DUMPS = (
    (("-x", "--dump-audio"), "the audio, as the front end hears it"),
    (("-z", "--dump-spectrograms"), "a picture of the window behind each detection"),
    (("--dump-raw-spectrograms",), "the same as .npy"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = "MODEL stands first. Recogniser settings that are not given are the model's own."
    parser.add_argument("model", nargs="?", help=MODEL_HELP)
    for names, target, kind, value, text in _VALUES:
        parser.add_argument(*names, dest=target, type=kind, metavar=value, help=text)
    add_device(parser, "a board listens, or its microphone is heard where it has no model; --input is sent to it", "-d")
    for names, text in _DUMPS:
        text = f"write {text} (DIR: heard)"
        parser.add_argument(*names, nargs="?", type=Path, const=Path("heard"), metavar="DIR", help=text)
    text = "real time, as on a device on which an inference takes MS (default: what it takes here)"
    parser.add_argument("--simulate-latency", nargs="?", type=float, const="measured", metavar="MS", help=text)
    parser.add_argument("-v", "--verbose", action="store_true", help="print the scores of every step")
    parser.add_argument("--list-microphones", action="store_true", help="list them, and do nothing else")
    parser.add_argument("--json", action="store_true", help="print one JSON object an event")


def run(args: argparse.Namespace) -> int:
    """Listen until the audio ends (0) or Ctrl-C (130), and show what is heard."""
    from mltk_like.audio.recogniser import RecogniserSettings
    from mltk_like.verbs.classify_audio import Dumps, classify_audio, present, print_microphones

    if args.list_microphones:
        print_microphones(sys.stdout, as_json=args.json)
        return 0
    if args.model is None:
        raise SettingError("no model is named", "as in: mltk_like classify_audio keyword_spotting_alexa")
    given = {name: value for name, value in vars(args).items() if value is not None}
    dumps = Dumps(
        audio=args.dump_audio, spectrograms=args.dump_spectrograms, raw_spectrograms=args.dump_raw_spectrograms
    )
    live = classify_audio(
        args.model, input=args.input, microphone=args.microphone, device=args.device, rate_hz=args.rate,
        settings={name: value for name, value in given.items() if name in RecogniserSettings.__dataclass_fields__},
        sensitivity=args.sensitivity, gate=args.gate, engine=args.engine or "litert",
        simulate_latency=args.simulate_latency, dumps=dumps,
    )  # fmt: skip
    return present(live, sys.stdout, as_json=args.json, verbose=args.verbose)
