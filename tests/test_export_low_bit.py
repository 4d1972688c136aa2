"""`export --format low-bit` and `akida`: what they write compiles alone and computes what the integers say."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.errors import ToolError
from mltk_like.low_bit.integer_net import run
from mltk_like.verbs.export import export
from mltk_like.verbs.shared import low_bit
from mltk_like.verbs.shared.low_bit import low_bit_integers

SHIPPED = Path(__file__).resolve().parents[1] / "models" / "mobilenet_kws.mltk.zip"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "kws_low_bit.h"
int main(void) {
  static int8_t features[490];
  int32_t logits[12];
  void* scratch = malloc(low_bit_scratch_bytes(&kws_net));
  int i;
  if (fread(features, 1, sizeof features, stdin) != sizeof features) return 1;
  low_bit_run(&kws_net, features, scratch, logits);
  for (i = 0; i < 12; i++) printf("%ld ", (long)logits[i]);
  free(scratch);
  return 0;
}
"""


@pytest.mark.parametrize("format", ["low-bit", "akida"])
def test_the_folder_compiles_alone(format: str, tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    result = export(SHIPPED, format=format, output=tmp_path / "out", prefix="kws")
    names = {path.name for path in result.files}
    assert {"kws_low_bit.h", "kws_low_bit.c", "low_bit.h", "low_bit.c"} <= names
    assert all(path.is_file() for path in result.files)
    for standard in ("c99", "c11", "c17"):
        subprocess.run(
            ["gcc", f"-std={standard}", *STRICT, "-c", "kws_low_bit.c", "low_bit.c"], cwd=tmp_path / "out", check=True
        )


def test_it_computes_what_the_integers_say(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    export(SHIPPED, format="low-bit", output=tmp_path, prefix="kws")
    (tmp_path / "main.c").write_text(MAIN)
    command = ["gcc", "-std=c99", "-O2", *STRICT, "main.c", "kws_low_bit.c", "low_bit.c", "-o", "use"]
    subprocess.run(command, cwd=tmp_path, check=True)
    window = np.random.default_rng(3).integers(-128, 128, (1, 49, 10, 1)).astype(np.int8)
    printed = subprocess.run([tmp_path / "use"], input=window.tobytes(), capture_output=True, check=True).stdout
    net = low_bit_integers(open_artifact(SHIPPED))
    expected = run(net, window.reshape(1, *net.stages[0].input_shape))
    assert [int(value) for value in printed.split()] == expected[0].tolist()


def test_an_installation_without_the_kernels_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_bit, "LOW_BIT", ("low_bit.h", "no_such_kernel.c"))
    with pytest.raises(ToolError, match=r"no_such_kernel\.c"):
        export(SHIPPED, format="low-bit", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
