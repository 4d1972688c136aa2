"""`import_mltk`: model files of MLTK's dialect become model files of ours, without being run; the rest is said."""

import json
from pathlib import Path

import numpy as np
import pytest

from mltk_like.cli import main
from mltk_like.data.noise_bank import NoiseBank
from mltk_like.errors import ModelError
from mltk_like.loader import load_file
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.verbs.import_mltk import ImportedModel, import_mltk

HEAD = """
import numpy as np
import tensorflow as tf
from tensorflow.keras import regularizers
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense, Conv2D, Flatten, Activation
import mltk.core as mltk_core
from mltk.core.preprocess.audio.parallel_generator import ParallelAudioDataGenerator
from mltk.core.preprocess.audio.audio_feature_generator import AudioFeatureGeneratorSettings
from mltk.core.keras.callbacks import SteppedLearnRateScheduler
from mltk.datasets.audio.speech_commands import speech_commands_v2
from mltk.models.shared import tenet
from mltk.utils.archive_downloader import download_verify_extract
raise SystemExit("this file must not be run")

class MyModel(mltk_core.MltkModel, mltk_core.TrainMixin, mltk_core.AudioDatasetMixin,
              mltk_core.EvaluateClassifierMixin):
    pass
my_model = MyModel()
frontend_settings = AudioFeatureGeneratorSettings()
"""
SETTINGS = """
my_model.version = 3
my_model.description = 'Hears "go", not "stop"'
my_model.epochs = -1
my_model.batch_size = 2 * 16
my_model.early_stopping['monitor'] = 'val_accuracy'
my_model.early_stopping['patience'] = 12
my_model.reduce_lr_on_plateau = dict(monitor='val_loss', mode='min', factor=0.5, patience=4, verbose=1)
my_model.classes = ['go', 'stop', '_unknown_', '_silence_']
my_model.class_weights = 'balanced'
my_model.class_mode = 'categorical'
my_model.dataset = speech_commands_v2
frontend_settings.sample_rate_hz = 16000
frontend_settings.sample_length_ms = 1000
frontend_settings.window_size_ms = 30
frontend_settings.window_step_ms = 20
frontend_settings.filterbank_n_channels = 32
frontend_settings.filterbank_upper_band_limit = 4000.0-1
frontend_settings.noise_reduction_enable = True
my_model.model_parameters['latency_ms'] = 200
my_model.model_parameters['minimum_count'] = 2
my_model.model_parameters['average_window_duration_ms'] = int(my_model.model_parameters['latency_ms']*2*1.1)
my_model.model_parameters['detection_threshold_list'] = list(map(lambda x: int(x*255), [.8, .9, 1.0, 1.0]))
my_model.model_parameters['suppression_ms'] = 900
my_model.model_parameters['my_own'] = 7
my_model.model_parameters.update(frontend_settings)
decay = 0.95
def schedule(epoch):
    # A comment that stays.
    return 0.001 * decay ** epoch
my_model.lr_schedule = dict(schedule=schedule, verbose=1)
my_model.datagen = ParallelAudioDataGenerator(
    dtype=np.int8, frontend_settings=frontend_settings, cores=0.4, validation_split=0.2,
    unknown_class_percentage=2.0, silence_class_percentage=0.3, loudness_range=(0.5, 1.0), speed_range=(0.9, 1.1),
    vtlp_range=(0.9, 1.1), bg_noise_range=(0.1, 0.4), bg_noise_dir='_background_noise_', rescale=None,
)
my_model.on_training_complete = print
"""
NET = '''
filters = 4
def helper(size):
    return Dense(size, activation='softmax')
def build(model: MyModel) -> tf.keras.Model:
    """Not copied."""
    net = Sequential(name=model.name, layers=[
        Conv2D(filters, (3, 3), padding='same',  # stays
               input_shape=model.input_shape, kernel_regularizer=regularizers.l2(1e-4)),
        Activation('relu'),
        tf.keras.layers.MaxPooling2D(2, 2),
        Flatten(),
        helper(model.n_classes),
    ])
    net.compile(loss=model.loss, optimizer=model.optimizer, metrics=model.metrics)
    return net
my_model.build_model_function = build
'''
MINIMAL = "my_model.classes = ['go', '_unknown_']\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the test's own folder."""
    monkeypatch.chdir(tmp_path)


