"""`view_audio`: what the page shows is what the net gets, and what cannot be shown is said."""

import base64
import io
import json
import re
import shutil
import subprocess
import wave
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import RATE, beep, write_toy

import mltk_like as mltk
from mltk_like.audio import Frontend, FrontendSettings, SpectrumSettings
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.feed.store import store_samples
from mltk_like.feed.windows import SplitFiles, WindowMaker
from mltk_like.loader import load_file
from mltk_like.tflite import write_parameters
from mltk_like.verbs.shared import audio_plots as plots
from mltk_like.verbs.view_audio.stretch import level_of, net_view, read_stretch, whole_view, window_view
from mltk_like.verbs.view_audio.subject import changed_column, open_subject
from mltk_like.verbs.view_audio.variants import Augmenter

pytest_plugins = ["toy_fixtures"]
BARE = Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds: quiet noise, and a beep from 1.2 s on."""
    samples = (np.random.default_rng(1).standard_normal(2 * RATE) * 30).astype(np.int16)
    word = beep(np.random.default_rng(2))
    samples[19200 : 19200 + len(word)] += word
    write_wav(tmp_path / "recording.wav", samples, RATE)
    return tmp_path / "recording.wav"


@pytest.fixture
def plain(model_file: Callable[..., Path]) -> Any:
    """The model of conftest.py, which has augmentation and no sources: 300 ms windows, 100 ms warm-up."""
    return load_file(model_file())


def stretch_of(path: Path, model: Any, start_s: float = 0.0, seconds: float = 30.0) -> Any:
    return read_stretch(
        path, RATE, start_s=start_s, seconds=seconds, warm_up_s=model.warm_up_ms / 1000, span_s=(0.0, float("inf"))
    )


def players(document: str) -> list[tuple[int, int]]:
    """Rate and samples of every player of a page."""
    found = []
    for data in re.findall(r'src="data:audio/wav;base64,([^"]+)"', document):
        with wave.open(io.BytesIO(base64.b64decode(data))) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
            found.append((file.getframerate(), file.getnframes()))
    return found


def test_the_net_view_is_the_loudest_window_with_the_sound_before_it(recording: Path, plain: Any) -> None:
    from mltk_like.audio.wav import read_audio

    stretch = stretch_of(recording, plain)
    view = net_view(plain, stretch)
    samples = read_audio(recording, RATE)
    start = round(view.start_s * RATE)
    assert view.start_s == pytest.approx(1.2, abs=0.1)
    assert np.array_equal(view.samples, samples[start : start + 4800])
    expected = Frontend(plain.frontend, "int8")(samples[start - 1600 : start + 4800], last=19)
    assert view.values.dtype == np.int8
    assert np.array_equal(view.values, expected)
    whole = whole_view(plain, stretch)
    assert whole.values.shape == ((2 * RATE - 480) // 240 + 1, 12)
    padded = np.concatenate([np.zeros(1600, np.int16), samples])
    assert np.array_equal(whole.values, Frontend(plain.frontend, "int8")(padded)[-len(whole.values) :])


def test_a_stretch_brings_the_sound_before_it(recording: Path, plain: Any) -> None:
    from mltk_like.audio.wav import read_audio

    samples = read_audio(recording, RATE)
    stretch = stretch_of(recording, plain, start_s=1.0, seconds=0.5)
    assert np.array_equal(stretch.before, samples[14400:16000])
    assert np.array_equal(stretch.samples, samples[16000:24000])
    assert (stretch.total_s, stretch.seconds, stretch.start_s) == (2.0, 0.5, 1.0)
    late = net_view(plain, stretch_of(recording, plain, start_s=1.9))
    assert late.padding_s == (0.0, pytest.approx(0.2))
    assert np.array_equal(late.samples[:1600], samples[-1600:])
    assert not late.samples[1600:].any()


def test_a_short_clip_stands_between_zeros(tmp_path: Path, plain: Any) -> None:
    write_wav(tmp_path / "short.wav", np.full(100, 900, np.int16), RATE)
    view = net_view(plain, stretch_of(tmp_path / "short.wav", plain))
    assert view.values.shape == plain.frontend.spectrogram_shape
    assert list(np.flatnonzero(view.samples)[[0, -1]]) == [2350, 2449]
    assert view.padding_s == (pytest.approx(2350 / RATE), pytest.approx(2350 / RATE))


def test_variants_are_the_windows_of_training(tmp_path: Path, plain: Any, tone: Callable[..., np.ndarray]) -> None:
    clips = [tone(seed, 0.2) for seed in range(5)]
    store_samples(tmp_path / "all.i16", clips, RATE)
    store_samples(tmp_path / "others.i16", clips[1:], RATE)
    store_samples(tmp_path / "ambience.i16", [tone(99, 1.0)], RATE)
    sounds = SplitFiles(
        speech=tmp_path / "others.i16", labels=("_unknown_",) * 4, names=tuple("bcde"),
        ambience=tmp_path / "ambience.i16",
    )  # fmt: skip
    files = replace(sounds, speech=tmp_path / "all.i16", labels=("yes", *sounds.labels), names=tuple("abcde"))
    model = plain.with_settings(lead_in_fraction=0.7)
    maker = WindowMaker(model.with_settings(unknown_multiplier=0, seed=11), files)
    made = [window_view(model, window) for window in Augmenter(model, sounds, 11)(clips[0], "yes", 6)]
    for index, view in enumerate(made):
        assert np.array_equal(view.values, maker.batch(index, 1).features[0, :, 0])
        assert len(view.samples) == 4800
    assert not np.array_equal(made[0].samples, made[1].samples)
    other = Augmenter(model, sounds, 12)(clips[0], "yes", 1)[0]
    assert not np.array_equal(window_view(model, other).samples, made[0].samples)


def test_variants_of_unknown_speech_show_that_clip(plain: Any, split_files: SplitFiles) -> None:
    model = plain.with_settings(lead_in_fraction=0)
    for window in Augmenter(model, split_files, 0)(np.full(3000, 9000, np.int16), "_unknown_", 8):
        assert abs(window.scene[1600:]).max() == pytest.approx(9000 / 32768, abs=0.01)
        assert window.label == 1
        assert window.clip == "the clip"


def test_broken_augmentation_is_named(model_file: Callable[..., Path], split_files: SplitFiles) -> None:
    source = Path(model_file()).read_text()
    failing = load_file(model_file(source.replace("return scene", "raise OverflowError('too much')  #"), "failing"))
    with pytest.raises(DataError, match=r"(?s)augmenting the clip failed.*OverflowError: too much"):
        Augmenter(failing, split_files, 0)(np.ones(3000, np.int16), "yes", 3)


def test_levels() -> None:
    loud = level_of(np.array([32767, -32768, 0, 0], np.int16))
    assert (loud.clipped, loud.peak_dbfs) == (2, 0.0)
    assert loud.rms_dbfs == pytest.approx(0, abs=0.001)
    half = level_of(np.full(100, 16384, np.int16))
    assert (half.clipped, half.rms_dbfs) == (0, pytest.approx(-6.02, abs=0.01))
    silent = level_of(np.zeros(5, np.int16))
    assert (silent.rms_dbfs, silent.peak_dbfs, silent.clipped) == (-100.0, -100.0, 0)


def test_band_centres_lie_where_a_tone_is_loudest() -> None:
    settings = FrontendSettings(window_size_ms=32, window_step_ms=16, filterbank_n_channels=24)
    centres = plots.band_centres_hz(settings)
    assert centres is not None
    time = np.arange(RATE) / RATE
    for band in (5, 11, 17, 22):
        tone = (8000 * np.sin(2 * np.pi * centres[band] * time)).astype(np.int16)
        assert Frontend(settings, "uint16")(tone)[20].argmax() == band
    assert plots.band_centres_hz(object()) is None


def test_settings_are_joined_by_plus(plain: Any) -> None:
    column = changed_column(plain, "frontend.noise_reduction_enable=true+frontend.pcan_enable=true+warm_up_ms=50")
    assert (column.model.frontend.pcan_enable, column.model.warm_up_ms) == (True, 50)
    assert [name for name, _, _ in column.changes] == [
        "frontend.noise_reduction_enable", "frontend.pcan_enable", "warm_up_ms",
    ]  # fmt: skip
    assert changed_column(plain, "frontend.pcan_offset=1e+2").model.frontend.pcan_offset == 100
    assert changed_column(plain, "description=a+b").model.description == "a+b"
    assert changed_column(plain, "warm_up_ms=100").title == "the model's settings"
    with pytest.raises(SettingError, match="needs noise_reduction_enable"):
        changed_column(plain, "frontend.pcan_enable=true")


def test_a_page_of_files_with_columns(
    recording: Path, plain: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    columns = [
        "--set", "frontend.window_step_ms=30", "--set",
        "frontend.sample_rate_hz=8000+frontend.filterbank_upper_band_limit=3800", "--set", "warm_up_ms=0",
    ]  # fmt: skip
    assert main(["view_audio", str(plain.path), str(recording), *columns, "-o", str(out), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    (clip,) = values["clips"]
    assert (clip["columns"], clip["channels"], clip["duration_s"], clip["label"]) == (19, 12, 2.0, "yes")
    assert "No variants" in values["notes"][0]  # this model has no sources
    document = Path(values["page"]).read_text()
    for shape in ("19 columns × 12 channels", "10 columns × 12 channels", "132 columns × 12 channels"):
        assert shape in document
    assert "frontend.window_step_ms: 15 → 30" in document
    # The recording once, the net's window for the model, at the other rate, and nothing for the same sound again.
    assert sorted(players(document)) == [(8000, 2400), (16000, 4800), (16000, 32000)]
    names = {file.name for file in out.iterdir()}
    assert names == {"index.html", "01-recording-waveform.png"} | {
        f"01-recording-{kind}-{place}.png" for kind in ("stretch", "net") for place in range(4)
    }
    assert document.count("data:image/png;base64,") == len(names) - 1
    assert all((out / name).read_bytes()[1:4] == b"PNG" for name in names - {"index.html"})
    assert not re.search(r"""(src|href)="(?!data:|#)""", document)


