"""Waveforms and spectrograms as Matplotlib figures, used through objects alone: no window, no global state."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.settings import FrontendSettings
from mltk_like.errors import ToolError

_DPI = 100
_BLUE, _ORANGE, _RED = "#0072B2", "#E69F00", "#D55E00"
_POINTS = 1600
# Inches.
_WIDE, _NARROW = 10.6, 4.4
_LEFT, _RIGHT, _BOTTOM, _TOP = 0.65, 0.65, 0.45, 0.1
_TICKS_HZ = (125, 250, 500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000, 24000)


def band_centres_hz(settings: Any) -> NDArray[np.float64] | None:
    """Centre of each mel band in Hz, float64 (F,): even steps of mel = 1127 ln(1 + f / 700), as the filter bank has.

    None for a front end whose channels are not mel bands.
    """
    if not isinstance(settings, FrontendSettings):
        return None
    limits = settings.filterbank_lower_band_limit, settings.filterbank_upper_band_limit
    low, high = 1127 * np.log1p(np.array(limits) / 700)
    mel = np.linspace(low, high, settings.filterbank_n_channels + 2)[1:-1]
    return np.asarray(700 * np.expm1(mel / 1127), np.float64)


def plot_waveform(
    samples: NDArray[np.int16], sample_rate_hz: int, *, start_ms: float, window_ms: tuple[float, float]
) -> Any:
    """Samples (n,) over time, clipped places in red, the span of the net's window shaded.

    Args:
        samples: int16 (n,).
        sample_rate_hz: in Hz.
        start_ms: time of the first sample.
        window_ms: first and last instant of the window.

    Raises:
        ToolError: matplotlib is not installed.
    """
    figure, axes = _figure(_WIDE, 1.9)
    size = -(-len(samples) // _POINTS)
    whole = np.pad(samples, (0, -len(samples) % size), mode="edge").reshape(-1, size)
    times = start_ms + np.arange(len(whole)) * size * 1000 / sample_rate_hz
    low, high = whole.min(axis=1) / 32768, whole.max(axis=1) / 32768
    axes.axvspan(*window_ms, color=_ORANGE, alpha=0.2, linewidth=0)
    axes.fill_between(times, low, high, color=_BLUE, linewidth=0.8)
    clipped = (whole.max(axis=1) == 32767) | (whole.min(axis=1) == -32768)
    axes.plot(times[clipped], np.where(high >= -low, 1, -1)[clipped], "s", color=_RED, markersize=3, clip_on=False)
    axes.set_xlim(min(start_ms, window_ms[0]), max(start_ms + len(samples) * 1000 / sample_rate_hz, window_ms[1]))
    # Quiet recordings fill the height too: the axis says how loud they are.
    axes.set_ylim(*(np.array([-1, 1]) * max(1.1 * max(high.max(), -low.min()), 0.001)))
    axes.set_xlabel("time (ms)", fontsize=9)
    axes.set_ylabel("of full scale", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def plot_spectrogram(values: NDArray[np.int8], settings: Any, *, start_ms: float = 0.0, wide: bool = False) -> Any:
    """Values (T, F) as the net gets them, -128 to 127; the axis in Hz where the channels are mel bands.

    Args:
        values: int8 (T, F).
        settings: of the front end.
        start_ms: time of the first column.
        wide: as wide as a waveform.

    Raises:
        ToolError: matplotlib is not installed.
    """
    width, height = (_WIDE, 2.5) if wide else (_NARROW, 3.0)
    figure, axes = _figure(width, height)
    step_ms, window_ms = (1000 * n / settings.sample_rate_hz for n in (settings.step_samples, settings.window_samples))
    time, bands = values.shape
    # A column stands at the middle of the audio that it is made from, so a picture is as long as its audio.
    first_ms = start_ms + (window_ms - step_ms) / 2
    extent = (first_ms, first_ms + time * step_ms, -0.5, bands - 0.5)
    smooth = "auto" if wide else "nearest"
    drawn = axes.imshow(
        values.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-128, vmax=127, interpolation=smooth
    )
    axes.set_xlim(start_ms, start_ms + (time - 1) * step_ms + window_ms)
    axes.set_facecolor("#d0d0d0")
    axes.set_xlabel("time (ms)", fontsize=9)
    centres = band_centres_hz(settings)
    if centres is None:
        axes.set_ylabel("channel", fontsize=9)
    else:
        ticks = [hz for hz in _TICKS_HZ if centres[0] <= hz <= centres[-1]] or [round(centres[len(centres) // 2])]
        axes.set_yticks(np.interp(ticks, centres, np.arange(bands)), [f"{hz}" for hz in ticks])
        axes.set_ylabel(f"Hz ({bands} mel bands)", fontsize=9)
    bottom, tall = _vertical(height)
    scale = figure.add_axes((1 - 0.55 / width, bottom, 0.12 / width, tall))
    figure.colorbar(drawn, cax=scale, ticks=(-128, -64, 0, 64, 127))
    scale.tick_params(labelsize=8)
    return figure


def _figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure of that size in inches; all have the same margins, so that times stand below one another."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ToolError("plots need matplotlib, which is not installed", "pip install 'mltk_like[train]'") from error
    figure = Figure(figsize=(width, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    bottom, tall = _vertical(height)
    axes = figure.add_axes((_LEFT / width, bottom, (width - _LEFT - _RIGHT) / width, tall))
    axes.tick_params(labelsize=8)
    return figure, axes


def _vertical(height: float) -> tuple[float, float]:
    """Lower edge and height of the axes, as shares of the figure's height."""
    return _BOTTOM / height, (height - _BOTTOM - _TOP) / height
