"""Wake word "alexa": TENet12 over 118 x 108 int8 spectrograms; keywords are synthetic, other speech is people's too."""

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import FrontendSettings, RecogniserSettings, effects
from mltk_like.nets import mixed_net, tenet12


class KeywordSpottingAlexa(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 6
    description = 'Keyword spotting classifier to detect: "alexa"'
    classes = ("alexa", "_unknown_")

    frontend = FrontendSettings(
        sample_length_ms=1200, window_size_ms=30, window_step_ms=10, filterbank_n_channels=108,
        noise_reduction_enable=True, noise_reduction_min_signal_remaining=0.40,
        dc_notch_filter_enable=True, quantize_dynamic_scale_enable=True,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=200, minimum_count=2, average_window_duration_ms=400, detection_threshold=216, suppression_ms=900
    )

    batch_size = 100
    steps_per_epoch = 250
    learning_rate_steps = ((250, 1e-3), (250, 2e-3), (3500, 4e-3), (1500, 1.5e-3), (1000, 5e-4), (500, 1e-4))
    average_weights = 0.999
    rank_by = "last"
    domain_confusion = 0.2
    companion_words = data.COMPANIONS
    teachers, teacher_steps = 4, 3000
    embedding_teachers, embedding_features, embedding_windows = 2, 1.0, 190_000
    mining_rounds, mining_hours, mined_fraction = 1, 15.0, 0.6
    score_temperature = 3.0
    unknown_multiplier = 6.0
    companion_fraction = 0.25
    keyword_end_ms = (-60, 360)
    excerpt_fraction = 0.3
    split_fractions = (0.94, 0.03, 0.03)

    def sources(self):
        unknown = {"label": "_unknown_", "avoid": ("alexa",)}
        return [
            *data.keyword_speech("alexa", label="alexa", count=4600),
            *data.other_speech("alexa", label="_unknown_", count=9350),
            *data.companion_speech(label="_unknown_", count=200),
            *data.real_speech(**unknown),
            data.spoken_commands(**unknown),
            data.generated_noise(minutes=30),
            data.microphone_noise(minutes=5),
            *data.real_noise(),
            *data.silabs_alexa(),
        ]

    def augment_clip(self, clip, rng, sounds):
        return effects.vary_voice(clip, rng, sounds)

    def augment(self, scene, rng, sounds):
        return effects.surround(scene, rng, sounds)

    def augment_features(self, features, rng):
        return effects.mask_spectrogram(features, rng)

    def network(self):
        return tenet12(self.input_shape, self.n_classes)

    def teacher_network(self):  # a quarter of the time, and other mistakes
        blocks = ((64, (5,)), (64, (7, 9)), (64, (7, 11)), (64, (15,)))
        return mixed_net(self.input_shape, self.n_classes, blocks=blocks)


my_model = KeywordSpottingAlexa()

if __name__ == "__main__":
    mltk.main(my_model)
