"""Wake word "alexa": TENet12 over 118 x 108 int8 spectrograms; keywords are synthetic, other speech is people's too."""

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import FrontendSettings, RecogniserSettings, effects
from mltk_like.nets import tenet12


class KeywordSpottingAlexa(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 2
    description = 'Keyword spotting classifier to detect: "alexa"'
    classes = ("alexa", "_unknown_")

    frontend = FrontendSettings(
        sample_length_ms=1200, window_size_ms=30, window_step_ms=10, filterbank_n_channels=108,
        noise_reduction_enable=True, noise_reduction_min_signal_remaining=0.40,
        dc_notch_filter_enable=True, quantize_dynamic_scale_enable=True,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=200, minimum_count=2, average_window_duration_ms=440, detection_threshold=216, suppression_ms=900
    )

    batch_size = 100
    steps_per_epoch = 250
    learning_rate_steps = ((250, 1e-3), (250, 2e-3), (4000, 4e-3), (1500, 1.5e-3), (1000, 5e-4), (500, 1e-4))
    average_weights = 0.999
    domain_confusion = 0.3
    companion_words = data.COMPANIONS
    mining_rounds = 2
    unknown_multiplier = 3.0
    keyword_end_ms = (-60, 450)
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
        clip = effects.change_speed(clip, rng, factor=(0.78, 1.25))
        room = sounds.room(rng) if rng.random() < 0.5 else None
        clip = effects.shape_spectrum(clip, rng, db=6.0, room=room)
        if rng.random() < 0.35:  # as recordings at 8 and 11 kHz are, or these would be told by it
            clip = effects.limit_band(clip, rng, low_hz=(20, 200), high_hz=(3400, 6500))
        return effects.set_level(clip, rng, dbfs=(-55.0, -10.0))

    def augment(self, scene, rng, sounds):
        scene = effects.add_at_level(scene, sounds.microphone(rng, len(scene)), dbfs=rng.uniform(-75.0, -60.0))
        if rng.random() < 0.85:
            noise = sounds.babble(rng, len(scene)) if rng.random() < 0.4 else sounds.ambience(rng, len(scene))
            scene = effects.add_at_snr(scene, noise, rng, snr_db=(-3.0, 30.0), silence_dbfs=(-60.0, -20.0))
        if rng.random() < 0.25:
            scene = effects.add_white_noise(scene, rng, snr_db=(30.0, 60.0))
        return effects.gain(scene, rng, db=(-6.0, 6.0))

    def augment_features(self, features, rng):
        return effects.mask_spectrogram(features, rng)

    def network(self):
        return tenet12(self.input_shape, self.n_classes)


my_model = KeywordSpottingAlexa()

if __name__ == "__main__":
    mltk.main(my_model)
