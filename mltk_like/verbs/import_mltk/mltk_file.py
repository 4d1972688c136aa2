"""A model file of Silicon Labs' MLTK, read as text: which objects it makes, and what it sets on them. Nothing runs."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.opening import read_file
from mltk_like.paths import portable
from mltk_like.verbs.import_mltk.constants import Constants, Things, Unknown

_NOT_OURS = {
    "ImageDatasetMixin": "it classifies images",
    "EvaluateAutoEncoderMixin": "it is an autoencoder",
    "ParallelImageDataGenerator": "it classifies images",
}
_HINT = "this tool's models hear: give the file of an audio classifier, with AudioFeatureGeneratorSettings in it"
_GENERATOR = "ParallelAudioDataGenerator"
_FRONTEND = "AudioFeatureGeneratorSettings"


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Something that the file sets on its model.

    Attributes:
        name: of the setting.
        key: of the item, in settings that are mappings; else empty.
        node: what it is set to.
        line: where.
        inside: name of the function in which it is set, or empty.
    """

    name: str
    key: str = ""
    node: ast.expr
    line: int
    inside: str = ""

    @property
    def what(self) -> str:
        """It, as it is written there."""
        return f"{self.name}[{self.key!r}]" if self.key else self.name


@dataclass(kw_only=True)
class MltkFile:
    """What a model file of MLTK says.

    Attributes:
        path: the file.
        source: its bytes.
        tree: its syntax.
        constants: what its names stand for, at its end.
        assigned: what it sets on its model, in order.
        frontend: settings of its front end, with the line of each.
        generator: the call that makes its audio generator, if any.
        functions, classes: defined at its top level, by name.
        model: name of the model object.
        model_class: its class.
    """

    path: Path
    source: bytes
    tree: ast.Module
    constants: Constants = field(default_factory=Constants)
    assigned: list[Assigned] = field(default_factory=list)
    frontend: dict[str, tuple[ast.expr, int]] = field(default_factory=dict)
    generator: ast.Call | None = None
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    model: str = ""
    model_class: str = ""

    def of(self, name: str) -> list[Assigned]:
        """Everything that is set under a name, in order."""
        return [one for one in self.assigned if one.name == name]

    def last(self, name: str) -> Assigned | None:
        """What is set last under a name as a whole, at the top level."""
        return next((one for one in reversed(self.of(name)) if not one.key and not one.inside), None)

    def value(self, name: str, default: Any = None) -> Any:
        """The value that is set last under a name, or `default` where there is none that can be told."""
        found = self.last(name)
        return default if found is None else self.constants.get(found.node, default)

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call in the file with the dotted name of what is called, as far as that was imported."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, self.constants.dotted(node.func)


def read_mltk(path: Path) -> MltkFile:
    """Read a model file of MLTK.

    Raises:
        ModelError: it cannot be read, is no Python, or is no audio classifier of MLTK.
    """
    source = read_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in texts of others
            tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        where = f"{portable(path)}, line {error.lineno}" if error.lineno else portable(path)
        raise ModelError(f"{where}: {error.msg}", "it is read as Python 3; nothing was written") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ModelError(f"{portable(path)} is no Python: {error}", "give a model's .py file") from error
    file = MltkFile(path=path, source=source, tree=tree)
    _imports(file)
    _check_is_mltk(file)
    _definitions(file)
    for statement in tree.body:
        _read(file, statement)
    for function in file.functions.values():
        _read_inside(file, function)
    _check_is_audio(file)
    return file


def _imports(file: MltkFile) -> None:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                file.constants.imported[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                file.constants.imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"


def _check_is_mltk(file: MltkFile) -> None:
    packages = {name.partition(".")[0] for name in file.constants.imported.values()}
    if "mltk" in packages:
        return
    if "mltk_like" in packages:
        raise ModelError(f"{portable(file.path)} is a model file of this tool already", "train it as it is")
    raise ModelError(
        f"{portable(file.path)} imports nothing of mltk, so it is no model file of Silicon Labs' MLTK",
        "give the .py file of such a model; new NAME --keywords WORD begins a model from nothing",
    )


def _definitions(file: MltkFile) -> None:
    """Functions, classes, and the model object."""
    for node in file.tree.body:
        if isinstance(node, ast.FunctionDef):
            file.functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            file.classes[node.name] = node
    models = {name for name, node in file.classes.items() if any(_name(base) == "MltkModel" for base in node.bases)}
    for node in file.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=of))) if of in models:
                file.model, file.model_class = name, of
                file.constants.names[name] = Things(kind="model", values=_defaults())
    if not file.model:
        raise ModelError(
            f"{portable(file.path)} imports mltk, and makes no model of it",
            "a model file has a class that inherits MltkModel, and one object of it",
        )


