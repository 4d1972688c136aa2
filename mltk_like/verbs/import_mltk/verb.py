"""Read a model file of Silicon Labs' MLTK and write one of ours with what carries over."""

import ast
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.audio.recogniser import MAX_CLASSES
from mltk_like.errors import ModelError
from mltk_like.loader import typed
from mltk_like.paths import portable, write_text
from mltk_like.verbs.import_mltk.augmentation import augmentation_of
from mltk_like.verbs.import_mltk.layout import call, line_numbers, literal
from mltk_like.verbs.import_mltk.ledger import Item, Ledger
from mltk_like.verbs.import_mltk.mltk_file import MltkFile, read_mltk
from mltk_like.verbs.import_mltk.network import network_of
from mltk_like.verbs.import_mltk.render import render
from mltk_like.verbs.import_mltk.settings import frontend_settings, own_parameters, recogniser_settings
from mltk_like.verbs.import_mltk.sources import sources_of
from mltk_like.verbs.import_mltk.training import training_of
from mltk_like.verbs.import_mltk.unread import unread
from mltk_like.verbs.new import place_of


@dataclass(frozen=True, kw_only=True)
class ImportedModel:
    """A model file that was written from one of MLTK.

    Attributes:
        path: the file that was written.
        source: the file that was read.
        carried: what carries over, and what it became.
        left: what does not, and why.
        needless: what this tool does without being told.
        commands: what to do next, one command line each.
    """

    path: Path
    source: Path
    carried: tuple[Item, ...]
    left: tuple[Item, ...]
    needless: tuple[Item, ...]
    commands: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "path": portable(self.path), "source": portable(self.source)}

    def __str__(self) -> str:
        lines = [f"written: {portable(self.path)}, with {len(self.carried)} things of {portable(self.source)}"]
        if self.left:
            lines += ["", "does not carry over:", *(f"  {item}" for item in self.left)]
        if self.needless:
            lines += ["", "not needed here:", *_by_reason(self.needless)]
        return "\n".join([*lines, "", "next:", *(f"  {command}" for command in self.commands)])


def import_mltk(path: str | Path, *, output: str | Path | None = None) -> ImportedModel:
    """Read a model file of Silicon Labs' MLTK, without running it, and write a model file of ours.

    Front end, recogniser, classes, training and augmentation carry over by their settings; the net where it is one of
    MLTK's zoo or plain Keras; data where it is named. Everything else is said, with its line and the reason.

    Args:
        path: the `.py` file.
        output: name or path of the file to write; none: `./models/` and the name of the file that is read.

    Raises:
        ModelError: the file cannot be read, is no Python or no audio classifier of MLTK; or the file to write exists.
        DataError: it cannot be written.
    """
    source = Path(path)
    file = read_mltk(source)
    target = _place(source, output)
    ledger = Ledger()
    classes = _classes(file)
    text = _text(file, target.stem, classes, ledger)
    write_text(target, text)
    return ImportedModel(
        path=target,
        source=source,
        carried=_in_order(ledger.carried),
        left=_in_order(ledger.left),
        needless=_in_order(ledger.needless),
        commands=_commands(target),
    )


def _text(file: MltkFile, stem: str, classes: tuple[str, ...], ledger: Ledger) -> str:
    ledger.carry(_line(file, "classes"), "classes", "classes")
    frontend = frontend_settings(file, ledger)
    recogniser = recogniser_settings(file, ledger)
    levels = recogniser.get("detection_threshold_list")
    if levels is not None and len(levels) != len(classes):
        line = next((one.line for one in file.of("model_parameters") if one.key == "detection_threshold_list"), 1)
        ledger.leave(line, "detection_threshold_list", f"{len(levels)} thresholds are none for {len(classes)} classes")
        del recogniser["detection_threshold_list"]
    training = training_of(file, ledger)
    first: list[str] = [name for name in ("version", "description") if name in training.settings]
    settings: dict[str, str] = {name: training.settings.pop(name) for name in first}
    settings["classes"] = literal(classes)
    settings["frontend"] = call("FrontendSettings", frontend)
    settings["recogniser"] = call("RecogniserSettings", recogniser)
    if parameters := own_parameters(file, ledger):
        settings["parameters"] = call("dict", parameters)
    settings |= training.settings | _shares(file, classes, ledger)
    text = render(
        file,
        stem,
        settings=settings,
        training=training,
        sources=sources_of(file, classes, ledger),
        augmentation=augmentation_of(file, ledger),
        network=network_of(file, ledger),
        ledger=ledger,
    )
    unread(file, ledger)
    return text


