"""TFLM in its process: models of several rows are refused, and no exchange lasts for ever."""

import json
import struct
import textwrap
from pathlib import Path

import numpy as np
import pytest

from mltk_like.errors import MltkLikeError, ModelError
from mltk_like.tflite.runner import find_tflm, run_tflm, runner_path
from mltk_like.tflite.summary import summarize_tflite
from mltk_like.tflite.tflm_stream import TflmStream
from mltk_like.verbs.shared.engines import open_engine

CONV = (Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite").read_bytes()
OUTPUT_BYTES = summarize_tflite(CONV).outputs[0].elements
ROW = np.zeros((16, 8, 1), np.int8)


@pytest.fixture
def tflm() -> None:
    try:
        find_tflm()
        runner_path()
    except MltkLikeError as error:
        pytest.skip(error.message)


def of_batch_4() -> bytes:
    """The model with another batch in the shape of its input, which stands in the file as the vector 1, 16, 8, 1."""
    shape = struct.pack("<5i", 4, 1, 16, 8, 1)
    assert CONV.count(shape) == 1
    return CONV.replace(shape, struct.pack("<5i", 4, 4, 16, 8, 1))


def test_listening_takes_one_row_at_a_time(tflm: None) -> None:
    with (
        pytest.raises(ModelError, match="one row at a time is needed") as caught,
        open_engine("tflm", of_batch_4(), (16, 8)),
    ):
        pass
    assert caught.value.hint == "convert the model with a batch of 1"


def test_rows_are_not_run_by_fours(tflm: None) -> None:
    with pytest.raises(ModelError, match=r"4x16x8x1.*one row at a time is needed"):
        run_tflm(of_batch_4(), np.zeros((8, 16, 8, 1), np.int8))


def runner(path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A program in place of the runner."""
    hello = json.dumps({"input_frame_bytes": ROW.size, "output_frame_bytes": OUTPUT_BYTES})
    path.write_text(f"#!/bin/sh\nhello() {{ echo '{hello}'; }}\n{textwrap.dedent(body)}")
    path.chmod(0o755)
    monkeypatch.setenv("MLTK_LIKE_RUNNER", str(path))


@pytest.mark.parametrize(
    "body", ["sleep 600", "hello; sleep 600", "hello; head -c 128 > /dev/null; printf ab; sleep 600"]
)
def test_a_runner_that_hangs_is_given_up(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tflm: None
) -> None:
    runner(tmp_path / "runner", monkeypatch, body.replace("sleep", "exec sleep"))
    with pytest.raises(ModelError, match=r"did not answer within 0\.5 s"), TflmStream(CONV, timeout_s=0.5) as stream:
        stream.predict(ROW)


def test_a_row_that_nobody_reads_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tflm: None) -> None:
    """More than a pipe holds: the write itself would wait."""
    runner(tmp_path / "runner", monkeypatch, "hello; exec sleep 600")
    with pytest.raises(ModelError, match="did not answer"), TflmStream(CONV, timeout_s=0.5) as stream:
        stream._exchange(bytes(1 << 20), lambda got: len(got) >= 3)


def test_a_runner_that_closes_its_output_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tflm: None) -> None:
    monkeypatch.setattr("mltk_like.tflite.tflm_stream._STOP_S", 0.2)
    runner(tmp_path / "runner", monkeypatch, "hello; exec >&-; exec sleep 600")
    with pytest.raises(ModelError, match="did not answer"), TflmStream(CONV, timeout_s=60) as stream:
        stream.predict(ROW)


def test_a_slow_answer_in_pieces_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tflm: None) -> None:
    answer = bytes(range(65, 65 + OUTPUT_BYTES)).decode()
    body = f"hello; head -c {ROW.size} > /dev/null; printf A; sleep 0.1; printf {answer[1:]}; exec cat > /dev/null"
    runner(tmp_path / "runner", monkeypatch, body)
    with TflmStream(CONV, timeout_s=60) as stream:
        assert stream.predict(ROW).tobytes() == answer.encode()
