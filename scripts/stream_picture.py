"""The README's picture: a stream of test voices through keyword_spotting_alexa, with what it scored and detected.

usage: python scripts/stream_picture.py RUN_FOLDER OUT.png
"""

import sys
from pathlib import Path

import numpy as np

from mltk_like.artifact import open_artifact
from mltk_like.audio import FrontendSettings, Recogniser, RecogniserSettings
from mltk_like.audio.wav import read_audio
from mltk_like.data.manifest import read_manifest, splits_of
from mltk_like.evaluation.streams import StreamScorer, pad_clip
from mltk_like.evaluation.subject import make_scorer
from mltk_like.metrics.plots import plot_stream
from mltk_like.tflite import read_parameters

WORDS = 16
PAUSE_S = 0.7
LONGEST_TEXT = 9


def main(folder: Path, picture: Path) -> None:
    """Join test clips, every fourth of them the keyword, and draw."""
    model = open_artifact(folder).tflite()
    parameters = read_parameters(model)
    frontend, recogniser = FrontendSettings.from_parameters(parameters), RecogniserSettings.from_parameters(parameters)
    rate = frontend.sample_rate_hz
    rng = np.random.default_rng(7)
    clips = splits_of(read_manifest(folder / "manifest.jsonl")).test
    chosen = [_pick(clips, "alexa" if place % 4 == 2 else "_unknown_", rng) for place in range(WORDS)]
    audio, words, now = [], [], 1.5
    for clip in chosen:
        samples = read_audio(clip.path, rate)[: 3 * rate]
        words.append((now, now + len(samples) / rate, clip.text.strip(".?!") or clip.label))
        audio += [samples, np.zeros(round(PAUSE_S * rate), np.int16)]
        now += len(samples) / rate + PAUSE_S
    stream = StreamScorer(frontend, recogniser.latency_ms, make_scorer(model)).clips(
        [pad_clip(np.concatenate(audio), rate, rng)]
    )[0]
    found = Recogniser(recogniser, ["alexa", "_unknown_"]).detect(stream.scores, stream.times_ms)
    plot_stream(
        stream.times_ms,
        stream.scores[:, 0],
        words=words,
        detections=found,
        threshold=recogniser.detection_threshold,
        title='Score of "alexa" along a stream of voices that were not trained on',
        path=picture,
    )


def _pick(clips, label, rng):  # type: ignore[no-untyped-def]
    """A random clip of a label whose text is short enough to stand over it."""
    named = [clip for clip in clips if clip.label == label and 0 < len(clip.text) <= LONGEST_TEXT]
    return named[int(rng.integers(len(named)))]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
