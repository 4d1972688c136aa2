"""From a name or a path to the model that a file defines."""

import difflib
import hashlib
import importlib.util
import os
import sys
import types
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path

from mltk_like.errors import MltkLikeError, ModelError
from mltk_like.model import Model
from mltk_like.paths import portable, resolved

TEST_SUFFIX = "-test"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A model file and how it was asked for.

    Attributes:
        path: the file.
        test: true when the name ended in '-test': the dry run is meant.
        where: which place of the search order it was found in.
    """

    path: Path
    test: bool
    where: str


def search_folders() -> list[tuple[str, Path]]:
    """The folders searched for a name, first wins: `./models`, each of `$MLTK_LIKE_MODELS`, the installed package."""
    folders = [("./models", Path("models"))]
    entries = os.environ.get("MLTK_LIKE_MODELS", "").split(os.pathsep)
    folders += [("$MLTK_LIKE_MODELS", Path(entry)) for entry in entries if entry]
    package = importlib.util.find_spec("mltk_like.models")
    if package is not None and package.submodule_search_locations:
        folders += [("the installed package", Path(folder)) for folder in package.submodule_search_locations]
    return folders


def list_models() -> dict[str, Path]:
    """Every model that a name reaches, by name; where two files share one, the one that the search order picks."""
    found: dict[str, Path] = {}
    for _, folder in search_folders():
        if folder.is_dir():
            for path in sorted(folder.glob("*.py")):
                if not path.stem.startswith("_"):
                    found.setdefault(path.stem, resolved(path))
    return dict(sorted(found.items()))


_NAMES = "give a name that 'mltk_like models' lists, or an existing .py file"


def _not_trained(path: Path) -> str:
    """The hint where a trained model was given and its file is asked for; else nothing."""
    trained = path.suffix in (".tflite", ".json", ".zip")
    return f"{path.name} is a trained model at best: {_NAMES}" if trained else ""


def find_model(name: str | Path) -> Found:
    """Find a model's file by path or name; `NAME-test` means the dry run of NAME.

    Raises:
        ModelError: there is no such file or name (with near names in the hint).
    """
    text = str(name)
    if text.endswith(".py") or os.sep in text:
        path = Path(text)
        if not path.is_file():
            raise ModelError(f"no such model file: {text}", _not_trained(path) or _NAMES)
        return Found(path=resolved(path), test=False, where="the path given")
    test = text.endswith(TEST_SUFFIX)
    stem = text.removesuffix(TEST_SUFFIX)
    for where, folder in search_folders():
        path = folder / f"{stem}.py"
        if not stem.startswith("_") and path.is_file():
            return Found(path=resolved(path), test=test, where=where)
    known = list_models()
    near = difflib.get_close_matches(stem, known, n=3, cutoff=0.4)
    hint = "did you mean " + " or ".join(near) + "?" if near else "known models: " + ", ".join(known)
    hint = _not_trained(Path(text)) or hint
    raise ModelError(f"no model named {stem!r}", hint)


def find_named(name: str) -> Path | None:
    """The file that a model's name reaches, or None."""
    try:
        return find_model(name).path
    except ModelError:
        return None


def typed_name(path: Path, *, test: bool = False) -> str | None:
    """The name that reaches this very file (with '-test' its dry run), where one does and nothing else has it.

    A file that the search order does not find has none, nor has one that another file of its name comes before.
    """
    name = f"{path.stem}{TEST_SUFFIX}" if test else path.stem
    # What verbs would take for an option, a path or a file of another kind.
    if name.startswith("-") or name.endswith((".py", ".tflite", ".zip")) or Path(name).exists():
        return None
    try:
        found = find_model(name)
    except ModelError:
        return None
    return name if found.path == resolved(path) and found.test == test else None


def typed(path: Path) -> str:
    """What a user types for a model: its name where that reaches this very file, else the path of the file."""
    return typed_name(path) or typed_path(path)


def typed_path(path: Path) -> str:
    """A path as a word of a command line: never one that looks like an option or a name."""
    text = portable(path)
    if text.startswith("cache:"):
        return str(resolved(path))
    return text if os.sep in text and not text.startswith("-") else os.path.join(".", text)


def load_model(name: str | Path) -> Model:
    """The `my_model` of a model file, found as `find_model` finds it.

    Raises:
        ModelError: no such model; a syntax error (with file and line); no `my_model`, or more than one model, in it.
        SettingError: a setting in it is unknown or does not fit.
    """
    return load_file(find_model(name).path)


class _FreshLoader(SourceFileLoader):
    """Compiles the file each time, and keeps nothing.

    Python goes by a file's size and the second it was written in: what was changed twice within a second would run as
    it was before. And no `__pycache__` is left beside people's models.
    """

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load_file(path: Path) -> Model:
    """The `my_model` of one file. Raises as `load_model` does."""
    path = resolved(path)
    module_name = f"mltk_like_model_{path.stem}_{hashlib.sha1(os.fsencode(path)).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(module_name, path, loader=_FreshLoader(module_name, str(path)))
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise ModelError(f"{path} is not a Python file", "a model is a .py file that ends in my_model = ...")
    module = importlib.util.module_from_spec(spec)
    # A class finds its file through its module, so the module must be known while the file runs.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
        return _only_model(vars(module), path)
    except SyntaxError as error:
        # Without a file and line where the text is none at all.
        where = f"{error.filename}, line {error.lineno}" if error.lineno else str(path)
        raise ModelError(f"{where}: {error.msg}", "mend the model file") from error
    except MltkLikeError as error:
        raise type(error)(f"{path.name}: {error.message}", error.hint) from error
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"{path.name} cannot be loaded: {type(error).__name__}: {error}", "run it with python to see where"
        ) from error


def _only_model(names: dict[str, object], path: Path) -> Model:
    models = {id(value): name for name, value in names.items() if isinstance(value, Model)}
    if len(models) > 1:
        raise ModelError(f"{path} has {len(models)} models: {', '.join(models.values())}", "keep one model in a file")
    model = names.get("my_model")
    if isinstance(model, Model):
        return model
    if models:
        raise ModelError(f"{path} calls its model {next(iter(models.values()))!r}", "name it my_model")
    if isinstance(model, type) and issubclass(model, Model):
        raise ModelError(f"my_model in {path} is a class", f"end the file with my_model = {model.__name__}()")
    raise ModelError(f"{path} defines no my_model", "end the file with my_model = YourModel()")
