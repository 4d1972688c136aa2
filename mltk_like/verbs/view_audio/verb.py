"""Audio as the net sees it: a page with waveforms, spectrograms and augmented variants."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.errors import DataError, MltkLikeError, SettingError
from mltk_like.mixins import TrainMixin
from mltk_like.model import Model
from mltk_like.paths import write_bytes, write_text
from mltk_like.verbs.shared.page import Html, element, notice, page, paragraph
from mltk_like.verbs.view_audio.sections import ClipSection, clip_section, columns_list, settings_section
from mltk_like.verbs.view_audio.shown import Read, Shown, augmenters_of, items_of_data, items_of_files, look, read_items
from mltk_like.verbs.view_audio.subject import Column, Subject, changed_column, open_subject
from mltk_like.verbs.view_audio.variants import OwnData, own_data

PAGE = "index.html"
_LONGEST_S = 300.0
_EXPLAINED = (
    "Spectrograms hold the int8 values that enter the net, -128 (dark) to 127 (bright). Sound before the window warms "
    "up noise reduction, as in training; its columns are dropped."
)


@dataclass(frozen=True, kw_only=True)
class ClipLine:
    """Figures of one clip: `seconds` shown from `start_s` on, of `duration_s`; the net's input (columns, channels)."""

    name: str
    path: str
    label: str
    duration_s: float
    start_s: float
    seconds: float
    rms_dbfs: float
    peak_dbfs: float
    clipped: int
    columns: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class AudioPage:
    """A page that was written.

    Attributes:
        name: of the model.
        page: the HTML file; its pictures lie beside it as PNG files too.
        clips: what it shows.
        notes: what the reader should know: where the sounds come from, what is left out and why.
        problems: one sentence for each file that could not be shown.
    """

    name: str
    page: Path
    clips: tuple[ClipLine, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "page": str(self.page)}

    def __str__(self) -> str:
        width = max(len(clip.name) for clip in self.clips)
        lines = [f"{'clip':<{width}} {'seconds':>8} {'dBFS':>6} {'peak':>6} {'clipped':>7}  input"]
        lines += [
            f"{clip.name:<{width}} {clip.duration_s:>8.2f} {clip.rms_dbfs:>6.1f} {clip.peak_dbfs:>6.1f} "
            f"{clip.clipped:>7}  {clip.columns} x {clip.channels}"
            for clip in self.clips
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), f"page: {self.page}"])


def view_audio(
    model: Model | str | Path,
    files: Sequence[str | Path] = (),
    *,
    changes: Sequence[str] = (),
    output: Path | None = None,
    clips: int = 4,
    label: str | None = None,
    variants: int = 3,
    seed: int | None = None,
    start_s: float = 0.0,
    seconds: float = 30.0,
    progress: bool = True,
) -> AudioPage:
    """Write a page that shows audio as the net sees it.

    Args:
        model: a specification, name, `.py`, run folder, archive or `.tflite`; a bare `.tflite` has no variants.
        files: audio files; none: clips of the model's own data.
        changes: each a column beside the model's settings: `name=value`, or several joined by `+`.
        output: folder for `index.html` and its pictures; none: `<model>-audio`.
        clips: how many of the model's own clips, where no files are given.
        label: class of the files (none: the first that is detected), or of the own clips (none: all by turns).
        variants: augmented variants of each clip, as training makes them.
        seed: of the variants; none: the model's.
        start_s: where to begin in each clip.
        seconds: at most so much of each clip, up to 300.

    Returns:
        what was written; files that could not be read are among its `problems`, when others could.

    Raises:
        SettingError: an argument or a changed setting is wrong.
        ModelError: the model cannot be found or carries no front-end settings.
        DataError: no file can be read, or the model's data cannot be had; nothing is written then.
        ToolError: matplotlib, or a package that a source needs, is not installed.
    """
    _check_numbers(clips=clips, variants=variants, seed=seed, start_s=start_s, seconds=seconds)
    subject = open_subject(model)
    columns = [Column(model=subject.model), *(changed_column(subject.model, text) for text in changes)]
    # The user's files first: a wrong name must not wait for the model's data.
    items = items_of_files(files, subject.model.classes, label)
    reads = read_items(items, columns, start_s=start_s, seconds=seconds) if items else None
    data, notes = _data_of(subject, needed=not files, variants=variants, progress=progress)
    if reads is None:
        reads = read_items(items_of_data(data, clips, label), columns, start_s=start_s, seconds=seconds)
    seed = int(getattr(subject.model, "seed", 0)) if seed is None else seed
    augmenters = augmenters_of(columns, data, seed, progress=progress) if data.clips and variants else []
    if augmenters:
        notes = [f"Variants are mixed with noise and speech of {data.origin}; --seed {seed} makes them again."]
    pairs: list[tuple[Shown, ClipSection]] = []
    for item, stretches in _bar(reads.good, progress):
        shown = look(item, columns, stretches, augmenters, variants)
        pairs.append((shown, clip_section(len(pairs) + 1, shown, columns, seed)))
    # All is in memory by now, so an error leaves nothing behind.
    folder = output or Path(f"{subject.name}-audio")
    return _write(folder, subject, columns, pairs, notes, reads.problems)


