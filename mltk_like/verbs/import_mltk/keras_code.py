"""A function that builds a net in tf.keras, rewritten for Keras 3 and for this tool's input.

MLTK gives a net windows of shape (time, bands, 1), this tool (time, 1, bands), the same bytes. So the net begins with
an input of ours and a reshape to what the function asks for.
"""

import ast
from collections.abc import Iterator
from typing import Any

from mltk_like.verbs.import_mltk.code import BUILTINS, Editor, NotPlain, check_names, free_names
from mltk_like.verbs.import_mltk.constants import Things
from mltk_like.verbs.import_mltk.layout import listed, literal
from mltk_like.verbs.import_mltk.mltk_file import MltkFile

_SHAPE = "(time, bands, 1)"
_HEAD = "time, _, bands = self.input_shape"
_INPUT = "keras.Input(self.input_shape)"
# What a model has here under the same name, besides its shape.
_SETTINGS = frozenset({"n_classes", "name", "classes", "batch_size", "epochs", "seed"})
_DROPPED = frozenset({"compile", "summary", "build"})
_GONE = {
    "backend": "keras.backend, which Keras 3 has no more",
    "experimental": "experimental layers, which Keras 3 has no more",
    "Lambda": "a Lambda layer, whose code no file of a net can be trusted with",
}
_OLD_ARGUMENTS = frozenset({"batch_input_shape", "input_dim", "batch_shape"})


def keras_network(file: MltkFile, function: ast.FunctionDef, editor: Editor) -> list[str]:
    """The statements of `network(self)` for a function that builds a net of plain Keras.

    Raises:
        NotPlain: it uses what is not Keras, NumPy, or a number of the file.
    """
    head = _Head()
    nested: list[ast.FunctionDef] = []
    _names(file, function, head, nested, ())
    body = [*_defaults(file, function)]
    for helper in nested:
        _adapt(file, helper, "", editor)
    _adapt(file, function, function.args.args[0].arg, editor)
    _begin(file, function, editor)
    for helper in nested:
        body += ["", *editor.of(helper).expandtabs().splitlines(), ""]
    body += editor.body(function).splitlines()
    # What was adapted is Keras alone, so this is imported whatever else is.
    head.imports.add(("", "keras"))
    return [*head.lines(), "", _HEAD, *head.constants, *body]


class _Head:
    """What stands before the statements: imports and numbers of the file."""

    def __init__(self) -> None:
        self.imports: set[tuple[str, str]] = set()
        self.constants: list[str] = []
        self.seen: set[str] = set()

    def lines(self) -> list[str]:
        """The imports: whole modules first, then names, those of one module in one statement."""
        modules = sorted(name for module, name in self.imports if not module)
        froms = sorted({module for module, _ in self.imports if module})
        named = [(module, sorted(name for of, name in self.imports if of == module)) for module in froms]
        lines = [f"import {name}" for name in modules]
        for module, names in named:
            text = f"from {module} import {', '.join(names)}"
            lines += [text] if len(text) < 100 else listed(f"from {module} import (", names, ")").splitlines()
        return lines


def _names(
    file: MltkFile, function: ast.FunctionDef, head: _Head, nested: list[ast.FunctionDef], above: tuple[str, ...]
) -> None:
    """Find what each name of a function is, and what has to be copied with it. Raises NotPlain."""
    check_names(function, {*file.constants.imported, *file.constants.names, *file.functions})
    for name in free_names(function):
        if name.id in head.seen or name.id == file.model:
            continue
        head.seen.add(name.id)
        if name.id in file.functions:
            helper = file.functions[name.id]
            if name.id in above or helper.decorator_list:
                raise NotPlain(name.lineno, f"it uses {name.id}, which is no plain function")
            _names(file, helper, head, nested, (*above, function.name))
            nested.append(helper)
        elif name.id in file.constants.imported:
            if found := _import_of(file.constants.imported[name.id], name):
                head.imports.add(found)
        elif name.id in file.constants.names:
            head.constants.append(_constant(name, file.constants.names[name.id]))
        elif name.id not in BUILTINS:
            raise NotPlain(name.lineno, f"it uses {name.id}")


def _import_of(dotted: str, name: ast.Name) -> tuple[str, str] | None:
    """(module, name) of what was imported from TensorFlow's Keras; no module: the name is one. Raises NotPlain."""
    parts = dotted.split(".")
    for part in parts:
        if part in _GONE:
            raise NotPlain(name.lineno, f"it uses {_GONE[part]}")
    if dotted == "numpy" or dotted == "math":
        return "", dotted if name.id == dotted else f"{dotted} as {name.id}"
    if parts[0] == "tensorflow":
        parts = parts[1:]
        if not parts:
            return None  # tf.keras.X becomes keras.X where it stands
    if parts[0] != "keras":
        raise NotPlain(name.lineno, f"it uses {name.id} of {dotted.rsplit('.', 1)[0] or dotted}")
    if len(parts) == 1:
        return "", "keras" if name.id == "keras" else f"keras as {name.id}"
    base, last = ".".join(parts[:-1]), parts[-1]
    return base, last if last == name.id else f"{last} as {name.id}"


