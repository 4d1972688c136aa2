"""Bell detector: 32 frames of 48 log magnitudes, two convolutions and one neuron, as the TinyML page has it."""

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import RecogniserSettings, SpectrumSettings, effects
from mltk_like.nets import bell_net


class BellDetector(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 1
    description = "Detects a bell"
    classes = ("bell", "_unknown_")

    frontend = SpectrumSettings(
        sample_length_ms=264, window_size_ms=16, window_step_ms=8, window_function="hamming", window_periodic=False,
        remove_mean=True, sample_scale="int16", power=1, filterbank_scale="linear", filterbank_n_channels=48,
        filterbank_lower_band_limit=0.0, filterbank_upper_band_limit=3000.0, log="log1p",
        mean=6.8, std=1.5, scale_minimum=-3.0, scale_maximum=3.0,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=64, minimum_count=3, average_window_duration_ms=320, detection_threshold=230, suppression_ms=2000
    )

    warm_up_ms = 0
    babble_minutes = 0.0
    window_stride_ms = 64
    class_weights = "sqrt-balanced"
    batch_size = 128
    epochs = 60
    steps_per_epoch = 264
    early_stopping_epochs = 16
    validation_windows = 11_000
    test_clips = 24

    def sources(self):
        # Your own: data.LabelledRecordings(path="recordings", window_s=0.264, step_s=0.064, merge=True,
        #                                   label_map={"Ding": "bell"})
        return data.generated_bells(minutes=180, window_s=0.264, step_s=0.064)

    def augment(self, scene, rng, sounds):
        return effects.gain(scene, rng, db=(-6.0, 6.0))

    def network(self):
        return bell_net(self.input_shape)


my_model = BellDetector()

if __name__ == "__main__":
    mltk.main(my_model)