def _place(source: Path, output: str | Path | None) -> Path:
    try:
        return place_of(str(output) if output is not None else source.stem)
    except ModelError as error:
        raise ModelError(error.message, f"{error.hint}: -o models/{source.stem}_imported.py") from error


def _classes(file: MltkFile) -> tuple[str, ...]:
    """The model's classes. Raises ModelError where they cannot be told, or are none."""
    value = file.value("classes")
    found = file.last("classes")
    where = f"{portable(file.path)}, line {found.line}" if found else portable(file.path)
    if not isinstance(value, list | tuple) or not value or not all(isinstance(name, str) for name in value):
        raise ModelError(
            f"{where}: its classes cannot be told without running it",
            "write them as a list of names in it, and try again",
        )
    words = [name for name in value if not name.startswith("_")]
    if len(set(value)) < len(value) or not words or not 1 < len(value) <= MAX_CLASSES:
        raise ModelError(f"{where}: the classes {', '.join(value)} are none of a detector", "name what is to be heard")
    return tuple(value)


def _shares(file: MltkFile, classes: Sequence[str], ledger: Ledger) -> dict[str, str]:
    """How much of everything there is: validation, unknown words, silence."""
    settings: dict[str, str] = {}
    given: dict[str, tuple[Any, int]] = {}
    calls = [node for node, dotted in file.calls() if dotted.endswith(".load_audio_directory")]
    for node in [*calls, *([file.generator] if file.generator else [])]:
        for word in node.keywords:
            given[word.arg or ""] = file.constants.get(word.value), node.lineno
    for name in ("validation_split", "unknown_class_multiplier"):
        if isinstance(file.constants.names.get(name), int | float):
            given.setdefault(name, (file.constants.names[name], _line_of(file, name)))
    split, line = given.get("validation_split", (None, 0))
    if isinstance(split, int | float) and 0 < split < 0.5:
        test = min(split, 0.1)
        settings["split_fractions"] = repr((round(1 - split - test, 6), split, test))
        ledger.carry(line, "validation_split", f"split_fractions = {settings['split_fractions']}: a test set too")
    unknown, line = given.get("unknown_class_percentage", (None, 0))
    if isinstance(unknown, int | float) and unknown > 0 and "_unknown_" in classes:
        settings["unknown_class_percentage"] = repr(unknown)
        ledger.carry(line, "unknown_class_percentage", "unknown_class_percentage")
    silence, line = given.get("silence_class_percentage", (None, 0))
    if isinstance(silence, int | float) and silence >= 0 and "_silence_" in classes:
        settings["silence_class_percentage"] = repr(silence)
        settings.setdefault("unknown_class_percentage", "0.0" if "_unknown_" not in classes else "1.0")
        ledger.carry(line, "silence_class_percentage", "silence_class_percentage")
    multiplier, line = given.get("unknown_class_multiplier", (None, 0))
    if isinstance(multiplier, int | float) and multiplier >= 0 and "_unknown_" in classes:
        settings["unknown_multiplier"] = repr(multiplier)
        ledger.carry(line, "unknown_class_multiplier", f"unknown_multiplier = {multiplier!r}")
    return settings


def _line(file: MltkFile, name: str) -> int:
    """Where a setting is given."""
    found = file.last(name)
    return found.line if found else 1


def _line_of(file: MltkFile, name: str) -> int:
    named = (node for node in ast.walk(file.tree) if isinstance(node, ast.Name) and node.id == name)
    return next((node.lineno for node in named), 1)


def _by_reason(items: Sequence[Item]) -> list[str]:
    """Items of one reason on one line."""
    reasons = list(dict.fromkeys(item.why for item in items))
    lines = []
    for why in reasons:
        mine = [item for item in items if item.why == why]
        names = list(dict.fromkeys(item.what.partition("[")[0] for item in mine))
        lines.append(f"  {line_numbers([item.line for item in mine])}: {', '.join(names)}: {why}")
    return lines


def _in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: item.line))


def _commands(path: Path) -> tuple[str, ...]:
    name = shlex.quote(typed(path))
    start = "python -m mltk_like"
    test = f"{name}-test" if not name.endswith(".py") else f"{name} --test"
    return (f"{start} summarize {name} --build", f"{start} train {test}", f"{start} train {name}")