def _constant(name: ast.Name, value: Any) -> str:
    if isinstance(value, Things) or len(repr(value)) > 2000:
        raise NotPlain(name.lineno, f"it uses {name.id}")
    return f"{name.id} = {literal(value)}"


def _defaults(file: MltkFile, function: ast.FunctionDef) -> Iterator[str]:
    """Arguments behind the model itself, as they are when MLTK calls the function."""
    arguments = function.args
    others = arguments.args[1:]
    if not arguments.args or arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
        raise NotPlain(function.lineno, "MLTK calls it with the model alone, and it takes something else")
    if len(arguments.defaults) < len(others):
        raise NotPlain(function.lineno, f"nothing is known of its argument {others[0].arg}")
    for argument, default in zip(others, arguments.defaults[len(arguments.defaults) - len(others) :], strict=True):
        value = file.constants.get(default, Things())
        if isinstance(value, Things):
            raise NotPlain(function.lineno, f"nothing is known of its argument {argument.arg}")
        yield f"{argument.arg} = {literal(value)}"


def _adapt(file: MltkFile, function: ast.FunctionDef, model: str, editor: Editor) -> None:
    """Keras' names, the attributes of the argument `model`, and what a net here is not given. Raises NotPlain."""
    given = {name.id for name in free_names(function)}
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute):
            _attribute(file, node, model, editor)
        elif isinstance(node, ast.Call):
            _old_arguments(node, editor)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute) and called.attr in _DROPPED:
                editor.remove_statement(node)
            elif isinstance(called, ast.Attribute) and called.attr == "load_weights":
                raise NotPlain(node.lineno, "it loads weights from a file")
    attributes = {id(node.value) for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in attributes:
            if node.id in (model, file.model):
                raise NotPlain(node.lineno, "it hands the model object on")
            if file.constants.imported.get(node.id) == "tensorflow" and node.id in given:
                raise NotPlain(node.lineno, "it uses TensorFlow itself")


def _attribute(file: MltkFile, node: ast.Attribute, model: str, editor: Editor) -> None:
    dotted = file.constants.dotted(node)
    if dotted == "tensorflow.keras":
        editor.replace(node, "keras")
    elif dotted.startswith("tensorflow.") and not dotted.startswith("tensorflow.keras"):
        raise NotPlain(node.lineno, f"it uses {ast.unparse(node)}, not Keras alone")
    elif dotted and node.attr in _GONE:
        raise NotPlain(node.lineno, f"it uses {_GONE[node.attr]}")
    base = node.value
    if isinstance(base, ast.Name) and base.id in (model, file.model) and base.id:
        if node.attr == "input_shape":
            editor.replace(node, _SHAPE)
        elif node.attr in _SETTINGS:
            editor.replace(base, "self")
        elif node.attr not in ("loss", "optimizer", "metrics"):  # of compile(), which is left out
            raise NotPlain(node.lineno, f"it uses {ast.unparse(node)}")


def _old_arguments(call: ast.Call, editor: Editor) -> None:
    for word in call.keywords:
        if word.arg in _OLD_ARGUMENTS and not (isinstance(word.value, ast.Constant) and word.value.value is None):
            raise NotPlain(call.lineno, f"it gives a layer {word.arg}")


def _begin(file: MltkFile, function: ast.FunctionDef, editor: Editor) -> None:
    """Give the net its input. Raises NotPlain where it cannot be told how the net begins."""
    if inputs := [node for node in _calls(file, function) if _kind(file, node) == "Input"]:
        _functional(file, function, inputs, editor)
        return
    made = [node for node in _calls(file, function) if _kind(file, node) == "Sequential"]
    if len(made) != 1:
        raise NotPlain(function.lineno, "it is neither one Sequential nor a net from an Input on")
    _sequential(file, function, made[0], editor)


def _calls(file: MltkFile, function: ast.FunctionDef) -> list[ast.Call]:
    found = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _kind(file: MltkFile, call: ast.Call) -> str:
    """'Input', 'Sequential', 'Model' or the name of a layer; '' for what is not Keras."""
    dotted = file.constants.dotted(call.func)
    return dotted.rsplit(".", 1)[-1] if "keras" in dotted.split(".") else ""


def _functional(file: MltkFile, function: ast.FunctionDef, inputs: list[ast.Call], editor: Editor) -> None:
    """`x = Input(shape)` ... `Model(x, y)`: a tensor of ours, reshaped, in its place."""
    call = inputs[0]
    statement = next((node for node in ast.walk(function) if isinstance(node, ast.Assign) and node.value is call), None)
    if len(inputs) > 1 or statement is None or not isinstance(statement.targets[0], ast.Name):
        raise NotPlain(call.lineno, "it begins with another number of inputs than one")
    name = statement.targets[0].id
    models = [node for node in _calls(file, function) if _kind(file, node) == "Model"]
    places = [place for node in models for place in _input_places(node) if _names_alone(place) == name]
    if len(models) != 1 or len(places) != 1:
        raise NotPlain(call.lineno, "it cannot be told which net it gives")
    shape = next((word.value for word in call.keywords if word.arg == "shape"), call.args[0] if call.args else None)
    wanted = editor.of(shape) if shape is not None else _SHAPE
    indent = " " * statement.col_offset
    begin = f"model_input = {_INPUT}\n{indent}{name} = keras.layers.Reshape({wanted})(model_input)"
    editor.replace(statement, begin)
    editor.replace(places[0], "model_input")


def _input_places(model: ast.Call) -> list[ast.expr]:
    named = [word.value for word in model.keywords if word.arg == "inputs"]
    return named or model.args[:1]


def _names_alone(node: ast.expr) -> str:
    if isinstance(node, ast.List) and len(node.elts) == 1:
        node = node.elts[0]
    return node.id if isinstance(node, ast.Name) else ""


def _sequential(file: MltkFile, function: ast.FunctionDef, made: ast.Call, editor: Editor) -> None:
    """Layers in a row, in a list or one `add` after the other: the input before the first."""
    layers = next((word.value for word in made.keywords if word.arg == "layers"), made.args[0] if made.args else None)
    if isinstance(layers, ast.List) and layers.elts:
        first = layers.elts[0]
        editor.insert(editor.span(first)[0], f"{_INPUT},{_gap(first, editor)}{_reshape(file, first, editor)}")
        _drop_input_layer(file, first, editor, in_list=True)
    elif layers is None:
        adds = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and node.value.func.attr == "add"
            and node.value.args
        ]
        if not adds:
            raise NotPlain(made.lineno, "no layer is added to its Sequential")
        add = min(adds, key=lambda node: node.lineno)
        assert isinstance(add.value, ast.Call)
        assert isinstance(add.value.func, ast.Attribute)
        net, first = editor.of(add.value.func.value), add.value.args[0]
        indent = " " * add.col_offset
        reshape = _reshape(file, first, editor).rstrip(", \n")
        text = f"{net}.add({_INPUT})\n{indent}{net}.add({reshape})\n{indent}"
        if _kind_of(file, first) in ("InputLayer", "Input"):
            editor.replace(add, text.rstrip())
        else:
            editor.insert(editor.span(add)[0], text)
    else:
        raise NotPlain(made.lineno, "the layers of its Sequential are no plain list")
    for call in _calls(file, function):
        _drop_input_shape(call, editor)


