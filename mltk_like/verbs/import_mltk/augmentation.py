"""What a model file of MLTK does to sounds before the net hears them, as this tool's effects."""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mltk_like.verbs.import_mltk.ledger import Ledger
from mltk_like.verbs.import_mltk.mltk_file import MltkFile

_QUIETEST_DB = 40.0
_AMBIENCE = "noise = sounds.ambience(rng, len(scene))"
_NEEDLESS = {
    "cores": "train --workers",
    "debug": "train --debug",
    "max_batches_pending": "batches are made ahead as memory allows",
    "dtype": "windows are int8 here",
    "frontend_settings": "it is the setting frontend",
    "offset_range": "clips are placed anywhere in the window; see keyword_end_ms",
    "trim_threshold_db": "silence around a clip is trimmed before it is placed",
    "bg_noise_dir": "it is a source with the label '_noise_'",
    "validation_split": "it is split_fractions",
    "validation_augmentation_enabled": "validation windows are augmented as those of the training are",
    "unknown_class_percentage": "",
    "silence_class_percentage": "",
}
_NORMALISED = "standardize = True measures the training windows, with SpectrumSettings as front end"
_LEFT = {
    "vtlp_range": "effects.change_speed moves formants and pitch together; data.say(..., morph=0.5) makes other voices",
    "noise_colors": "effects.add_white_noise, and data.generated_noise() for noise of every colour",
    "get_batch_function": "write what it does in augment_clip and augment",
    "noaug_preprocessing_function": "write what it does in augment_clip",
    "preprocessing_function": "write what it does in augment_clip",
    "postprocessing_function": "write what it does in augment_features",
    "samplewise_center": _NORMALISED,
    "samplewise_std_normalization": _NORMALISED,
    "rescale": "the net takes the front end's int8 values as they are",
}


@dataclass(kw_only=True)
class Augmentation:
    """Statements of `augment_clip` (the dry clip) and `augment` (the window), each of which changes a name.

    Attributes:
        clip: those of `augment_clip`, which change `clip`.
        scene: those of `augment`, which change `scene`.
    """

    clip: list[str] = field(default_factory=list)
    scene: list[str] = field(default_factory=list)


def augmentation_of(file: MltkFile, ledger: Ledger) -> Augmentation:
    """What carries over of the generator's ranges and of audiomentations."""
    result = Augmentation()
    if file.generator is not None:
        _generator(file, file.generator, result, ledger)
    for call, dotted in file.calls():
        if dotted.startswith("audiomentations.") and dotted != "audiomentations.Compose":
            _transform(file, call, dotted.rsplit(".", 1)[-1], result, ledger)
    return result


def _generator(file: MltkFile, call: ast.Call, result: Augmentation, ledger: Ledger) -> None:
    for word in call.keywords:
        name, line = word.arg or "**", word.value.lineno
        value = file.constants.get(word.value)
        if name in ("speed_range", "pitch_range", "loudness_range", "bg_noise_range") and value is not None:
            span = _span(value)
            if span is None:
                ledger.leave(line, name, "its range cannot be told without running the file")
            else:
                _range(name, span, line, result, ledger)
        elif name in _NEEDLESS:
            if _NEEDLESS[name]:
                ledger.pass_over(line, name, _NEEDLESS[name])
        elif name in _LEFT and value in (None, False) and isinstance(word.value, ast.Constant):
            continue  # it is off
        elif value is None and isinstance(word.value, ast.Constant):
            continue
        else:
            ledger.leave(line, name, _LEFT.get(name, "this tool's windows have no such setting"))


def _span(value: Any) -> tuple[float, float] | None:
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(one, int | float) for one in value)):
        return None
    low, high = sorted(map(float, value))
    return low, high


