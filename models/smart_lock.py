"""Smart lock: keys, knocks and bolts heard beside a door's lock; MFCC in a cascade and the CNN of SensiML's page."""

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import EnergyGateSettings, RecogniserSettings, SpectrumSettings, effects
from mltk_like.nets import lock_cnn

# An hour and a half of people in seven languages, in many rooms: of all that Debian has, as much as there is of noise.
_SPEECH = (
    "asterisk-prompt-es-co", "asterisk-prompt-fr-armelle", "drascula", "kajongg", "nexuiz-data",
    "pocketsphinx-testdata", "warzone2100-data",
)  # fmt: skip


class SmartLock(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 1
    description = "Hears keys, knocks and bolts at a door"
    classes = ("key_io", "knocking", "locking", "_unknown_")
    parameters = EnergyGateSettings(threshold=600, backoff=14).to_parameters()

    frontend = SpectrumSettings(
        sample_length_ms=375, window_size_ms=25, window_step_ms=25, window_function="hamming", sample_scale="int16",
        filterbank_n_channels=40, filterbank_lower_band_limit=20.0, filterbank_upper_band_limit=8000.0,
        log="ln", log_floor=1.0, mfcc_count=20, cascade=15, scale_minimum=-4.0, scale_maximum=4.0,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=25, minimum_count=5, average_window_duration_ms=150, detection_threshold=204, suppression_ms=700
    )

    standardize = True
    warm_up_ms = 0
    babble_minutes = 0.0
    window_stride_ms = 25
    undersample = True
    class_weights = (1.0, 1.0, 1.5, 4.0)
    batch_size = 64
    learning_rate_steps = ((6000, 1e-3), (4000, 3e-4), (2000, 1e-4))
    average_weights = 0.99
    validation_windows = 4000

    def sources(self):
        return [
            *data.generated_lock_sounds(events=1600),
            *data.generated_household(minutes=90),
            data.generated_noise(label="_unknown_", minutes=90),
            data.microphone_noise(label="_unknown_", minutes=10),
            data.say_random(label="_unknown_", count=1500, engines=("hibari", "piper")),
            data.debian_speech(packages=_SPEECH),
            data.picovoice_wake_words(),
            data.picovoice_commands(),
            data.mycroft_words(),
            data.free_spoken_digits(),
            data.spoken_commands(),
            data.esc_10(label="_unknown_"),
            data.sensiml_smart_lock(_sessions),
        ]

    def augment(self, scene, rng, sounds):
        return effects.gain(scene, rng, db=(-20.0, 15.0))

    def network(self):
        return lock_cnn(self.input_shape, self.n_classes)


def _sessions(folder):
    sessions = {"m8000": "training", "m8000_test": "test"}
    return data.LabelledRecordings(
        path=folder, labels="dcli", sessions=sessions, label_map={"unknown": "_unknown_", "Unknown": "_unknown_"}
    )


my_model = SmartLock()

if __name__ == "__main__":
    mltk.main(my_model)
