"""Wake word "marvin", that of MLPerf Tiny: a net that keeps its state and takes 60 ms of new sound at a time."""

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import FrontendSettings, RecogniserSettings, effects
from mltk_like.nets import mixed_net


class Marvin(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 2
    description = 'Keyword spotting classifier to detect: "marvin"'
    classes = ("marvin", "_unknown_")

    frontend = FrontendSettings(
        sample_length_ms=1520, window_size_ms=30, window_step_ms=10, filterbank_n_channels=40,
        noise_reduction_enable=True, pcan_enable=True,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=60, minimum_count=3, average_window_duration_ms=240, detection_threshold=216, suppression_ms=900
    )

    streaming = True

    batch_size = 100
    steps_per_epoch = 250
    learning_rate_steps = ((250, 1e-3), (250, 2e-3), (4500, 4e-3), (1500, 1.5e-3), (1000, 5e-4), (500, 1e-4))
    average_weights = 0.999
    rank_by = "last"
    score_temperature = 3.0
    domain_confusion = 0.2
    companion_words = data.COMPANIONS
    teachers, teacher_steps = 2, 3000
    embedding_teachers, embedding_features, embedding_windows = 2, 1.0, 190_000
    mining_rounds, mining_hours, mined_fraction = 1, 15.0, 0.6
    unknown_multiplier = 6.0
    companion_fraction = 0.25
    keyword_end_ms = (-60, 240)
    excerpt_fraction = 0.4
    split_fractions = (0.94, 0.03, 0.03)

    def sources(self):
        unknown = {"label": "_unknown_", "avoid": ("marvin",)}
        return [
            *data.keyword_speech("marvin", label="marvin", count=4600),
            *data.other_speech("marvin", label="_unknown_", count=9350),
            *data.companion_speech(label="_unknown_", count=200),
            *data.real_speech(**unknown),
            data.speech_commands_v2("marvin", other=""),
            data.spoken_commands(**unknown),
            data.generated_noise(minutes=30),
            data.microphone_noise(minutes=5),
            *data.real_noise(),
        ]

    def augment_clip(self, clip, rng, sounds):
        return effects.vary_voice(clip, rng, sounds)

    def augment(self, scene, rng, sounds):
        return effects.surround(scene, rng, sounds)

    def augment_features(self, features, rng):
        return effects.mask_spectrogram(features, rng)

    def network(self):
        blocks = ((64, (5,)), (64, (7, 11)), (64, (9, 15)), (64, (21,)))
        return mixed_net(self.input_shape, self.n_classes, blocks=blocks)


my_model = Marvin()

if __name__ == "__main__":
    mltk.main(my_model)
