"""Parameters as an `ml.yaml` declares them, for scripts and for notebooks. Pure."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml

from machinelabs_hub.labs.models.config_words import BadConfig, at
from machinelabs_hub.labs.models.parameters import (
    LONGEST,
    MOST,
    BadParameter,
    Kind,
    Parameter,
    fits,
    kind_of_value,
    value_of,
)
from machinelabs_hub.names import shown

_KEYS: Final = ("name", "type", "default", "choices", "help")
_ARGUMENT_KEY: Final = "pass-as"
_ARGUMENT: Final = re.compile(r"--([^=\s]+)=(.*)", re.DOTALL)
_LONGEST_HELP: Final = 200
_MOST_CHOICES: Final = 100
_MOST_NODES: Final = 1000
_DEEPEST: Final = 20
_EXPONENT: Final = re.compile(r"[-+]?[0-9][0-9.]*[eE][-+]?[0-9]+")
_TYPES: Final = {kind.value: kind for kind in Kind} | {
    "str": Kind.TEXT,
    "string": Kind.TEXT,
    "int": Kind.INTEGER,
    "float": Kind.NUMBER,
    "bool": Kind.FLAG,
    "boolean": Kind.FLAG,
    "dict": Kind.MAPPING,
}


@dataclass(frozen=True, slots=True)
class Declared:
    """One entry of `parameters`.

    Attributes:
        kind: None: the notebook's cell says it, or else the default.
        has_default: whether the entry says one; None is one too.
    """

    name: str
    kind: Kind | None = None
    default: Any = None
    has_default: bool = False
    choices: tuple[Any, ...] = ()
    what: str = ""

    def over(self, cell: Parameter | None) -> Parameter:
        """Return the parameter that this and the notebook's cell say together."""
        known = self.kind or (cell.kind if cell else kind_of_value(self._example))
        found = Parameter(
            self.name,
            known,
            self.default,
            json.dumps(self.default) if self.has_default else "",
            self.choices,
            may_be_none=self.has_default and self.default is None,
            what=self.what,
            is_set=self.has_default,
        )
        if cell is None:
            return found
        found = replace(found, what=self.what or cell.what)
        if self.kind is None and not self.choices:
            found = replace(found, choices=cell.choices)
        if not self.has_default:
            found = replace(found, may_be_none=cell.may_be_none)
            if fits(known, cell.default):
                found = replace(found, default=cell.default, source=cell.source)
        return found

    @property
    def _example(self) -> Any:
        if self.default is None and self.choices:
            return self.choices[0]
        return self.default


