"""`--format web`: one HTML file in which the model listens, in any browser."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.errors import SettingError
from mltk_like.firmware import compile_wasm
from mltk_like.tflite import ModelSummary, summarize_tflite
from mltk_like.verbs.export.result import Written
from mltk_like.verbs.shared.page import Html, document, element, folded, paragraph, table, value_text
from mltk_like.verbs.shared.web_pages import model_mark

_SUFFIXES = (".html", ".htm")
_SCRIPTS = ("detector.js", "sound.js", "picture.js", "main.js")
# No script but the one that is named by its hash, and what that one loads: the microphone's worklet, from a data: URL.
_POLICY = (
    "default-src 'none'; script-src 'sha256-{script}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)

# Of a page that comes from a server, browsers ask it for a picture, if there is none.
_ICON = element("link", rel="icon", href="data:,")


def web_page(artifact: Artifact, prefix: str) -> Written:
    """The page: what a device runs as WebAssembly, and what one sees of it.

    Raises:
        SettingError: a prefix is given; nothing in a page has one.
        ModelError: a layer has no kernel, or the model does not say what it hears.
        ToolError: there is no compiler for WebAssembly.
    """
    if prefix != "model":
        raise SettingError("a page has no names with a prefix", "leave --prefix out")
    data = artifact.tflite()
    summary = summarize_tflite(data, name=artifact.name)
    page = _page(summary, compile_wasm(data), model_mark(data)).encode()
    return Written(files={f"{artifact.name}.html": page}, flash_bytes=len(data), page_bytes=len(page))


def placed(written: Written, output: Path | None) -> tuple[Path, Written]:
    """The folder of the page, and the page under its name: `output` is a page or a folder; None: `./export`."""
    if output is None or output.suffix.lower() not in _SUFFIXES:
        return output or Path("export"), written
    (page,) = written.files.values()
    return output.parent, replace(written, files={output.name: page})


def _page(summary: ModelSummary, module: bytes, mark: Html) -> str:
    facts = _facts(summary)
    script = Html(f"(() => {{\n'use strict';\n{_text(*_SCRIPTS)}}})();")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    body = [
        element("header", element("h1", summary.name), paragraph(summary.description, soft=True)),
        element("noscript", element("p", "This page needs JavaScript.")),
        element("main", *_controls(), *_picture(), *_results(), *_about(summary, facts)),
        _data("model", "application/json", json.dumps(facts)),
        _data("wasm", "application/octet-stream", base64.b64encode(module).decode()),
        element("script", script),
    ]
    policy = _POLICY.format(script=digest)
    return document(f"{summary.name} listens", body, style=_text("page.css"), policy=policy, head=[mark, _ICON])


def _text(*names: str) -> str:
    folder = files("mltk_like.verbs.export") / "web"
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


def _data(name: str, kind: str, text: str) -> Html:
    """What the script reads. `<` would end it, or hide what follows; in JSON it can be written otherwise."""
    return element("script", Html(text.replace("<", "\\u003c")), type=kind, id=name)


def _facts(summary: ModelSummary) -> dict[str, Any]:
    """What the script must know of the model."""
    settings = frontend_from_parameters(summary.parameters)
    latency = summary.parameters.get("latency_ms", RecogniserSettings().latency_ms)
    _, channels = settings.spectrogram_shape
    return {
        "name": summary.name,
        "classes": list(summary.classes),
        "listens_for": ", ".join(name for name in summary.classes if not name.startswith("_")),
        "rate": settings.sample_rate_hz,
        "channels": channels,
        "window_ms": settings.window_size_ms,
        "step_ms": settings.window_step_ms,
        "latency_ms": latency,
    }


def _controls() -> list[Html]:
    listen = element("button", "Listen to the microphone", type="button", id="listen", disabled=True)
    file = element("input", type="file", id="file", accept="audio/*,.wav,.flac,.ogg,.mp3,.m4a", disabled=True)
    return [
        element("div", listen, element("label", "or a sound file ", file), class_="controls"),
        element("p", "Loading.", id="status", role="status"),
        element("p", id="error", role="alert", hidden=True),
    ]


def _picture() -> list[Html]:
    told = "Above: what the model hears, low tones at the bottom. Below: scores from 0 to 255."
    canvas = element("canvas", id="picture", role="img", aria_label=f"The last seconds. {told}")
    back = element("input", type="range", id="back", min="0", max="0", value="0", step="any")
    level = element("input", type="range", id="level", min="0", max="255", value="0", disabled=True)
    return [
        canvas,
        element("ul", id="legend", aria_label="classes"),
        element("label", "Look back ", back),
        paragraph(told, " Thin: each score. Thick: its mean, which must be above the threshold (dashed).", soft=True),
        element("label", "Threshold of all classes: ", element("output", "0", id="level_value"), " ", level),
    ]


def _results() -> list[Html]:
    lines = element("pre", id="lines", tabindex="0")
    save = element("button", "Save as a text file", type="button", id="save")
    return [
        element("h2", "Detections"),
        element("p", "None yet.", id="none", class_="soft"),
        element("ol", id="found", reversed=True, aria_live="polite"),
        element("details", element("summary", "Every score, in lines"), save, lines, id="told"),
    ]


def _about(summary: ModelSummary, facts: Mapping[str, Any]) -> list[Html]:
    shape = " × ".join(map(str, frontend_from_parameters(summary.parameters).spectrogram_shape))
    rows = [
        ("classes", ", ".join(summary.classes)),
        ("hears", f"{facts['rate']} samples a second; a column of {facts['window_ms']} ms every {facts['step_ms']} ms"),
        ("window", f"{shape} values (columns × bands), one inference every {facts['latency_ms']} ms"),
        ("threshold", value_text(summary.parameters.get("detection_threshold", "its own for each class"))),
        ("size", f"{summary.flash_bytes} bytes (.tflite), {summary.macs} multiply-accumulates an inference"),
    ]
    parameters = [(name, value_text(value)) for name, value in summary.parameters.items()]
    return [
        element("h2", "The model"),
        table(rows),
        folded("All parameters", table(parameters, header=("parameter of the .tflite", "value"))),
        paragraph(
            "The model runs in this page, as the same C that a microcontroller runs. Nothing is sent anywhere: the "
            "page loads nothing and has no address to send to. A recording may be dropped anywhere on it.",
            soft=True,
        ),
    ]