def imported(*parts: str, name: str = "zz_words.py") -> ImportedModel:
    Path(name).write_text("".join(parts))
    return import_mltk(name)


def why(result: ImportedModel, what: str) -> str:
    return next(item.why for item in result.left if what in item.what)


def test_settings_carry_over() -> None:
    result = imported(HEAD, SETTINGS, NET)
    model = load_file(result.path)
    assert isinstance(model, AudioDatasetMixin)
    assert isinstance(model, TrainMixin)
    assert (model.version, model.description) == (3, 'Hears "go", not "stop"')
    assert model.classes == ("go", "stop", "_unknown_", "_silence_")
    assert (model.batch_size, model.early_stopping_epochs, model.class_weights) == (32, 12, "balanced")
    assert model.reduce_lr_on_plateau is not None
    assert (model.reduce_lr_on_plateau.monitor, model.reduce_lr_on_plateau.factor) == ("min:val_loss", 0.5)
    assert model.frontend.spectrogram_shape == (49, 32)
    assert model.frontend.filterbank_upper_band_limit == 3999.0
    assert model.recogniser.average_window_duration_ms == 440  # type: ignore[attr-defined]
    assert model.recogniser.detection_threshold_list == (204, 229, 255, 255)  # type: ignore[attr-defined]
    assert dict(model.parameters) == {"my_own": 7}
    assert model.split_fractions == (0.7, 0.2, 0.1)
    assert (model.unknown_class_percentage, model.silence_class_percentage) == (2.0, 0.3)
    assert model.lr_schedule is not None
    assert model.lr_schedule(2) == pytest.approx(0.001 * 0.95**2)
    names = [source.name for source in model.sources()]
    assert "Speech Commands v2" in names
    assert any("go" in name for name in names)


def test_what_does_not_carry_over_is_said_with_its_line() -> None:
    result = imported(HEAD, SETTINGS, NET)
    text = (HEAD + SETTINGS + NET).splitlines()
    for item in (*result.carried, *result.left, *result.needless):
        assert 1 <= item.line <= len(text)
    complete = next(item for item in result.left if item.what == "on_training_complete")
    assert "on_training_complete" in text[complete.line - 1]
    assert "change_speed" in why(result, "vtlp_range")
    assert {item.what for item in result.left} == {"on_training_complete", "vtlp_range"}
    assert "does not carry over:" in str(result)
    assert "class_mode" in str(result)


def test_augmentation_becomes_effects() -> None:
    text = imported(HEAD, SETTINGS, NET).path.read_text()
    assert "effects.change_tempo(clip, rng, factor=(0.9, 1.1))" in text
    assert "effects.gain(clip, rng, db=(-6.021, 0))" in text
    assert "snr_db=(7.959, 20)" in text


def test_the_effects_run() -> None:
    """What was written is called as a training calls it."""
    both = """
import audiomentations as am
x = am.Compose([
    am.Gain(min_gain_in_db=1, max_gain_in_db=3, p=1.0),
    am.AddBackgroundNoise('a', min_absolute_rms_in_db=-75.0, max_absolute_rms_in_db=-60.0, noise_rms='absolute'),
    am.AddBackgroundNoise('b', min_snr_db=-2, max_snr_db=35, p=0.95),
    am.PitchShift(min_semitones=-2, max_semitones=2),
    am.TimeStretch(min_rate=0.9, max_rate=1.1),
    am.AddGaussianSNR(min_snr_db=30, max_snr_db=60),
])
"""
    model = load_file(imported(HEAD, SETTINGS.replace("vtlp", "pitch"), both).path)
    assert isinstance(model, AudioDatasetMixin)
    rng, sounds = np.random.default_rng(0), NoiseBank()
    clip = rng.normal(scale=0.1, size=8000).astype(np.float32)
    for _ in range(5):
        changed = model.augment_clip(clip, rng, sounds)
        assert changed.shape != clip.shape
        assert np.isfinite(changed).all()
        assert model.augment(clip.copy(), rng, sounds).shape == clip.shape
        assert model.augment(np.zeros(8000, np.float32), rng, sounds).any()


