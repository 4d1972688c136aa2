"""TENet: the layers of the reference page, row for row, under names that stay."""

import json
from pathlib import Path

import pytest
import toys

from mltk_like.nets import tenet, tenet6, tenet12
from mltk_like.quiet import import_tensorflow
from mltk_like.tflite import ModelSummary

pytestmark = toys.TENSORFLOW_WARNINGS
PAGE = Path(__file__).parent / "data" / "tflite"


@pytest.fixture(scope="module")
def untrained() -> ModelSummary:
    """The shipped model's net with random weights, converted."""
    import mltk_like as mltk

    found = mltk.summarize("keyword_spotting_alexa", tflite=True, build=True)
    assert isinstance(found, ModelSummary)
    return found


def test_parameters_of_tenet12() -> None:
    import_tensorflow()
    net = tenet12((118, 1, 108), 2)
    assert net.count_params() == 108_898
    assert net.input_shape == (None, 118, 1, 108)
    assert net.output_shape == (None, 2)


@pytest.mark.slow
def test_the_converted_net_is_that_of_the_page(untrained: ModelSummary) -> None:
    """Row for row, but for the page's RESHAPE of 1x1x1x32 to 1x32: with batch 1 the dense layer takes either."""
    rows = [line for line in str(untrained).splitlines() if line.startswith("|")]
    page = [line for line in (PAGE / "alexa_op_table.txt").read_text().splitlines() if line.startswith("|")]
    kept = [cells(line) for line in page]
    (place,) = (i for i, row in enumerate(kept) if row[1:2] == ["reshape"])
    # The row after it has another input, and all that follow have other numbers; a row's further lines have none.
    assert [row[1:] for row in map(cells, rows)][:place] == [row[1:] for row in kept][:place]
    layers = json.loads((PAGE / "alexa_layers.json").read_text())["layers"]
    assert [layer.opcode for layer in untrained.layers] == [
        layer["opcode"] for layer in layers if layer["opcode"] != "reshape"
    ]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.slow
def test_its_cost_is_that_of_the_page(untrained: ModelSummary) -> None:
    assert untrained.macs == 4_561_728
    assert "Total MACs: 4.562 M" in str(untrained)
    assert "Total OPs: 9.247 M" in str(untrained)
    assert f"{untrained.ops / 1e6:.1f}" == "9.4"


@pytest.mark.parametrize("build", [tenet6, tenet12])
def test_layers_have_names_of_their_own_that_stay(build: object) -> None:
    import_tensorflow()
    assert callable(build)
    first, second = (build((40, 1, 20), 3) for _ in range(2))
    names = [layer.name for layer in first.layers if layer.weights]
    assert len(names) == len(set(names))
    assert names == [layer.name for layer in second.layers if layer.weights]
    # Keras would number layers without a name of ours: conv2d, conv2d_1, ...
    assert not [name for name in names if name.startswith(("conv2d", "depthwise_conv", "batch_norm", "dense"))]


def test_other_sizes() -> None:
    import_tensorflow()
    net = tenet((50, 1, 16), 4, groups=2, depth=1, channels=8, expansion=2, kernel=5, dropout=0.0)
    assert net.output_shape == (None, 4)
    assert [layer.output.shape[1] for layer in net.layers if layer.name.endswith("_add")] == [25, 13]
    expand = net.get_layer("g0_0_expand")
    assert expand.kernel.shape == (1, 1, 8, 16)
