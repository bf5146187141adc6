"""What a run can be given: parameters of kinds, and values that fit them. Pure."""

import ast
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import shown

TAG: Final = "parameters"
MOST: Final = 100
"""Parameters of a run."""

LONGEST: Final = 10_000
"""Characters of a value as JSON."""

_DEEPEST: Final = 20
"""Lists and objects within each other."""

_NOTHING: Final = frozenset({"none", "null"})
_YES: Final = frozenset({"true", "yes", "on", "1"})
_NO: Final = frozenset({"false", "no", "off", "0"})


class BadParameter(BadInput):
    """A run is asked for with a value that its code does not take."""

    code = "bad_parameter"


class Kind(StrEnum):
    """What a parameter's values are; ANY is whatever JSON can say."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    LIST = "list"
    MAPPING = "mapping"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a notebook's cell, or the lab's `ml.yaml`, lets people choose.

    Attributes:
        name: the variable, or the script's argument.
        kind: what its values are.
        default: its value; None where the source holds no literal.
        source: the default as the cell writes it.
        choices: the only values, in order; empty: any of the kind.
        may_be_none: whether None is a value besides those of the kind.
        what: what is said of it.
        is_set: whether a run gets the default also where nobody gives a value.
    """

    name: str
    kind: Kind
    default: Any
    source: str
    choices: tuple[Any, ...] = ()
    may_be_none: bool = False
    what: str = ""
    is_set: bool = False

    @property
    def text(self) -> str:
        """The default as people type it; empty where there is none to type."""
        if self.default is None:
            return ""
        if self.kind in {Kind.LIST, Kind.MAPPING, Kind.ANY}:
            return self.source
        return str(self.default)


def values_of(
    parameters: tuple[Parameter, ...], given: Mapping[str, Any], *, script: bool = False
) -> dict[str, Any]:
    """Return what was given as values of the parameters' kinds, and the defaults that are set.

    A text is read as the kind that its parameter has, so that forms and command lines need to
    know nothing of kinds. A script of which no parameters are known takes any name.

    Raises:
        BadParameter: there is no such parameter, or the value is not of its kind.
    """
    known = {one.name: one for one in parameters}
    if len(given) > MOST:
        raise BadParameter(f"A run takes at most {MOST} parameters.")
    values = {one.name: one.default for one in parameters if one.is_set}
    for name, value in given.items():
        if not name.isidentifier():
            raise BadParameter(f"“{shown(name)}” cannot be the name of a parameter.")
        _check_plain(name, value)
        if len(json.dumps(value)) > LONGEST:
            raise BadParameter(f"The value of `{name}` is longer than {LONGEST} characters.")
        if script and not known:
            values[name] = value
            continue
        if name not in known:
            raise BadParameter(_no_such(name, known, script=script))
        values[name] = value_of(known[name], value)
        _check_plain(name, values[name])
    return values


def _check_plain(name: str, value: Any) -> None:
    """Refuse a value with something in it that no page, no program or no database takes.

    Raises:
        BadParameter: says what.
    """
    level = [value]
    for _ in range(_DEEPEST):
        if not level:
            return
        for one in level:
            _check_one(name, one)
        level = [inner for one in level for inner in _inside(one)]
    if level:
        raise BadParameter(f"The value of `{name}` has more than {_DEEPEST} levels.")


def _check_one(name: str, value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or value.encode("utf-8", "replace").decode() != value:
            raise BadParameter(f"The text of `{name}` has a zero or half a character in it.")
    elif isinstance(value, int | float) and not _is_finite(value):
        what = "smaller" if isinstance(value, int) else "a finite number"
        raise BadParameter(f"`{name}` must be {what}.")


def _is_finite(value: float) -> bool:
    """Tell whether a number is finite, and has a place among the floats if it is a whole one."""
    return abs(value) <= sys.float_info.max


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return (*value, *value.values())
    return value if isinstance(value, list | tuple) else ()


def _no_such(name: str, known: Mapping[str, Parameter], *, script: bool) -> str:
    if script:
        return (
            f"There is no parameter `{shown(name)}`: ml.yaml declares {', '.join(known)}. Add it "
            "there."
        )
    if not known:
        return (
            f"This notebook has no parameter `{shown(name)}`: none of its cells is tagged "
            f"`{TAG}`. Tag the cell that sets its values, and publish it."
        )
    return f"This notebook has no parameter `{shown(name)}`. It has {', '.join(known)}."


def value_of(parameter: Parameter, given: Any) -> Any:
    """Return what was given for a parameter as a value of its kind.

    Raises:
        BadParameter: it is not of its kind, or none of its choices.
    """
    value = _from_text(parameter, given) if isinstance(given, str) else given
    if value is None and (parameter.may_be_none or parameter.kind is Kind.ANY):
        return None
    if not fits(parameter.kind, value):
        raise BadParameter(
            f"`{parameter.name}` must be {_NOUNS[parameter.kind]}, not “{shown(str(given))}”."
        )
    if parameter.choices and value not in parameter.choices:
        choices = ", ".join(map(str, parameter.choices))
        raise BadParameter(f"`{parameter.name}` must be one of {choices}.")
    if parameter.kind is Kind.NUMBER and isinstance(value, int):
        return float(value) if isinstance(parameter.default, float) else value
    return value


_NOUNS: Final = {
    Kind.TEXT: "a text",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.FLAG: "true or false",
    Kind.LIST: "a list, such as [1, 2]",
    Kind.MAPPING: 'an object, such as {"a": 1}',
    Kind.ANY: "a value",
}


def _from_text(parameter: Parameter, text: str) -> Any:
    bare = text.strip()
    if parameter.may_be_none and bare.lower() in {"", *_NOTHING}:
        return None
    match parameter.kind:
        case Kind.TEXT:
            return text
        case Kind.FLAG:
            return True if bare.lower() in _YES else False if bare.lower() in _NO else text
        case Kind.INTEGER | Kind.NUMBER:
            return _number(bare, whole=parameter.kind is Kind.INTEGER)
        case _:
            found = _structure(bare)
            return found if found is not None or bare.lower() in _NOTHING else text


def _number(text: str, *, whole: bool) -> Any:
    for read in (int,) if whole else (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _structure(text: str) -> Any:
    """Return what a text says as JSON or as Python, or None."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        pass
    try:
        found = ast.literal_eval(text)
        json.dumps(found, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return list(found) if isinstance(found, tuple) else found


def kind_of_value(value: Any) -> Kind:
    """Return the narrowest kind that a value is of."""
    for kind in (Kind.TEXT, Kind.FLAG, Kind.INTEGER, Kind.NUMBER, Kind.LIST, Kind.MAPPING):
        if fits(kind, value):
            return kind
    return Kind.ANY


def fits(kind: Kind, value: Any) -> bool:
    """Tell whether a value is of a kind."""
    return _TESTS[kind](value)


_TESTS: Final[Mapping[Kind, Callable[[Any], bool]]] = {
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.INTEGER: lambda value: isinstance(value, int) and not isinstance(value, bool),
    Kind.NUMBER: lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
    ),
    Kind.FLAG: lambda value: isinstance(value, bool),
    Kind.LIST: lambda value: isinstance(value, list),
    Kind.MAPPING: lambda value: isinstance(value, dict),
    Kind.ANY: lambda _: True,
}
