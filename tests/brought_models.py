"""Models as other tools make them, small and with random weights: built in the tests, without TensorFlow."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from int8_nets import Net

from mltk_like.audio import FrontendSettings, RecogniserSettings
from mltk_like.audio.wav import write_wav
from mltk_like.tflite import write_parameters
from mltk_like.tflite.model_file import serialise
from mltk_like.tflite.streaming import to_streaming

RATE = 16000
FRONTEND = FrontendSettings(sample_length_ms=400, window_size_ms=32, window_step_ms=20, filterbank_n_channels=16)
RECOGNISER = RecogniserSettings(
    latency_ms=100, minimum_count=1, average_window_duration_ms=200, detection_threshold=150, suppression_ms=500
)
MICRO = {"probability_cutoff": 0.5, "sliding_window_size": 3, "feature_step_size": 10, "tensor_arena_size": 9000}


def windowed_net(rows: int = 3, seed: int = 1) -> bytes:
    """What is streamed: int8 (1, 5 * rows, 40) to uint8 (1, 1)."""
    net = Net((1, 5 * rows, 40), seed)
    x = net.reshape(net.input, (1, 5 * rows, 1, 40))
    x = net.depthwise(net.conv(x, 8, (rows, 1), stride=(rows, 1)), (3, 1))
    x = net.unary(net.flat_dense(x, 1), "LOGISTIC")
    out = net._add((1, 1), schema.TensorType.UINT8, [1 / 256], [0])
    return net.model(net.layer("QUANTIZE", [x], (1, 1), out=out))


def wake_word(folder: Path, name: str = "okay_nabu", *, rows: int = 3, seed: int = 1, **changes: Any) -> Path:
    """A manifest of microWakeWord with its `.tflite`; `changes` replace entries, those of `micro` in it."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.tflite").write_bytes(to_streaming(windowed_net(rows, seed)).model)
    manifest: dict[str, Any] = {
        "type": "micro", "wake_word": "Okay Nabu", "author": "somebody", "website": "https://example.org/",
        "model": f"{name}.tflite", "trained_languages": ["en"], "version": 2, "micro": dict(MICRO),
    }  # fmt: skip
    manifest |= changes
    path = folder / f"{name}.json"
    path.write_text(json.dumps(manifest))
    return path


def detector(seed: int = 1, classes: tuple[str, ...] = ("okay_nabu", "_unknown_")) -> bytes:
    """A `.tflite` of whole windows with parameters, as this package and MLTK write them."""
    net = Net((1, *FRONTEND.spectrogram_shape[:1], 1, FRONTEND.spectrogram_shape[1]), seed)
    x = net.flat_dense(net.conv(net.input, 4, (5, 1), stride=(2, 1)), len(classes))
    out = net.tensor(net.shape(x), 1 / 256, -128)
    options = schema.SoftmaxOptionsT(beta=1.0)
    data = net.model(net.layer("SOFTMAX", [x], net.shape(x), "SoftmaxOptions", options, out=out))
    parameters = {"name": "net", "version": 1, "classes": list(classes)}
    return write_parameters(data, {**parameters, **FRONTEND.to_parameters(), **RECOGNISER.to_parameters()})


def mltk_archive(path: Path, model: bytes, name: str = "their_model") -> Path:
    """An archive as Silicon Labs' MLTK packs it: its Python and its Keras net must never be read."""
    members: Mapping[str, bytes] = {
        f"{name}.float32.tflite": b"no flatbuffer",
        f"{name}.h5": b"no HDF5",
        f"{name}.py": b"raise SystemExit('somebody ran me')",
        f"{name}.tflite.summary.txt": b"text",
        "eval/tflite/eval-results.json": b'{"name": "theirs"}',
        "train/training-history.json": b"[]",
        f"{name}.tflite": model,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def of_shape(shape: tuple[int, ...], kind: str = "INT8") -> bytes:
    """A `.tflite` that takes this and does nothing with it, without parameters."""
    net = Net(shape)
    tensors = [net.input, net.reshape(net.input, (1, int(np.prod(shape))))]
    for number in tensors:
        net.graph.tensors[number].type = getattr(schema.TensorType, kind)
    net.graph.inputs, net.graph.outputs = tensors[:1], tensors[1:]
    return serialise(net.tree)


def recordings(folder: Path) -> tuple[Path, Path]:
    """`words/` with four short clips, `room/` with two long ones."""
    rng = np.random.default_rng(5)
    for index in range(4):
        write_wav(folder / "words" / f"{index}.wav", (rng.standard_normal(8000) * 3000).astype(np.int16), RATE)
    for index in range(2):
        write_wav(folder / "room" / f"{index}.wav", (rng.standard_normal(RATE * 8) * 500).astype(np.int16), RATE)
    return folder / "words", folder / "room"
