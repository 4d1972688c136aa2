"""The mixins of a model: which settings it has and which methods its author may override."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.errors import ModelError
from mltk_like.low_bit.settings import LowBit
from mltk_like.plateau import ReduceOnPlateau
from mltk_like.settings import Settings

if TYPE_CHECKING:
    import keras

    from mltk_like.data.noise_bank import NoiseBank
    from mltk_like.data.source import Source

Samples = NDArray[np.float32]
Features = NDArray[Any]
PositiveInt = Annotated[int, Meta(ge=1)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class TrainMixin(Settings, declares=True):
    """How a model is trained. The author overrides `network`."""

    epochs: Annotated[int, Meta(ge=1, description="most epochs: stretches between two checkpoints")] = 100
    steps_per_epoch: Annotated[
        PositiveInt | None, Meta(description="batches an epoch; none: as many as one pass over the keyword clips takes")
    ] = None
    batch_size: Annotated[int, Meta(ge=1, description="windows in a batch")] = 32
    optimizer: Annotated[
        str | Callable[[], Any],
        Meta(description="name of a Keras optimizer, an optimizer, or a function that makes one"),
    ] = "adam"
    learning_rate: Annotated[float, Meta(gt=0, description="used where no schedule is given")] = 0.001
    learning_rate_steps: Annotated[
        tuple[tuple[PositiveInt, Annotated[float, Meta(gt=0)]], ...],
        Meta(description="(number of batches, learning rate) in turn; training ends after the last"),
    ] = ()
    lr_schedule: Annotated[
        Callable[..., float] | None,
        Meta(
            description="function of the epoch, or of the epoch and the rate before it, that gives the learning rate; "
            "`learning_rate_steps` takes a list"
        ),
    ] = None
    reduce_lr_on_plateau: Annotated[
        ReduceOnPlateau | None, Meta(description="a lower learning rate where a figure has stopped to get better")
    ] = None
    loss: Annotated[
        str | Callable[..., Any] | None,
        Meta(description="name of a Keras loss, a loss, or a function `(y_true, y_pred)`; none: cross-entropy"),
    ] = None
    metrics: Annotated[
        tuple[Any, ...] | Callable[[], Any],
        Meta(
            description="Keras metrics of the validation windows, by name or as they are, or a function that gives them"
        ),
    ] = ()
    weight_decay: Annotated[float, Meta(ge=0, description="for adamw")] = 0.0
    label_smoothing: Annotated[float, Meta(ge=0, lt=1, description="share of the target spread over all classes")] = 0.0
    average_weights: Annotated[
        float, Meta(ge=0, lt=1, description="momentum of the running mean of weights that is exported; 0: none")
    ] = 0.0
    domain_confusion: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="how strongly the net is kept from telling recordings of unknown speech from synthetic ones, "
            "where keywords are synthetic alone; 0: not at all",
        ),
    ] = 0.0
    companion_words: Annotated[
        tuple[str, ...],
        Meta(
            description="words said in unknown clips, by people and by engines, that the net learns to tell apart by "
            "outputs that are not exported: what is learned of them serves a keyword of which there is no recording"
        ),
    ] = ()
    teachers: Annotated[
        int,
        Meta(
            ge=0,
            le=16,
            description="nets that are trained first, together, from other initial weights each; the model's net then "
            "learns what they say on average; 0: none",
        ),
    ] = 0
    teacher_steps: Annotated[PositiveInt, Meta(description="batches that the teachers are trained for")] = 4000
    embedding_teachers: Annotated[
        int,
        Meta(
            ge=0,
            le=16,
            description="small heads on Google's speech embedding, which was learned on very many people; the model's "
            "net, and its `teachers`, learn what they say of each window; 0: none",
        ),
    ] = 0
    embedding_windows: Annotated[
        PositiveInt, Meta(description="windows that those heads hear, which the training then goes through in turn")
    ] = 130_000
    embedding_features: Annotated[
        float,
        Meta(
            ge=0,
            le=100,
            description="where there are embedding_teachers, how much the net also learns what the embedding itself "
            "hears in each window, by an output that is not exported; 0: not at all; 1 is a good value",
        ),
    ] = 0.0
    score_temperature: Annotated[
        float,
        Meta(
            gt=0,
            le=100,
            description="what goes into the softmax is divided by this once the net is trained, so that scores of 8 "
            "bits that pile up near 255 spread; 1: left as it is",
        ),
    ] = 1.0
    early_stopping_epochs: Annotated[
        int, Meta(ge=0, description="end after so many epochs without a better checkpoint; 0: never")
    ] = 0
    rank_by: Annotated[
        str,
        Meta(
            description="what the best checkpoint has: least misses at few false windows, least misses at few false "
            "accepts an hour of streams ('streams'), most right answers ('accuracy'), the best of a logged figure, or "
            "nothing: the one at the end of the schedule ('last')"
        ),
    ] = "misses"
    low_bit: Annotated[
        LowBit | None,
        Meta(description="train in three episodes, down to weights and activations of few bits"),
    ] = None
    streaming: Annotated[
        bool, Meta(description="convert to a .tflite that keeps its own state and takes only the new rows")
    ] = False
    seed: Annotated[int, Meta(ge=0, description="of weights, data order and augmentation")] = 42

    def network(self) -> "keras.Model":
        """The untrained Keras model: input as `input_shape`, output softmax over `classes`.

        Raises:
            ModelError: the model file does not define it.
        """
        raise ModelError(f"{type(self).__name__} has no network", "define the method network(self) -> keras.Model")

    def teacher_network(self) -> "keras.Model":
        """The untrained Keras model of each of the `teachers`: same input; another output layer is put on it. Default:
        `network`."""
        return self.network()

    def callbacks(self) -> "Sequence[keras.callbacks.Callback]":
        """New Keras callbacks, which the training calls at its epochs and batches. Default: none."""
        return ()


class DatasetMixin(Settings, declares=True):
    """Where a model's clips come from and how they are divided. The author overrides `sources`."""

    split_fractions: Annotated[
        tuple[float, float, float], Meta(description="training, validation and test share of each label's clips")
    ] = (0.8, 0.1, 0.1)
    class_weights: Annotated[
        Literal["balanced", "sqrt-balanced", "none"] | tuple[float, ...] | Mapping[str, float],
        Meta(
            description="weight of each class in the loss: 'balanced', 'sqrt-balanced', 'none', a list in their order "
            "or a mapping"
        ),
    ] = "none"
    test_clips: Annotated[int, Meta(ge=4, description="clips of each source in a dry run")] = 16

    def sources(self) -> Sequence["Source"]:
        """The sources of clips: labelled speech and `_noise_`.

        Raises:
            ModelError: the model file does not define it.
        """
        raise ModelError(f"{type(self).__name__} has no data", "define the method sources(self) -> list of sources")

    def stream_sources(self, split: str, hours: float) -> Sequence["Source"]:
        """Sources of sound without the keywords that is heard as a stream, and in nothing else.

        Default: talk in a cheap voice (`data.say_for_hours`) where the keywords are synthetic speech, else none.

        Args:
            split: 'test' (the model is judged on it) or 'validation' (its checkpoints are ranked by it).
            hours: that the split's own clips lack.
        """
        from mltk_like.data.talk import talk_for

        return talk_for(self.sources(), split, hours)