def test_a_keras_function_is_copied_with_its_comments_and_begins_with_our_input() -> None:
    text = imported(HEAD, SETTINGS, NET).path.read_text()
    assert "keras.Input(self.input_shape)," in text
    assert "keras.layers.Reshape((time, bands, 1))," in text
    assert "# stays" in text
    assert "# A comment that stays." in text
    assert "Not copied." not in text
    assert "input_shape=" not in text
    assert "compile" not in text
    assert "tensorflow" not in text
    assert "filters = 4" in text
    assert "keras.layers.MaxPooling2D" in text
    assert "helper(self.n_classes)" in text


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "net",
    [
        NET,
        """
def build(model):
    net = tf.keras.Sequential()
    net.add(tf.keras.layers.InputLayer(model.input_shape))
    net.add(Conv2D(3, 3, activation='relu'))
    net.add(Flatten())
    net.add(Dense(len(model.classes), activation='softmax'))
    return net
my_model.build_model_function = build
""",
        """
def build(model, width: int = 5):
    time_size, feature_size, _ = model.input_shape
    x = start = tf.keras.layers.Input(shape=(time_size, 1, feature_size))
    return start
def other(model, width: int = 5):
    time_size, feature_size, _ = model.input_shape
    start = tf.keras.layers.Input(shape=(time_size, 1, feature_size))
    x = Flatten()(Conv2D(width, (3, 1))(start))
    return tf.keras.Model(inputs=start, outputs=Dense(model.n_classes, activation='softmax')(x))
my_model.build_model_function = other
""",
        "my_model.build_model_function = build\ndef build(model):\n    return tenet.TENet6(input_shape=(9, 1, 9), "
        "classes=model.n_classes, channels=8)\n",
    ],
    ids=["list", "add", "functional", "zoo"],
)
def test_the_written_file_passes_for_a_model(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = imported(HEAD, SETTINGS, net)
    assert not [item for item in result.left if item.what == "the net"]
    assert main(["summarize", str(result.path), "--build"]) == 0
    assert "Total params" in capsys.readouterr().out


def test_nets_of_the_zoo_are_ours() -> None:
    net = (
        "def build(model):\n    return tenet.TENet12(input_shape=model.input_shape, classes=2, channels=40, blocks=6)\n"
    )
    text = imported(HEAD, MINIMAL, net, "my_model.build_model_function = build\n").path.read_text()
    assert "tenet(self.input_shape, self.n_classes, groups=6, channels=40)" in text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    return open('x').read()", "uses open"),
        ("    return tf.nn.relu(model.input_shape)", "tf.nn"),
        ("    return Sequential([tf.keras.layers.Lambda(print)])", "Lambda"),
        ("    return load(model)", "uses load"),
        ("    return model.secret", "secret"),
        ("    return ().__class__", "__class__"),
        ("    return tenet.TENet12(include_head=False)", "made of parts"),
        ("    import os\n    return Sequential([Dense(2)])", "import os"),
        ("    return helper(model)\ndef helper(x):\n    return Sequential([Dense(2)])", "hands the model"),
    ],
)
def test_a_net_that_is_no_plain_keras_is_listed_and_stood_in_for(body: str, reason: str) -> None:
    net = f"def build(model):\n{body}\nmy_model.build_model_function = build\n"
    result = imported(HEAD, MINIMAL, net)
    assert reason in why(result, "the net")
    assert "return tenet6(self.input_shape, self.n_classes)" in result.path.read_text()
    load_file(result.path)


def test_a_stepped_schedule_and_an_optimizer_of_compile_carry_over() -> None:
    text = (
        "my_model.train_callbacks = [tf.keras.callbacks.TerminateOnNaN(), tf.keras.callbacks.CSVLogger('x'),\n"
        "    SteppedLearnRateScheduler([(100, .001), (30000, 1e-5)])]\n"
        "def build(model):\n    net = Sequential([Flatten(input_shape=model.input_shape), Dense(2, 'softmax')])\n"
        "    net.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.002, epsilon=1e-8))\n    return net\n"
        "my_model.build_model_function = build\n"
    )
    result = imported(HEAD, MINIMAL, text)
    model = load_file(result.path)
    assert isinstance(model, TrainMixin)
    assert model.learning_rate_steps == ((100, 0.001), (30000, 1e-5))
    assert "keras.optimizers.Adam(learning_rate=0.002, epsilon=1e-08)" in result.path.read_text()
    assert "callbacks(self)" in why(result, "CSVLogger")


