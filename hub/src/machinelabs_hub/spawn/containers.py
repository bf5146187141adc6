"""List and remove a site's containers and homes, found by their labels."""

from dataclasses import dataclass

from machinelabs_hub.errors import NotFound
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.engine import translated
from machinelabs_hub.spawn.network import connect_to
from machinelabs_hub.spawn.plan import (
    LABEL_FLAVOUR,
    LABEL_IMAGE,
    LABEL_SERVER,
    LABEL_SITE,
    LABEL_USER,
    home_volume,
)


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a site. `server` is empty for a person's default server."""

    id: str
    name: str
    user: str
    server: str
    image: str
    flavour: str
    running: bool


@dataclass(frozen=True, slots=True)
class Home:
    """The volume that is a person's home."""

    name: str
    user: str


def list_containers(settings: Settings, *, user: str | None = None) -> list[Container]:
    """Return the site's containers, or those of one person, running or not.

    Raises:
        EngineTrouble: the engine did not answer.
    """
    client = connect_to(settings)
    rows = translated(lambda: client.containers(all=True, filters=_labels(settings, user)))
    found = [
        Container(
            id=row["Id"],
            name=row["Names"][0].lstrip("/"),
            user=row["Labels"].get(LABEL_USER, ""),
            server=row["Labels"].get(LABEL_SERVER, ""),
            image=row["Labels"].get(LABEL_IMAGE, ""),
            flavour=row["Labels"].get(LABEL_FLAVOUR, ""),
            running=row["State"] == "running",
        )
        for row in rows
    ]
    return sorted(found, key=lambda container: container.name)


def remove_container(settings: Settings, container: Container) -> None:
    """Stop and remove a container; the person's home stays. Gone already is as good."""
    client = connect_to(settings)
    try:
        translated(lambda: client.stop(container.id))
        translated(lambda: client.remove_container(container.id, force=True))
    except NotFound:
        return


def list_homes(settings: Settings) -> list[Home]:
    """Return the homes that the site's people have on this engine."""
    client = connect_to(settings)
    rows = translated(lambda: client.volumes(filters=_labels(settings, None)))["Volumes"] or []
    found = [Home(name=row["Name"], user=row["Labels"].get(LABEL_USER, "")) for row in rows]
    return sorted(found, key=lambda home: home.name)


def remove_home(settings: Settings, user: str) -> bool:
    """Remove a person's home for good, with all that is in it; return whether there was one.

    Raises:
        NameTaken: a container still uses it.
    """
    client = connect_to(settings)
    volume = home_volume(settings.engine.prefix, user)
    try:
        translated(lambda: client.remove_volume(volume))
    except NotFound:
        return False
    return True


def remove_volume(settings: Settings, home: Home) -> None:
    """Remove the volume of a home that `list_homes` told of. Gone already is as good."""
    remove_home(settings, home.user)


def _labels(settings: Settings, user: str | None) -> dict[str, list[str]]:
    labels = [f"{LABEL_SITE}={settings.engine.prefix}"]
    if user is not None:
        labels.append(f"{LABEL_USER}={user}")
    return {"label": labels}
