"""Weights of a trained model in another: what is carried and frozen, what is said of it; and the page's settings."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

import mltk_like as mltk
from mltk_like.errors import ModelError, SettingError
from mltk_like.feed.plan import Recipe, plan_epoch
from mltk_like.nets import tenet6
from mltk_like.quiet import import_tensorflow

pytestmark = toys.TENSORFLOW_WARNINGS


def small(classes: int) -> Any:
    return tenet6((24, 1, 10), classes, channels=4, kernel=3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with a net whose weights no initialiser gives."""
    import_tensorflow()
    folder = tmp_path_factory.mktemp("base")
    net = small(3)
    rng = np.random.default_rng(1)
    net.set_weights([rng.uniform(0.1, 1.0, weight.shape).astype(np.float32) for weight in net.weights])
    net.save(folder / "base.keras")
    archive = folder / "base.mltk.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("state.json", json.dumps({"name": "base"}))
        file.write(folder / "base.keras", "base.keras")
    return archive


def test_all_but_the_head_is_carried_and_the_table_says_so(base: Path) -> None:
    net = small(5)
    before = [weight.copy() for weight in net.get_layer("head").get_weights()]
    report = mltk.load_weights_from(net, base)
    assert [name for name, _ in report.mismatched] == ["head"]
    assert (report.missing, report.unused, report.frozen) == ((), (), ())
    assert net.get_layer("stem").get_weights()[0].min() >= 0.1
    assert all(np.array_equal(a, b) for a, b in zip(before, net.get_layer("head").get_weights(), strict=True))
    assert f"{len(report.loaded)} layers loaded (0 frozen), 1 left" in report.summary
    assert "not loaded       head" in str(report)
    assert report._repr_html_().startswith("<pre>loaded")
    assert len(net.trainable_weights) == len(small(5).trainable_weights)


def test_frozen_layers_are_those_that_match_and_were_loaded(base: Path) -> None:
    net = small(5)
    report = mltk.load_weights_from(net, base, freeze=("stem*", "g0_*"))
    assert {name.split("_")[0] for name in report.frozen} == {"stem", "g0"}
    assert all(net.get_layer(name).trainable == (name not in report.frozen) for name in report.loaded)
    assert "frozen" in str(report).splitlines()[0]
    head_alone = small(5)
    mltk.load_weights_from(head_alone, base, freeze=("*",))
    assert [weight.path.split("/")[0] for weight in head_alone.trainable_weights] == ["head", "head"]


def test_frozen_layers_stay_as_they_are_in_training(base: Path) -> None:
    from mltk_like.feed.windows import Batch
    from mltk_like.training.trainer import Trainer

    net = small(3)
    mltk.load_weights_from(net, base, freeze=("g*",))
    frozen = {layer.name: layer.get_weights() for layer in net.layers if layer.weights and not layer.trainable}
    net.get_layer("head").set_weights([np.zeros((4, 3)), np.zeros(3)])  # far from certain, so that there is a slope
    trainer = Trainer(mltk.TrainMixin(), net, np.ones(3, np.float32))
    x = np.random.default_rng(2).integers(-128, 128, (8, 24, 1, 10), dtype=np.int8)
    for step in range(3):
        trainer.step(Batch(features=x, labels=np.arange(8) % 3), 0.01, step)
    for name, arrays in frozen.items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, net.get_layer(name).get_weights(), strict=True))
    assert np.abs(net.get_layer("head").get_weights()[0]).min() > 0


def test_what_cannot_be_carried_is_one_error(base: Path, tmp_path: Path) -> None:
    import_tensorflow()
    with pytest.raises(ModelError, match=r"freeze='b\*' matches no layer"):
        mltk.load_weights_from(small(3), base, freeze=("b*",))
    with pytest.raises(ModelError, match="no such file"):
        mltk.load_weights_from(small(3), tmp_path / "none.mltk.zip")
    with pytest.raises(ModelError, match="no model named"):
        mltk.load_weights_from(small(3), "keyword_spotting_mobilenetv7")


class SixWords(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin):
    """Directions, as MLTK's transfer-learning tutorial has them."""

    classes = ("left", "right", "up", "down", "stop", "go", "_unknown_", "_silence_")


def test_percentages_of_unknown_and_silence_count_against_an_average_keyword() -> None:
    model: Any = SixWords().with_settings(
        unknown_class_percentage=4.0, silence_class_percentage=0.5, cropped_fraction=0.0
    )
    multiplier, silence = model.unknown_shares
    recipe = Recipe(
        classes=model.classes, unknown_multiplier=multiplier, silence_fraction=silence, cropped_fraction=0.0, seed=1
    )
    labels = [name for name in model.classes if name != "_silence_"] * 200
    plan = plan_epoch(recipe, labels, np.full(len(labels), 16_000), 0)
    counts = dict(zip(model.classes, np.bincount(plan.labels, minlength=8), strict=True))
    assert {counts[name] for name in model.classes[:6]} == {200}
    assert counts["_unknown_"] + counts["_silence_"] == 900
    assert counts["_silence_"] == pytest.approx(100, abs=35)
    plain = model.with_settings(unknown_class_percentage=None, unknown_multiplier=2.0, silence_fraction=0.3)
    assert plain.unknown_shares == (2.0, 0.3)
    assert model.with_settings(unknown_class_percentage=0, silence_class_percentage=0).unknown_shares == (0.0, 0.0)
    silent = model.with_settings(
        classes=("yes", "no", "_silence_"), unknown_class_percentage=0.0, silence_class_percentage=0.2
    )
    assert silent.unknown_shares == (0.0, 0.1)
    with pytest.raises(SettingError, match="unknown_class_percentage"):
        model.unknown_class_percentage = -1.0
