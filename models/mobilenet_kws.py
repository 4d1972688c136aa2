"""Ten words and two fillers: MobileNet over 49 x 10 MFCC, trained down to 4-bit weights and activations.

Net, features and training are those of BrainChip's page "Inference on KWS with MobileNet"; the page's recordings,
Speech Commands, are taken where they can be had, else synthetic speech alone.
"""

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import RecogniserSettings, SpectrumSettings, effects
from mltk_like.nets import mobilenet_kws

WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
OTHERS = tuple(word for word in data.SPEECH_COMMANDS_WORDS if word not in WORDS)


class MobilenetKws(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 2
    description = f"Keyword spotting with low-bit weights: {', '.join(WORDS)}"
    classes = ("_silence_", "_unknown_", *WORDS)

    frontend = SpectrumSettings(
        sample_length_ms=1000, window_size_ms=30, window_step_ms=20, power=1, log="ln", log_floor=0.05, mfcc_count=10,
        filterbank_scale="htk", filterbank_normalize=False, filterbank_n_channels=40, filterbank_lower_band_limit=20.0,
        filterbank_upper_band_limit=4000.0, scale_minimum=-4.0, scale_maximum=4.0,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=100, minimum_count=2, average_window_duration_ms=300, detection_threshold=180, suppression_ms=700
    )
    standardize = True
    target_false_accepts_per_hour = None  # ten words of one syllable: for commands that somebody is asked for
    warm_up_ms = 0
    low_bit = mltk.LowBit(first_weights=8, weights=4, activations=4)

    batch_size = 64
    steps_per_epoch = 200
    learning_rate_steps = ((200, 1e-3), (2600, 4e-3), (1800, 1e-3), (1000, 2e-4))
    average_weights = 0.99
    rank_by = "accuracy"
    label_smoothing = 0.05
    unknown_multiplier = 0.4
    lead_in_fraction = 0.2
    silence_fraction = 0.2
    validation_windows = 1500
    split_fractions = (0.92, 0.04, 0.04)

    def sources(self):
        voices = {"kokoro": 0.6, "piper": 0.25, "hibari": 0.15}
        return [
            *(data.say(word, label=word, count=420, engines=voices) for word in WORDS),
            *(data.say(w, label=w, count=80, engines=("espeak",), name=f"formants '{w}'") for w in WORDS),
            data.say(*OTHERS, label="_unknown_", count=900, engines=voices, name="other words"),
            data.say(*OTHERS, label="_unknown_", count=200, engines=("espeak",), name="formants of other words"),
            data.say_random(label="_unknown_", count=900, avoid=WORDS, engines=("hibari", "piper")),
            data.speech_commands_v2(*WORDS),
            *data.real_speech(label="_unknown_", avoid=WORDS),
            data.generated_noise(minutes=20),
        ]

    def augment_clip(self, clip, rng, sounds):
        clip = effects.change_speed(clip, rng, factor=(0.85, 1.2))
        clip = effects.shape_spectrum(clip, rng, db=6.0, room=sounds.room(rng) if rng.random() < 0.3 else None)
        return effects.set_level(clip, rng, dbfs=(-35.0, -10.0))

    def augment(self, scene, rng, sounds):
        if rng.random() < 0.7:
            noise = sounds.babble(rng, len(scene)) if rng.random() < 0.3 else sounds.ambience(rng, len(scene))
            scene = effects.add_at_snr(scene, noise, rng, snr_db=(0.0, 40.0), silence_dbfs=(-60.0, -20.0))
        return effects.add_white_noise(scene, rng, snr_db=(30.0, 60.0))

    def network(self):
        return mobilenet_kws(self.input_shape, self.n_classes)


my_model = MobilenetKws()

if __name__ == "__main__":
    mltk.main(my_model)