def _kind_of(file: MltkFile, node: ast.expr) -> str:
    return _kind(file, node) if isinstance(node, ast.Call) else ""


def _reshape(file: MltkFile, first: ast.expr, editor: Editor) -> str:
    """The layer that gives the first one the shape that it was written for, and a comma."""
    shape = None
    if isinstance(first, ast.Call):
        shape = next((word.value for word in first.keywords if word.arg in ("input_shape", "shape")), None)
        if shape is None and _kind(file, first) in ("InputLayer", "Input") and first.args:
            shape = first.args[0]
    wanted = editor.of(shape) if shape is not None else _SHAPE
    return f"keras.layers.Reshape({wanted}),{_gap(first, editor)}"


def _gap(first: ast.expr, editor: Editor) -> str:
    """What stands between two layers: a new line where the first one begins one."""
    start = editor.line_start(first)
    before = editor.source[start : editor.span(first)[0]].decode(errors="replace")
    return f"\n{before}" if not before.strip() else " "


def _drop_input_layer(file: MltkFile, first: ast.expr, editor: Editor, *, in_list: bool) -> None:
    """An input layer of its own is in the place of ours: the reshape follows it."""
    if in_list and _kind_of(file, first) in ("InputLayer", "Input"):
        start, end = editor.span(first)
        after = editor.source[end:]
        comma = len(after) - len(after.lstrip(b" \t\r\n"))
        if after[comma : comma + 1] == b",":
            end += comma + 1
        editor.edits.append((start, end, ""))


def _drop_input_shape(call: ast.Call, editor: Editor) -> None:
    """Leave out `input_shape=`, which Keras 3 wants before the first layer."""
    places = [(editor.span(node), node) for node in (*call.args, *call.keywords)]
    places.sort(key=lambda place: place[0])
    for at, ((start, end), node) in enumerate(places):
        if not (isinstance(node, ast.keyword) and node.arg == "input_shape"):
            continue
        if at + 1 < len(places):
            end = places[at + 1][0][0]
        elif at:
            start = places[at - 1][0][1]
        editor.edits.append((start, end, ""))
