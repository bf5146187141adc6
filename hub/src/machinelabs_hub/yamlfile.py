"""Read a YAML file that a person wrote, and say which line and key of it is wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from machinelabs_hub.errors import SettingsError


class Section(BaseModel):
    """A frozen part of a YAML file that refuses keys which it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A mapping that was read from `path`, with the places that its parts have in the text."""

    path: Path
    tree: yaml.Node | None
    values: dict[str, Any]

    def describe(self, error: ValidationError) -> SettingsError:
        """Return an error with one line a fault: file, line, key and what is wrong with it."""
        return SettingsError(
            "\n".join(
                f"{self.path}, line {line_of(self.tree, fault['loc'])}: "
                f"`{'.'.join(str(part) for part in fault['loc']) or 'file'}`: {_reason(fault)}"
                for fault in error.errors()
            )
        )


def read_yaml(path: Path) -> YamlFile:
    """Read the file at `path`.

    Raises:
        SettingsError: it is not there, cannot be read, or is not a YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"There is no file at {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from error
    return parse_yaml(text, path=path)


def parse_yaml(text: str, *, path: Path) -> YamlFile:
    """Read the YAML `text` of the file at `path`.

    Raises:
        SettingsError: names the file and the line where it stops being a YAML mapping.
    """
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text) or {}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}, line {line}: not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {error}.") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}, line 1: it has to be made of `key: value` lines.")
    return YamlFile(path=path, tree=tree, values=values)


def line_of(tree: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """Return the 1-based line of the deepest node that `loc` reaches in a composed YAML tree."""
    line = 1
    for part in loc:
        found = _child(tree, part)
        if found is None:
            break
        key, tree = found
        line = key.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _reason(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "there is no such key."
    if fault["type"] == "missing":
        return "this key is missing."
    return f"{fault['msg'].removeprefix('Value error, ')} (it is {str(fault['input'])[:60]!r})."
