"""The steps of a front end and the shape of what each gives, as a table."""

from dataclasses import asdict, dataclass
from typing import Any

from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import AnySettings
from mltk_like.audio.spectrum import SpectrumSettings


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what it is, what it does, and the shape of its output (samples; frames x values; columns x values)."""

    name: str
    what: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class FrontendSteps:
    """From the samples of one window to what the net is given; `str()` is a table."""

    steps: tuple[Step, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"steps": [asdict(step) for step in self.steps]}

    def __str__(self) -> str:
        rows = [("step", "output", "what")]
        rows += [(step.name, " x ".join(map(str, step.shape)), step.what) for step in self.steps]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return "\n".join(f"{name:<{widths[0]}}  {shape:>{widths[1]}}  {what}" for name, shape, what in rows)


def frontend_steps(settings: AnySettings, gate: EnergyGateSettings | None = None) -> FrontendSteps:
    """The steps that a front end takes with one window of audio, in order; those that are off are left out.

    Args:
        settings: of either front end.
        gate: the model's energy gate, if it has one.
    """
    size, hop = (ms * settings.sample_rate_hz // 1000 for ms in (settings.window_size_ms, settings.window_step_ms))
    frames = (settings.sample_length - size) // hop + 1
    steps = [
        Step(
            name="audio",
            what=f"{settings.sample_length_ms} ms at {settings.sample_rate_hz} Hz",
            shape=(settings.sample_length,),
        ),
        Step(name="windowing", what=f"{size} samples every {hop}", shape=(frames, size)),
    ]
    if gate is not None:
        what = f"live: |sample| >= {gate.threshold} opens it, back-off {gate.backoff} frames; open in training"
        steps.append(Step(name="energy gate", what=what, shape=(frames, size)))
    steps += _float(settings, frames) if isinstance(settings, SpectrumSettings) else _fixed(settings, frames)
    return FrontendSteps(steps=tuple(steps))


def _float(s: SpectrumSettings, frames: int) -> list[Step]:
    bins = s.fft_length // 2 + 1
    bands = "the first FFT bins" if s.filterbank_scale == "linear" else f"{s.filterbank_scale} mel bands"
    limits = f"{s.filterbank_lower_band_limit:g} to {s.filterbank_upper_band_limit:g} Hz"
    emphasis = f"pre-emphasis {s.pre_emphasis:g}, " if s.pre_emphasis else ""
    mean = f"{emphasis}minus the frame's mean, " if s.remove_mean else emphasis
    steps = [
        Step(
            name="FFT",
            what=f"{mean}{s.window_function} window, {('magnitude', 'power')[s.power - 1]}",
            shape=(frames, bins),
        ),
        Step(name="bands", what=f"{bands}, {limits}", shape=(frames, s.filterbank_n_channels)),
    ]
    values = s.filterbank_n_channels
    if s.log != "none":
        steps.append(Step(name="log", what=s.log, shape=(frames, values)))
    if s.mfcc_count:
        values = s.mfcc_count
        last = s.mfcc_first + s.mfcc_count - 1
        steps.append(Step(name="MFCC", what=f"DCT, coefficients {s.mfcc_first} to {last}", shape=(frames, values)))
    if (s.mean, s.std, s.means, s.stds) != (0.0, 1.0, (), ()):
        mean, std = (_range(each or (common,)) for each, common in ((s.means, s.mean), (s.stds, s.std)))
        steps.append(Step(name="normalise", what=f"minus {mean}, over {std}", shape=(frames, values)))
    if s.cascade > 1:
        slide = 1 if s.cascade_slide else s.cascade
        what = f"{s.cascade} frames in a column, a column each {slide}: {values} x {s.cascade} values"
        steps.append(Step(name="cascade", what=what, shape=s.spectrogram_shape))
    what = f"{s.scale_minimum:g}..{s.scale_maximum:g} to 0..255 (uint8), or -128..127 (int8)"
    return [*steps, Step(name="min-max scale", what=what, shape=s.spectrogram_shape)]


def _range(values: tuple[float, ...]) -> str:
    """The number that all values have, or between which theirs lie."""
    low, high = min(values), max(values)
    return f"{low:g}" if len(values) == 1 else f"{low:.3g}..{high:.3g} (each value its own)"


def _fixed(s: Any, frames: int) -> list[Step]:
    values = s.filterbank_n_channels
    stages = [
        ("noise reduction", "a share of each band's running estimate is taken away", s.noise_reduction_enable),
        ("PCAN", "each band over a power of that estimate", s.pcan_enable),
        ("log", f"ln x 2^{s.log_scale_shift}", s.log_scale_enable),
    ]
    limits = f"{s.filterbank_lower_band_limit:g} to {s.filterbank_upper_band_limit:g} Hz"
    scaled = "scaled to the loudest value" if s.quantize_dynamic_scale_enable else "0..666 to -128..127"
    return [
        Step(name="FFT", what="Hann window, fixed point", shape=(frames, s.fft_length // 2 + 1)),
        Step(name="bands", what=f"mel bands, {limits}, square root", shape=(frames, values)),
        *(Step(name=name, what=what, shape=(frames, values)) for name, what, on in stages if on),
        Step(name="int8", what=scaled, shape=(frames, values)),
    ]