def test_data_that_is_named_becomes_sources() -> None:
    sha1 = "0123456789abcdef0123456789abcdef01234567"
    text = (
        f"NOISE = download_verify_extract(url='https://example.org/game.7z', file_hash='{sha1.upper()}')\n"
        "download_verify_extract('https://example.org/' + 'x.zip', dest_dir='a/_unknown')\n"
        "my_model.dataset = '/data/words'\n"
    )
    result = imported(HEAD, MINIMAL, text)
    written = result.path.read_text()
    model = load_file(result.path)
    assert isinstance(model, AudioDatasetMixin)
    sources = {source.name: source for source in model.sources()}
    assert [source.label for source in sources.values()] == ["", "_noise_", "_unknown_"]
    assert sha1 in written
    assert 'data.Folder(path="/data/words", labels=("go",), other="_unknown_")' in written


def test_values_that_cannot_be_are_listed_and_the_others_kept() -> None:
    text = (
        "frontend_settings.pcan_enable = True\nfrontend_settings.window_size_ms = 5000\n"
        "frontend_settings.filterbank_n_channels = input()\nfrontend_settings.odd = 1\n"
        "frontend_settings.sample_length_ms = 9 ** 9 ** 9\n"
        "my_model.model_parameters['detection_threshold'] = 300\nmy_model.model_parameters['suppression_ms'] = 5\n"
        "my_model.model_parameters['minimum_count'] = [0] * 10 ** 9\n"
    )
    result = imported(HEAD, MINIMAL, text)
    model = load_file(result.path)
    assert model.recogniser.suppression_ms == 5  # type: ignore[attr-defined]
    for name in ("pcan_enable", "window_size_ms", "odd", "detection_threshold"):
        assert why(result, name)
    for name in ("filterbank_n_channels", "sample_length_ms", "minimum_count"):
        assert "without running" in why(result, name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (\n", "line 1"),
        ("import os\n", "imports nothing of mltk"),
        ("import mltk_like\n", "of this tool already"),
        ("import mltk\n", "makes no model"),
        (HEAD.replace("AudioDatasetMixin", "ImageDatasetMixin"), "classifies images"),
        (HEAD.replace("frontend_settings = AudioFeatureGeneratorSettings()", ""), "no spectrograms"),
        (HEAD + "my_model.datagen = ParallelAudioDataGenerator(frontend_enabled=False)\n", "no spectrograms"),
        (HEAD + "my_model.classes = load()\n", "classes cannot be told"),
        (HEAD + "my_model.classes = ['_silence_', '_unknown_']\n", "none of a detector"),
        ("\0", "null bytes"),
        ("(" * 5000, "line 1"),
    ],
)
def test_what_is_no_audio_model_of_mltk_is_one_clear_error(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("zz_file.py").write_text(text)
    assert main(["import_mltk", "zz_file.py"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "hint:" in error
    assert not Path("models").exists()


def test_nothing_is_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("zz_file.py").write_text(HEAD + MINIMAL)
    assert main(["import_mltk", "zz_file.py", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["path"] == "models/zz_file.py"
    before = Path("models/zz_file.py").read_bytes()
    assert main(["import_mltk", "zz_file.py"]) == 2
    assert "exists" in capsys.readouterr().err
    assert Path("models/zz_file.py").read_bytes() == before
    assert main(["import_mltk", "zz_file.py", "-o", "other/zz_again.py"]) == 0
    with pytest.raises(ModelError, match=r"zz_none\.py"):
        import_mltk("zz_none.py")


def test_texts_of_the_file_stay_texts() -> None:
    """Whatever a description or a path holds, the written file is the same Python with it."""
    hostile = '"""\nimport os\n\' \\u2028 \\n { } \u202e'
    result = imported(HEAD, MINIMAL, f"my_model.description = {hostile!r}\nmy_model.dataset = {hostile!r}\n")
    model = load_file(result.path)
    assert model.description == hostile
