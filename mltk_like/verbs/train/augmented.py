"""Options of `train` for augmented windows: write some of them for ear and eye, store copies of all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mltk_like.errors import SettingError
from mltk_like.feed.copies import CopyStore
from mltk_like.feed.dump import dump_augmented
from mltk_like.feed.features import feature_sources
from mltk_like.feed.windows import SplitFiles
from mltk_like.paths import portable
from mltk_like.run import Run

AUTO = "auto"
_FOLDER = "augmented"
_STATE = "augment_copies"


@dataclass(frozen=True, kw_only=True)
class Augmented:
    """What `train` was asked for.

    Attributes:
        dump: so many windows are written to the run folder's `augmented/`.
        copies: so many passes are stored; 'auto': as disk and time allow; 0: none.

    Raises:
        SettingError: a number below 0, or another text.
    """

    dump: int = 0
    copies: int | str = 0

    def __post_init__(self) -> None:
        text = str(self.copies)
        if text != AUTO and not text.isdigit():
            raise SettingError(f"augment_copies={self.copies!r} is no number of passes", "give 0 or more, or 'auto'")
        if self.dump < 0:
            raise SettingError(f"dump_augmented={self.dump} is no number of windows", "give 0 or more")

    def check(self, model: Any) -> None:
        """Raise SettingError where stored passes would not be read, or there is no sound to write."""
        if (self.dump or str(self.copies) != "0") and feature_sources(model):
            raise SettingError(
                "ready features have no sound, and are not augmented", "leave out --dump-augmented and --augment-copies"
            )
        if str(self.copies) != "0" and model.embedding_teachers:
            hint = "leave augment_copies at 0, or embedding_teachers"
            raise SettingError("with embedding_teachers windows are made afresh, and copies would not be read", hint)

    def write_dump(self, run: Run, model: Any, files: SplitFiles, say: Callable[[str], None], progress: bool) -> None:
        """Write the windows asked for. Raises as `dump_augmented`."""
        if self.dump:
            index = dump_augmented(model, files, run.folder / _FOLDER, self.dump, progress=progress)
            say(f"augmented windows: {portable(index)}")

    def passes(
        self, run: Run, model: Any, files: SplitFiles, *, needed: int, workers: int, say: Callable[[str], None]
    ) -> int:
        """Passes to store for a training that takes so many; a run that goes on keeps to what it began with."""
        stored = run.state.get(_STATE)
        if stored is None:
            stored = self._decide(model, files, needed, workers, say)
            run.update(**{_STATE: stored})
        return int(stored)

    def _decide(self, model: Any, files: SplitFiles, needed: int, workers: int, say: Callable[[str], None]) -> int:
        if str(self.copies) != AUTO:
            # More than the training takes would never be read.
            return min(int(self.copies), needed)
        choice = CopyStore(model, files).choose(needed=needed, workers=workers)
        say(f"augmented copies: {choice.reason}")
        return choice.passes
