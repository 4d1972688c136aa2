"""The two shipped models of transfer learning: settings of the page, classes from the command line, the notebook."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.nets.weights import read_weights
from mltk_like.quiet import import_tensorflow
from mltk_like.settings import parse_assignments

pytestmark = toys.TENSORFLOW_WARNINGS
BASE, TRANSFER = "keyword_spotting_mobilenetv2", "keyword_spotting_with_transfer_learning"
NOTEBOOK = Path(__file__).parents[1] / "examples" / "keyword_spotting_with_transfer_learning.ipynb"


def test_the_statements_of_the_page_work() -> None:
    model: Any = mltk.load_model(TRANSFER)
    model.description = 'Keyword spotting classifier using transfer learning to detect: "one", "two"'
    model.epochs = 10

    def lr_schedule(epoch: int) -> float:
        return 0.0005 * 0.95**epoch

    model.lr_schedule = dict(schedule=lr_schedule, verbose=1)
    model.classes = ["one", "two", "three", "_unknown_", "_silence_"]
    model.unknown_class_percentage = 1.0
    assert (model.n_classes, model.lr_schedule(2)) == (5, pytest.approx(0.0005 * 0.95**2))
    assert model.unknown_shares == pytest.approx((0.4, 1 / 6))


def test_the_class_list_of_the_command_line_gives_the_data() -> None:
    model: Any = mltk.load_model(TRANSFER)
    model = model.with_settings(**parse_assignments(model, ['classes=["seven", "nine", "_unknown_", "_silence_"]']))
    labels = {source.label for source in model.sources()}
    assert {"seven", "nine", "_unknown_"} <= labels
    assert not {"one", "two", "three"} & labels


def test_the_shipped_model_begins_with_the_base_models_weights() -> None:
    import_tensorflow()
    model: Any = mltk.load_model(TRANSFER)
    net = model.network()
    report = net.mltk_like_carried
    assert [name for name, _ in report.mismatched] == ["head"]
    assert (report.missing, report.unused) == ((), ())
    with open_artifact(BASE).keras_file() as file:
        stored = read_weights(file)
    assert np.array_equal(net.get_layer("last").get_weights()[0], stored["last"][0])


def test_the_notebook_says_what_was_carried() -> None:
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    outputs = json.dumps([cell["outputs"] for cell in cells])
    assert "104 layers loaded (0 frozen), 1 left at their initial values" in outputs
    source = "".join("".join(cell["source"]) for cell in cells)
    for statement in ("my_model.description =", "my_model.epochs = 10", "my_model.lr_schedule =", "my_model.classes ="):
        assert statement in source
