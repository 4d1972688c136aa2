"""The same inputs through every engine: where bytes must agree they are compared, else it is measured."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import Artifact
from mltk_like.codegen import NetSource, emit_net
from mltk_like.errors import CheckError, ModelError, SettingError, ToolError
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.features import open_windows
from mltk_like.firmware import Core, core_of
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model, require
from mltk_like.tflite import NetInput, TfliteModel, compare_engines, random_inputs, run_tflm, summarize_tflite
from mltk_like.verbs.check.float_loss import float_loss
from mltk_like.verbs.check.judged import judged_figures
from mltk_like.verbs.check.result import TOLERANCE, CheckResult, Cost
from mltk_like.verbs.check.same_bytes import host_against_chip, tflm_against_host
from mltk_like.verbs.quantize import kept_windows
from mltk_like.verbs.shared.building import artifact_of, open_net, specification_of

CLIPS = 100
_ON_CHIP = 5  # inferences; each is some ten million emulated instructions

_FLOAT = "float and LiteRT"

Skipped = dict[str, str]
_Found = TypeVar("_Found")


def check(
    model: Model | str | Path,
    *,
    tolerance: float = TOLERANCE,
    clips: int = CLIPS,
    chip: str | None = None,
    data: bool = False,
) -> CheckResult:
    """Whether float, int8 on LiteRT and on TensorFlow Lite Micro, and the net as C say the same of a model.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        tolerance: most of the windows, as a share, on which int8 may decide otherwise than float.
        clips: how many windows at most.
        chip: a core such as `cortex-m4`, on which the net as C runs in an emulator too.
        data: make the windows of the test voices in the model's data, which is collected as for a training; else those
            that were kept with the model are taken, and random inputs where none were.

    Raises:
        SettingError: a tolerance that is no share, no clips, or no such core.
        ModelError: the model does not exist or has not been trained, LiteRT or TFLM cannot run it, or it does not fit
            into the emulated board.
        DataError: its data cannot be had.
    """
    if not 0 <= tolerance <= 1:
        raise SettingError(f"a tolerance of {tolerance:g} is no share of the windows", "give 0 to 1, as 0.05 for 5 %")
    if clips < 1:
        raise SettingError(f"{clips} windows cannot be compared", "give --clips 1 or more")
    core = None if chip is None else core_of(chip)
    artifact = artifact_of(model)
    tflite = artifact.tflite()
    windows, what = _windows(model, artifact, clips, data)
    skipped: Skipped = {}
    net = _float_net(model, artifact, windows, skipped)
    found = check_engines(
        artifact.name, tflite, net, windows, what=what, tolerance=tolerance, clips=clips, core=core, skipped=skipped
    )
    return found.with_judged(judged_figures(artifact))


def check_engines(
    name: str,
    tflite: bytes,
    net: Any,
    windows: NDArray[np.int8] | None,
    *,
    what: str = "windows that set the ranges",
    tolerance: float = TOLERANCE,
    clips: int = CLIPS,
    core: Core | None = None,
    skipped: Mapping[str, str] | None = None,
) -> CheckResult:
    """The check itself, of a model that is at hand.

    Args:
        name: the model's name.
        tflite: the int8 model.
        net: the Keras net; None: there is none.
        windows: int8, as the front end gives them; None: random inputs.
        what: the windows are.
        tolerance: see `check`.
        clips: how many random inputs.
        core: where the net as C is to run in an emulator.
        skipped: what is not compared and why, which is in the result too.

    Raises:
        ModelError: LiteRT or TFLM cannot run the model, or it does not fit into the emulated board.
    """
    left_out = dict(skipped or {})
    litert = TfliteModel(tflite)
    inputs = random_inputs(litert, clips) if windows is None else litert.quantize(NetInput(tflite)(windows)[0])
    net_in_c = _as_c(tflite, left_out)
    same = on_chip = None
    errors: tuple[str, ...] = ()
    if net_in_c is not None:
        try:
            same = _unless(left_out, "TFLM and C here", lambda: tflm_against_host(tflite, inputs))
        except CheckError as error:
            errors = (error.message,)
    if net_in_c is not None and core is not None and not errors:
        rows, name_of_chip = inputs[:_ON_CHIP], f"C here and on {core.name}"
        on_chip = _unless(left_out, name_of_chip, lambda: host_against_chip(tflite, rows, core))
    return CheckResult(
        name=name,
        inputs=f"{len(inputs)} random inputs" if windows is None else f"{len(windows)} {what}",
        tolerance=tolerance,
        cost=_cost(tflite, net_in_c),
        float_loss=None if net is None or windows is None else float_loss(net, tflite, windows),
        engines=_unless(left_out, "LiteRT and TFLM", lambda: compare_engines(tflite, windows)),
        on_host=same,
        on_chip=on_chip,
        skipped=left_out,
        errors=errors,
        chip=None if core is None else core.name,
    )


def _as_c(tflite: bytes, skipped: Skipped) -> NetSource | None:
    try:
        return emit_net(tflite)
    except (ModelError, ToolError) as error:
        skipped["TFLM and C here"] = error.message
        return None


def _unless(skipped: Skipped, name: str, compared: Callable[[], _Found]) -> _Found | None:
    """What is compared; None where this installation cannot."""
    try:
        return compared()
    except ToolError as error:
        skipped[name] = error.message
        return None


def _windows(
    model: Model | str | Path, artifact: Artifact, clips: int, data: bool
) -> tuple[NDArray[np.int8] | None, str]:
    if data:
        return _made(
            specification_of(model, artifact), artifact.name.endswith("-test"), clips
        ), "windows of test voices"
    kept = kept_windows(artifact)
    return (None, "") if kept is None else (kept[:clips], "windows that were kept with the model")


def _made(model: Model, test: bool, clips: int) -> NDArray[np.int8]:
    require(model, AudioDatasetMixin, "check")
    assert isinstance(model, AudioDatasetMixin)
    assert isinstance(model, TrainMixin)
    splits = collect(model, test=test).splits
    return open_windows(model, open_split(model, splits.test, seed=model.seed)).batch(0, clips).features


def _float_net(
    model: Model | str | Path, artifact: Artifact, windows: NDArray[np.int8] | None, skipped: Skipped
) -> Any:
    """The Keras net; None where there is none, nothing to run it on, or no TensorFlow."""
    if artifact.alone or artifact.read(f"{artifact.name}.keras") is None:
        skipped[_FLOAT] = "there is no .keras file"
        return None
    if windows is None:
        skipped[_FLOAT] = "no windows were kept with the model; --data makes some"
        return None
    try:
        return open_net(artifact, specification_of(model, artifact))
    except ToolError as error:
        skipped[_FLOAT] = error.message
        return None


def _cost(tflite: bytes, net: NetSource | None) -> Cost:
    summary = summarize_tflite(tflite)
    tflm = _unless({}, "", lambda: run_tflm(tflite, profile=False, repeat=1))
    return Cost(
        ops=summary.ops,
        macs=summary.macs,
        flash_bytes=summary.flash_bytes,
        constant_bytes=None if net is None else net.constant_bytes,
        arena_bytes={} if net is None else net.arena_bytes,
        tflm_arena_bytes=None if tflm is None else tflm.arena_bytes,
        tflm_activations_bytes=None if tflm is None else tflm.activations_bytes,
    )
