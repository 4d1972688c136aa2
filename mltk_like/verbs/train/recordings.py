"""What the user adds to a model's sources on the command line: recordings of the keyword, and of what is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.data.clip import lengths_s
from mltk_like.data.own import A_THIRD, OWN_WEIGHT, OwnRecordings
from mltk_like.data.positives import positive_folders
from mltk_like.data.split import Splits
from mltk_like.errors import SettingError
from mltk_like.feed.plan import UNKNOWN
from mltk_like.paths import resolved, several_paths
from mltk_like.run import Run

# The key in a run's state.json.
_KEY = "own"


@dataclass(frozen=True, kw_only=True)
class OwnData:
    """Recordings for one training.

    Attributes:
        positives: file or folder with one keyword in each recording; see `data.positives`.
        negatives: files or folders with recordings of any length without the keyword.
        label: class of the positives; none: as their folder says, else the only one that is detected.
        weight: how much more often each is drawn than other clips; none: `OWN_WEIGHT`, and of the keyword said by one
            person as much as is allowed (see `personal`).
    """

    positives: Path | None = None
    negatives: tuple[Path, ...] = ()
    label: str | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        if self.label is not None and self.positives is None:
            raise SettingError("a label goes with recordings of it", "add --positives DIR")
        if self.weight is not None and not 0 < self.weight < float("inf"):
            raise SettingError(
                f"recordings_weight={self.weight} is not a positive number", "1: as often as other clips"
            )

    def sources(self, model: Any, *, personal: bool = False) -> list[OwnRecordings]:
        """The sources that stand for them in this model.

        Args:
            model: a model with TrainMixin.
            personal: a trained model is to hear a person whom it misses: ten recordings are a third of the keyword.

        Raises:
            SettingError, MisnamedError: it has no class for them, or it is not clear which.
        """
        found = []
        weight = OWN_WEIGHT if self.weight is None else self.weight
        keyword_weight = A_THIRD if personal and self.weight is None else weight
        for label, path in self._positives(model.classes).items():
            name = (
                "own positives" if self.positives and path == self.positives.expanduser() else f"own positives {label}"
            )
            found.append(OwnRecordings(path=path, label=label, weight=keyword_weight, name=name))
        if self.negatives and UNKNOWN not in model.classes:
            raise SettingError(f"{model.name} has no class {UNKNOWN!r} for negatives", f"its classes: {model.classes}")
        window_s = model.frontend.sample_length_ms / 1000
        for number, path in enumerate(self.negatives, 1):
            name = "own negatives" if number == 1 else f"own negatives {number}"
            found.append(OwnRecordings(path=path, label=UNKNOWN, weight=weight, window_s=window_s, name=name))
        return found

    def remember(self, run: Run) -> None:
        """Keep it with a run, for `resume`."""
        negatives = [str(resolved(path.expanduser())) for path in self.negatives]
        positives = str(resolved(self.positives.expanduser())) if self.positives else None
        if positives or negatives:
            values = {"positives": positives, "negatives": negatives, "label": self.label, "weight": self.weight}
            run.update(**{_KEY: values})

    def _positives(self, classes: Sequence[str]) -> Mapping[str, Path]:
        """The folder of each class among the positives."""
        if self.positives is None:
            return {}
        detected = [name for name in classes if not name.startswith("_")]
        if not detected or self.label not in (None, *detected):
            raise SettingError(
                f"positives are of a class that is detected, not {self.label!r}",
                f"use {' or '.join(detected) or 'another model'}",
            )
        return positive_folders(self.positives.expanduser(), classes, self.label)


def own_data(
    positives: str | Path | None, negatives: str | Path | Sequence[str | Path], label: str | None, weight: float | None
) -> OwnData:
    """The arguments of a verb as one value. Raises SettingError."""
    return OwnData(
        positives=None if positives is None else Path(positives),
        negatives=several_paths(negatives),
        label=label,
        weight=weight,
    )


def remembered(run: Run, given: OwnData) -> OwnData:
    """What a run was started with.

    Args:
        run: a run to go on with.
        given: recordings that were given now, which would make it another training.

    Raises:
        SettingError: there are such.
    """
    if given.positives is not None or given.negatives:
        raise SettingError(
            "a run goes on with the recordings that it was started with", "leave out --positives and --negatives"
        )
    kept: Mapping[str, Any] = run.state.get(_KEY) or {}
    return own_data(kept.get("positives"), kept.get("negatives", ()), kept.get("label"), kept.get("weight"))


def forgotten(state: Mapping[str, Any]) -> dict[str, Any]:
    """A finished run's state without the folders' names: its archive is for others, and its manifest has the clips."""
    return {**state, _KEY: None} if state.get(_KEY) else dict(state)


def describe(source: OwnRecordings) -> str:
    """One line on a source of own recordings. Raises DataError when it holds nothing usable."""
    clips = source.inventory().clips
    hours = sum(lengths_s(clips)) / 3600
    drawn = f"{source.weight:g} times as often" if source.weight != A_THIRD else "as a third of it"
    return f"{source.name}: {len(clips)} as {source.label!r}, {hours:.2f} h, drawn {drawn}"


def drawn_less(sources: Sequence[OwnRecordings], splits: Splits) -> list[str]:
    """A line for each source whose clips count less than was asked for, lest they outweigh all others."""
    weights = {clip.source: clip.weight for _, clips in splits.items() for clip in clips}
    return [
        f"{source.name}: so many that they are drawn {weights[source.name]:.2g} times as often as others, "
        f"not {source.weight:g}: they are a third of the {source.label!r} sounds as it is"
        for source in sources
        if weights.get(source.name, source.weight) < source.weight != A_THIRD
    ]
