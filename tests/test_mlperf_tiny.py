"""MLPerf Tiny's streaming wake word: the stream made of data sets in miniature, served from here, and a toy on it."""

import functools
import http.server
import json
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.data.mlperf_tiny import RecipeFile, WakeWordBenchmark, compose, streaming_wake_word
from mltk_like.data.remote import RemoteFile
from mltk_like.errors import DataError, ModelError
from mltk_like.verbs.evaluate import wake_word_stream as verb

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS

RATE = toys.RATE
STARTS_S = (3.0, 8.0, 14.5, 20.25)
LENGTH_S = 30.0
RECIPE: dict[str, Any] = {
    "configs_background": [
        ["{musan_path}/speech/librivox/a.wav", 0.0, 12.0, 0.02],
        ["{musan_path}/music/b.wav", 10.0, 30.0, 0.03],
    ],
    "configs_wakeword": [
        [f"{{speech_commands_path}}/marvin/{take}_nohash_0.wav", start, 1.0] for take, start in enumerate(STARTS_S)
    ],
    "length_sec": LENGTH_S,
    "sample_rate": RATE,
}


def write_recipe(folder: Path, **changes: Any) -> Path:
    path = folder / "long_wav_spec.json"
    path.write_text(json.dumps({**RECIPE, **changes}))
    return path


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Speech Commands and MUSAN in miniature: beeps in silence, and noise."""
    root = tmp_path_factory.mktemp("sets")
    folders = {"speech_commands_path": root / "commands", "musan_path": root / "pack" / "musan"}
    rng = np.random.default_rng(3)
    for take in range(len(STARTS_S)):
        quiet = (rng.standard_normal(RATE) * 3).astype(np.int16)
        beep = toys.beep(np.random.default_rng([take, 1]))
        quiet[5000 : 5000 + len(beep)] += beep
        write_wav(folders["speech_commands_path"] / "marvin" / f"{take}_nohash_0.wav", quiet, RATE)
    for name in ("speech/librivox/a.wav", "music/b.wav"):
        noise = rng.standard_normal(25 * RATE) * 900
        write_wav(folders["musan_path"] / name, noise.clip(-32768, 32767).astype(np.int16), RATE)
    return folders


@pytest.fixture
def benchmark(
    sets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[WakeWordBenchmark, list[str]]]:
    """The benchmark on 127.0.0.1, and what was asked there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "own-cache"))
    served = tmp_path / "served"
    served.mkdir()
    write_recipe(served)
    for archive, folder in (("commands.tar.gz", sets["speech_commands_path"]), ("musan.tar.gz", sets["musan_path"])):
        with tarfile.open(served / archive, "w:gz") as out:
            out.add(folder, arcname="musan" if archive.startswith("musan") else ".")
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    yield (
        WakeWordBenchmark(
            recipe=RecipeFile(url=f"{base}/long_wav_spec.json", retries=0),
            speech_commands=RemoteFile(url=f"{base}/commands.tar.gz", retries=0, size_bytes=2_400_000_000),
            musan=RemoteFile(url=f"{base}/musan.tar.gz", retries=0, name="MUSAN"),
        ),
        asked,
    )
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_stream_is_what_the_recipe_says(sets: dict[str, Path], tmp_path: Path) -> None:
    stream = compose(write_recipe(tmp_path), sets)
    assert stream.samples.dtype == np.int16
    assert stream.duration_s == LENGTH_S
    assert np.abs(stream.samples.astype(int)).max() >= 32767
    assert [word.start_s for word in stream.words] == list(STARTS_S)
    samples = stream.samples.astype(np.float64)

    def deviation(start_s: float, end_s: float) -> float:
        return float(np.std(samples[int(start_s * RATE) : int(end_s * RATE)]))

    # All levels are relative: 0.02 alone, both together where they overlap, 0.03 alone.
    assert deviation(10.2, 11.9) / deviation(0.2, 2.9) == pytest.approx(np.hypot(0.02, 0.03) / 0.02, rel=0.03)
    assert deviation(25, 30) / deviation(0.2, 2.9) == pytest.approx(1.5, rel=0.03)
    for take, word in enumerate(stream.words):
        beep = toys.beep(np.random.default_rng([take, 1]))
        # The faded ends of a beep are below 0.05 of its highest.
        assert 0 < len(beep) / RATE - (word.end_s - word.start_s) < 0.02
        assert deviation(word.start_s, word.end_s) / deviation(25, 30) == pytest.approx(1 / 0.03, rel=0.03)