class AudioDatasetMixin(DatasetMixin, declares=True):
    """Audio clips turned into spectrogram windows. The author may override `augment_clip` and `augment`."""

    frontend: FrontendSettings | SpectrumSettings = FrontendSettings()
    standardize: Annotated[
        bool,
        Meta(
            description="measure mean and deviation of each value of a frame over training windows, before the "
            "training, and have the front end scale by them; its `scale_minimum` and `scale_maximum` are then "
            "deviations"
        ),
    ] = False
    warm_up_ms: Annotated[
        int, Meta(ge=0, description="sound before the window that warms up noise reduction and is dropped again")
    ] = 1000
    unknown_multiplier: Annotated[
        float, Meta(ge=0, description="unknown windows for each keyword window, drawn afresh each epoch")
    ] = 1.5
    silence_fraction: Annotated[Fraction, Meta(description="share of unknown windows without speech")] = 0.08
    unknown_class_percentage: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="unknown windows for each window of an average keyword; none: `unknown_multiplier` counts"),
    ] = None
    silence_class_percentage: Annotated[
        float, Meta(ge=0, description="windows of silence likewise, where `unknown_class_percentage` is given")
    ] = 0.2
    cropped_fraction: Annotated[Fraction, Meta(description="share of unknown windows with part of a keyword")] = 0.07
    mining_rounds: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="times in a training that the net listens to its unknown clips (to the recordings alone, where "
            "there is an hour of them) as a device would, for windows that it takes for a keyword; the rest of the "
            "training sees these more often",
        ),
    ] = 0
    mining_hours: Annotated[
        float, Meta(gt=0, description="of unknown clips that it listens to in each round, others each time")
    ] = 8.0
    mined_fraction: Annotated[Fraction, Meta(description="share of mined windows among the unknown ones")] = 0.4
    keyword_end_ms: Annotated[
        tuple[int, int] | None,
        Meta(
            description="least and most time from the end of a keyword to the end of its window; negative: its end is "
            "cut off; none: anywhere in the window"
        ),
    ] = None
    companion_fraction: Annotated[
        Fraction, Meta(description="share of companion words among the unknown windows that are speech")
    ] = 0.3
    excerpt_fraction: Annotated[
        Fraction,
        Meta(
            description="share of the unknown speech that is a stretch of a clip as long as a word, alone and placed "
            "as keywords are"
        ),
    ] = 0.0
    lead_in_fraction: Annotated[
        Fraction, Meta(description="share of windows with other speech before the clip, as in a running stream")
    ] = 0.3
    babble_minutes: Annotated[float, Meta(ge=0, description="babble mixed from each split's own voices")] = 6.0
    window_stride_ms: Annotated[
        int,
        Meta(
            ge=0,
            description="labelled recordings: windows are cut out of each clip as it is, one each so many ms; "
            "0: each clip is placed in a window",
        ),
    ] = 0
    undersample: Annotated[
        bool, Meta(description="with `window_stride_ms`: of each class as many windows as the rarest has, drawn afresh")
    ] = False
    validation_windows: Annotated[int, Meta(ge=10, description="augmented windows that rank the checkpoints")] = 4000
    validation_hours: Annotated[
        float, Meta(gt=0, le=1, description="sound without the keywords that ranks them where `rank_by` is 'streams'")
    ] = 1.0

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of the net's input without the batch: (time, 1, bands)."""
        time, bands = self.frontend.spectrogram_shape
        return (time, 1, bands)

    @property
    def unknown_shares(self) -> tuple[float, float]:
        """Unknown windows, silence among them, for each keyword window; and the share of silence among those."""
        if self.unknown_class_percentage is None:
            return self.unknown_multiplier, self.silence_fraction
        names = getattr(self, "classes", ())
        keywords = sum(not name.startswith("_") for name in names)
        if "_unknown_" not in names:  # silence alone: a share of the keyword windows
            return 0.0, self.silence_class_percentage / max(keywords, 1)
        both = self.unknown_class_percentage + self.silence_class_percentage
        return both / max(keywords, 1), self.silence_class_percentage / both if both else 0.0

    def augment_clip(self, clip: Samples, rng: np.random.Generator, sounds: "NoiseBank") -> Samples:
        """Change the dry clip before it is placed: speed, voice, microphone, room. Default: nothing.

        Not called where `window_stride_ms` cuts windows: those are used as they were labelled.

        Args:
            clip: float32 (samples,) in -1..1 at the front end's rate.
            rng: the only source of chance, so that a window is the same on every machine.
            sounds: noise and rooms of the split.
        """
        return clip

    def augment(self, scene: Samples, rng: np.random.Generator, sounds: "NoiseBank") -> Samples:
        """Add what surrounds the clip: noise, level. `scene` is warm-up and window together. Default: nothing."""
        return scene

    def augment_features(self, features: Features, rng: np.random.Generator) -> Features:
        """Change a window's spectrogram (time, 1, bands), as by `effects.mask_spectrogram`. Default: nothing.

        Args:
            features: what the net would be given: same shape and type out.
            rng: the only source of chance.
        """
        return features

    def embedded_parameters(self) -> Mapping[str, Any]:
        """The front end's `fe.*` or `spectrum.*` keys, then those of the next mixin."""
        return {**self.frontend.to_parameters(), **super().embedded_parameters()}


class EvaluateMixin(Settings, declares=True):
    """How a trained model is judged: on streams first."""

    recogniser: RecogniserSettings = RecogniserSettings()
    evaluate_false_accepts_per_hour: Annotated[
        tuple[float, ...], Meta(description="rates at which misses are reported")
    ] = (0.1, 0.5, 1.0, 2.0)
    evaluate_hours: Annotated[
        float,
        Meta(
            ge=0,
            description="sound without the keywords that a training is judged on at least; what the test voices lack "
            "of it comes from `stream_sources`",
        ),
    ] = 6.0
    target_false_accepts_per_hour: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="rate at which a training sets the threshold, where enough was heard; none: never"),
    ] = 0.5
    evaluate_snr_db: Annotated[
        float, Meta(description="signal-to-noise ratio of the noisy half of the report, in dB")
    ] = 10.0


class EvaluateClassifierMixin(EvaluateMixin, declares=True):
    """Judged as a classifier too: confusion matrix, ROC, precision and recall."""

    def embedded_parameters(self) -> Mapping[str, Any]:
        """The recogniser's parameters (latency, averaging, threshold, suppression), then those of the next mixin."""
        return {**self.recogniser.to_parameters(), **super().embedded_parameters()}
