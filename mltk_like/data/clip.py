"""One audio clip, as every source hands it over."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """An audio file with what the split, the manifest and the report need to know of it.

    Attributes:
        path: the audio file (any format that libsndfile reads).
        label: class it belongs to: a name in the model's `classes`, or `_noise_` for background sound.
        group: who is heard: voice, speaker or recording. No group is ever in two of the three splits.
        source: name of the source that gave it.
        licence: SPDX name or a short text; empty when unknown.
        text: the words said; empty when unknown.
        split: 'training', 'validation' or 'test' where the source fixes it; empty lets the splitter decide by group.
    """

    path: Path
    label: str
    group: str
    source: str
    licence: str = ""
    text: str = ""
    split: str = ""
