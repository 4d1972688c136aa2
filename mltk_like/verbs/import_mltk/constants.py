"""Values that can be told of a Python file without running it: numbers, texts, lists, what is reckoned from them."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_MOST_STEPS = 50_000
_MOST_ITEMS = 10_000
_MOST_DIGITS = 10**30

_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
        ast.Pow: operator.pow,
    }
)
_SIGNS: Mapping[type, Callable[[Any], Any]] = MappingProxyType(
    {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_}
)
_FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "abs": abs, "bool": bool, "dict": dict, "float": float, "int": int, "len": len, "list": list, "max": max,
        "min": min, "round": round, "sorted": sorted, "str": str, "sum": sum, "tuple": tuple,
    }
)  # fmt: skip
# Methods of texts and lists that change nothing and give little.
_METHODS = frozenset({"copy", "index", "lower", "split", "strip", "upper"})


class Unknown(Exception):
    """A value that cannot be told without running the file."""


@dataclass
class Things:
    """An object whose attributes, or items, are known as far as the file sets them."""

    kind: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class Constants:
    """What names stand for, as far as it can be told.

    Attributes:
        names: name -> number, text, list, mapping or `Things`.
        imported: name -> dotted name of what it was imported as, such as "np" -> "numpy".
    """

    names: dict[str, Any] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    _steps: int = 0

    def value(self, node: ast.expr) -> Any:
        """The value of an expression. Raises Unknown."""
        self._steps = 0
        return self._safely(node)

    def get(self, node: ast.expr | None, default: Any = None) -> Any:
        """The value of an expression, or `default` where it cannot be told."""
        try:
            return default if node is None else self.value(node)
        except Unknown:
            return default

    def dotted(self, node: ast.AST) -> str:
        """'tensorflow.keras.layers.Dense' for what a name, or names with dots between, were imported as; else ''."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, "")
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def _safely(self, node: ast.expr) -> Any:
        try:
            return self._checked(self._of(node))
        except Unknown:
            raise
        except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as e:
            raise Unknown(ast.unparse(node)[:80]) from e

    def _checked(self, value: Any) -> Any:
        self._steps += 1
        too_long = isinstance(value, str | list | tuple | dict | range) and len(value) > _MOST_ITEMS
        too_large = isinstance(value, int) and abs(value) > _MOST_DIGITS
        if self._steps > _MOST_STEPS or too_long or too_large:
            raise Unknown("more than a setting can be")
        return value

    def _of(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return value
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.List(elts=items):
                return [self._safely(item) for item in items]
            case ast.Tuple(elts=items):
                return tuple(self._safely(item) for item in items)
            case ast.Dict(keys=keys, values=values) if None not in keys:
                pairs = zip(keys, values, strict=True)
                return {self._safely(key): self._safely(value) for key, value in pairs if key is not None}
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
                return _SIGNS[type(op)](self._safely(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._reckoned(op, self._safely(left), self._safely(right))
            case ast.JoinedStr(values=parts):
                return "".join(map(self._part, parts))
            case ast.Attribute(value=base, attr=name):
                return self._attribute(node, base, name)
            case ast.Subscript(value=base, slice=key):
                found = self._safely(base)
                return (found.values if isinstance(found, Things) else found)[self._safely(key)]
            case ast.Call():
                return self._call(node)
        raise Unknown(ast.unparse(node)[:80])

    def _attribute(self, node: ast.expr, base: ast.expr, name: str) -> Any:
        if dotted := self.dotted(node):
            return dotted.rsplit(".", 1)[-1]  # np.int8 and tf.int8 are called as they are meant
        found = self._safely(base)
        if isinstance(found, Things) and name in found.values:
            return found.values[name]
        raise Unknown(name)

    def _reckoned(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Pow) and (abs(right) > 64 or abs(left) > 1e6):
            raise Unknown("a power")
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if isinstance(op, ast.Mult) and not numbers and isinstance(left, int) != isinstance(right, int):
            size = max(len(side) for side in (left, right) if not isinstance(side, int))
            if size * max(side for side in (left, right) if isinstance(side, int)) > _MOST_ITEMS:
                raise Unknown("a long list")
        if isinstance(op, ast.Mod) and not numbers:
            raise Unknown("a format")
        return _OPERATORS[type(op)](left, right)

    def _part(self, node: ast.expr) -> str:
        if isinstance(node, ast.FormattedValue):
            if node.format_spec is not None:
                raise Unknown("a format")
            return str(self._safely(node.value))
        return str(self._safely(node))

    def _call(self, node: ast.Call) -> Any:
        arguments = node.args
        if isinstance(node.func, ast.Name) and node.func.id == "map" and len(arguments) == 2:
            return [self._apply(arguments[0], item) for item in self._safely(arguments[1])]
        given = [self._safely(argument) for argument in arguments]
        named = {word.arg: self._safely(word.value) for word in node.keywords if word.arg}
        if len(named) < len(node.keywords):
            raise Unknown("**")
        if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            return _FUNCTIONS[node.func.id](*given, **named)
        dotted = self.dotted(node.func)
        if dotted == "os.path.join":
            return "/".join(map(str, given))
        if dotted.endswith(".create_user_dir"):
            return f"~/.mltk/{given[0]}"
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and not dotted:
            return getattr(self._safely(node.func.value), node.func.attr)(*given)
        raise Unknown(ast.unparse(node.func)[:80])

    def _apply(self, function: ast.expr, item: Any) -> Any:
        """A function of one value, written as a lambda or called as one that is known, of that value."""
        if isinstance(function, ast.Name) and function.id in _FUNCTIONS:
            return _FUNCTIONS[function.id](item)
        if not (isinstance(function, ast.Lambda) and len(function.args.args) == 1):
            raise Unknown(ast.unparse(function)[:80])
        inner = Constants(names={**self.names, function.args.args[0].arg: item}, imported=self.imported)
        return inner._safely(function.body)
