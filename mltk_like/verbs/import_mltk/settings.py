"""Front end, recogniser and parameters of a model file of MLTK, by the names that both tools have."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mltk_like.audio.parameters import check_own_parameters, is_known
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.errors import SettingError
from mltk_like.verbs.import_mltk.constants import Unknown
from mltk_like.verbs.import_mltk.ledger import Ledger
from mltk_like.verbs.import_mltk.mltk_file import Assigned, MltkFile

_FRONTEND = frozenset(field.name for field in fields(FrontendSettings))
_RECOGNISER = frozenset(field.name for field in fields(RecogniserSettings))
_NOT_TOLD = "its value cannot be told without running the file"
# Parameters of MLTK that its programs alone read.
_THEIRS = {
    "samplewise_norm.mean_and_std": "windows are not normalised one by one; standardize = True measures the training "
    "windows, with SpectrumSettings as front end",
    "samplewise_norm.rescale": "the net takes the front end's int8 values as they are",
    "sensitivity": "it moves the activity light of their demonstration",
    "baud_rate": "the firmware of a board has its own",
}


def frontend_settings(file: MltkFile, ledger: Ledger) -> dict[str, Any]:
    """The settings of the front end that differ from the defaults, which both tools share."""
    given: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for name, (node, line) in file.frontend.items():
        if name == "fft_length":
            ledger.pass_over(line, "frontend.fft_length", "it follows from the window")
        elif name not in _FRONTEND:
            ledger.leave(line, f"frontend.{name}", "the front end has no such setting")
        else:
            value = file.constants.get(node, Unknown)
            if value is Unknown:
                ledger.leave(line, f"frontend.{name}", _NOT_TOLD)
                continue
            given[name], lines[name] = value, line
    settings = _accepted(FrontendSettings, "frontend", given, lines, ledger)
    for name in settings:
        ledger.carry(lines[name], f"frontend.{name}", f"frontend.{name} = {settings[name]!r}")
    return settings


def recogniser_settings(file: MltkFile, ledger: Ledger) -> dict[str, Any]:
    """The settings of the recogniser that the file gives."""
    given: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for one, value in _parameters(file, ledger):
        if one.key in _RECOGNISER:
            given[one.key], lines[one.key] = value, one.line
    settings = _accepted(RecogniserSettings, "recogniser", given, lines, ledger)
    for name, value in settings.items():
        ledger.carry(lines[name], f"model_parameters[{name!r}]", f"recogniser.{name} = {value!r}")
    return settings


def own_parameters(file: MltkFile, ledger: Ledger) -> dict[str, Any]:
    """Further parameters that the `.tflite` is to carry."""
    result: dict[str, Any] = {}
    for one, value in _parameters(file, Ledger()):
        if one.key in _RECOGNISER:
            continue
        if one.key in _THEIRS or is_known(one.key):
            ledger.leave(one.line, one.what, _THEIRS.get(one.key, "the tool writes that parameter itself"))
            continue
        try:
            check_own_parameters({one.key: value})
        except SettingError as error:
            ledger.leave(one.line, one.what, error.message)
        else:
            result[one.key] = value
            ledger.carry(one.line, one.what, f"parameters[{one.key!r}]")
    return result


def _parameters(file: MltkFile, ledger: Ledger) -> list[tuple[Assigned, Any]]:
    """Each item of `model_parameters` with its value; the last of each name."""
    latest = {one.key: one for one in file.of("model_parameters") if one.key and not one.inside}
    found = []
    for one in latest.values():
        value = file.constants.get(one.node, Unknown)
        if value is Unknown:
            ledger.leave(one.line, one.what, _NOT_TOLD)
        else:
            found.append((one, value))
    return found


def _accepted(
    kind: type, what: str, given: Mapping[str, Any], lines: Mapping[str, int], ledger: Ledger
) -> dict[str, Any]:
    """Those of the settings with which `kind` can be made, one after the other where all together cannot."""
    try:
        kind(**given)
        return dict(given)
    except (SettingError, TypeError):
        pass
    accepted: dict[str, Any] = {}
    waiting = dict(given)
    # Two values may be right only together, so those that were refused are tried again as long as that helps.
    progress = True
    while progress:
        progress = False
        for name in list(waiting):
            try:
                kind(**accepted, **{name: waiting[name]})
            except (SettingError, TypeError):
                continue
            accepted[name] = waiting.pop(name)
            progress = True
    for name, value in waiting.items():
        try:
            kind(**accepted, **{name: value})
        except (SettingError, TypeError) as error:
            ledger.leave(lines[name], f"{what}.{name}", f"{value!r} is not possible here: {_first(error)}")
    return accepted


def _first(error: Exception) -> str:
    return error.message if isinstance(error, SettingError) else str(error)
