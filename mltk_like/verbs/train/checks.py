"""What makes a training pointless or impossible, said before there is a run, and before any data is made or fetched."""

from collections.abc import Sequence
from typing import Any

from mltk_like.audio.recogniser import MAX_CLASSES
from mltk_like.data.source import Source
from mltk_like.data.split import SPLIT_NAMES
from mltk_like.errors import SettingError
from mltk_like.feed.expected import check_expected
from mltk_like.feed.features import check_features, feature_sources
from mltk_like.feed.measured import check_standardize
from mltk_like.feed.packs import packs_limit
from mltk_like.quiet import import_tensorflow
from mltk_like.training.class_weights import check_class_weights
from mltk_like.training.embedding_teachers import check_embedding
from mltk_like.training.learning import check_learning, is_plain
from mltk_like.training.product import check_streaming_settings
from mltk_like.training.rounds import check_mining
from mltk_like.training.schedule import check_schedule
from mltk_like.training.score_temperature import check_temperature


def check_model(model: Any) -> None:
    """Refuse settings that cannot be trained with.

    Raises:
        SettingError: no class is detected, a name is there twice, or there are too many classes; a split gets no share;
            the last checkpoint is wanted, and an end at the best one;
            or as `check_class_weights`, `check_streaming_settings`, `check_mining`, `check_embedding`,
            `check_standardize`, `check_temperature` and `check_schedule`.
    """
    _check_classes(model.classes)
    _check_fractions(model.split_fractions)
    packs_limit()
    check_class_weights(model)
    check_streaming_settings(model)
    check_mining(model)
    check_embedding(model)
    check_standardize(model)
    check_temperature(model)
    check_schedule(model)
    if model.rank_by == "last" and model.early_stopping_epochs:
        raise SettingError(
            "rank_by is 'last', and early_stopping_epochs waits for a better checkpoint", "leave out one of them"
        )


def check_keras(model: Any, *, threads: int) -> None:
    """Make optimizer, loss, metrics and callbacks once, where they are not the usual ones. Raises as `check_learning`.

    Args:
        model: the specification.
        threads: of one operation; the first who imports TensorFlow sets them.
    """
    if not is_plain(model):
        import_tensorflow(threads=threads)
        check_learning(model, model.n_classes)


def check_data(model: Any, own: Sequence[Source], *, test: bool, evaluate: bool) -> None:
    """Refuse what can be known of the data beforehand. Raises as `check_features` and `check_expected`.

    SettingError also where recordings are to be added to ready features.
    """
    features = feature_sources(model)
    check_features(model, features)
    if features and own:
        raise SettingError("recordings cannot be added to ready features", "leave out --positives and --negatives")
    check_expected(model, own, needed_splits(evaluate=evaluate), test=test)


def needed_splits(*, evaluate: bool) -> tuple[str, ...]:
    """Splits that must have a voice of every class: that of the test only where the model is judged."""
    return SPLIT_NAMES if evaluate else SPLIT_NAMES[:2]


def _check_classes(classes: Sequence[str]) -> None:
    if len(set(classes)) < len(classes):
        raise SettingError(f"classes {classes} has a name twice", "each of the net's outputs needs its own")
    if not any(not name.startswith("_") for name in classes):
        shown = ", ".join(classes) or "there is none"
        raise SettingError(
            f"no class is detected: {shown}", "name what is to be heard without '_' in front, such as 'alexa'"
        )
    if len(classes) < 2:
        raise SettingError(
            f"{classes[0]!r} is the only class, so that there is nothing to tell it from",
            'add what is not to be detected: "_unknown_", or "_silence_"',
        )
    if len(classes) > MAX_CLASSES:
        raise SettingError(
            f"{len(classes)} classes are more than the {MAX_CLASSES} that a recogniser takes",
            "leave some out, or gather them in '_unknown_'",
        )


def _check_fractions(fractions: Sequence[float]) -> None:
    hint = "give training, validation and test a share each, for example (0.8, 0.1, 0.1)"
    for name, share in zip(SPLIT_NAMES, fractions, strict=True):
        if not share > 0:
            raise SettingError(f"split_fractions {tuple(fractions)} leave nothing for {name}", hint)
    if abs(sum(fractions) - 1) > 1e-6:
        raise SettingError(f"split_fractions {tuple(fractions)} do not add up to 1", hint)