@pytest.mark.slow
def test_clips_of_the_models_own_data(shared_cache: None, tmp_path: Path) -> None:
    path = write_toy(tmp_path / "models")
    made = [
        mltk.view_audio(path, clips=2, variants=1, seed=seed, output=tmp_path / name, progress=False)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    ]
    assert [clip.label for clip in made[0].clips] == ["beep", "_unknown_"]
    assert {(clip.columns, clip.channels) for clip in made[0].clips} == {(19, 16)}
    assert "dry run" in made[0].notes[0]
    documents = [found.page.read_text() for found in made]
    assert documents[0] == documents[1]
    assert documents[0] != documents[2]
    assert "Variant 0 of seed 3" in documents[0]
    assert len(players(documents[0])) == 2 * (1 + 1 + 1)
    beeps = mltk.view_audio(path, clips=2, variants=0, label="beep", output=tmp_path / "d", progress=False)
    assert [clip.label for clip in beeps.clips] == ["beep"] * 2
    assert not beeps.notes
    with pytest.raises(SettingError, match="the model has no class 'bop'"):
        mltk.view_audio(path, label="bop", output=tmp_path / "e", progress=False)
    assert not (tmp_path / "e").exists()


def test_the_users_file_with_the_sounds_of_the_model(shared_cache: None, tmp_path: Path, recording: Path) -> None:
    path = write_toy(tmp_path / "models")
    found = mltk.view_audio(path, [recording], variants=1, label="_unknown_", output=tmp_path / "a", progress=False)
    assert found.clips[0].label == "_unknown_"
    assert "Variant 0 of seed 42" in found.page.read_text()


