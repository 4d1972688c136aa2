"""Single operators as C: every byte as TensorFlow Lite Micro's, whatever shapes, strides, paddings and scales are."""

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from op_cases import FAMILIES
from single_ops import Case, Value, build, constant, ends

from mltk_like.codegen import emit_net
from mltk_like.codegen.host import HostProgram
from mltk_like.errors import DataError, ModelError, ToolError
from mltk_like.tflite import run_tflm
from mltk_like.tflite.inner import run_tflm_inside

pytest.importorskip("tflite_micro")
pytestmark = pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler")
ROWS = 6
FEW, TOGETHER = 10, 30  # operators in a model: the compiler takes its time over each
CHECKED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def rows(total: int) -> Any:
    values = np.random.default_rng(total).integers(-128, 128, (ROWS, total)).astype(np.int8)
    values[0], values[1] = -128, 127
    return values


def check(cases: Sequence[Case], flags: Sequence[str] = ("-O1",)) -> None:
    """Every tensor that the C of a model of these operators writes is TFLM's."""
    model = build(cases)
    total = sum(int(np.prod(one.shape)) for case in cases for one in case.inputs if one.data is None)
    inputs = rows(total)
    with HostProgram([model], flags=flags) as program:
        found = program.run(inputs, layers=True)
    expected = run_tflm_inside(model, inputs, list(found.tensors))
    assert found.tensors
    wrong = [number for number in found.tensors if not np.array_equal(found.tensors[number], expected[number])]
    assert not wrong, f"of {cases}: tensor {wrong[0]} is {found.tensors[wrong[0]]}, not {expected[wrong[0]]}"
    outputs = run_tflm(model, inputs, profile=False, repeat=1, arena_bytes=2**26).outputs
    assert outputs is not None
    assert np.array_equal(found.outputs, outputs)


@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(*FAMILIES.values()), min_size=FEW, max_size=FEW))
def test_any_operators(cases: Sequence[Case]) -> None:
    check(cases)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_operators_of_a_family(family: str) -> None:
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(FAMILIES[family], min_size=TOGETHER, max_size=TOGETHER))
    def run(cases: Sequence[Case]) -> None:
        check(cases, CHECKED)

    run()


def conv(scale: float, zero: int = 0, batch: int = 1, group: int = 3) -> Case:
    weights = Value((4, 1, 1, group), (0.5,), data=np.ones((4, 1, 1, group), np.int8))
    given, out = Value((batch, 2, 2, 3), (1.0,), zero), Value((batch, 2, 2, 4), (scale,))
    return Case("CONV_2D", (given, weights), (out,), "Conv2D", {"strideH": 1, "strideW": 1})


def mean(shape: tuple[int, ...], axes: Sequence[int], scale: float = 1.0) -> Case:
    out = tuple(n for i, n in enumerate(shape) if i not in axes)
    return Case("MEAN", (Value(shape, (1.0,), 3), constant(axes)), (Value(out, (scale,), -5),), "Reducer")


def softmax(shape: tuple[int, ...], scale: float) -> Case:
    return Case("SOFTMAX", (Value(shape, (scale,)),), (Value(shape, (1 / 256,), -128),), "Softmax", {"beta": 1.0})


@pytest.mark.slow
def test_operators_at_their_limits() -> None:
    """Multipliers above one and of nothing at all, sums that are exact halves, means of one and of very many."""
    cases = [*(conv(scale, zero) for scale in (1e-3, 0.25, 1.0, 1e5, 1e12) for zero in (-128, 127))]
    cases += [mean(shape, [1], scale) for shape in ((2, 1), (1, 2), (1, 4096), (3, 7, 5)) for scale in (1.0, 0.01)]
    cases += [mean((1, 2, 3, 4), [0, 1, 2, 3]), mean((1, 64, 64, 2), [1, 2])]
    cases += [softmax(shape, scale) for shape in ((1, 1), (1, 500), (2, 2)) for scale in (1e-3, 0.1, 4.0)]
    check(cases, CHECKED)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (conv(1.0, batch=2), r"layer 2 \(conv_2d\) cannot become C: its batch is 2"),
        (conv(1.0, group=1), r"layer 2 \(conv_2d\) .* in groups"),
        (mean((2, 3, 4), [0, 2]), r"layer 2 \(mean\) .* not side by side"),
        (Case("COS", (Value((1, 3)),), (Value((1, 3)),)), r"layer 2 \(cos\) cannot become C: there is no kernel"),
        (
            Case(
                "CONCATENATION", (Value((1, 3)), Value((1, 3), (0.5,))), (Value((1, 6)),), "Concatenation", {"axis": 1}
            ),
            r"layer 4 \(concatenation\) .* different scales",
        ),
    ],
)
def test_what_there_is_no_kernel_for_is_named(case: Case, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        emit_net(build([case]))


def test_real_numbers_at_the_ends() -> None:
    scales, real = (0.004, 1.7), Value((1, 4096), ())
    whole = [Value((1, 4096), (scale,), -7) for scale in scales]
    firsts = [ends(("float32", "int8"), (real, one), "QUANTIZE") for one in whole]
    lasts = [ends(("int8", "float32"), (one, real), "DEQUANTIZE") for one in whole]
    halves = [(np.arange(4096, dtype=np.float32) - 2048) / 8 * np.float32(scale) for scale in scales]
    every = np.arange(4096).astype(np.int8)
    # Beyond int32 TensorFlow Lite Micro says what the processor makes of it; here the ends of the range are the answer,
    # and the lower one of what is no number.
    wild = np.resize(np.float32([1e30, -1e30, np.inf, np.nan]), (1, 4096))
    models = [*firsts, *lasts]
    with HostProgram(models, flags=CHECKED) as program:
        for net, values in enumerate([*halves, every, every]):
            expected = run_tflm(models[net], values[np.newaxis], profile=False, repeat=1).outputs
            assert np.array_equal(program.run(values[np.newaxis], net).outputs, expected)
        for net in range(len(firsts)):
            assert np.array_equal(program.run(wild, net).outputs, np.resize(np.int8([127, -128]), (1, 4096)))


def test_inputs_of_another_shape_are_refused() -> None:
    with HostProgram([build([conv(1.0)])]) as program, pytest.raises(DataError, match=r"int8 rows of shape \(12,\)"):
        program.run(np.zeros((1, 13), np.int8))


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="no C compiler"):
        HostProgram([build([conv(1.0)])])
