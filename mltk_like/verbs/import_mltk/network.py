"""The net of a model file of MLTK: one of its zoo by ours, or a function of plain Keras, copied."""

import ast
from dataclasses import dataclass, field
from typing import Any

from mltk_like.loader import find_named
from mltk_like.verbs.import_mltk.code import Editor, NotPlain
from mltk_like.verbs.import_mltk.constants import Unknown
from mltk_like.verbs.import_mltk.keras_code import keras_network
from mltk_like.verbs.import_mltk.layout import literal
from mltk_like.verbs.import_mltk.ledger import Ledger
from mltk_like.verbs.import_mltk.mltk_file import Assigned, MltkFile

_ZOO = "mltk.models.shared"
_STAND_IN = "tenet6"
_TENETS = {
    "TENet": {}, "TENet12": {}, "TENet6": {"block_depth": 2}, "TENet12Narrow": {"channels": 16},
    "TENet6Narrow": {"block_depth": 2, "channels": 16},
}  # fmt: skip


@dataclass(kw_only=True)
class Network:
    """The method `network`.

    Attributes:
        lines: its statements.
        nets: functions of `mltk_like.nets` that it calls.
        stands_in: whether it is another net, since that of the file does not carry over.
    """

    lines: list[str] = field(default_factory=list)
    nets: list[str] = field(default_factory=list)
    stands_in: bool = False


def network_of(file: MltkFile, ledger: Ledger) -> Network:
    """The model's net, or a small one in its place."""
    chosen = _builder(file, ledger)
    function = file.functions.get(chosen.node.id) if chosen and isinstance(chosen.node, ast.Name) else None
    line = chosen.line if chosen else 1
    try:
        if chosen is None:
            raise NotPlain(line, "the file names no function that builds it (build_model_function)")
        if function is None:
            raise NotPlain(line, f"there is no function {ast.unparse(chosen.node)} in the file")
        network = _from_zoo(file, function, ledger) or _copied(file, function)
    except NotPlain as error:
        ledger.leave(
            error.line, "the net", f"{error.why}; {_STAND_IN} stands in for it: write your own in network(self)"
        )
        return Network(
            lines=[f"# Stands in for the net of the MLTK file ({_where(function, error)}), which does not carry over.",
                   f"return {_STAND_IN}(self.input_shape, self.n_classes)"],
            nets=[_STAND_IN], stands_in=True,
        )  # fmt: skip
    assert function is not None
    became = f"network(), as {network.nets[0]}" if network.nets else "network(), copied"
    ledger.carry(function.lineno, f"{function.name}()", became)
    return network


def _where(function: ast.FunctionDef | None, error: NotPlain) -> str:
    return f"{function.name}, line {function.lineno}" if function else f"line {error.line}"


def _builder(file: MltkFile, ledger: Ledger) -> Assigned | None:
    """What builds the net; of several, between which a function chooses, the one of the student, or the last."""
    found = file.of("build_model_function")
    top = [one for one in found if not one.inside]
    if top or not found:
        return top[-1] if top else None
    students = [one for one in found if "student" in ast.unparse(one.node)]
    chosen = (students or found)[-1]
    for one in found:
        if one is not chosen:
            why = "one net is taken; `teachers` trains nets of the model's own that it learns from"
            ledger.leave(one.line, f"build_model_function = {ast.unparse(one.node)}", why)
    return chosen


def _from_zoo(file: MltkFile, function: ast.FunctionDef, ledger: Ledger) -> Network | None:
    """The net of Silicon Labs' zoo that a function makes, as the same of ours. Raises NotPlain where there is none."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    made = [call for call in calls if file.constants.dotted(call.func).startswith(_ZOO)]
    if not made:
        return None
    call = made[0]
    name = file.constants.dotted(call.func).rsplit(".", 1)[-1]
    words = {word.arg or "**": word.value for word in call.keywords}
    if len(made) > 1 or {"include_head", "return_model", "input_layer"} & words.keys():
        raise NotPlain(call.lineno, f"it is made of parts of {_ZOO}.{name}")
    ours, options = _ours(file, name, words, call.lineno)
    arguments = "".join(f", {key}={literal(value)}" for key, value in options.items())
    made_here = f"{ours}(self.input_shape, self.n_classes{arguments})"
    return Network(lines=_with_weights(file, calls, made_here, ledger), nets=[ours])


def _ours(file: MltkFile, name: str, words: dict[str, ast.expr], line: int) -> tuple[str, dict[str, Any]]:
    """Our function for a net of the zoo, and its options."""

    def value(key: str, default: Any) -> Any:
        found = file.constants.get(words.get(key), Unknown) if key in words else default
        if found is Unknown:
            raise NotPlain(line, f"the argument {key} of {name} cannot be told without running the file")
        return found

    if name in _TENETS:
        if value("channel_increase", 0.0):
            raise NotPlain(line, f"{name} here has no channel_increase")
        given = {"block_depth": 4, "channels": 32, **_TENETS[name]}
        scales = value("scales", (9, 7, 5, 3) if value("mtconv", False) else (9,))
        options = {
            "groups": value("blocks", 3), "depth": value("block_depth", given["block_depth"]),
            "channels": value("channels", given["channels"]), "kernel": tuple(scales) if len(scales) > 1 else scales[0],
            "dropout": value("dropout", 0.1),
        }  # fmt: skip
        defaults = {"groups": 3, "depth": 4, "channels": 32, "kernel": 9, "dropout": 0.1}
        return "tenet", {key: found for key, found in options.items() if found != defaults[key]}
    if name == "MobileNetV2":
        return "mobilenet_v2", {"alpha": value("alpha", 0.35), "last_block": value("last_block_filters", None)}
    if name == "MobileNetV1":
        return "mobilenet_v1", {"alpha": value("num_filters", 8) / 32}
    if name == "DepthwiseSeparableConv2D_ARM":
        return "ds_cnn", {"channels": value("filters", 64)}
    if name == "BCResNet" and not words.keys() - {"input_shape", "label_count"}:
        return "bc_resnet", {}
    raise NotPlain(line, f"it is {name} of Silicon Labs' zoo, which is not here with those arguments")


def _with_weights(file: MltkFile, calls: list[ast.Call], made: str, ledger: Ledger) -> list[str]:
    """The statements that make a net, and load the weights of another model where the file does."""
    load = next(
        (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "load_weights"), None
    )
    if load is None:
        return [f"return {made}"]
    named = next((call for call in calls if file.constants.dotted(call.func).endswith(".load_mltk_model")), None)
    name = file.constants.get(named.args[0]) if named and named.args else None
    if not isinstance(name, str) or find_named(name) is None:
        ledger.leave(
            load.lineno,
            "load_weights()",
            "train the other model here, then mltk.load_weights_from(net, NAME) in network()",
        )
        return [f"return {made}"]
    ledger.carry(
        load.lineno, "load_weights()", f"mltk.load_weights_from(net, {name!r}): this tool's model of that name"
    )
    return [f"net = {made}", f"mltk.load_weights_from(net, {literal(name)})", "return net"]


def _copied(file: MltkFile, function: ast.FunctionDef) -> Network:
    return Network(lines=keras_network(file, function, Editor(file.source)))