def asked_of(declared: Iterable[Declared], cell: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Return what a file can be run with: what is declared, then the rest of its cell."""
    left = {one.name: one for one in cell}
    found = [one.over(left.pop(one.name, None)) for one in declared]
    return (*found, *left.values())


def read_declared(value: yaml.Node) -> Iterator[Declared]:
    """Yield the entries of `parameters`.

    Raises:
        BadConfig: names the line and the key.
    """
    if isinstance(value, yaml.ScalarNode) and value.tag.endswith(":null"):
        return
    if not isinstance(value, yaml.SequenceNode):
        raise BadConfig(f"{at(value)}: `parameters` is a list: begin each with `- name: …`.")
    if len(value.value) > MOST:
        raise BadConfig(f"{at(value)}: `parameters` has more than {MOST} entries.")
    names: set[str] = set()
    for number, node in enumerate(value.value):
        found = _entry(node, f"parameters.{number}")
        if found.name in names:
            raise BadConfig(
                f"{at(node)}: `parameters.{number}.name`: `{found.name}` is declared twice."
            )
        names.add(found.name)
        yield found


def _entry(node: yaml.Node, where: str) -> Declared:
    if not isinstance(node, yaml.MappingNode):
        raise BadConfig(f"{at(node)}: `{where}` needs `name: …`.")
    said: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value not in (*_KEYS, _ARGUMENT_KEY):
            raise BadConfig(
                f"{at(key)}: `{where}` has no key `{shown(str(key.value))}`. Known are "
                f"{', '.join(_KEYS)}."
            )
        if key.value in said:
            raise BadConfig(f"{at(key)}: `{where}.{key.value}` is said twice.")
        said[key.value] = value
    if _ARGUMENT_KEY in said:
        return _passed(node, said, where)
    if "name" not in said:
        raise BadConfig(f"{at(node)}: `{where}.name` is missing.")
    name = _text(said["name"], f"{where}.name")
    _check_name(said["name"], name, f"{where}.name")
    found = Declared(
        name,
        kind=_kind(said["type"], f"{where}.type") if "type" in said else None,
        what=_text(said["help"], f"{where}.help")[:_LONGEST_HELP] if "help" in said else "",
    )
    return _with_values(found, said, where)


def _with_values(found: Declared, said: dict[str, yaml.Node], where: str) -> Declared:
    """Return the entry with its choices and its default, which have to be of its kind."""
    choices: tuple[Any, ...] = ()
    if node := said.get("choices"):
        place = f"{at(node)}: `{where}.choices`"
        given = _plain(node, place)
        if not isinstance(given, list) or not 0 < len(given) <= _MOST_CHOICES:
            raise BadConfig(f"{place} is a list of 1 to {_MOST_CHOICES} values: [sgd, adam].")
        kinds = {kind_of_value(choice) for choice in given} - {Kind.INTEGER}
        common = kinds.pop() if len(kinds) == 1 else Kind.ANY if kinds else Kind.INTEGER
        found = replace(found, kind=found.kind or common)
        choices = tuple(_fitting(found, choice, place) for choice in given)
    if (node := said.get("default")) is None:
        return replace(found, choices=choices)
    place = f"{at(node)}: `{where}.default`"
    default = _plain(node, place)
    found = replace(found, choices=choices, has_default=True)
    return replace(found, default=default and _fitting(found, default, place))


def _fitting(found: Declared, value: Any, place: str) -> Any:
    kind = found.kind or kind_of_value(value)
    try:
        return value_of(Parameter(found.name, kind, None, "", found.choices), value)
    except BadParameter as error:
        raise BadConfig(f"{place}: {error}") from error


def _passed(node: yaml.Node, said: dict[str, yaml.Node], where: str) -> Declared:
    """Return what the first MachineLabs wrote as `pass-as: --name=value`."""
    text = _text(said[_ARGUMENT_KEY], f"{where}.{_ARGUMENT_KEY}")
    found = _ARGUMENT.fullmatch(text)
    if len(said) > 1 or found is None:
        raise BadConfig(
            f"{at(node)}: `{where}.{_ARGUMENT_KEY}` has to be `--NAME=VALUE`, alone. Better write "
            "`name: …` and `default: …`."
        )
    _check_name(said[_ARGUMENT_KEY], found[1], f"{where}.{_ARGUMENT_KEY}")
    return Declared(found[1], Kind.TEXT, found[2], has_default=True)


def _check_name(node: yaml.Node, name: str, where: str) -> None:
    if not name.isidentifier():
        raise BadConfig(
            f"{at(node)}: `{where}`: “{shown(name)}” cannot be the name of a parameter. Use "
            "letters, digits and _."
        )


def _kind(node: yaml.Node, where: str) -> Kind:
    found = _TYPES.get(_text(node, where))
    if found is None:
        raise BadConfig(f"{at(node)}: `{where}` is one of {', '.join(Kind)}.")
    return found


def _text(node: yaml.Node, where: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise BadConfig(f"{at(node)}: `{where}` needs text after it.")
    return " ".join(_sound(node, f"{at(node)}: `{where}`").split())


def _plain(node: yaml.Node, place: str) -> Any:
    """Return a value as JSON has it.

    The file's own anchors could make a small file huge, or endless, so that nodes are counted.
    """
    left = iter(range(_MOST_NODES))

    def read(one: yaml.Node, depth: int) -> Any:
        if next(left, None) is None or depth > _DEEPEST:
            raise BadConfig(f"{place} has more than {_MOST_NODES} values in it, or too deep ones.")
        if isinstance(one, yaml.SequenceNode):
            return [read(item, depth + 1) for item in one.value]
        if isinstance(one, yaml.MappingNode):
            return {str(read(key, depth + 1)): read(value, depth + 1) for key, value in one.value}
        return _scalar(one, place)

    found = read(node, 0)
    if len(json.dumps(found)) > LONGEST:
        raise BadConfig(f"{place} is longer than {LONGEST} characters.")
    return found


def _scalar(node: yaml.Node, place: str) -> Any:
    text: str = _sound(node, place)
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "str" if (
            isinstance(node, yaml.ScalarNode) and node.style is None and _EXPONENT.fullmatch(text)
        ):
            # YAML 1.1 takes 1e-3 for text, which nobody who writes it means.
            return _finite(float(text), place)
        case "int" | "float" | "bool":
            try:
                value = yaml.safe_load(text)
            except (ValueError, yaml.YAMLError):
                return text
            return _finite(value, place) if isinstance(value, int | float) else text
    return text


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise BadConfig(f"{place} must be finite.")
    return value


def _sound(node: yaml.Node, place: str) -> Any:
    """Return a scalar's text; escapes can spell what neither a page nor a program takes."""
    try:
        node.value.encode()
    except UnicodeEncodeError as error:
        raise BadConfig(f"{place} has half a character in it.") from error
    if "\0" in node.value:
        raise BadConfig(f"{place} has a zero character in it.")
    return node.value
