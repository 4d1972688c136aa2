"""A training in stretches: between two of them the net chooses which of the unknown sounds it sees more often."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import scores_to_uint8
from mltk_like.errors import ModelError, SettingError, one_line
from mltk_like.feed.mined import Mined, load_mined, save_mined
from mltk_like.feed.pool import BatchSource
from mltk_like.feed.store import ClipStore
from mltk_like.feed.windows import SplitFiles
from mltk_like.paths import portable, write_text
from mltk_like.training.fit import Learner
from mltk_like.training.mining import Mining, mine_clips
from mltk_like.training.schedule import Schedule

MINING = "mining.json"
"""What rounds of mining found, in the run's folder of checkpoints."""

_SHOWN = 50
_KEPT_PER_HOUR = 1500
"""Windows that are kept, for each hour listened to: about one in twelve."""
_RECORDED_HOURS = 1.0


def check_mining(model: Any) -> None:
    """Raise SettingError where rounds of mining, or the place of keywords, do not fit the other settings."""
    span = model.keyword_end_ms
    if span is not None and span[0] > span[1]:
        raise SettingError(f"keyword_end_ms={span} is no range", "give (least, most), such as (-60, 240)")
    if model.mining_rounds and model.window_stride_ms:
        hint = "leave mining_rounds at 0 where window_stride_ms cuts the windows out of labelled recordings"
        raise SettingError("what is mined cannot be drawn among windows that are cut", hint)
    if model.mining_rounds and "_unknown_" not in model.classes:
        raise SettingError(
            "mining_rounds needs the class '_unknown_'", "add it to classes, or leave mining_rounds at 0"
        )


@dataclass(frozen=True, kw_only=True)
class Listening:
    """What a training is asked for between two stretches.

    Attributes:
        model: a model with AudioDatasetMixin and TrainMixin.
        files: the training split.
        folder: keeps `mined-1.npz`, `mined-2.npz`, ... so that a training that goes on sees the same windows.
        open_feed: opens a feed of the split, as it was given or with mined windows.
        say: prints a line.
        progress: show bars.
    """

    model: Any
    files: SplitFiles
    folder: Path
    open_feed: Callable[[SplitFiles], AbstractContextManager[BatchSource]]
    say: Callable[[str], None]
    progress: bool = True


class MiningRounds:
    """The feeds of a training's stretches. Use it as a context manager: leaving it ends the workers.

    Args:
        asked: model, clips and the way to open a feed.
        schedule: of the training; the rounds divide its epochs into equal stretches.
        rounds: how many there are.

    Attributes:
        steps: numbers of batches after which there is a round of mining, at ends of epochs.
    """

    def __init__(self, asked: Listening, schedule: Schedule, *, rounds: int) -> None:
        self._asked = asked
        count = rounds
        ends = (round(schedule.epochs * number / (count + 1)) for number in range(1, count + 1))
        steps = dict.fromkeys(epoch * schedule.steps_per_epoch for epoch in ends if epoch)
        self.steps = tuple(step for step in steps if step < schedule.total_steps)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def feed(self, step: int, trainer: Learner) -> BatchSource:
        """The feed of the stretch that goes on after `step` batches; listens first, where that was not done before.

        Raises:
            DataError: what was mined cannot be written or read again; a clip cannot be used.
            ToolError: a worker process died.
        """
        self._open.close()
        number = sum(step >= end for end in self.steps)
        files = self._asked.files
        if number:
            files = replace(files, mined=self._mined(number, trainer))
        return self._open.enter_context(self._asked.open_feed(files))

    def _mined(self, number: int, trainer: Learner) -> Path:
        """The file with the windows of a round and of those before it, which are not forgotten again."""
        path = self._asked.folder / f"mined-{number}.npz"
        if path.is_file():
            return path
        trainer.swap_mean()
        try:
            found = _listen(self._asked, number, trainer)
        finally:
            trainer.swap_mean()
        before = self._asked.folder / f"mined-{number - 1}.npz"
        mined = found.mined if number == 1 or not before.is_file() else _together(found.mined, load_mined(before))
        self._asked.folder.mkdir(parents=True, exist_ok=True)
        save_mined(path, mined)
        _note(self._asked, number, found, len(mined))
        return path


