"""The threshold that a training stores in its model."""

from dataclasses import dataclass

from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.errors import MltkLikeError
from mltk_like.evaluation.judge import ScoredTests
from mltk_like.evaluation.sensitivity import Sensitivity, find_sensitivity

LEAST_EVENTS = 2.0
"""Hours times target from which on a threshold is set: with fewer events allowed, a single odd clip would set it."""


@dataclass(frozen=True, kw_only=True)
class ChosenThreshold:
    """What became of the wish for so many false accepts an hour.

    Attributes:
        target: false accepts an hour.
        threshold: of the model, from now on.
        sensitivity: what was found and measured; None: the model's own threshold stays.
        why: it stays; empty where it does not.
    """

    target: float
    threshold: int
    sensitivity: Sensitivity | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.sensitivity is None:
            return (
                f"the model's own threshold {self.threshold} stays, and was not set for {self.target:g} false accepts "
                f"an hour: {self.why}"
            )
        return f"threshold stored in the .tflite, with three named levels:\n{self.sensitivity}"


def choose_threshold(scored: ScoredTests, settings: RecogniserSettings, target: float) -> ChosenThreshold:
    """The threshold for a target, or why the model's own stays.

    Args:
        scored: scores of the int8 model.
        settings: the model's own recogniser.
        target: false accepts an hour, above 0.
    """
    own = min(settings.detection_threshold, 254)

    def stays(why: str) -> ChosenThreshold:
        return ChosenThreshold(target=target, threshold=own, why=why)

    if settings.detection_threshold_list:
        return stays("it has a list of thresholds, one a class")
    if scored.hours * target < LEAST_EVENTS:
        return stays(f"that takes {LEAST_EVENTS / target:g} h without the word, and {scored.hours:.2f} h were heard")
    try:
        found = find_sensitivity(scored, settings, target)
    except MltkLikeError as error:
        return stays(error.message)
    return ChosenThreshold(target=target, threshold=found.recogniser.detection_threshold, sensitivity=found)
