"""What a training says where it has never heard people."""

from pathlib import Path

import pytest

from mltk_like.data.clip import Clip
from mltk_like.data.split import Splits
from mltk_like.verbs.train.prepare import _hears_no_people


def clip(label: str, *, spoken: bool) -> Clip:
    details = {"engine": "hibari"} if spoken else {}
    return Clip(path=Path("a.wav"), label=label, group="g", source="s", details=details)


@pytest.mark.parametrize(
    ("keyword", "others", "said"),
    [
        (True, [True, True], True),
        (True, [True, False], False),
        (False, [True], False),
        (True, [], False),
    ],
)
def test_the_note_comes_where_keywords_and_all_other_speech_are_synthetic(
    keyword: bool, others: list[bool], said: bool
) -> None:
    clips = (clip("yes", spoken=keyword), *(clip("_unknown_", spoken=spoken) for spoken in others))
    noise = clip("_noise_", spoken=False)
    assert _hears_no_people(Splits(training=(*clips, noise), validation=(), test=())) is said
