"""How a model file of MLTK trains: epochs, batches, optimizer, learning rates, what ends a training."""

import ast
from dataclasses import dataclass, field
from typing import Any

from mltk_like.errors import SettingError
from mltk_like.plateau import ReduceOnPlateau
from mltk_like.verbs.import_mltk.constants import Unknown
from mltk_like.verbs.import_mltk.layout import call, listed, literal
from mltk_like.verbs.import_mltk.ledger import Ledger
from mltk_like.verbs.import_mltk.mltk_file import Assigned, MltkFile

_UNTIL_STOPPED = 1000
_SEVERAL = "it is what this tool does where nothing is said"
_NOT_TOLD = "its value cannot be told without running the file"
_PLAIN = {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}
_PLATEAU = ("monitor", "factor", "patience", "min_delta", "cooldown", "min_lr")
_LOGGED = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(kw_only=True)
class Training:
    """Settings and functions of the training.

    Attributes:
        settings: lines of the class body, `name = value`, by name.
        functions: of the file, which become settings: name of the setting -> function.
        optimizer: source of an expression that makes it, where its name does not do.
    """

    settings: dict[str, str] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    optimizer: str = ""


def training_of(file: MltkFile, ledger: Ledger) -> Training:
    """The settings of the training that carry over."""
    training = Training()
    _numbers(file, training, ledger)
    for name in ("loss", "metrics"):
        _plain(file, training, name, ledger)
    _optimizer(file, training, ledger)
    _class_weights(file, training, ledger)
    if found := file.last("lr_schedule"):
        _schedule(file, training, found.node, found.line, ledger)
    if found := file.last("reduce_lr_on_plateau"):
        _plateau(file, training, found, ledger)
    _stopping(file, training, ledger)
    _checkpoint(file, training, ledger)
    _callbacks(file, training, ledger)
    return training


def _numbers(file: MltkFile, training: Training, ledger: Ledger) -> None:
    for name in ("version", "description", "epochs", "batch_size", "steps_per_epoch"):
        found = file.last(name)
        value = file.value(name)
        if found is None:
            continue
        if name == "description" and isinstance(value, str):
            training.settings[name] = literal(value)
            ledger.carry(found.line, name, name)
        elif not isinstance(value, int) or isinstance(value, bool) or name == "description":
            ledger.leave(found.line, name, _NOT_TOLD)
        elif name == "epochs" and value < 1:
            training.settings[name] = str(_UNTIL_STOPPED)
            ledger.carry(
                found.line, f"{name} = {value}", f"{name} = {_UNTIL_STOPPED}, or early_stopping_epochs ends it"
            )
        elif (name == "version" and value < 0) or (name in ("batch_size", "steps_per_epoch") and value < 1):
            ledger.leave(found.line, name, f"{value} is not possible here")
        else:
            training.settings[name] = literal(value)
            ledger.carry(found.line, name, name)


def _plain(file: MltkFile, training: Training, name: str, ledger: Ledger) -> None:
    found = file.last(name)
    if found is None:
        return
    value = file.constants.get(found.node)
    if value == _PLAIN[name]:
        ledger.pass_over(found.line, name, _SEVERAL)
    elif name == "loss" and isinstance(value, str) and not value.startswith("sparse"):
        training.settings[name] = literal(value)
        ledger.carry(found.line, name, name)
    elif name == "metrics" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        training.settings[name] = literal(value)
        ledger.carry(found.line, name, f"{name}, of the validation windows")
    elif name == "loss" and isinstance(value, str):
        ledger.pass_over(found.line, name, "classes are one-hot here, so it is categorical_crossentropy")
    else:
        ledger.leave(found.line, name, f"set {name} in the class, as docs/model_files.md shows")


