"""`ml.yaml`: what a lab says of itself. Pure.

`image`, `flavour` and `entrypoint` matter to publishing; the rest is kept for runs. The keys of
the first MachineLabs, `dockerImageId` and `hardwareType`, are read as well.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from machinelabs_hub.catalog.model import Catalog, UnknownFlavour, UnknownImage
from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import shown

NAME: Final = "ml.yaml"
LARGEST: Final = 64 * 1024
_SYNONYMS: Final = {"dockerImageId": "image", "hardwareType": "flavour"}
_KEYS: Final = (
    "image", "flavour", "entrypoint", "parameters", "inputs", "mounts", "outputs", "cli",
)  # fmt: skip


class BadConfig(BadInput):
    """The lab's `ml.yaml` cannot be used."""

    code = "bad_config"


@dataclass(frozen=True, slots=True)
class LabConfig:
    """What an `ml.yaml` asks for; None: it says nothing of it."""

    image: str | None = None
    flavour: str | None = None
    entrypoint: str | None = None


def read_config(content: bytes, catalog: Catalog) -> LabConfig:
    """Return what an `ml.yaml` asks for.

    Raises:
        BadConfig: names the line and the key.
    """
    top = _compose(content)
    found: dict[str, str] = {}
    for key, value in top.value if top else ():
        name = _SYNONYMS.get(key.value, key.value)
        _check_key(key, name, found)
        if name in {"image", "flavour", "entrypoint"}:
            found[name] = _checked(key, value, catalog)
    return LabConfig(found.get("image"), found.get("flavour"), found.get("entrypoint"))


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


def _check_key(key: yaml.Node, name: object, found: dict[str, str]) -> None:
    if name not in _KEYS:
        raise BadConfig(
            f"{_at(key)}: there is no key `{shown(str(name))}`. Known are {', '.join(_KEYS)}."
        )
    if name in found:
        raise BadConfig(f"{_at(key)}: `{name}` is said twice.")


def _checked(key: yaml.Node, value: yaml.Node, catalog: Catalog) -> str:
    if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
        raise BadConfig(f"{_at(value)}: `{key.value}` needs a name after it.")
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
        raise BadConfig(f"{_at(value)}: `{key.value}`: {error}") from error
    return text


def _hardware(text: str, catalog: Catalog) -> str:
    wants_gpu = {"cpu": False, "gpu": True}.get(text.lower())
    for flavour in catalog.flavours:
        if wants_gpu is not None and (flavour.gpu is not None) == wants_gpu:
            return flavour.name
    raise UnknownFlavour(text, ["cpu", "gpu"])


def _at(node: yaml.Node) -> str:
    return f"{NAME}, line {node.start_mark.line + 1}"
