"""`export`: C source that compiles and holds the model's bytes, parameters as defines, only the operators used."""

import errno
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.audio import SpectrumSettings, frontend_from_parameters
from mltk_like.cli import main
from mltk_like.errors import DataError, SettingError
from mltk_like.paths import write_files
from mltk_like.tflite import read_parameters
from mltk_like.tflite.c_array import header, op_resolver, operators_of, parameter_defines, source
from mltk_like.tflite.c_text import check_prefix
from mltk_like.verbs.export import export

ARCHIVES = sorted((Path(__file__).resolve().parents[1] / "models").glob("*.mltk.zip"))
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]

USE = """
#include <stdint.h>
#include <stdio.h>
#include "model.h"
static const char* const names[CLASS_COUNT] = CLASS_NAMES;
int main(void) {
  unsigned long sum = 0;
  unsigned int i;
  for (i = 0; i < model_size; i++) sum = sum * 31 + model_data[i];
  printf("%u %lu %d", model_size, sum & 0xffffffffUL, (int)((uintptr_t)model_data % 16));
  printf(" %s %d\\n", names[0], SAMPLE_RATE);
  return 0;
}
"""
# What the resolver of TensorFlow Lite Micro looks like from outside: each kernel can be added, and no more than fit.
STUB = """
#pragma once
enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
namespace tflite {
template <unsigned N>
struct MicroMutableOpResolver {
  unsigned count = 0;
  TfLiteStatus Add() { return count++ < N ? kTfLiteOk : kTfLiteError; }
  METHODS
};
}  // namespace tflite
"""


