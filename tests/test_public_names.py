"""What `import mltk_like` offers is complete, sorted, typed and documented."""

import importlib
import inspect
import pkgutil
import re
import types
from collections.abc import Iterator
from typing import Any

import pytest

import mltk_like

PACKAGES = ("mltk_like", "mltk_like.audio", "mltk_like.data", "mltk_like.nets", "mltk_like.tflite")


def public_modules() -> list[str]:
    names = [info.name for info in pkgutil.walk_packages(mltk_like.__path__, "mltk_like.")]
    return [
        n for n in names if not n.startswith("mltk_like.models") and n.split(".")[-1] not in ("__main__", "_native")
    ]


def own_definitions(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Public classes and functions that the module itself defines."""
    for name, value in vars(module).items():
        defined = inspect.isclass(value) or inspect.isfunction(value)
        if defined and not name.startswith("_") and value.__module__ == module.__name__:
            yield name, value


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_complete_and_sorted(name: str) -> None:
    module = importlib.import_module(name)
    # Through dir and getattr, since a package may import what it offers when it is asked for.
    values = {key: getattr(module, key) for key in {*dir(module), *module.__all__} if not key.startswith("_")}
    own = {key for key, value in values.items() if getattr(value, "__module__", "").startswith("mltk_like")}
    assert not own - set(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__) > 0
    assert module.__all__ == sorted(module.__all__, key=sort_key)
    assert module.__doc__


def sort_key(name: str) -> tuple[int, list[str | int]]:
    """The linter's order: constants, classes, functions; numbers in names by value, so that net6 is before net12."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def check_function(where: str, function: Any) -> list[str]:
    signature = inspect.signature(function)
    errors = [
        f"{where}: parameter {parameter.name!r} has no type"
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls") and parameter.annotation is inspect.Parameter.empty
    ]
    if signature.return_annotation is inspect.Signature.empty:
        errors.append(f"{where}: no return type")
    return errors


def check_class(where: str, cls: type) -> list[str]:
    errors = []
    for name, member in vars(cls).items():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        errors += check_function(f"{where}.{name}", function)
        if not inspect.getdoc(getattr(cls, name)):
            errors.append(f"{where}.{name}: no docstring")
    return errors


@pytest.mark.parametrize("name", public_modules())
def test_public_definitions_are_typed_and_documented(name: str) -> None:
    module = importlib.import_module(name)
    errors = []
    for key, value in own_definitions(module):
        where = f"{name}.{key}"
        doc = value.__doc__ or ""
        # A dataclass without a docstring gets its signature for one.
        if not doc or doc.startswith(f"{key}("):
            errors.append(f"{where}: no docstring")
        errors += check_class(where, value) if inspect.isclass(value) else check_function(where, value)
    assert not errors, "\n".join(errors)


def test_a_missing_type_is_seen() -> None:
    def bare(x, y: int):  # type: ignore[no-untyped-def]
        return x

    assert check_function("f", bare) == ["f: parameter 'x' has no type", "f: no return type"]