def _optimizer(file: MltkFile, training: Training, ledger: Ledger) -> None:
    """What the model names, or what its net is compiled with."""
    found = file.last("optimizer")
    node, line = (found.node, found.line) if found else (None, 0)
    for made, _ in file.calls():
        if isinstance(made.func, ast.Attribute) and made.func.attr == "compile":
            for word in made.keywords:
                if word.arg == "optimizer" and isinstance(word.value, ast.Call):
                    node, line = word.value, word.value.lineno
    if node is None:
        return
    value = file.constants.get(node)
    if isinstance(value, str):
        ledger.carry(line, "optimizer", f"optimizer = {value!r}")
        training.settings["optimizer"] = literal(value)
        return
    if isinstance(node, ast.Call) and ".optimizers." in file.constants.dotted(node.func) and not node.args:
        values = {word.arg: file.constants.get(word.value) for word in node.keywords if word.arg}
        if len(values) == len(node.keywords) and all(isinstance(one, int | float) for one in values.values()):
            values["learning_rate"] = values.pop("lr", values.get("learning_rate"))
            shown = ", ".join(f"{name}={one!r}" for name, one in values.items() if one is not None)
            training.optimizer = f"{file.constants.dotted(node.func).rsplit('.', 1)[-1]}({shown})"
            ledger.carry(line, "optimizer", f"optimizer = {training.optimizer}")
            return
    ledger.leave(line, "optimizer", "set optimizer, learning_rate and weight_decay in the class")


def _class_weights(file: MltkFile, training: Training, ledger: Ledger) -> None:
    found = file.last("class_weights")
    if found is None:
        return
    value = file.constants.get(found.node)
    names = {"balanced": "balanced", "balance": "balanced", "none": "none"}
    if isinstance(value, str) and value in names:
        training.settings["class_weights"] = literal(names[value])
    elif _all(value, list | tuple, int | float) or (isinstance(value, dict) and _all(list(value), list, str)):
        training.settings["class_weights"] = literal(value)
    else:
        ledger.leave(found.line, "class_weights", "give 'balanced', 'none', a list or a mapping of the classes' names")
        return
    ledger.carry(found.line, "class_weights", "class_weights")


def _all(value: Any, kind: Any, of: Any) -> bool:
    """Whether a value is a list of things of one kind."""
    return isinstance(value, kind) and all(isinstance(one, of) for one in value)


def _schedule(file: MltkFile, training: Training, node: ast.expr, line: int, ledger: Ledger) -> None:
    """A function of the epoch, which MLTK takes as it is or in `dict(schedule=...)`."""
    if isinstance(node, ast.Call):
        node = next((word.value for word in node.keywords if word.arg == "schedule"), node)
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        node = next((value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "schedule"), node)
    function = file.functions.get(node.id) if isinstance(node, ast.Name) else None
    if function is None:
        ledger.leave(line, "lr_schedule", "define it in the class: def lr_schedule(epoch), or learning_rate_steps")
        return
    training.functions["lr_schedule"] = function


def _plateau(file: MltkFile, training: Training, found: Assigned, ledger: Ledger) -> None:
    words = _words(file, found.node)
    if words is None:
        if file.constants.get(found.node, Unknown) is not None:
            ledger.leave(found.line, found.name, _NOT_TOLD)
        return
    monitor = words.get("monitor", "val_loss")
    given: dict[str, Any] = {name: words[name] for name in _PLATEAU if name in words}
    if words.get("mode") in ("min", "max"):
        given["monitor"] = f"{words['mode']}:{monitor}"
    if monitor not in _LOGGED:
        ledger.leave(found.line, found.name, f"{monitor!r} is not logged here; there are {', '.join(_LOGGED)}")
        return
    try:
        ReduceOnPlateau(**given)
    except (SettingError, TypeError) as error:
        ledger.leave(found.line, found.name, str(getattr(error, "message", error)))
        return
    training.settings[found.name] = call("dict", given)
    ledger.carry(found.line, found.name, f"{found.name} = {training.settings[found.name]}")