def mine_first(asked: Listening, teachers: Learner) -> SplitFiles:
    """The files with what trained teachers take for a keyword, found once, before the net sees any window.

    Raises as `MiningRounds.feed` does.
    """
    path = asked.folder / "mined-1.npz"
    if not path.is_file():
        found = _listen(asked, 1, teachers)
        asked.folder.mkdir(parents=True, exist_ok=True)
        save_mined(path, found.mined)
        _note(asked, 1, found, len(found.mined))
    return replace(asked.files, mined=path)


def _note(asked: Listening, number: int, found: Mining, drawn: int) -> None:
    """Say what a round found, and keep it for whoever reads the run: `mining.json`, one entry a round."""
    asked.say(
        f"mining round {number}: {found.alarms} of {found.heard} windows of {found.hours:.1f} h fire; "
        f"{len(found.mined)} of the highest are drawn from now on, with those of former rounds {drawn}"
    )
    path = asked.folder / MINING
    rounds = _noted(path) if number > 1 and path.is_file() else []
    mined, rate = found.mined, asked.model.frontend.sample_rate_hz
    names, sources = asked.files.names, asked.files.families
    entry = {
        "round": number,
        "hours": round(found.hours, 3),
        "windows": found.heard,
        "alarms": found.alarms,
        "kept": len(mined),
        "kept_by_family": dict(Counter(sources[clip] for clip in mined.clips).most_common()) if sources else {},
        "loudest": [
            {
                "clip": portable(Path(names[clip])),
                "end_s": round(float(end) / rate, 2),
                "score": round(float(score), 3),
            }
            for clip, end, score in list(zip(mined.clips, mined.ends, mined.scores, strict=True))[:_SHOWN]
            if names
        ],
    }
    write_text(path, json.dumps([*rounds[: number - 1], entry], indent=2) + "\n")


def _noted(path: Path) -> list[Any]:
    """What former rounds found. Raises ModelError where it cannot be read."""
    try:
        rounds = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path}: {one_line(error)}", "train again without --resume") from error
    if not isinstance(rounds, list):
        raise ModelError(f"{path} holds no list of rounds", "train again without --resume")
    return rounds


def _listen(asked: Listening, number: int, learner: Learner) -> Mining:
    """What a net, as it stands, takes for a keyword."""
    model, store = asked.model, ClipStore(asked.files.speech)
    return mine_clips(
        lambda windows: scores_to_uint8(learner.predict(windows[:, :, np.newaxis])),
        model.frontend,
        store,
        _minable(asked.files, store, model.frontend.sample_rate_hz),
        np.array([not name.startswith("_") for name in model.classes]),
        np.random.default_rng([model.seed, number, 0x313E]),
        hours=model.mining_hours,
        keep=round(_KEPT_PER_HOUR * model.mining_hours),
        progress=asked.progress,
    )


def _minable(files: SplitFiles, store: ClipStore, rate: int) -> NDArray[np.int64]:
    """Clips of unknown speech that are listened to: the recordings, where there is an hour of them, else all.

    What is mined of synthetic speech are words made to sound like the keyword. A net that has to tell these from
    synthetic keywords by more than it hears no longer takes people's way of saying the keyword for it.
    """
    unknown = np.array([label == "_unknown_" for label in files.labels], dtype=bool)
    recorded = np.flatnonzero(unknown & ~np.array(files.synthetic or [False] * len(unknown), dtype=bool))
    enough = store.lengths[recorded].sum() >= _RECORDED_HOURS * 3600 * rate
    return recorded if enough else np.flatnonzero(unknown)


def _together(new: Mined, old: Mined) -> Mined:
    """Both, without what is in both; the older half of the windows is the less mistaken by now."""
    half = slice(0, max(len(old) // 2, 1))
    clips, ends = np.concatenate([new.clips, old.clips[half]]), np.concatenate([new.ends, old.ends[half]])
    scores = np.concatenate([new.scores, old.scores[half]])
    _, first = np.unique(np.stack([clips, ends]), axis=1, return_index=True)
    kept = np.sort(first)
    return Mined(clips=clips[kept], ends=ends[kept], scores=scores[kept])