def _check_numbers(*, clips: int, variants: int, seed: int | None, start_s: float, seconds: float) -> None:
    if clips < 1:
        raise SettingError(f"{clips} clips are none", "give 1 or more")
    if variants < 0 or (seed or 0) < 0:
        raise SettingError("the number of variants and their seed cannot be negative", "give 0 or more")
    if not (0 <= start_s < math.inf and 0 < seconds <= _LONGEST_S):
        raise SettingError(
            f"there is no stretch of {seconds:g} s from {start_s:g} s", f"start at 0 or later, up to {_LONGEST_S:g} s"
        )


def _data_of(subject: Subject, *, needed: bool, variants: int, progress: bool) -> tuple[OwnData, list[str]]:
    """The model's own clips, to be shown or mixed; where there are none, what to say."""
    nothing = OwnData(clips=(), origin="")
    if subject.spec is None:
        if needed:
            raise DataError(f"of {subject.name} the .tflite alone is known, and no clips", "name audio files to show")
        return nothing, ["No variants: of this model the .tflite alone is known, not its data and augmentation."]
    if not needed and not variants:
        return nothing, []
    if not needed and not isinstance(subject.model, TrainMixin):
        return nothing, ["No variants: the model lacks TrainMixin."]
    try:
        return own_data(subject.model, subject.spec, progress=progress), []
    except MltkLikeError as error:
        if needed:
            raise
        return nothing, [f"No variants: the model's own sounds cannot be had: {error.message}"]


def _bar(reads: Sequence[Read], progress: bool) -> Iterable[Read]:
    from tqdm.auto import tqdm

    bar: Iterable[Read] = tqdm(reads, desc="spectrograms", unit="clip", disable=not progress)
    return bar


def _write(
    folder: Path,
    subject: Subject,
    columns: Sequence[Column],
    pairs: Sequence[tuple[Shown, ClipSection]],
    notes: Sequence[str],
    problems: Sequence[str],
) -> AudioPage:
    """The pictures first, the page last."""
    bad = [notice("Not shown:", element("ul", *(element("li", text) for text in problems)))]
    lead: list[Html] = [
        *([paragraph(subject.model.description, soft=True)] if subject.model.description else []),
        paragraph(_EXPLAINED),
        *(bad if problems else []),
        *(paragraph(note) for note in notes),
        columns_list(columns),
    ]
    sections = [*(clip.section for _, clip in pairs), settings_section(columns)]
    document = page(f"{subject.name}: audio as the net sees it", sections, lead=lead)
    for _, clip in pairs:
        for name, data in clip.pictures.items():
            write_bytes(folder / name, data)
    write_text(folder / PAGE, document)
    return AudioPage(
        name=subject.name,
        page=folder / PAGE,
        clips=tuple(_clip_line(shown) for shown, _ in pairs),
        notes=tuple(notes),
        problems=tuple(problems),
    )


def _clip_line(clip: Shown) -> ClipLine:
    stretch, net = clip.stretches[0], clip.net[0]
    return ClipLine(
        name=clip.item.name,
        path=str(clip.item.path),
        label=clip.item.label,
        duration_s=stretch.total_s,
        start_s=stretch.start_s,
        seconds=stretch.seconds,
        rms_dbfs=clip.level.rms_dbfs,
        peak_dbfs=clip.level.peak_dbfs,
        clipped=clip.level.clipped,
        columns=net.values.shape[0],
        channels=net.values.shape[1],
    )
