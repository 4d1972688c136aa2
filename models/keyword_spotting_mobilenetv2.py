"""Six commands: left, right, up, down, stop, go. MobileNetV2 over 59 x 49 int8 spectrograms, on synthetic speech."""

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import FrontendSettings, RecogniserSettings, effects
from mltk_like.nets import mobilenet_v2


class KeywordSpottingMobilenetV2(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 1
    description = 'Keyword spotting classifier to detect: "left", "right", "up", "down", "stop", "go"'
    classes = ("left", "right", "up", "down", "stop", "go", "_unknown_", "_silence_")

    # Nothing above 4 kHz: most of what tells words apart is below, and telephones and cheap microphones end there.
    frontend = FrontendSettings(
        sample_length_ms=1200, window_size_ms=30, window_step_ms=20, filterbank_n_channels=49,
        filterbank_upper_band_limit=3999.0, noise_reduction_enable=True, noise_reduction_min_signal_remaining=0.03,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=100, minimum_count=3, average_window_duration_ms=500, detection_threshold=200, suppression_ms=750
    )

    epochs = 40
    steps_per_epoch = 250
    batch_size = 64
    average_weights = 0.99
    validation_windows = 1000
    split_fractions = (0.92, 0.04, 0.04)
    # Commands are short, and half of what stands beside a word in its window would be other speech.
    lead_in_fraction = 0.1
    unknown_class_percentage = 4.0
    silence_class_percentage = 0.2

    _clips = 420  # of each word

    def lr_schedule(epoch):
        return 4e-3 * 0.91**epoch

    def sources(self):
        words = [word for word in self.classes if not word.startswith("_")]
        others = [word for word in data.SPEECH_COMMANDS_WORDS if word not in words]
        unknown = {"label": "_unknown_", "avoid": words}
        voices, cheap = {"kokoro": 0.6, "piper": 0.25, "hibari": 0.15}, ("hibari", "piper")
        return [
            *[data.say(word, label=word, count=self._clips, engines=voices) for word in words],
            *[data.say_sound_alikes(word, label="_unknown_", count=40, engines=voices) for word in words],
            data.say(*others, count=900, engines=voices, label="_unknown_"),
            data.say_random(count=900, engines=cheap, **unknown),
            data.say_random(count=600, engines=("kokoro",), seed=1, name="random speech of many voices", **unknown),
            data.say_pseudo_words(count=400, engines=voices, **unknown),
            data.generated_noise(minutes=20),
            data.microphone_noise(minutes=5),
            data.speech_commands_v2(*words),
        ]

    def augment_clip(self, clip, rng, sounds):
        clip = effects.change_speed(clip, rng, factor=(0.78, 1.25))
        room = sounds.room(rng) if rng.random() < 0.3 else None
        clip = effects.shape_spectrum(clip, rng, db=6.0, room=room)
        return effects.set_level(clip, rng, dbfs=(-45.0, -8.0))

    def augment(self, scene, rng, sounds):
        scene = effects.add_at_level(scene, sounds.microphone(rng, len(scene)), dbfs=rng.uniform(-75.0, -60.0))
        if rng.random() < 0.8:
            noise = sounds.babble(rng, len(scene)) if rng.random() < 0.3 else sounds.ambience(rng, len(scene))
            scene = effects.add_at_snr(scene, noise, rng, snr_db=(-2.0, 35.0), silence_dbfs=(-60.0, -20.0))
        return effects.gain(scene, rng, db=(-6.0, 6.0))

    def network(self):
        return mobilenet_v2(self.input_shape, self.n_classes, alpha=0.15, last_block=384)


my_model = KeywordSpottingMobilenetV2()

if __name__ == "__main__":
    mltk.main(my_model)
