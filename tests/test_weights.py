"""Weights carried into another net: by name and shape, with equal values, and with a report of what was not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

from mltk_like.errors import ModelError
from mltk_like.nets import tenet, tenet6, tenet12
from mltk_like.nets.weights import load_weights, read_weights
from mltk_like.quiet import import_tensorflow

pytestmark = toys.TENSORFLOW_WARNINGS
SHAPE = (24, 1, 10)
SMALL: dict[str, Any] = {"channels": 4, "kernel": 3}


@pytest.fixture(autouse=True)
def tensorflow() -> None:
    import_tensorflow()


def randomised(net: Any, seed: int) -> Any:
    """Weights that no initialiser gives, batch statistics included."""
    rng = np.random.default_rng(seed)
    net.set_weights([rng.uniform(0.1, 1.0, weight.shape).astype(np.float32) for weight in net.weights])
    return net


def saved(net: Any, path: Path) -> Path:
    (net.save if path.suffix == ".keras" else net.save_weights)(path)
    return path


def values(net: Any) -> dict[str, list[Any]]:
    return {layer.name: layer.get_weights() for layer in net.layers if layer.weights}


def equal(left: list[Any], right: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("name", ["big.keras", pytest.param("big.weights.h5", marks=pytest.mark.slow)])
def test_a_small_net_takes_the_layers_that_it_shares_with_a_big_one(tmp_path: Path, name: str) -> None:
    big = randomised(tenet12(SHAPE, 2, **SMALL), 1)
    small = randomised(tenet6(SHAPE, 2, **SMALL), 2)
    report = load_weights(small, saved(big, tmp_path / name))
    given, got = values(big), values(small)
    assert set(report.loaded) == set(got)
    assert all(equal(got[layer], given[layer]) for layer in got)
    assert (report.mismatched, report.missing) == ((), ())
    assert set(report.unused) == set(given) - set(got)
    assert "g0_2_expand" in report.unused
    assert "not in the net   g0_2_expand" in str(report)


def test_a_big_net_keeps_what_a_small_one_does_not_have(tmp_path: Path) -> None:
    small, big = randomised(tenet6(SHAPE, 2, **SMALL), 1), randomised(tenet12(SHAPE, 2, **SMALL), 2)
    given, before = values(small), values(big)
    report = load_weights(big, saved(small, tmp_path / "small.keras"))
    after = values(big)
    assert all(equal(after[layer], given[layer]) for layer in report.loaded)
    assert all(equal(after[layer], before[layer]) for layer in report.missing)
    assert set(report.loaded) | set(report.missing) == set(after)
    assert set(report.loaded) == set(given)
    assert "not in the file  g0_2_expand" in str(report)


@pytest.mark.parametrize("name", ["two.keras", pytest.param("two.weights.h5", marks=pytest.mark.slow)])
def test_other_classes_take_all_but_the_head(tmp_path: Path, name: str) -> None:
    two, five = randomised(tenet6(SHAPE, 2, **SMALL), 1), randomised(tenet6(SHAPE, 5, **SMALL), 2)
    head = values(five)["head"]
    report = load_weights(five, saved(two, tmp_path / name))
    assert set(report.loaded) == set(values(five)) - {"head"}
    ((layer, reason),) = report.mismatched
    assert layer == "head"
    assert "(4, 2)" in reason
    assert "(4, 5)" in reason
    assert equal(values(five)["head"], head)
    assert "not loaded       head" in str(report)


def test_layers_swapped_in_order_do_not_mix(tmp_path: Path) -> None:
    """The trap of Keras' own skip_mismatch: it goes by the order of layers of one type."""
    import keras

    def two(first: str, second: str) -> Any:
        inputs = keras.Input((4,))
        x = keras.layers.Dense(4, name=second)(keras.layers.Dense(4, name=first)(inputs))
        return keras.Model(inputs, x)

    left, right = randomised(two("a", "b"), 1), randomised(two("b", "a"), 2)
    load_weights(right, saved(left, tmp_path / "left.keras"))
    assert equal(values(right)["a"], values(left)["a"])
    assert equal(values(right)["b"], values(left)["b"])


def test_a_file_of_nothing_that_fits(tmp_path: Path) -> None:
    path = saved(tenet6(SHAPE, 2, **SMALL), tmp_path / "other.keras")
    net = randomised(tenet(SHAPE, 2, groups=1, depth=1, channels=5, kernel=4), 3)
    before = values(net)
    with pytest.raises(ModelError, match=r"no layer of .*other\.keras fits"):
        load_weights(net, path)
    assert all(equal(values(net)[name], before[name]) for name in before)


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
@pytest.mark.parametrize("damage", ["absent", "empty", "text", "cut", "half zero"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, damage: str) -> None:
    import keras

    inputs = keras.Input((4,))
    net = keras.Model(inputs, keras.layers.Dense(300, name="head")(inputs))
    path = saved(net, tmp_path / name)
    data = path.read_bytes()
    changed = {"empty": b"", "text": b"weights", "cut": data[:3000], "half zero": data[:99] + bytes(len(data) - 99)}
    path.unlink() if damage == "absent" else path.write_bytes(changed[damage])
    with pytest.raises(ModelError, match=r"cannot read weights from .*net|no layer of"):
        load_weights(net, path)


def test_an_archive_without_weights(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelError, match=r"model\.weights\.h5"):
        read_weights(path)