def test_a_word_stands_where_the_recipe_puts_it_bit_for_bit(sets: dict[str, Path], tmp_path: Path) -> None:
    word = np.zeros(1000, np.int16)
    word[100:200] = np.tile(np.array([1000, -2000], np.int16), 50)
    # Just below 0.05 of the highest, and just above; what is negative counts for nothing.
    word[90], word[95], word[220] = 50, 51, -2000
    write_wav(tmp_path / "marvin" / "w.wav", word, RATE)
    recipe = write_recipe(
        tmp_path, configs_background=[], configs_wakeword=[["{speech_commands_path}marvin/w.wav", 0.5, 0.25]],
        length_sec=1.0,
    )  # fmt: skip
    stream = compose(recipe, {**sets, "speech_commands_path": tmp_path})
    (found,) = stream.words
    # From the first sample above to the last one above, which is left out: 95 to 198.
    assert (found.start_s, found.end_s) == (0.5, 0.5 + 103 / RATE)
    expected = np.zeros(RATE, np.int16)
    expected[8000:8103] = np.trunc(word[95:198] * 16.384).astype(np.int16)
    assert np.abs(stream.samples.astype(int) - expected).max() <= 1
    assert np.array_equal(stream.samples != 0, expected != 0)


def test_other_rates(sets: dict[str, Path], tmp_path: Path) -> None:
    stream = compose(write_recipe(tmp_path), sets)
    assert np.array_equal(np.concatenate(list(stream.blocks(RATE))), stream.samples)
    assert sum(map(len, stream.blocks(8000))) == LENGTH_S * 8000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length_sec": "long"}, "is no recipe"),
        ({"length_sec": -1}, "is no recipe"),
        ({"configs_wakeword": [["{speech_commands_path}/marvin/0_nohash_0.wav", 1.0]]}, "is no recipe"),
        ({"configs_wakeword": [["{speech_commands_path}/../pack/musan/music/b.wav", 1.0, 1.0]]}, "asks for the file"),
        ({"configs_wakeword": [["/etc/passwd", 1.0, 1.0]]}, "asks for the file"),
        ({"configs_wakeword": [["{home}/x.wav", 1.0, 1.0]]}, "asks for the file"),
        ({"configs_wakeword": [["{speech_commands_path}/marvin/gone.wav", 1.0, 1.0]]}, "no such file"),
        ({"configs_wakeword": [["{speech_commands_path}/marvin/0_nohash_0.wav", 29.9, 1.0]]}, "are to be filled"),
        ({"configs_background": [["{musan_path}/music/b.wav", 0.0, 29.0, 1.0]]}, "are to be filled"),
        ({"configs_background": [["{musan_path}/music/b.wav", 5.0, 5.0, 1.0]]}, "silent"),
        ({"configs_background": [], "configs_wakeword": []}, "silent"),
    ],
)
def test_recipes_that_cannot_be(sets: dict[str, Path], tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        compose(write_recipe(tmp_path, **changes), sets)


def test_fetched_once_and_kept(benchmark: tuple[WakeWordBenchmark, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    source, asked = benchmark
    first = source.get(progress=False)
    assert asked == ["/long_wav_spec.json", "/commands.tar.gz", "/musan.tar.gz"]
    monkeypatch.setenv("MLTK_LIKE_OFFLINE", "1")
    assert np.array_equal(source.get(progress=False).samples, first.samples)
    assert len(asked) == 3


def test_one_error_says_what_is_missing(benchmark: tuple[WakeWordBenchmark, list[str]]) -> None:
    source, _ = benchmark
    gone = replace(source, musan=replace(source.musan, url=f"{source.musan.url}-gone"))
    with pytest.raises(DataError, match=r"cannot be made.*HTTP 404") as caught:
        gone.get(progress=False)
    assert "MUSAN from http" in caught.value.hint
    assert "commands" not in caught.value.hint


def test_a_page_in_place_of_the_recipe_is_not_kept(
    benchmark: tuple[WakeWordBenchmark, list[str]], tmp_path: Path
) -> None:
    source, asked = benchmark
    recipe = tmp_path / "served" / "long_wav_spec.json"
    whole = recipe.read_text()
    recipe.write_text("<html>log in</html>")
    with pytest.raises(DataError, match="is no recipe"):
        source.get(progress=False)
    assert asked == ["/long_wav_spec.json"]
    recipe.write_text(whole)
    assert len(source.get(progress=False).words) == 4


def test_the_public_one_is_declared() -> None:
    source = streaming_wake_word()
    parts = (source.recipe, source.speech_commands, source.musan)
    assert sum(part.size_bytes for part in parts) == pytest.approx(13.5e9, rel=0.01)
    assert all(part.url.startswith("http") and part.licence for part in parts)
    assert source.recipe.url.endswith("/long_wav_spec.json")


def test_a_toy_hears_the_words(
    trained: Trained, benchmark: tuple[WakeWordBenchmark, list[str]], tmp_path: Path
) -> None:
    result = mltk.evaluate_mlperf_tiny(
        trained.tflite, label="beep", benchmark=benchmark[0], output=tmp_path / "out", progress=False
    )
    assert (result.kind, result.label, result.threshold, len(result.words)) == ("tflite", "beep", 150, 4)
    assert result.count.hits == 4
    assert result.meets_target
    own = result.curve[result.threshold]
    assert (own.threshold, own.found, own.false) == (150, result.count.hits, len(result.count.false_ms))
    assert result.curve[0].found >= result.curve[254].found
    text, figures = str(result), json.loads((tmp_path / "out" / "eval-results.json").read_text())
    assert "4 of 4" in text
    assert "44 of 50" in text
    assert (tmp_path / "out" / "summary.txt").read_text() == f"{text}\n"
    assert figures == result.to_dict()
    assert (figures["found"], figures["misses"], figures["missed_words"]) == (4, 0, [])
    assert figures["false_detections_per_hour"] == pytest.approx(len(result.count.false_ms) * 120)


def test_a_word_that_is_no_class_is_refused_before_anything_is_fetched(
    trained: Trained, benchmark: tuple[WakeWordBenchmark, list[str]]
) -> None:
    with pytest.raises(ModelError, match="detects no 'marvin'") as caught:
        mltk.evaluate_mlperf_tiny(trained.tflite, benchmark=benchmark[0], progress=False)
    assert "it detects beep" in caught.value.hint
    assert benchmark[1] == []


def test_the_command_line(
    trained: Trained,
    benchmark: tuple[WakeWordBenchmark, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(verb, "streaming_wake_word", lambda: benchmark[0])
    assert main(["evaluate", str(trained.tflite), "--mlperf-tiny", "--label", "beep", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["words"], figures["found"], figures["target"]["met"]) == (4, 4, True)
    assert figures["published"][0]["found"] == 44


def test_offline_is_one_error_and_nothing_is_written(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLTK_LIKE_OFFLINE", "1")
    out = tmp_path / "out"
    assert main(["evaluate", str(trained.tflite), "--mlperf-tiny", "--label", "beep", "-o", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.count("error") == 1
    assert "network is off" in error
    assert "hint: it needs" in error
    assert "MUSAN (11.1 GB)" in error
    assert not out.exists()


@pytest.mark.parametrize("option", [["--snr", "5"], ["--positives", "x"], ["--merge-ms", "5"], ["--low-bit"]])
def test_the_rule_is_fixed(trained: Trained, option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(trained.tflite), "--mlperf-tiny", *option]) == 2
    assert "--mlperf-tiny goes with" in capsys.readouterr().err
