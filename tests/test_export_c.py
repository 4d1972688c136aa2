"""`export --format c`: the folder compiles as it is, says what TensorFlow Lite Micro says, and takes no more memory."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.codegen import emit_net
from mltk_like.errors import ModelError, SettingError
from mltk_like.tflite import run_tflm, summarize_tflite
from mltk_like.tflite.model_file import parse, serialise
from mltk_like.verbs.export import export

MODELS = Path(__file__).resolve().parents[1] / "models"
SHIPPED = sorted(MODELS.glob("*.mltk.zip"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wno-sign-conversion", "-Werror"]
MAIN = """
#include <stdio.h>
#include "door_net.h"
int main(void) {
  static door_net_input in[DOOR_NET_INPUT_BYTES / sizeof(door_net_input)];
  static door_net_output out[DOOR_NET_OUTPUT_BYTES / sizeof(door_net_output)];
  door_net_init();
  while (fread(in, 1, sizeof in, stdin) == sizeof in) {
    door_net_run(in, out);
    fwrite(out, 1, sizeof out, stdout);
  }
  return 0;
}
"""

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")


def quick_or_slow(path: Path) -> object:
    quick = path.name.startswith("bell")
    return pytest.param(path, id=path.name.split(".")[0], marks=() if quick else pytest.mark.slow)


@needs_gcc
@pytest.mark.parametrize("archive", [quick_or_slow(one) for one in SHIPPED])
def test_the_folder_compiles_alone_and_says_what_tflm_says(archive: Path, tmp_path: Path) -> None:
    result = export(archive, format="c", output=tmp_path, prefix="door")
    assert {"door.h", "door_net.h", "door_net.c", "mltk_kernels.h", "README.md"} <= {one.name for one in result.files}
    (tmp_path / "main.cc").write_text('#include "door.h"\n#include "door_net.h"\nint main() { return 0; }\n')
    subprocess.run(["g++", "-std=c++11", *STRICT, "-fsyntax-only", "main.cc"], cwd=tmp_path, check=True)
    (tmp_path / "main.c").write_text(MAIN)
    sources = sorted(one.name for one in tmp_path.glob("*.c"))
    subprocess.run(["gcc", "-std=c11", "-O1", *STRICT, *sources, "-o", "net"], cwd=tmp_path, check=True)
    model = open_artifact(archive).tflite()
    shape = summarize_tflite(model).inputs[0].shape[1:]
    windows = np.random.default_rng(1).integers(-128, 128, (8, *shape)).astype(np.int8)
    expected = run_tflm(model, windows, profile=False, repeat=1)
    printed = subprocess.run([tmp_path / "net"], input=windows.tobytes(), capture_output=True, check=True).stdout
    assert expected.outputs is not None
    assert printed == expected.outputs.tobytes()
    assert result.arenas["portable"] <= expected.activations_bytes
    assert result.arenas["dsp"] <= expected.activations_bytes
    # Eight channels of a wide layer, turned.
    assert result.arenas["mve"] <= expected.activations_bytes + 1024


def test_the_report_says_what_it_takes(tmp_path: Path) -> None:
    result = export(MODELS / "marvin.mltk.zip", format="c", output=tmp_path)
    net = emit_net(open_artifact(MODELS / "marvin.mltk.zip").tflite())
    assert (result.flash_bytes, result.state_bytes) == (net.constant_bytes, net.state_bytes)
    assert result.state_bytes > 0
    assert "RAM, kept state" in str(result)
    assert result.to_dict()["arenas"] == dict(net.arena_bytes)
    page = (tmp_path / "README.md").read_text()
    assert f"| flash, constants of the net | {net.constant_bytes} |" in page


def test_a_layer_without_a_kernel_is_named(tmp_path: Path) -> None:
    tree = parse(open_artifact(MODELS / "bell_detector.mltk.zip").tflite())
    last = tree.subgraphs[0].operators[-1]
    code = tree.operatorCodes[last.opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = 50  # log_softmax
    model = tmp_path / "other.tflite"
    model.write_bytes(serialise(tree))
    number = len(tree.subgraphs[0].operators) - 1
    with pytest.raises(ModelError, match=rf"layer {number} \(log_softmax\) cannot become C: there is no kernel"):
        export(model, format="c", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_prefix_that_is_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        export(MODELS / "marvin.mltk.zip", format="c", output=tmp_path, prefix="my door")