def compiled(folder: Path, compiler: str, *args: str) -> str:
    result = subprocess.run([compiler, *args], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "archive",
    [path if path.name.startswith("bell") else pytest.param(path, marks=pytest.mark.slow) for path in ARCHIVES],
    ids=lambda path: path.name.split(".")[0],
)
def test_every_shipped_model_compiles_and_keeps_its_bytes(archive: Path, tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    result = export(archive, output=tmp_path)
    data = open_artifact(archive).tflite()
    assert [path.name for path in result.files] == ["model.h", "model.c", "model_ops.h"]
    assert result.flash_bytes == len(data)
    (tmp_path / "main.c").write_text(USE)
    compiled(tmp_path, "gcc", "-std=c99", *STRICT, "main.c", "model.c", "-o", "use")
    total = 0
    for byte in data:
        total = (total * 31 + byte) & 0xFFFFFFFFFFFFFFFF
    first = read_parameters(data)["classes"][0]  # type: ignore[index]
    expected = f"{len(data)} {total & 0xFFFFFFFF} 0 {first} 16000\n"
    assert subprocess.run([tmp_path / "use"], capture_output=True, text=True).stdout == expected
    arm = shutil.which("arm-none-eabi-gcc")
    if arm:
        compiled(tmp_path, arm, "-mcpu=cortex-m4", "-mthumb", "-std=c99", *STRICT, "-c", "model.c", "-o", "arm.o")


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(path, marks=() if path.name.startswith(("bell", "marvin")) else pytest.mark.slow)
        for path in ARCHIVES
    ],
    ids=lambda path: path.name.split(".")[0],
)
def test_the_resolver_adds_each_operator_once(archive: Path, tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("no g++")
    result = export(archive, output=tmp_path, prefix="lock")
    text = (tmp_path / "lock_ops.h").read_text()
    methods = re.findall(r"resolver\.(Add\w+)\(\)", text)
    assert len(methods) == len(set(methods)) == len(result.operators)
    stub = tmp_path / "tensorflow" / "lite" / "micro" / "micro_mutable_op_resolver.h"
    stub.parent.mkdir(parents=True)
    known = ["Conv2D", "DepthwiseConv2D", "FullyConnected", "Softmax", "Reshape", "Pad", "AveragePool2D", "MaxPool2D",
             "Add", "Mul", "Mean", "Transpose", "Concatenation", "Quantize", "Relu", "Logistic", "StridedSlice", "Sub",
             "Pack", "Shape", "Slice", "SplitV", "CallOnce", "VarHandle", "ReadVariable", "AssignVariable",
             "ExpandDims", "Squeeze", "HardSwish", "Dequantize", "Relu6", "Sum", "Split"]  # fmt: skip
    stub.write_text(
        STUB.replace("METHODS", "\n".join(f"TfLiteStatus Add{name}() {{ return Add(); }}" for name in known))
    )
    (tmp_path / "main.cc").write_text(
        '#include "lock_ops.h"\n#include "lock.h"\n'
        "int main() { lock::OpResolver r; return lock::AddOps(r) == kTfLiteOk && r.count == "
        f"{len(methods)} && LOCK_SAMPLE_RATE == 16000 ? 0 : 1; }}\n"
    )
    compiled(tmp_path, "g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-I.", "main.cc", "-o", "ops")
    assert subprocess.run([tmp_path / "ops"]).returncode == 0


def test_the_bell_detector_has_the_defines_of_the_page(tmp_path: Path) -> None:
    export("bell_detector", output=tmp_path)
    defines = dict(re.findall(r"#define (\w+) (.+)", (tmp_path / "model.h").read_text()))
    page = {"SAMPLE_RATE": "16000", "FRAME_SIZE": "256", "FRAME_STRIDE": "128", "WINDOW_SIZE": "32"}
    assert page.items() <= defines.items()
    assert defines["SPECTRUM_SIZE"] == "48"
    assert defines["SPECTRUM_MEAN"] == defines["SPECTRUM_MEAN"].rstrip("f") + "f"
    assert float(defines["SPECTRUM_STD"].rstrip("f")) == pytest.approx(1.5)
    assert int(defines["TENSOR_ARENA_SIZE"]) > 1000
    assert defines["CLASS_NAMES"] == '{"bell", "_unknown_"}'
    assert defines["DETECTION_THRESHOLD"].isdigit()


def test_means_of_their_own_stand_in_place_of_the_one_for_all(tmp_path: Path) -> None:
    """A firmware that takes SPECTRUM_MEAN of a model that has none does not compile; with 0 it would be wrong."""
    settings = frontend_from_parameters(read_parameters(open_artifact("smart_lock").tflite()))
    assert isinstance(settings, SpectrumSettings)
    export("smart_lock", output=tmp_path)
    defines = dict(re.findall(r"#define (\w+) (.+)", (tmp_path / "model.h").read_text()))
    for name, values in (("SPECTRUM_MEANS", settings.means), ("SPECTRUM_STDS", settings.stds)):
        found = [float(text.strip("()").rstrip("f")) for text in defines[name].strip("{}").split(", ")]
        assert len(found) == 20
        np.testing.assert_array_equal(np.float32(found), np.float32(values))
    assert not {"SPECTRUM_MEAN", "SPECTRUM_STD"} & defines.keys()


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "bell_detector", "-o", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["operators"] == ["conv_2d", "fully_connected", "pad", "reshape", "softmax"]
    assert result["arena_bytes"] >= result["activations_bytes"] > 0
    assert main(["export", "bell_detector", "-o", str(tmp_path)]) == 0
    assert "RAM, tensor arena (bytes):" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"), [(["--format", "elf"], "no format 'elf'"), (["--prefix", "1x"], "'1x'")]
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "bell_detector", "-o", str(tmp_path / "out"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_without_front_end_has_its_array(tmp_path: Path) -> None:
    data = open_artifact(ARCHIVES[0]).tflite()
    from mltk_like.tflite import write_parameters

    (tmp_path / "bare.tflite").write_bytes(write_parameters(data, {}))
    result = export(tmp_path / "bare.tflite", output=tmp_path / "out")
    text = result.files[0].read_text()
    assert "extern const unsigned char model_data[];" in text
    assert "SAMPLE_RATE" not in text


def test_defines_are_c() -> None:
    values = {"a": True, "b": -3, "c": 0.1, "d": 1e-10, "e": 16000.0, "f": 'say "hi"\\', "g": ["x", "y"], "h": -2.5}
    text = header("model", "a */ b", values)
    for line in (
        "a 1",
        "b (-3)",
        "c 0.1f",
        "d 1e-10f",
        "e 16000.0f",
        'f "say \\"hi\\"\\\\"',
        'g {"x", "y"}',
        "h (-2.5f)",
    ):
        assert f"#define {line}\n" in text
    assert "a * / b" in text.splitlines()[0]


def test_parameters_that_are_no_define_are_left_out() -> None:
    found = parameter_defines({"fe.x-y": 1, "classes": ["a"], "name": "n", "blob": b"1"}, lambda name: True)
    assert found == {"FE_X_Y": 1, "MODEL_NAME": "n"}


def test_operator_names_become_methods() -> None:
    text = op_resolver("m", ["batch_matmul", "l2_pool_2d", "space_to_batch_nd", "unidirectional_sequence_lstm"])
    for name in ("AddBatchMatMul", "AddL2Pool2D", "AddSpaceToBatchNd", "AddUnidirectionalSequenceLSTM"):
        assert f"resolver.{name}()" in text
    assert "MicroMutableOpResolver<4>" in text


def test_the_array_has_every_byte() -> None:
    data = bytes(range(37))
    text = source("m", data)
    assert [int(value, 16) for value in re.findall(r"0x([0-9a-f]{2})", text)] == list(data)
    assert "m_size = 37U;" in text


def test_operators_are_those_of_all_graphs() -> None:
    data = open_artifact("bell_detector").tflite()
    assert operators_of(data) == ("conv_2d", "fully_connected", "pad", "reshape", "softmax")


@pytest.mark.parametrize("prefix", ["", "a b", "é", "a-b", "int", "namespace"])
def test_prefixes_are_names(prefix: str) -> None:
    with pytest.raises(SettingError):
        check_prefix(prefix)


def contents(folder: Path) -> dict[str, bytes]:
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@contextmanager
def broken_at(rename: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of all that is renamed, as each file is into its place, the one of this number fails."""
    real, left = Path.replace, rename

    def replace(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise error
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        yield


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("format", ["c-array", "c", "cmake"])
def test_all_files_come_or_none(
    format: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export("bell_detector", format=format, output=tmp_path / "there")
    (tmp_path / "there" / "own.c").write_text("int own;")
    before = contents(tmp_path)
    for output in ("new", "there"):
        with broken_at(2, error, monkeypatch), pytest.raises((KeyboardInterrupt, DataError)):
            export("marvin", format=format, output=tmp_path / output)
        assert contents(tmp_path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["there"]
    export("marvin", format=format, output=tmp_path / "there")
    assert (tmp_path / "there" / "own.c").read_text() == "int own;"
    assert contents(tmp_path) != before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_a_folder_that_is_there_is_as_before_wherever_writing_ends(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a.c": b"new", "deep/er/b.c": b"new", "c.c": b"new", "deep/d.c": b"new"}
    (tmp_path / "deep").mkdir()
    for name in ("c.c", "deep/d.c", "own.c"):
        (tmp_path / name).write_bytes(b"old")
    before = contents(tmp_path)
    for rename in range(1, 2 * len(files) + 1):  # into the temporary folder, then into this one
        with broken_at(rename, error, monkeypatch), pytest.raises((KeyboardInterrupt, DataError)):
            write_files(tmp_path, files)
        assert contents(tmp_path) == before
        assert sorted(each.name for each in tmp_path.rglob("*")) == ["c.c", "d.c", "deep", "own.c"]
    write_files(tmp_path, files)
    assert contents(tmp_path) == {**files, "own.c": b"old"}
