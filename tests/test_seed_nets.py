"""The nets of the bell detector and the smart lock: weights and shapes of their pages; the steps before them."""

import json

import numpy as np
import pytest

from mltk_like.audio import EnergyGateSettings, FrontendSettings, SpectrumSettings
from mltk_like.audio.steps import frontend_steps
from mltk_like.cli import main
from mltk_like.nets import bell_net, lock_cnn


def test_the_bell_net_has_the_weights_of_the_page() -> None:
    net = bell_net((32, 1, 48))
    counts = {layer.name: layer.count_params() for layer in net.layers if layer.count_params()}
    assert counts == {"conv_1": 1160, "conv_2": 200, "neuron": 225}
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in net.layers}
    assert (shapes["conv_1"], shapes["conv_2"]) == ((30, 1, 8), (28, 1, 8))


def test_its_two_scores_are_the_sigmoid_of_one_neuron() -> None:
    import keras

    net = bell_net((32, 1, 48))
    x = np.random.default_rng(0).integers(-128, 128, (5, 32, 1, 48)).astype(np.float32)
    z = keras.Model(net.input, net.get_layer("neuron").output)(x).numpy()[:, 0]
    sigmoid = 1 / (1 + np.exp(-z))
    assert net(x).numpy() == pytest.approx(np.stack([sigmoid, 1 - sigmoid], axis=1), abs=1e-5)


def test_the_lock_net_is_the_pages_layer_for_layer() -> None:
    net = lock_cnn((1, 1, 300), 4)
    assert net.count_params() == 24_580
    assert sum(int(np.prod(v.shape)) for v in net.non_trainable_variables if "seed" not in v.name) == 32
    page = [
        ("conv2d", (19, 14, 16), 80), ("dropout", (19, 14, 16), 0), ("conv2d_1", (18, 13, 16), 1040),
        ("batch_normalization", (18, 13, 16), 64), ("dropout_1", (18, 13, 16), 0), ("conv2d_2", (17, 12, 8), 520),
        ("dropout_2", (17, 12, 8), 0), ("conv2d_3", (16, 11, 8), 264), ("dense", (16,), 22544), ("dense_1", (4,), 68),
    ]  # fmt: skip
    ours = [(layer.name, tuple(layer.output.shape[1:]), layer.count_params()) for layer in net.layers]
    named = dict.fromkeys(name for name, _, _ in page)
    assert [row for row in ours if row[0] in named] == page


def test_the_lock_net_sees_coefficients_by_time() -> None:
    import keras

    net = lock_cnn((1, 1, 300), 4)
    x = np.arange(300, dtype=np.float32).reshape(1, 1, 1, 300)
    image = keras.Model(net.input, net.get_layer("image").output)(x).numpy()[0, :, :, 0]
    assert image.shape == (20, 15)
    assert image[3].tolist() == [20 * frame + 3 for frame in range(15)]


def test_the_steps_of_a_cascade() -> None:
    settings = SpectrumSettings(
        sample_length_ms=375, window_size_ms=25, window_step_ms=25, filterbank_n_channels=40, mfcc_count=20, cascade=15
    )
    found = {step.name: step.shape for step in frontend_steps(settings, EnergyGateSettings()).steps}
    assert list(found) == [
        "audio",
        "windowing",
        "energy gate",
        "FFT",
        "bands",
        "log",
        "MFCC",
        "cascade",
        "min-max scale",
    ]
    assert (found["windowing"], found["MFCC"], found["cascade"]) == ((15, 400), (15, 20), (1, 300))


@pytest.mark.parametrize("settings", [SpectrumSettings(), FrontendSettings()])
def test_the_last_step_is_what_the_net_is_given(settings: SpectrumSettings | FrontendSettings) -> None:
    assert frontend_steps(settings).steps[-1].shape == settings.spectrogram_shape


def test_the_command_line_prints_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summarize", "smart_lock", "--frontend"]) == 0
    out = capsys.readouterr().out
    assert "energy gate" in out
    assert "1 x 300" in out
    assert main(["summarize", "keyword_spotting_alexa", "--frontend", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert steps[-1]["shape"] == [118, 108]
