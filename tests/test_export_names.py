"""Parameters of any name and text give a header that compiles, from C90 to C++20; what is computed stays."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.errors import SettingError
from mltk_like.tflite import read_parameters, write_parameters
from mltk_like.tflite.c_text import check_prefix, comment, literal
from mltk_like.verbs.export import c_array as export_module
from mltk_like.verbs.export import export

STANDARDS = [*(("gcc", f"c{year}") for year in ("90", "99", "11", "17")),
             *(("g++", f"c++{year}") for year in ("98", "11", "14", "17", "20"))]  # fmt: skip
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Wshadow", "-Werror"]
# Every header of the C library that a firmware may have in front: none of their macros may be defined again.
USE = """
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "model.h"
#include "model.h"
int main(void) {
%s
  return model_size == 0;
}
"""
VALUES: dict[str, Any] = {
    "wake_word": "alexa", "2nd_threshold": 3, "sample_rate": 8000, "window_size": 99, "class_count": 99,
    "class_names": "none", "tensor_arena_size": 1, "größe": 1.5, "newline": "two\nlines", "return": "two\r\nlines",
    "control": "bell\x07", "zero": "a\0b", "trigraph": "what??/", "trigraph2": "what??!", "three": "???",
    "comment": "/* here */", "huge": 1, "eof": 1, "empty": "", "my param": 1, "int": 5, "NULL": "null", "nan": 0.5,
    "max_id": 12345678901234567890, "min_i": -(2**63), "below": -(2**63) + 1, "m32": 2**32, "u32": 2**32 - 1,
    "i32": -(2**31), "wide": 1e39, "tiny": 1e-40, "small": -1e-10, "minus": -3, "quote": 'say "hi"\\', "kana": "かな",
    "h_": 1, "long": "x" * 3000, "_Bool": True, "__double__": 2, "data": 1, "ops.h_": 2, "blob": b"1", "list": [1, 2],
}  # fmt: skip


def bell_with(tmp_path: Path, values: dict[str, Any], description: str | None = None) -> Path:
    """The bell detector with parameters that `update_params` would refuse: a file of another tool may have them."""
    data = open_artifact("bell_detector").tflite()
    path = tmp_path / "bell.tflite"
    path.write_bytes(write_parameters(data, {**read_parameters(data), **values}, description=description))
    return path


@pytest.mark.parametrize(("compiler", "standard"), STANDARDS)
def test_every_name_and_text_compiles(compiler: str, standard: str, tmp_path: Path) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    export(bell_with(tmp_path, VALUES, "rings /* often */ ??/ \n\r // 'bell' ü\u202e \\"), output=tmp_path)
    names = re.findall(r"#define (\w+) ", (tmp_path / "model.h").read_text())
    assert len(names) == len(set(names))
    lines = [f"#ifdef {name}\n  (void)sizeof({name});\n#endif" for name in names if name != "CLASS_NAMES"]
    (tmp_path / "use.c").write_text(USE % "\n".join(lines))
    language = [] if compiler == "gcc" else ["-x", "c++"]
    command = [compiler, f"-std={standard}", *STRICT, *language, "-c", "-I.", "use.c", "model.c"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_texts_and_numbers_are_what_was_stored(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    texts = {name: value for name, value in VALUES.items() if isinstance(value, str) and len(value) < 509}
    del texts["zero"]  # a text of C ends there
    numbers = {"max_id": "12345678901234567890", "min_i": str(-(2**63)), "u32": "4294967295", "i32": str(-(2**31))}
    export(bell_with(tmp_path, VALUES), output=tmp_path)
    lines = [f"  fputs(MODEL_{name.upper()}, stdout); putchar(1);" for name in texts]
    lines += [
        f'  printf("%{"llu" if name in ("max_id", "u32") else "lld"}\\001", '
        f"({'unsigned ' if name in ('max_id', 'u32') else ''}long long)MODEL_{name.upper()});"
        for name in numbers
    ]  # fmt: skip
    (tmp_path / "use.c").write_text(USE % "\n".join(lines))
    subprocess.run(["gcc", "-std=c99", "use.c", "model.c", "-o", "use"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "use"], capture_output=True).stdout.decode().split("\x01")
    assert printed[:-1] == [*texts.values(), *numbers.values()]


def test_what_is_computed_stays(tmp_path: Path) -> None:
    export("bell_detector", output=tmp_path / "plain")
    export(bell_with(tmp_path, VALUES), output=tmp_path / "all")
    plain, found = (
        dict(re.findall(r"#define (\w+) (.+)", (tmp_path / name / "model.h").read_text())) for name in ("plain", "all")
    )
    own = {name for name in plain if not name.startswith("MODEL_")}
    assert {name: found[name] for name in own} == {name: plain[name] for name in own}
    assert {name for name in found if not name.startswith("MODEL_")} == own
    assert found["MODEL_SAMPLE_RATE"] == "8000"
    assert found["MODEL_TENSOR_ARENA_SIZE"] == "1"
    assert {"SAMPLE_RATE", "WINDOW_SIZE", "TENSOR_ARENA_SIZE", "CLASS_COUNT", "CLASS_NAMES"} <= own


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour-a": 1, "colour_a": 2}, "'colour-a' and 'colour_a'"),
        ({"Name": "x"}, "MODEL_NAME"),
        ({"a": 1, "A": 2}, "MODEL_A"),
        ({"gain_inf": float("inf")}, "MODEL_GAIN_INF: inf"),
        ({"gain": float("nan")}, "MODEL_GAIN: nan"),
        ({"??": 1}, "no macro"),
    ],
)
def test_what_no_header_can_say_is_refused(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=re.escape(message)):
        export(bell_with(tmp_path, values), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "parameters",
    [
        {"classes": "a"}, {"name": "x"}, {"hash": "0"}, {"runtime_memory_size": 1}, {"streaming.rows": 2},
        {"detection_threshold": 3}, {"fe.sample_rate_hz": 8000}, {"sensitivity.hours": 1.0}, {"2nd": 1}, {"a b": 1},
        {"größe": 1}, {"": 1}, {"a-b": 1, "a_b": 2}, {"x": float("inf")}, {"x": float("nan")}, {"x": 2**64},
        {"t": "\ud800"}, {"energy_gate.threshold": -1}, {"Name": "x"},
    ],
)  # fmt: skip
def test_a_model_file_cannot_add_them(parameters: dict[str, Any]) -> None:
    model = mltk.load_model("bell_detector")
    with pytest.raises(SettingError, match="setting 'parameters': "):
        model.with_settings(parameters=parameters)


def test_a_model_file_can_add_others() -> None:
    given = {"wake_word": "alexa", "gain-db": 1.5, "room.size": 3, "energy_gate.threshold": 5, "sample_rate": 1}
    assert mltk.load_model("bell_detector").with_settings(parameters=given).parameters == given


@pytest.mark.parametrize(
    "prefix", ["", "2x", "a b", "a__b", "_a", "a_", "é", "int", "co_await", "std", "tflite", "linux", "math", "String"]
)
def test_prefixes_that_cannot_be(prefix: str) -> None:
    with pytest.raises(SettingError):
        check_prefix(prefix)


def test_constants_of_c() -> None:
    assert [literal(value) for value in (2**31 - 1, 2**31, -(2**31), -1, True, 0.1, -0.0, 1e39, 1e16)] == [
        "2147483647", "2147483648U", "(-2147483647 - 1)", "(-1)", "1", "0.1f", "(-0.0f)", "1e+39", "1e+16f"
    ]  # fmt: skip
    assert literal("a??/\r\x07é\n") == '"a?\\?/\\015\\007\\303\\251\\n"'
    assert comment("/*/ *//* ??/\n\u202e") == "/ * / * // * ? ?/  "


def test_the_arena_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TensorFlow Lite Micro there is none, and a parameter of that name is still another macro."""
    monkeypatch.setattr(export_module, "_memory", lambda data: (None, None))
    export(bell_with(tmp_path, VALUES), output=tmp_path / "out")
    text = (tmp_path / "out" / "model.h").read_text()
    assert not re.search(r"#define TENSOR_ARENA_SIZE", text)
    assert "#define MODEL_TENSOR_ARENA_SIZE 1\n" in text
