"""Training in three episodes: float, then activations of few bits, then weights too, each from the last.

The episodes are those of BrainChip's page "Inference on KWS with MobileNet". Each keeps its own checkpoint, so that a
training that was broken off goes on in the episode it was in.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.low_bit.files import to_npz
from mltk_like.low_bit.fold import integer_net
from mltk_like.low_bit.integer_net import IntegerNet, run
from mltk_like.low_bit.quantise import low_bit_net, settle
from mltk_like.low_bit.report import Episode, LowBitReport, stage_statistics
from mltk_like.low_bit.settings import LowBit
from mltk_like.mixins import TrainMixin
from mltk_like.paths import write_bytes, write_text
from mltk_like.training.fit import CHECKPOINT, Feeds, FitResult, Validation, fit
from mltk_like.training.hooks import Hooks
from mltk_like.training.learning import make_callbacks
from mltk_like.training.schedule import Schedule
from mltk_like.training.teachers import Teachers
from mltk_like.training.trainer import Trainer

INTEGERS = "low_bit.npz"
REPORT = "low_bit.json"
LATER = ("activations", "weights")
"""Folders of the second and third episode's checkpoints; the first has the training's own."""


def fit_net(
    model: TrainMixin,
    net: Any,
    class_weights: NDArray[np.float32],
    schedule: Schedule,
    feeds: Feeds,
    validation: Validation,
    folder: Path,
    *,
    teachers: Teachers | None = None,
    told: bool = False,
    resume: bool = False,
    progress: bool = True,
) -> tuple[Any, FitResult]:
    """Train a net in one go, or in three episodes where the model has `low_bit`.

    Arguments and errors are those of `fit`, but for the net and what `Trainer` takes.
    In low-bit training the folder gets `low_bit.json` (the report) and `low_bit.npz` (the net in integers); not the
    latter for a net that branches, and the report says so.

    Returns:
        The net that was trained, to be saved and converted, and what the training came to, all episodes in a row.
    """
    results = []
    validation = replace(validation, rank_by=model.rank_by)
    for number, name in enumerate(("", *LATER) if model.low_bit else ("",)):
        own, place = schedule, folder / name
        if model.low_bit and number:
            own = _slower(schedule, model.low_bit.later_rate)
        trainer = Trainer(model, _episode_net(net, model.low_bit, number), class_weights, teachers, told=told)
        going_on = resume and (place / CHECKPOINT).is_file()
        hooks = Hooks(make_callbacks(model), trainer.net, trainer.optimizer)
        results.append(
            fit(model, trainer, own, feeds, validation, place, hooks=hooks, resume=going_on, progress=progress)
        )
    if model.low_bit is None:
        return net, results[0]
    integers, problem = _integers(net, model)
    net = settle(net, model.low_bit)
    rows = _episodes(model.low_bit, results)
    report = LowBitReport(episodes=rows, windows=len(validation.labels), problem=problem)
    if integers is not None:
        keras = Trainer(model, net, class_weights).predict(validation.features)
        report = _with_integers(report, integers, validation, keras.argmax(axis=1))
        write_bytes(folder / INTEGERS, to_npz(integers))
    write_text(folder / REPORT, json.dumps(report.to_dict(), indent=2) + "\n")
    return net, _together(results)


def _episode_net(net: Any, low_bit: LowBit | None, number: int) -> Any:
    return net if low_bit is None or number == 0 else low_bit_net(net, low_bit, weights=number == 2)


def _slower(schedule: Schedule, factor: float) -> Schedule:
    return replace(schedule, rate=lambda step: schedule.rate(step) * factor)


def _together(results: list[FitResult]) -> FitResult:
    """Histories in a row; the best epoch is the last episode's."""
    before = sum(len(result.history["loss"]) for result in results[:-1])
    seconds = sum(result.seconds for result in results)
    stages = {name for result in results for name in result.feed_seconds}
    return FitResult(
        history={name: [value for r in results for value in r.history.get(name, ())] for name in results[0].history},
        best_epoch=before + results[-1].best_epoch,
        best_score=results[-1].best_score,
        steps=sum(result.steps for result in results),
        seconds=seconds,
        windows_per_s=sum(r.windows_per_s * r.seconds for r in results) / max(seconds, 1e-9),
        chance=results[-1].chance,
        feed_seconds={name: sum(r.feed_seconds.get(name, 0.0) for r in results) for name in stages},
    )


def _integers(net: Any, model: Any) -> tuple[IntegerNet | None, str]:
    """The net in integers, or why there is none."""
    try:
        return integer_net(net, model.low_bit, str(getattr(model, "name", "net"))), ""
    except ModelError as error:
        return None, f"no net in integers: {error.message}"


def _episodes(low_bit: LowBit, results: list[FitResult]) -> tuple[Episode, ...]:
    weights, activations = f"{low_bit.first_weights}/{low_bit.weights} bits", f"{low_bit.activations} bits"
    kinds = (
        ("float", "N/A", "N/A"),
        ("activations", "N/A", activations),
        ("weights and activations", weights, activations),
    )
    return tuple(
        Episode(
            name=name,
            weights=some,
            activations=other,
            accuracy=result.history["val_accuracy"][result.best_epoch - 1],
            epochs=len(result.history["loss"]),
        )
        for (name, some, other), result in zip(kinds, results, strict=True)
    )


def _with_integers(
    report: LowBitReport, integers: IntegerNet, validation: Validation, keras: NDArray[np.int64]
) -> LowBitReport:
    """The report with the figures of the net in integers; `keras` holds the classes that the Keras net gives."""
    classes = run(integers, validation.features).argmax(axis=1)
    accuracy = float((classes == validation.labels).mean())
    return replace(
        report,
        episodes=(*report.episodes, replace(report.episodes[-1], name="integers", accuracy=accuracy, epochs=0)),
        same_class=float((classes == keras).mean()),
        flash_bytes=integers.flash_bytes,
        weight_bytes=sum(stage.packed_bytes for stage in integers.stages),
        stages=stage_statistics(integers, validation.features),
    )