def _range(name: str, span: tuple[float, float], line: int, result: Augmentation, ledger: Ledger) -> None:
    low, high = span
    if name == "speed_range" and low > 0:
        text = f"effects.change_tempo(clip, rng, factor={_pair(low, high)})"
        result.clip.append(f"clip = {text}")
    elif name == "pitch_range":
        given = span
        if 0.4 < low <= high < 2.5:  # factors, as the shipped files have them
            low, high = 12 * math.log2(low), 12 * math.log2(high)
            ledger.leave(
                line, f"pitch_range={given}", "MLTK takes it for 12 times as many semitones, all of them up; it is "
                f"taken for the factors that are meant, {low:.2g} to {high:.2g} semitones",
            )  # fmt: skip
        text = f"effects.change_pitch(clip, rng, semitones={_pair(low, high)})"
        result.clip.append(f"clip = {text}")
    elif name == "loudness_range" and low >= 0 and high > 0:
        text = f"effects.gain(clip, rng, db={_pair(_db(low), _db(high))})"
        result.clip.append(f"clip = {text}")
    elif name == "bg_noise_range" and low >= 0 and high > 0:
        text = _noise(_pair(-_db(high), -_db(low)))
        result.scene += [_AMBIENCE, f"scene = {text}"]
        text += ", where noise as loud as the clip is 0 dB"
    else:
        ledger.leave(line, name, f"{span} is no range of it")
        return
    ledger.carry(line, name, text)


def _noise(db: str) -> str:
    """The effect that adds noise; where the scene is silent the noise has a level of its own."""
    return f"effects.add_at_snr(scene, noise, rng, snr_db={db}, silence_dbfs=(-60, -20))"


def _db(factor: float) -> float:
    return max(20 * math.log10(factor), -_QUIETEST_DB) if factor > 0 else -_QUIETEST_DB


def _pair(low: float, high: float) -> str:
    return f"({round(low, 3):g}, {round(high, 3):g})"


def _transform(file: MltkFile, call: ast.Call, name: str, result: Augmentation, ledger: Ledger) -> None:
    """One transform of audiomentations; both its older names of arguments (`_in_db`) and its newer are known."""
    words = {(word.arg or "").replace("_in_db", "_db"): file.constants.get(word.value) for word in call.keywords}
    effect = _effect(name, words)
    if effect is None:
        ledger.leave(
            call.lineno, f"audiomentations.{name}", f'effects.audiomentation("{name}", ...) at the top of the file '
            "makes an effect of it (pip install 'mltk_like[augment]')",
        )  # fmt: skip
        return
    target, lines = effect
    p = words.get("p", 0.5)
    chance = float(p) if isinstance(p, int | float) else 0.5
    if chance < 1:
        lines = [f"if rng.random() < {chance:g}:", *(f"    {line}" for line in lines)]
    getattr(result, target).extend(lines)
    ledger.carry(call.lineno, f"audiomentations.{name}", lines[-1].strip())


def _effect(name: str, words: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """(list of statements that it belongs to, its statements); None where there is no such effect."""

    def span(low: str, high: str) -> str | None:
        found = _span((words.get(low), words.get(high)))
        return None if found is None else _pair(*found)

    if name == "Gain" and (db := span("min_gain_db", "max_gain_db")):
        return "scene", [f"scene = effects.gain(scene, rng, db={db})"]
    if name in ("AddGaussianSNR",) and (db := span("min_snr_db", "max_snr_db")):
        return "scene", [f"scene = effects.add_white_noise(scene, rng, snr_db={db})"]
    if name == "PitchShift" and (steps := span("min_semitones", "max_semitones")):
        return "clip", [f"clip = effects.change_pitch(clip, rng, semitones={steps})"]
    if name == "TimeStretch" and (rates := span("min_rate", "max_rate")):
        return "clip", [f"clip = effects.change_tempo(clip, rng, factor={rates})"]
    if name == "AddBackgroundNoise" and words.get("noise_rms") == "absolute":
        if levels := span("min_absolute_rms_db", "max_absolute_rms_db"):
            noise = "sounds.microphone(rng, len(scene))"
            return "scene", [f"scene = effects.add_at_level(scene, {noise}, dbfs=rng.uniform{levels})"]
    elif name == "AddBackgroundNoise" and (db := span("min_snr_db", "max_snr_db")):
        return "scene", [_AMBIENCE, f"scene = {_noise(db)}"]
    return None
