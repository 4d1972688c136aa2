"""A trained detector learns to hear one person more, and heads on the speech embedding keep what it knows of others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mltk_like as mltk
from mltk_like.audio.wav import write_wav
from mltk_like.data.clip import Clip
from mltk_like.data.own import A_THIRD, OWN_WEIGHT
from mltk_like.feed.dataset import collect
from mltk_like.verbs.train.recordings import describe, drawn_less, own_data
from tests import toys


def voice(folder: Path, count: int) -> Path:
    for number in range(count):
        write_wav(folder / f"{number}.wav", toys.beep(np.random.default_rng([5, number])), toys.RATE)
    return folder


def weights(clips: tuple[Clip, ...], source: str) -> float:
    return sum(clip.weight for clip in clips if clip.label == "beep" and clip.source == source)


def test_some_recordings_are_a_third_of_the_keyword(tmp_path: Path) -> None:
    model = mltk.load_model(toys.write_toy(tmp_path / "toy"))
    own = own_data(voice(tmp_path / "mine", 4), (), None, None)
    (plain,), (source,) = own.sources(model), own.sources(model, personal=True)
    assert (plain.weight, source.weight) == (OWN_WEIGHT, A_THIRD)
    assert "drawn as a third of it" in describe(source)
    splits = collect(model, own=[source], workers=0, progress=False).splits
    clips = tuple(clip for _, part in splits.items() for clip in part)
    mine = weights(clips, "own positives")
    assert mine == pytest.approx(sum(clip.weight for clip in clips if clip.label == "beep") / 3)
    assert drawn_less([source], splits) == []
    # What was asked for is what is taken.
    (asked,) = replace(own, weight=2.0).sources(model, personal=True)
    assert asked.weight == 2.0
