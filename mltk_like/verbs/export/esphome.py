"""`--format esphome`: a wake word for ESPHome's `micro_wake_word`, where a model is of the kind that it runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import prod
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.audio import FrontendSettings, RecogniserSettings
from mltk_like.audio.frontend import frontend_from_parameters, has_frontend
from mltk_like.errors import ModelError
from mltk_like.tflite import STREAMING_ROWS, read_parameters, run_tflm, summarize_tflite
from mltk_like.tflite.c_array import operators_of
from mltk_like.tflite.micro_wake_word import BANDS, micro_wake_word_form
from mltk_like.verbs.export.board_folder import filled
from mltk_like.verbs.export.names import safe_name, safe_title
from mltk_like.verbs.export.result import Written
from mltk_like.verbs.export.sources import check_no_prefix

# ESPHome's preprocessor_settings.h; of the step it takes what the manifest says, up to 30 ms.
_FRONTEND = FrontendSettings(
    window_size_ms=30, filterbank_n_channels=BANDS, noise_reduction_enable=True, pcan_enable=True
)
_FREE = frozenset({"sample_length_ms", "window_step_ms"})
_LONGEST_STEP_MS = 30
_AUTHORS = frozenset({"wake_word", "author", "website", "trained_languages"})
_LEAST_VERSION = "2024.7.0"  # the first that reads manifests of version 2


@dataclass(frozen=True, kw_only=True)
class _Word:
    """What is detected: its class, and when."""

    index: int
    label: str
    threshold: int
    window_ms: int
    classes: int


def esphome(artifact: Artifact, prefix: str) -> Written:
    """The `.tflite` in ESPHome's form, its manifest, and a device that listens with it.

    Raises:
        SettingError: a prefix is given; names are those of the model.
        ModelError: ESPHome cannot run this model; the reason is named.
        ToolError: TFLM, which measures the arena, is not installed.
    """
    check_no_prefix(prefix)
    data = artifact.tflite()
    parameters = read_parameters(data)
    frontend, word = _frontend(parameters, artifact.name), _word(parameters)
    net = micro_wake_word_form(_streaming(data), wanted=word.index, classes=word.classes)
    given = artifact.manifest()
    if given:
        net = artifact.tflite_as_given()  # which has that form
    arena = run_tflm(net, profile=False, repeat=1).arena_bytes + _scratch_bytes(net)
    step_ms = summarize_tflite(net).inputs[0].shape[1] * frontend.window_step_ms
    # The recogniser means the results of the window with both its ends.
    window = round(word.window_ms / step_ms) + 1
    # ESPHome takes the whole part of 255 times the cutoff, and detects what is above it.
    cutoff = round((word.threshold + 0.5) / 255, 4) if word.threshold < 255 else 1.0
    name = safe_name(artifact.name)
    title = safe_title(summarize_tflite(data, name=artifact.name).description or artifact.name)
    figures = {"FLASH": f"{len(net):,}", "ARENA": f"{arena:,}", "STEP": str(step_ms), "CUTOFF": str(cutoff)}
    manifest: dict[str, Any] = {
        "type": "micro",
        "wake_word": safe_title(word.label.replace("_", " ")) or name,
        "author": "the author of the model",
        "model": f"{name}.tflite",
        "trained_languages": ["en"],
        "version": 2,
        "micro": {
            "probability_cutoff": cutoff,
            "feature_step_size": frontend.window_step_ms,
            "sliding_window_size": window,
            "tensor_arena_size": arena,
            "minimum_esphome_version": _LEAST_VERSION,
        },
    }
    # What the author says of a model that came with a manifest goes with it.
    kept = _AUTHORS if given.get("version") == 1 else frozenset(given)
    manifest |= {name: value for name, value in given.items() if name in kept} | {"model": f"{name}.tflite"}
    return Written(
        files={
            **dict(filled("esphome", {"NAME": name, "TITLE": title, "WINDOW": str(window), **figures})),
            f"{name}.json": json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
            f"{name}.tflite": net,
        },
        flash_bytes=len(net),
        arena_bytes=arena,
        operators=tuple(sorted({layer.opcode for layer in summarize_tflite(net).layers})),
    )


def _frontend(parameters: Mapping[str, Any], name: str) -> FrontendSettings:
    """The front end's settings. Raises ModelError where ESPHome's differ."""
    if not has_frontend(parameters):
        raise ModelError(f"{name} does not say what its front end is", "ESPHome runs nets of its own front end alone")
    found = frontend_from_parameters(parameters)
    if not isinstance(found, FrontendSettings):
        raise ModelError("the model's front end is the floating-point one", "ESPHome's is the fixed-point one")
    for field in fields(found):
        has, wants = getattr(found, field.name), getattr(_FRONTEND, field.name)
        # What the detectors that are off would do makes no difference.
        unused = field.name.startswith(("activity_detection_", "dc_notch_filter_c", "quantize_dynamic_scale_r"))
        if field.name not in _FREE and not unused and _rounded(has) != _rounded(wants):
            raise ModelError(
                f"the model's front end has {field.name} = {has}, and ESPHome's has {wants}",
                "train it with ESPHome's settings: see docs/boards/esphome.md",
            )
    if found.window_step_ms > _LONGEST_STEP_MS:
        raise ModelError(
            f"the model's front end has a step of {found.window_step_ms} ms", f"ESPHome's is {_LONGEST_STEP_MS} at most"
        )
    return found


def _rounded(value: float) -> float:
    """A number as a `.tflite` holds it, in single precision."""
    return round(value, 6)


def _word(parameters: Mapping[str, Any]) -> _Word:
    """The one word of a model. Raises ModelError where it has none or several."""
    names = parameters.get("classes")
    classes = [str(name) for name in names] if isinstance(names, list) else []
    words = [index for index, name in enumerate(classes) if not name.startswith("_")]
    if len(words) != 1:
        raise ModelError(
            f"the model has {len(words)} words to detect",
            "a wake word of ESPHome has one: give each a model of its own",
        )
    recogniser = RecogniserSettings.from_parameters(parameters)
    levels = recogniser.detection_threshold_list or (recogniser.detection_threshold,) * len(classes)
    return _Word(
        index=words[0],
        label=classes[words[0]],
        threshold=int(levels[words[0]]),
        window_ms=recogniser.average_window_duration_ms,
        classes=len(classes),
    )


def _streaming(data: bytes) -> bytes:
    """The model, where it keeps its own state. Raises ModelError where it takes whole windows."""
    if "read_variable" not in operators_of(data) and STREAMING_ROWS not in read_parameters(data):
        raise ModelError("the net takes whole windows, and ESPHome gives rows", "train it with streaming = True")
    return data


def _scratch_bytes(net: bytes) -> int:
    """What Espressif's kernels for convolutions (ESP-NN) take of the arena beside it, at most: a copy in 16 bits of a
    layer's input and weights, and of 8 channels (esp_nn_get_conv_scratch_size)."""
    most = 0
    for layer in summarize_tflite(net).layers:
        if layer.opcode in ("conv_2d", "depthwise_conv_2d"):
            source, weights = layer.inputs[:2]
            most = max(most, 2 * (prod(source.shape) + prod(weights.shape) + 8 * source.shape[-1]) + 32)
    return most