def test_a_bare_tflite(tmp_path: Path, recording: Path) -> None:
    settings = FrontendSettings(sample_length_ms=500, filterbank_n_channels=20)
    file = tmp_path / "theirs.tflite"
    file.write_bytes(write_parameters(BARE.read_bytes(), settings.to_parameters()))
    found = mltk.view_audio(file, [recording], changes=["frontend.filterbank_n_channels=10"], output=tmp_path / "a")
    assert (found.name, found.clips[0].columns, found.clips[0].channels) == ("theirs", 48, 20)
    assert found.notes == ("No variants: of this model the .tflite alone is known, not its data and augmentation.",)
    assert "48 columns × 10 channels" in found.page.read_text()
    with pytest.raises(DataError, match="no clips"):
        mltk.view_audio(file, output=tmp_path / "b")
    with pytest.raises(ModelError, match="no front-end settings"):
        mltk.view_audio(BARE, [recording], output=tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_model_that_is_not_trained_here(model_file: Callable[..., Path], recording: Path, tmp_path: Path) -> None:
    text = """
        import mltk_like as mltk

        class Heard(mltk.Model, mltk.AudioDatasetMixin):
            classes = ("yes",)

        my_model = Heard()
    """
    found = mltk.view_audio(model_file(text, "heard"), [recording], output=tmp_path / "a", progress=False)
    assert found.notes == ("No variants: the model lacks TrainMixin.",)
    text = "import mltk_like as mltk\n\nclass Deaf(mltk.Model):\n    pass\n\nmy_model = Deaf()\n"
    with pytest.raises(ModelError, match="lacks AudioDatasetMixin"):
        mltk.view_audio(model_file(text, "deaf"), [recording])


def test_a_folder_that_is_a_file(plain: Any, recording: Path) -> None:
    with pytest.raises(DataError, match="cannot write"):
        mltk.view_audio(plain, [recording], variants=0, output=recording, progress=False)
    assert recording.is_file()


def test_a_float_front_end(tmp_path: Path) -> None:
    settings = SpectrumSettings(mfcc_count=12, filterbank_n_channels=30, log_floor=1.0)
    file = tmp_path / "theirs.tflite"
    file.write_bytes(write_parameters(BARE.read_bytes(), settings.to_parameters()))
    model = open_subject(file).model
    assert model.frontend == settings
    assert changed_column(model, "frontend.mfcc_count=10").changes == (("frontend.mfcc_count", 12, 10),)
    assert plots.band_centres_hz(settings) is None
    values = np.zeros(settings.spectrogram_shape, np.int8)
    axes = plots.plot_spectrogram(values, settings).axes[0]
    assert axes.get_ylabel() == "channel"
    assert axes.get_xlim() == (0, 1000 * (values.shape[0] * 160 + 240) / RATE)


def test_a_name_full_of_markup(tmp_path: Path, recording: Path, plain: Any) -> None:
    hostile = tmp_path / "<img src=x onerror=alert(1)>&\"'.wav"
    shutil.copy(recording, hostile)
    found = mltk.view_audio(plain, [hostile], output=tmp_path / "a", progress=False)
    document = found.page.read_text()
    assert "<img src=x" not in document
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#x27;.wav" in document
    assert {file.name[:30] for file in (tmp_path / "a").glob("*net*")} == {"01-img-src-x-onerror-alert-1-n"}


def test_bad_files(
    recording: Path, plain: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    empty, damaged = tmp_path / "empty.wav", tmp_path / "damaged.wav"
    empty.write_bytes(b"")
    damaged.write_bytes(b"RIFF????WAVEfmt nonsense")
    model = str(plain.path)
    assert main(["view_audio", model, str(empty), str(damaged), "-o", "none"]) == 2
    error = capsys.readouterr().err
    assert "empty.wav: the file is empty (and 1 more)" in error
    assert not Path("none").exists()
    assert main(["view_audio", model, str(recording), str(empty), "missing.wav"]) == 2
    out, error = capsys.readouterr()
    assert "recording.wav" in out
    assert "empty.wav: the file is empty; " in error
    assert "missing.wav: there is no such file" in error
    page = Path("toy-audio/index.html").read_text()
    assert "Not shown:" in page
    assert "missing.wav: there is no such file" in page
    assert "2. " not in page.split("Front-end settings")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clips", "0"], "0 clips are none"),
        (["--variants", "-1"], "cannot be negative"),
        (["--seed", "-1"], "cannot be negative"),
        (["--start", "-1"], "no stretch of 30 s from -1 s"),
        (["--seconds", "0"], "no stretch of 0 s"),
        (["--seconds", "nan"], "no stretch of nan s"),
        (["--start", "5"], "is 2 s long, shorter than --start 5"),
        (["--label", "maybe"], "the model has no class 'maybe'"),
        (["--set", "frontend.window_stp_ms=5"], "did you mean 'window_step_ms'"),
        (["--set", "frontend.window_size_ms=5000"], "window_size_ms is 5000"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, recording: Path, plain: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view_audio", str(plain.path), str(recording), "-o", str(tmp_path / "x"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_long_file_shows_a_stretch(tmp_path: Path, plain: Any) -> None:
    long = tmp_path / "long.wav"
    write_wav(long, (np.random.default_rng(0).standard_normal(40 * 8000) * 900).astype(np.int16), 8000)
    found = mltk.view_audio(plain, [long], start_s=3, seconds=2, output=tmp_path / "a", progress=False)
    (clip,) = found.clips
    assert (clip.duration_s, clip.start_s, clip.seconds) == (40.0, 3, 2.0)
    document = found.page.read_text()
    assert "Shown is the stretch from 3 s to 5 s" in document
    assert (16000, 32000) in players(document)
    whole = mltk.view_audio(plain, [long], output=tmp_path / "b", progress=False)
    assert whole.clips[0].seconds == 30


def test_open_calls_the_browser(
    recording: Path, plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(opened.append(url)))
    arguments = ["view_audio", str(plain.path), str(recording), "-o", str(tmp_path / "a")]
    assert main(arguments) == 0
    assert not opened
    assert main([*arguments, "--open"]) == 0
    assert opened == [(tmp_path / "a" / "index.html").resolve().as_uri()]
    assert "no browser can be opened here" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_a_browser_shows_the_page(recording: Path, plain: Any, tmp_path: Path) -> None:
    import matplotlib.image

    found = mltk.view_audio(plain, [recording], output=tmp_path / "a", progress=False)
    shot = tmp_path / "shot.png"
    options = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=1300,1300",
        f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}",
    ]  # fmt: skip
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *options, found.page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in done.stderr
    colours = np.unique((matplotlib.image.imread(shot)[..., :3] * 255).astype(int) @ [65536, 256, 1])
    assert {0x000003, 0x0072B2} <= set(colours.tolist())  # magma's darkest, and the waveform's blue
