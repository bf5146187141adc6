"""`ml.yaml`: what a lab says of itself. Pure.

`image`, `flavour` and `entrypoint` matter to publishing, the others to runs. The
keys of the first MachineLabs, `dockerImageId` and `hardwareType`, are read as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from machinelabs_hub.catalog.model import Catalog, UnknownFlavour, UnknownImage
from machinelabs_hub.labs.models import inputs
from machinelabs_hub.labs.models.config_words import NAME, BadConfig, at
from machinelabs_hub.labs.models.dataset import Mount
from machinelabs_hub.labs.models.declared import Declared, read_declared
from machinelabs_hub.labs.models.inputs import Input
from machinelabs_hub.labs.models.mounts import read_mounts
from machinelabs_hub.labs.models.paths import ClashingPaths, check_together
from machinelabs_hub.names import shown

__all__ = ["LARGEST", "NAME", "BadConfig", "LabConfig", "read_config"]

LARGEST: Final = 64 * 1024
_SYNONYMS: Final = {"dockerImageId": "image", "hardwareType": "flavour"}
_KEYS: Final = (
    "image", "flavour", "entrypoint", "parameters", "inputs", "mounts", "outputs", "cli",
)  # fmt: skip
_INPUT_KEYS: Final = {
    "name": inputs.name_fault,
    "url": inputs.url_fault,
    "sha256": inputs.sha256_fault,
}


@dataclass(frozen=True, slots=True)
class LabConfig:
    """What an `ml.yaml` asks for; None: it says nothing of it."""

    image: str | None = None
    flavour: str | None = None
    entrypoint: str | None = None
    inputs: tuple[Input, ...] = ()
    parameters: tuple[Declared, ...] = ()
    mounts: tuple[Mount, ...] = ()


def read_config(content: bytes, catalog: Catalog) -> LabConfig:
    """Return what an `ml.yaml` asks for.

    Raises:
        BadConfig: names the line and the key.
    """
    top = _compose(content)
    found: dict[str, str] = {}
    asked: tuple[Input, ...] = ()
    declared: tuple[Declared, ...] = ()
    mounts: tuple[Mount, ...] = ()
    said: set[str] = set()
    for key, value in top.value if top else ():
        name = _SYNONYMS.get(key.value, key.value) if isinstance(key.value, str) else ""
        _check_key(key, name, said)
        said.add(name)
        if name in {"image", "flavour", "entrypoint"}:
            found[name] = _checked(key, value, catalog)
        elif name == "inputs":
            asked = tuple(_inputs(value))
        elif name == "parameters":
            declared = tuple(read_declared(value))
        elif name == "mounts":
            mounts = tuple(read_mounts(value))
    return LabConfig(**found, inputs=asked, parameters=declared, mounts=mounts)


def _compose(content: bytes) -> yaml.MappingNode | None:
    if len(content) > LARGEST:
        raise BadConfig(f"{NAME} is larger than {LARGEST // 1024} KiB.")
    try:
        top: Any = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise BadConfig(f"{NAME} is not UTF-8 text.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadConfig(f"{NAME}, line {line}: this is not YAML: {error.problem}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadConfig(f"{NAME} is not YAML.") from error
    if top is not None and not isinstance(top, yaml.MappingNode):
        raise BadConfig(f"{NAME}, line 1: write `key: value` lines, such as `image: base`.")
    return top


def _check_key(key: yaml.Node, name: str, said: set[str]) -> None:
    if name not in _KEYS:
        raise BadConfig(
            f"{at(key)}: there is no key `{shown(str(key.value))}`. Known are {', '.join(_KEYS)}."
        )
    if name in said:
        raise BadConfig(f"{at(key)}: `{name}` is said twice.")


def _checked(key: yaml.Node, value: yaml.Node, catalog: Catalog) -> str:
    if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
        raise BadConfig(f"{at(value)}: `{key.value}` needs a name after it.")
    text: str = value.value.strip()
    try:
        match key.value:
            case "image" | "dockerImageId":
                return catalog.image(text).name
            case "flavour":
                return catalog.flavour(text).name
            case "hardwareType":
                return _hardware(text, catalog)
    except (UnknownImage, UnknownFlavour) as error:
        raise BadConfig(f"{at(value)}: `{key.value}`: {error}") from error
    return text


def _inputs(value: yaml.Node) -> Iterator[Input]:
    if isinstance(value, yaml.ScalarNode) and value.tag.endswith(":null"):
        return
    if not isinstance(value, yaml.SequenceNode):
        raise BadConfig(f"{at(value)}: `inputs` is a list: begin each with `- name: …`.")
    if len(value.value) > inputs.MOST:
        raise BadConfig(f"{at(value)}: `inputs` has more than {inputs.MOST} files.")
    names: list[str] = []
    for number, one in enumerate(value.value):
        found = _input(one, f"inputs.{number}")
        names.append(found.name)
        try:
            check_together(names)
        except ClashingPaths as error:
            raise BadConfig(f"{at(one)}: `inputs.{number}.name`: {error}") from error
        yield found


def _input(node: yaml.Node, where: str) -> Input:
    if not isinstance(node, yaml.MappingNode):
        raise BadConfig(f"{at(node)}: `{where}` needs `name: …` and `url: …`.")
    said: dict[str, str] = {}
    for key, value in node.value:
        check = _INPUT_KEYS.get(key.value) if isinstance(key.value, str) else None
        if check is None:
            known = ", ".join(_INPUT_KEYS)
            raise BadConfig(
                f"{at(key)}: `{where}` has no key `{shown(str(key.value))}`. Known are {known}."
            )
        place = f"{at(value)}: `{where}.{key.value}`"
        if key.value in said:
            raise BadConfig(f"{place} is said twice.")
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
            raise BadConfig(f"{place} needs text after it.")
        text = value.value.strip()
        text = text.lower() if key.value == "sha256" else text
        if fault := check(text):
            raise BadConfig(f"{place}: {fault}")
        said[key.value] = text
    for needed in ("name", "url"):
        if needed not in said:
            raise BadConfig(f"{at(node)}: `{where}.{needed}` is missing.")
    return Input(**said)


def _hardware(text: str, catalog: Catalog) -> str:
    wants_gpu = {"cpu": False, "gpu": True}.get(text.lower())
    for flavour in catalog.flavours:
        if wants_gpu is not None and (flavour.gpu is not None) == wants_gpu:
            return flavour.name
    raise UnknownFlavour(text, ["cpu", "gpu"])
