"""What was heard and computed, as sections of a page with pictures and players."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mltk_like.verbs.shared.audio_plots import plot_spectrogram, plot_waveform
from mltk_like.verbs.shared.page import Html, Section, audio, element, image, join, paragraph, png, row, table
from mltk_like.verbs.view_audio.shown import Shown
from mltk_like.verbs.view_audio.stretch import View
from mltk_like.verbs.view_audio.subject import Column, shown


@dataclass(frozen=True, kw_only=True)
class ClipSection:
    """A clip's section, and its pictures by file name."""

    section: Section
    pictures: dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class _Line:
    """Pictures side by side: how their files are called, what stands above, a view for each column or None."""

    key: str
    heading: str
    views: Sequence[View | None]
    wide: bool = False


def clip_section(number: int, clip: Shown, columns: Sequence[Column], seed: int) -> ClipSection:
    """Everything of one clip. Raises ToolError when matplotlib is not installed."""
    name, stretch = clip.item.name, clip.stretches[0]
    stem = f"{number:02d}-{re.sub(r'[^A-Za-z0-9]+', '-', clip.item.path.stem)[:40].strip('-') or 'clip'}"
    wave = _waveform(clip)
    pictures = {f"{stem}-waveform.png": wave}
    blocks = [
        table(_facts(clip)),
        *(paragraph(text) for text in _remarks(clip)),
        image(wave, alt=f"waveform of {name}", caption="Waveform; shaded: the window that the net gets"),
        audio(stretch.samples, stretch.sample_rate_hz, name=f"{name}, as it is"),
    ]
    for line in _lines(clip, seed):
        cells = []
        for place, (column, view) in enumerate(zip(columns, line.views, strict=True)):
            if view is None:
                continue
            front, start_ms = column.model.frontend, 1000 * view.start_s
            data = png(plot_spectrogram(view.values, front, start_ms=start_ms, wide=line.wide))
            pictures[f"{stem}-{line.key}-{place}.png"] = data
            # The whole stretch plays under its waveform; where columns sound the same, one player is enough.
            repeated = line.wide or (place > 0 and _same_sound(view, line.views[0]))
            cells.append(_cell(f"{name}: {line.heading}", column, view, data, player=not repeated))
        if cells:
            blocks += [element("h3", line.heading), *(cells if line.wide else [row(*cells)])]
    return ClipSection(section=Section(title=f"{number}. {name}", blocks=tuple(blocks)), pictures=pictures)


def settings_section(columns: Sequence[Column]) -> Section:
    """Every front-end setting, a column for each set; what differs is marked."""
    fronts = [column.model.frontend for column in columns]
    names = dict.fromkeys(name.name for front in fronts for name in dataclasses.fields(front))
    rows = [[name, *(shown(getattr(front, name, "")) for front in fronts)] for name in names]
    rows.append(["warm_up_ms (of training)", *(str(column.model.warm_up_ms) for column in columns)])
    rows.append(["columns × channels", *("{} × {}".format(*front.spectrogram_shape) for front in fronts)])
    changed = [number for number, cells in enumerate(rows) if len(set(cells[1:])) > 1]
    header = ["setting", *(column.title for column in columns)]
    return Section(title="Front-end settings", blocks=(table(rows, header=header, changed=changed),))


def columns_list(columns: Sequence[Column]) -> Html:
    """What each column of pictures differs in; nothing where there is one alone."""
    if len(columns) == 1:
        return Html("")
    items = []
    for column in columns:
        texts = [f"{name}: {shown(old)} → {shown(new)}" for name, old, new in column.changes]
        items.append(element("li", "; ".join(texts) or "the model's settings"))
    return join([paragraph("The spectrograms of each sound have, in this order:"), element("ol", *items)])


def _lines(clip: Shown, seed: int) -> list[_Line]:
    return [
        _Line(key="stretch", heading="Whole stretch (scaled to int8 as one)", views=clip.whole, wide=True),
        _Line(key="net", heading="What the net gets: the loudest window", views=clip.net),
        *(
            _Line(key=f"variant-{index}", heading=f"Variant {index} of seed {seed}, as training makes it", views=views)
            for index, views in enumerate(clip.variants)
        ),
    ]


def _waveform(clip: Shown) -> bytes:
    stretch, net = clip.stretches[0], clip.net[0]
    window_ms = 1000 * net.start_s, 1000 * (net.start_s + len(net.samples) / net.sample_rate_hz)
    start_ms = 1000 * stretch.start_s
    return png(plot_waveform(stretch.samples, stretch.sample_rate_hz, start_ms=start_ms, window_ms=window_ms))


def _cell(what: str, column: Column, view: View, data: bytes, *, player: bool) -> Html:
    columns, channels = view.values.shape
    caption = f"{column.title}: {columns} columns × {channels} channels"
    picture = image(data, alt=f"spectrogram of {what}, {column.title}", caption=caption)
    sound = audio(view.samples, view.sample_rate_hz, name=f"{what}, {column.title}") if player else ""
    return element("div", picture, sound)


def _same_sound(view: View, first: View | None) -> bool:
    return (
        first is not None
        and view.sample_rate_hz == first.sample_rate_hz
        and np.array_equal(view.samples, first.samples)
    )


def _facts(clip: Shown) -> list[tuple[str, str]]:
    stretch, level, net = clip.stretches[0], clip.level, clip.net[0]
    rms, peak = (f"{value:.1f} dBFS" if value > -100 else "silence" for value in (level.rms_dbfs, level.peak_dbfs))
    return [
        ("file", str(clip.item.path)),
        ("class", clip.item.label or "not known"),
        ("duration", f"{stretch.total_s:.3f} s"),
        ("level", f"{rms}, peak {peak}"),
        ("clipping", f"{level.clipped} samples at the ends of the 16 bits" if level.clipped else "none"),
        ("input of the net", "{} columns × {} channels".format(*net.values.shape)),
    ]


def _remarks(clip: Shown) -> Iterator[str]:
    stretch, net = clip.stretches[0], clip.net[0]
    if sum(net.padding_s):
        before, after = (1000 * seconds for seconds in net.padding_s)
        yield (
            f"Shorter than the net's window of {1000 * len(net.samples) / net.sample_rate_hz:g} ms: {before:.0f} ms of "
            f"zeros stand before it and {after:.0f} ms after it, as in training, where its place is drawn."
        )
    if stretch.total_s > stretch.seconds + 0.001:
        yield (
            f"Shown is the stretch from {stretch.start_s:g} s to {stretch.start_s + stretch.seconds:g} s; "
            "--start and --seconds choose another."
        )