def _words(file: MltkFile, node: ast.expr) -> dict[str, Any] | None:
    """The items of a mapping whose values can be told; None where it is none."""
    if isinstance(node, ast.Call):
        pairs = [(word.arg, word.value) for word in node.keywords]
    elif isinstance(node, ast.Dict):
        pairs = [
            (file.constants.get(key) if key else None, value) for key, value in zip(node.keys, node.values, strict=True)
        ]
    else:
        return None
    return {str(key): value for key, item in pairs if (value := file.constants.get(item, Unknown)) is not Unknown}


def _stopping(file: MltkFile, training: Training, ledger: Ledger) -> None:
    whole = file.last("early_stopping")
    words = _words(file, whole.node) if whole else {}
    words = {**(words or {}), **{one.key: file.constants.get(one.node) for one in file.of("early_stopping") if one.key}}
    line = next((one.line for one in reversed(file.of("early_stopping"))), 0)
    if not words:
        return
    patience = words.get("patience", 0)
    if not isinstance(patience, int) or patience < 1:
        ledger.leave(line, "early_stopping", "set early_stopping_epochs")
        return
    training.settings["early_stopping_epochs"] = repr(patience)
    ledger.carry(line, "early_stopping", f"early_stopping_epochs = {patience}, counted from the best checkpoint")


def _checkpoint(file: MltkFile, training: Training, ledger: Ledger) -> None:
    """What the best checkpoint has the most, or the least, of."""
    for one in file.of("checkpoint"):
        value = file.constants.get(one.node)
        if one.key == "monitor" and value in ("val_accuracy", "val_loss"):
            training.settings["rank_by"] = literal({"val_accuracy": "accuracy"}.get(value, value))
            ledger.carry(
                one.line, one.what, f"rank_by = {training.settings['rank_by']}; for a detector, the default is better: "
                "fewest misses where false accepts are rare",
            )  # fmt: skip
        elif one.key == "monitor":
            ledger.leave(one.line, one.what, "set rank_by to a figure that is logged")
        else:
            ledger.pass_over(one.line, one.what, "checkpoints are kept by rank_by")


def _callbacks(file: MltkFile, training: Training, ledger: Ledger) -> None:
    found = file.last("train_callbacks")
    if found is None or not isinstance(found.node, ast.List | ast.Tuple):
        return
    for node in found.node.elts:
        name = ast.unparse(node.func).rsplit(".", 1)[-1] if isinstance(node, ast.Call) else ast.unparse(node)
        if isinstance(node, ast.Call) and name == "SteppedLearnRateScheduler" and node.args:
            _steps(file, training, node, ledger)
        elif isinstance(node, ast.Call) and name == "LearningRateScheduler" and node.args:
            _schedule(file, training, node.args[0], node.lineno, ledger)
        elif isinstance(node, ast.Call) and name == "ReduceLROnPlateau":
            _plateau(file, training, Assigned(name="reduce_lr_on_plateau", node=node, line=node.lineno), ledger)
        elif name in ("TerminateOnNaN", "TensorBoard", "ModelCheckpoint"):
            ledger.pass_over(node.lineno, name, "every training does that")
        else:
            ledger.leave(node.lineno, name, "write a method callbacks(self) that gives it")


def _steps(file: MltkFile, training: Training, node: ast.Call, ledger: Ledger) -> None:
    steps = file.constants.get(node.args[0])
    if not isinstance(steps, list | tuple) or not all(_is_step(step) for step in steps) or not steps:
        ledger.leave(node.lineno, "SteppedLearnRateScheduler", "set learning_rate_steps")
        return
    pairs = [f"({count}, {rate!r})" for count, rate in steps]
    training.settings["learning_rate_steps"] = listed("(", [*pairs, ""] if len(pairs) == 1 else pairs, ")", 4)
    total = sum(count for count, _ in steps)
    ledger.carry(node.lineno, "SteppedLearnRateScheduler", f"learning_rate_steps, {total} batches in all")


def _is_step(step: Any) -> bool:
    if not (isinstance(step, list | tuple) and len(step) == 2):
        return False
    count, rate = step
    return isinstance(count, int) and count > 0 and isinstance(rate, int | float) and rate > 0