def _defaults() -> dict[str, Any]:
    names = ("model_parameters", "checkpoint", "early_stopping", "tflite_converter", "keras_custom_objects")
    return {name: Things(kind=name) for name in names}


def _name(node: ast.AST) -> str:
    """The last of names with dots between."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _read(file: MltkFile, statement: ast.stmt) -> None:
    """What one statement at the top level sets."""
    match statement:
        case ast.Assign(targets=[target], value=node) | ast.AnnAssign(target=target, value=ast.expr() as node):
            _set(file, target, node, statement.lineno)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=base, attr="update"), args=[argument])):
            _update(file, base, argument, statement.lineno)
        case ast.If(test=test) if not (isinstance(test, ast.Compare) and _name(test.left) == "__name__"):
            for inner in statement.body:
                _read(file, inner)
        case ast.Try() | ast.With():
            for inner in statement.body:
                _read(file, inner)


def _set(file: MltkFile, target: ast.expr, node: ast.expr, line: int) -> None:
    constants = file.constants
    match target:
        case ast.Name(id=name) if name != file.model:
            if isinstance(node, ast.Call) and _name(node.func) == _FRONTEND:
                constants.names[name] = Things(kind=_FRONTEND)
                for word in node.keywords:
                    _set_frontend(file, name, word.arg or "", word.value, line)
            elif isinstance(node, ast.Call) and _name(node.func) == _GENERATOR:
                file.generator = node
            else:
                constants.names.pop(name, None)
                _remember(constants, constants.names, name, node)
        case ast.Attribute(value=ast.Name(id=base), attr=name) if base == file.model:
            file.assigned.append(Assigned(name=name, node=node, line=line))
            if isinstance(node, ast.Call) and _name(node.func) == _GENERATOR:
                file.generator = node
            _remember(constants, constants.names[base].values, name, node)
        case ast.Attribute(value=ast.Name(id=base), attr=name) if _is_frontend(constants, base):
            _set_frontend(file, base, name, node, line)
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id=base), attr=name), slice=ast.Constant(value=str(key))):
            if base == file.model:
                file.assigned.append(Assigned(name=name, key=key, node=node, line=line))
                holder = constants.names[base].values.setdefault(name, Things(kind=name))
                values = holder.values if isinstance(holder, Things) else holder if isinstance(holder, dict) else {}
                _remember(constants, values, key, node)


def _remember(constants: Constants, values: dict[str, Any], name: str, node: ast.expr) -> None:
    try:
        values[name] = constants.value(node)
    except Unknown:
        values.pop(name, None)


def _is_frontend(constants: Constants, name: str) -> bool:
    found = constants.names.get(name)
    return isinstance(found, Things) and found.kind == _FRONTEND


def _set_frontend(file: MltkFile, name: str, key: str, node: ast.expr, line: int) -> None:
    file.frontend[key] = node, line
    _remember(file.constants, file.constants.names[name].values, key, node)


def _update(file: MltkFile, base: ast.expr, argument: ast.expr, line: int) -> None:
    """`my_model.model_parameters.update({...})`; the front end's settings, given so, are known already."""
    match base:
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner == file.model:
            if isinstance(argument, ast.Dict):
                for key, node in zip(argument.keys, argument.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        file.assigned.append(Assigned(name=name, key=key.value, node=node, line=line))
            elif not _is_frontend(file.constants, _name(argument)):
                file.assigned.append(Assigned(name=name, key="update", node=argument, line=line))


def _read_inside(file: MltkFile, function: ast.FunctionDef) -> None:
    """What a function sets on the model when it is called, as some files choose between two nets."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=base), attr=name)], value=value):
                if base == file.model:
                    found = Assigned(name=name, node=value, line=node.lineno, inside=function.name)
                    file.assigned.append(found)


def _check_is_audio(file: MltkFile) -> None:
    used = {_name(base) for base in file.classes[file.model_class].bases}
    used |= {name.rsplit(".", 1)[-1] for name in file.constants.imported.values()}
    for name, why in _NOT_OURS.items():
        if name in used:
            raise ModelError(f"{portable(file.path)} does not carry over: {why} ({name})", _HINT)
    words = file.generator.keywords if file.generator else ()
    off = any(word.arg == "frontend_enabled" and file.constants.get(word.value) is False for word in words)
    if off or not any(isinstance(found, Things) and found.kind == _FRONTEND for found in file.constants.names.values()):
        raise ModelError(f"{portable(file.path)} does not carry over: it makes no spectrograms of sound", _HINT)
