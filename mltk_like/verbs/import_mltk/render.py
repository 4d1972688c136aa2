"""The model file that an import writes."""

import ast
from collections.abc import Mapping, Sequence

from mltk_like.verbs.import_mltk.augmentation import Augmentation
from mltk_like.verbs.import_mltk.code import Editor, NotPlain, check_names, free_names
from mltk_like.verbs.import_mltk.layout import class_name, harmless, indented, listed, literal
from mltk_like.verbs.import_mltk.ledger import Ledger
from mltk_like.verbs.import_mltk.mltk_file import MltkFile
from mltk_like.verbs.import_mltk.network import Network
from mltk_like.verbs.import_mltk.sources import Sources
from mltk_like.verbs.import_mltk.training import Training

_BASES = "mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin"


def render(
    file: MltkFile,
    stem: str,
    *,
    settings: Mapping[str, str],
    training: Training,
    sources: Sources,
    augmentation: Augmentation,
    network: Network,
    ledger: Ledger,
) -> str:
    """The text of a model file.

    Args:
        file: what was read.
        stem: of the file that is written, for the name of its class.
        settings: the class body, name -> source of the value.
        training, sources, augmentation, network: what its methods are made of.
        ledger: takes what cannot be written.
    """
    methods = [*_functions(file, training, ledger), _method("sources(self)", _sources(sources))]
    if augmentation.clip:
        methods.append(_method("augment_clip(self, clip, rng, sounds)", [*augmentation.clip, "return clip"]))
    if augmentation.scene:
        methods.append(_method("augment(self, scene, rng, sounds)", [*augmentation.scene, "return scene"]))
    methods.append(_method("network(self)", network.lines))
    name, text = class_name(stem), "\n".join(methods)
    return "\n".join(
        [
            f'"""Imported from {harmless(file.path.name)}, a model file of Silicon Labs\' MLTK."""',
            "",
            *(["import dataclasses", ""] if "dataclasses." in text else []),
            "import mltk_like as mltk",
            "from mltk_like import data",
            f"from mltk_like.audio import FrontendSettings, RecogniserSettings{', effects' * ('effects.' in text)}",
            *([f"from mltk_like.nets import {', '.join(sorted(network.nets))}"] if network.nets else []),
            "",
            "",
            f"class {name}({_BASES}):",
            *(f"    {key} = {value}" for key, value in settings.items()),
            "",
            *methods,
            "",
            f"my_model = {name}()",
            "",
            'if __name__ == "__main__":',
            "    mltk.main(my_model)",
            "",
        ]
    )


def _method(head: str, lines: Sequence[str]) -> str:
    return f"    def {head}:\n{indented(list(lines), 8)}\n"


def _sources(sources: Sources) -> list[str]:
    """The statements of `sources`."""
    words, entries = sources.words, [row for line in sources.lines for row in line.splitlines()]
    lines = []
    if sources.synthetic:
        lines += [
            listed("words = (", [literal(word) for word in words] + [""] * (len(words) == 1), ")"),
            "# Spoken by this tool, so that there is something to train on without a download.",
            *(["spoken = []"] if len(words) > 1 else []),
        ]
        if len(words) > 1:
            lines += [
                "for word in words:",
                '    spoken += data.keyword_speech(word.replace("_", " "), label=word, count=400, quick=True)',
            ]
        else:
            said = literal(words[0].replace("_", " "))
            lines.append(f"spoken = data.keyword_speech({said}, label={literal(words[0])}, count=400, quick=True)")
        if sources.unknown:
            first = literal(words[0].replace("_", " "))
            lines.append(f'spoken += data.other_speech({first}, label="_unknown_", count=800, avoid=words, quick=True)')
        entries = ["*spoken,", "data.generated_noise(minutes=20),", *entries]
    return [*lines, "return [", *(f"    {row}" for row in entries), "]"]


def _functions(file: MltkFile, training: Training, ledger: Ledger) -> list[str]:
    """Functions that become settings, with the numbers of the file that they use; and the optimizer."""
    methods = []
    for name, function in training.functions.items():
        try:
            methods.append(_copied(file, name, function))
        except NotPlain as error:
            ledger.leave(error.line, f"{function.name}()", f"{error.why}; define {name} in the class")
        else:
            ledger.carry(function.lineno, f"{function.name}()", f"{name}, copied")
    if training.optimizer:
        methods.append(_method("optimizer()", ["import keras", "", f"return keras.optimizers.{training.optimizer}"]))
    return methods


def _copied(file: MltkFile, name: str, function: ast.FunctionDef) -> str:
    """A function of the epoch, as a function in the class. Raises NotPlain where it uses what is not there."""
    known = {key: value for key, value in file.constants.names.items() if isinstance(value, int | float)}
    modules = {key: of for key, of in file.constants.imported.items() if of in ("math", "numpy")}
    check_names(function, {*known, *modules})
    arguments = function.args
    if not 1 <= len(arguments.args) <= 2 or arguments.vararg or arguments.kwarg or function.decorator_list:
        raise NotPlain(function.lineno, "it takes something else than the epoch")
    used = [item.id for item in free_names(function)]
    lines = [f"import {of}" if of == key else f"import {of} as {key}" for key, of in modules.items() if key in used]
    lines += [f"{key} = {known[key]!r}" for key in used if key in known]
    names = ", ".join(argument.arg for argument in arguments.args)
    return _method(f"{name}({names})", [*lines, *Editor(file.source).body(function).splitlines()])
