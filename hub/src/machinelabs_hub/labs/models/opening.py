"""On which of a person's servers a lab opens. Pure: nothing that runs is ever stopped for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from machinelabs_hub.labs.models.server import HubServer

_LONGEST_NAME: Final = 30


@dataclass(frozen=True, slots=True)
class Place:
    """The server that a lab opens on; an empty name is the default one.

    Attributes:
        starts: it does not run yet.
        avoids: the image of the default server, which runs and is left alone; else empty.
    """

    server: str
    starts: bool
    avoids: str = ""


def place_for(
    lab: str, image: str | None, servers: Mapping[str, HubServer], *, usual_image: str
) -> Place:
    """Choose the server for a lab.

    Args:
        lab: the lab's name.
        image: the image that the lab wants; None is any.
        servers: the person's servers by name.
        usual_image: what a server runs that was started without a choice.
    """
    default = servers.get("")
    if default is None or not default.is_active:
        return Place("", starts=True)
    if image is None or _image(default, usual_image) == image:
        return Place("", starts=False)
    avoids = _image(default, usual_image)
    for number in range(1, len(servers) + 2):
        name = server_name(lab, number)
        named = servers.get(name)
        if named is None or not named.is_active:
            return Place(name, starts=True, avoids=avoids)
        if _image(named, usual_image) == image:
            return Place(name, starts=False, avoids=avoids)
    raise AssertionError("one more name than servers is always free")


def server_name(lab: str, number: int = 1) -> str:
    """Return the name of a server for a lab: as the Hub allows it, 30 characters at most."""
    end = f"-{number}" if number > 1 else ""
    return f"lab-{lab}"[: _LONGEST_NAME - len(end)].rstrip("-") + end


def _image(server: HubServer, usual: str) -> str:
    return server.image or usual
