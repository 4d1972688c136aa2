"""Functions of a file as text, changed in places: their comments and their layout stay as they are."""

import ast
import builtins
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

# What a net or a learning rate is never made of; a function that uses one of them is not copied.
_REFUSED = frozenset(
    {
        "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit", "globals", "input", "locals", "open",
        "quit", "setattr", "vars",
    }
)  # fmt: skip
BUILTINS = frozenset(dir(builtins)) - _REFUSED


class NotPlain(Exception):
    """A function cannot be copied.

    Args:
        line: where.
        why: what stands in the way.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


@dataclass
class Editor:
    """The text of a file with changes.

    Attributes:
        source: the file's bytes.
        edits: (first byte, end, text in its place).
    """

    source: bytes
    edits: list[tuple[int, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = [0]
        for line in self.source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """First byte of a node, and the one after its last."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end_line, end = getattr(node, "end_lineno", 1), getattr(node, "end_col_offset", 0)
        return self._lines[line - 1] + column, self._lines[end_line - 1] + end

    def replace(self, node: ast.AST, text: str) -> None:
        """Put text in a node's place."""
        self.edits.append((*self.span(node), text))

    def insert(self, place: int, text: str) -> None:
        """Put text before a byte."""
        self.edits.append((place, place, text))

    def remove_statement(self, statement: ast.stmt) -> None:
        """Leave out the lines of a statement."""
        last = statement.end_lineno or statement.lineno
        self.edits.append((self._lines[statement.lineno - 1], self._lines[last], ""))

    def line_start(self, node: ast.AST) -> int:
        """First byte of the line in which a node begins."""
        return self._lines[getattr(node, "lineno", 1) - 1]

    def text(self, start: int, end: int) -> str:
        """The bytes from `start` to `end` with the changes among them; what lies in another change gives way to it."""
        inside = sorted(edit for edit in self.edits if start <= edit[0] and edit[1] <= end)
        parts, at = [], start
        for first, last, text in inside:
            if first < at:
                continue
            parts += [self.source[at:first].decode(errors="replace"), text]
            at = last
        return "".join([*parts, self.source[at:end].decode(errors="replace")])

    def of(self, node: ast.AST) -> str:
        """The text of a node with the changes in it."""
        return self.text(*self.span(node))

    def body(self, function: ast.FunctionDef) -> str:
        """The statements of a function without its docstring, not indented, with the comments between them."""
        statements = without_docstring(function)
        start = self.line_start(statements[0])
        end = self._lines[(statements[-1].end_lineno or 1)]
        # Comments that stand before the first statement belong to it.
        before = function.body[0].end_lineno if statements is not function.body else function.lineno
        after_header = self._lines[min(before or 1, statements[0].lineno - 1)]
        lead = self.source[after_header:start].decode(errors="replace")
        if all(not line.strip() or line.lstrip().startswith("#") for line in lead.splitlines()):
            start = after_header
        return textwrap.dedent(self.text(start, end).replace("\r\n", "\n").expandtabs()).strip("\n")


def without_docstring(function: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a function, but for its docstring."""
    if ast.get_docstring(function) is not None and len(function.body) > 1:
        return function.body[1:]
    return function.body


def free_names(function: ast.FunctionDef) -> list[ast.Name]:
    """Names that a function uses and does not set; each once, where it is used first. Annotations do not count."""
    arguments = function.args
    known = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    known |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument}
    nodes = [node for statement in function.body for node in _walk(statement)]
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            known.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            known |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    found: dict[str, ast.Name] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known:
            found.setdefault(node.id, node)
    return list(found.values())


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, but for annotations, in the order of the text."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)


def check_names(function: ast.FunctionDef, allowed: Collection[str]) -> None:
    """Raise NotPlain where a function uses a name that is neither allowed nor built in, or asks for what runs code."""
    for node in _walk(function):
        if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            raise NotPlain(node.lineno, f"it uses {node.attr}")
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.Await):
            raise NotPlain(node.lineno, f"it has the statement {ast.unparse(node).splitlines()[0]!r}")
    for name in free_names(function):
        if name.id not in allowed and name.id not in BUILTINS:
            raise NotPlain(name.lineno, f"it uses {name.id}")
