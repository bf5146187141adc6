"""Read what a notebook can be run with from its cell tagged `parameters`. Pure.

The tag is papermill's convention. A type comes from the annotation, or else from the default;
the comment behind an assignment says what it is for.
"""

import ast
import io
import json
import tokenize
from collections.abc import Iterator
from typing import Any, Final

from machinelabs_hub.labs.models.notebooks import SUFFIX
from machinelabs_hub.labs.models.parameters import (
    MOST,
    TAG,
    Kind,
    Parameter,
    fits,
    kind_of_value,
)


def parameters_of(path: str, content: bytes) -> tuple[Parameter, ...]:
    """Return the parameters of a file: none for what is no Python notebook, or has no such cell."""
    if not path.endswith(SUFFIX):
        return ()
    try:
        book = json.loads(content)
    except (ValueError, RecursionError):
        return ()
    source = _tagged(book)
    if source is None:
        return ()
    plain = "\n".join(map(_without_magic, source.split("\n")))
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found = {one.name: one for one in _read(tree, plain)}
    return tuple(found.values())[:MOST]


def _without_magic(line: str) -> str:
    # What only IPython understands would hide the other lines from the parser.
    return "" if line.lstrip()[:1] in {"%", "!"} else line


def _tagged(book: Any) -> str | None:
    """Return the source of the first code cell that is tagged."""
    cells = book.get("cells") if isinstance(book, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        if isinstance(tags, list) and TAG in tags:
            source = cell.get("source")
            lines = source if isinstance(source, list) else [source]
            return "".join(line for line in lines if isinstance(line, str))
    return None


def _read(tree: ast.Module, source: str) -> Iterator[Parameter]:
    comments = _comments(source)
    for statement in tree.body:
        annotation: ast.expr | None = None
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                annotation = statement.annotation
            case _:
                continue
        text = ast.get_source_segment(source, value) or ""
        what = comments.get(statement.end_lineno or 0, "")
        yield _parameter(name, annotation, value, text, what)


def _parameter(
    name: str, annotation: ast.expr | None, value: ast.expr, source: str, what: str
) -> Parameter:
    try:
        default = ast.literal_eval(value)
        json.dumps(default, allow_nan=False)
    except (ValueError, TypeError, RecursionError, MemoryError):
        default = None
    if isinstance(default, tuple):
        default = list(default)
    said, choices, may_be_none = _annotated(annotation)
    kind = said or kind_of_value(default)
    if not fits(kind, default):
        # An annotation that its own default breaks says nothing of the values.
        may_be_none = may_be_none or default is None
        kind = kind if default is None else kind_of_value(default)
    is_none = isinstance(value, ast.Constant) and value.value is None
    return Parameter(name, kind, default, source, choices, may_be_none or is_none, what)


_BY_NAME: Final = {
    "str": Kind.TEXT,
    "int": Kind.INTEGER,
    "float": Kind.NUMBER,
    "bool": Kind.FLAG,
    "list": Kind.LIST,
    "List": Kind.LIST,
    "tuple": Kind.LIST,
    "dict": Kind.MAPPING,
    "Dict": Kind.MAPPING,
}


def _annotated(annotation: ast.expr | None) -> tuple[Kind | None, tuple[Any, ...], bool]:
    """Return kind, choices and whether it may be None, as far as an annotation says them."""
    inner, may_be_none = annotation, False
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            inner, may_be_none = left, True
        case ast.Subscript(value=name, slice=part) if _last(name) == "Optional":
            inner, may_be_none = part, True
    if isinstance(inner, ast.Subscript):
        if _last(inner.value) != "Literal":
            return _BY_NAME.get(_last(inner.value)), (), may_be_none
        choices = _literals(inner.slice)
        kinds = {kind_of_value(choice) for choice in choices}
        return (kinds.pop(), choices, may_be_none) if len(kinds) == 1 else (None, (), may_be_none)
    return _BY_NAME.get(_last(inner)), (), may_be_none


def _last(name: ast.expr | None) -> str:
    """Return `int` of `int`, of `builtins.int` and of `"int"`."""
    match name:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=text) | ast.Attribute(attr=text):
            return text
    return ""


def _literals(inner: ast.expr) -> tuple[Any, ...]:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    plain = [part.value for part in parts if isinstance(part, ast.Constant)]
    return tuple(value for value in plain if isinstance(value, str | int | float))


def _comments(source: str) -> dict[int, str]:
    """Return the comment at the end of each line that has one."""
    found = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
                found[token.start[0]] = token.string.lstrip("#").strip()[:200]
    except (tokenize.TokenError, IndentationError):
        pass
    return found
