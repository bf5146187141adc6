"""Mounts: datasets that a run finds in its folder, as an `ml.yaml` names them. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

import yaml

from machinelabs_hub.labs.models.config_words import BadConfig, at
from machinelabs_hub.labs.models.dataset import Address, Mount, read_address
from machinelabs_hub.labs.models.inputs import FOLDER as INPUTS
from machinelabs_hub.labs.models.paths import ClashingPaths, check_together, fault_of
from machinelabs_hub.names import shown

MOST: Final = 20
_KEYS: Final = ("dataset", "at")
_TAKEN: Final = (INPUTS, "outputs")
_FIRST_KEYS: Final = {"path", "name"}


def read_mounts(value: yaml.Node) -> Iterator[Mount]:
    """Yield the entries of `mounts`.

    Raises:
        BadConfig: names the line and the key.
    """
    if isinstance(value, yaml.ScalarNode) and value.tag.endswith(":null"):
        return
    if not isinstance(value, yaml.SequenceNode):
        raise BadConfig(f"{at(value)}: `mounts` is a list: begin each with `- dataset: …`.")
    if len(value.value) > MOST:
        raise BadConfig(f"{at(value)}: `mounts` has more than {MOST} datasets.")
    places: list[str] = []
    for number, node in enumerate(value.value):
        found = _mount(node, f"mounts.{number}")
        places.append(found.at)
        try:
            check_together(places)
        except ClashingPaths as error:
            raise BadConfig(f"{at(node)}: `mounts.{number}.at`: {error}") from error
        yield found


def check_free(mounts: Iterable[Mount], beside: str, paths: Iterable[str]) -> None:
    """Refuse mounts that would lie where other files do.

    Args:
        mounts: what `ml.yaml` asks for.
        beside: the folder of the file that is run; empty: the lab's own.
        paths: of the revision, and of its inputs.

    Raises:
        ClashingPaths: names both.
    """
    known = [(path, path.casefold()) for path in paths]
    for mount in mounts:
        place = f"{beside}/{mount.at}" if beside else mount.at
        folder = f"{place.casefold()}/"
        for path, key in known:
            if f"{key}/".startswith(folder) or folder.startswith(f"{key}/"):
                raise ClashingPaths(
                    f"{mount.dataset} would lie in “{shown(place)}”, where the lab has "
                    f"“{shown(path)}”. Choose another folder in `mounts`."
                )


def _mount(node: yaml.Node, where: str) -> Mount:
    if not isinstance(node, yaml.MappingNode):
        raise BadConfig(f"{at(node)}: `{where}` needs `dataset: OWNER/NAME@v3` and `at: FOLDER`.")
    said: dict[str, tuple[yaml.Node, str]] = {}
    for key, value in node.value:
        if key.value not in (*_KEYS, *_FIRST_KEYS):
            raise BadConfig(
                f"{at(key)}: `{where}` has no key `{shown(str(key.value))}`. Known are "
                f"{', '.join(_KEYS)}."
            )
        place = f"{at(value)}: `{where}.{key.value}`"
        if key.value in said:
            raise BadConfig(f"{place} is said twice.")
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
            raise BadConfig(f"{place} needs text after it.")
        said[key.value] = (value, value.value.strip())
    if said.keys() == _FIRST_KEYS:
        said = _of_the_first(said)
    for needed in _KEYS:
        if needed not in said:
            raise BadConfig(f"{at(node)}: `{where}.{needed}` is missing.")
    return Mount(_dataset(*said["dataset"], where), _folder(*said["at"], where))


def _of_the_first(said: dict[str, tuple[yaml.Node, str]]) -> dict[str, tuple[yaml.Node, str]]:
    """Return what the first MachineLabs wrote as `path: user/mount/3` and `name: …`."""
    node, path = said["path"]
    name, _, version = path.rpartition("/")
    dataset = f"{name}@v{version.removeprefix('v')}" if version and "/" in name else path
    return {"dataset": (node, dataset), "at": (said["name"][0], f"mounts/{said['name'][1]}")}


def _dataset(node: yaml.Node, text: str, where: str) -> Address:
    found = read_address(text.removeprefix("dataset:"))
    if found is None:
        raise BadConfig(
            f"{at(node)}: `{where}.dataset`: name a version, as `OWNER/NAME@v3`: a run is to find "
            "the same files whenever it is started."
        )
    return found


def _folder(node: yaml.Node, text: str, where: str) -> str:
    place = text.rstrip("/")
    if fault := fault_of(place):
        raise BadConfig(f"{at(node)}: `{where}.at`: {fault}")
    if place.casefold().split("/")[0] in _TAKEN:
        raise BadConfig(f"{at(node)}: `{where}.at`: {place} is the run's own. Choose another.")
    return place
