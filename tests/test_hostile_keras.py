"""`.keras` and `.weights.h5` files that are not right: one line, never a traceback."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import toys
from hostile import VALUES, changed, flipped, refused

from mltk_like.artifact import Artifact
from mltk_like.errors import ModelError
from mltk_like.loader import find_model
from mltk_like.nets.weights import read_weights
from mltk_like.verbs.quantize import RANGES_FILE, _check_fit, _kept
from mltk_like.verbs.shared.building import open_net
from mltk_like.verbs.shared.subject import open_subject
from mltk_like.verbs.summarize import keras_summary

pytestmark = toys.TENSORFLOW_WARNINGS
NAME = "bell_detector"
WEIGHTS = "model.weights.h5"
CONFIG_VALUES = (*VALUES, "relu", 2, {"class_name": "Dense", "config": {}})


@pytest.fixture(scope="module")
def archive() -> dict[str, bytes]:
    with zipfile.ZipFile(find_model(NAME).path.with_name(f"{NAME}.mltk.zip")) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith(".png")}


@pytest.fixture(scope="module")
def members(archive: dict[str, bytes]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive[f"{NAME}.keras"])) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def hostile(members: dict[str, bytes], rng: random.Random) -> bytes:
    """A `.keras` file with one thing wrong."""
    kind = rng.choice(["config", "config", "config", "weights", "weights", "missing", "file", "metadata"])
    members = dict(members)
    if kind == "config":
        config = changed(json.loads(members["config.json"]), rng, CONFIG_VALUES)
        members["config.json"] = json.dumps(config).encode()
    elif kind == "weights":
        head = flipped(members[WEIGHTS][:6000], rng)
        members[WEIGHTS] = head + members[WEIGHTS][6000:] if len(head) == 6000 else head
    elif kind == "missing":
        del members[rng.choice(list(members))]
    elif kind == "metadata":
        members["metadata.json"] = json.dumps(rng.choice(VALUES)).encode()
    whole = zipped(members)
    return flipped(whole, rng) if kind == "file" else whole


def files(members: dict[str, bytes], path: Path, count: int, seed: int) -> Iterator[Path]:
    for number in range(count):
        path.write_bytes(hostile(members, random.Random(1000 * seed + number)))
        yield path


def test_weights_of_any_bytes_are_read_or_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    found = [refused(lambda: read_weights(path)) for _ in files(members, path, 60, 0)]
    bare = tmp_path / "net.weights.h5"
    for number in range(60):
        rng = random.Random(number)
        bare.write_bytes(flipped(members[WEIGHTS][:6000], rng) + members[WEIGHTS][6000:])
        found.append(refused(lambda: read_weights(bare)))
    assert True in found
    assert False in found


@pytest.mark.parametrize("values", [np.array(["x", "y"], "S1"), np.array([1j, 2.0])], ids=["texts", "complex"])
def test_weights_that_are_no_numbers(tmp_path: Path, values: np.ndarray[Any, Any]) -> None:
    path = tmp_path / "net.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "dense"
        group["0"] = values
    with pytest.raises(ModelError, match="something else than numbers"):
        read_weights(path)


def npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


KEPT: dict[str, Callable[[], bytes]] = {
    "text": lambda: b"no archive",
    "empty": lambda: b"",
    "array": lambda: _npy(np.zeros(3, np.int8)),
    "other name": lambda: npz(other=np.zeros(3)),
    "floats": lambda: npz(windows=np.full((3, 7, 7, 7), np.nan)),
    "none": lambda: npz(windows=np.zeros((0, 7), np.int8)),
    "one number": lambda: npz(windows=np.int8(3)),
    "objects": lambda: npz(windows=np.array([{}, 1], object)),
    "cut off": lambda: npz(windows=np.zeros((9, 9), np.int8))[:-30],
}


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KEPT)
def test_kept_windows_that_are_damaged(tmp_path: Path, kind: str) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / RANGES_FILE).write_bytes(KEPT[kind]())
    with pytest.raises(ModelError, match="cannot read"):
        _kept(Artifact(name="m", path=tmp_path))


def test_kept_windows_of_another_shape(tmp_path: Path) -> None:
    class Net:
        input_shape = (None, 24, 1, 10)

    _check_fit(Net(), np.zeros((3, 24, 1, 10), np.int8), tmp_path)
    with pytest.raises(ModelError, match="the net takes"):
        _check_fit(Net(), np.zeros((3, 7), np.int8), tmp_path)


@pytest.mark.slow
def test_nets_of_any_bytes_are_opened_or_refused(
    archive: dict[str, bytes], members: dict[str, bytes], tmp_path: Path
) -> None:
    # Without a file of the model, which would stand in for a net that cannot be read.
    for name in ("state.json", "settings.json"):
        (tmp_path / name).write_bytes(archive[name].replace(NAME.encode(), b"nobodys_model"))
    (tmp_path / "nobodys_model.tflite").write_bytes(archive[f"{NAME}.tflite"])
    artifact = Artifact(name="nobodys_model", path=tmp_path)
    found = []
    for _ in files(members, tmp_path / "nobodys_model.keras", 60, 1):
        found.append(refused(lambda: keras_summary(open_net(artifact), "net")))
        refused(lambda: open_subject(artifact, "keras"))
    assert True in found
    assert False in found
