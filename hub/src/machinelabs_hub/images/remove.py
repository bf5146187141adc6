"""Remove a site's builds, and what they stand on once no other build is left."""

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from machinelabs_hub.catalog.load import read_builds
from machinelabs_hub.images import former
from machinelabs_hub.images.errors import EngineMissing
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files

_OURS = "machinelabs/"
_BELOW = ("machinelabs/stack-", "machinelabs/debian")


def remove_images(settings: Settings) -> list[str]:
    """Remove the images that the site uses or used; return the tags that a container holds.

    Raises:
        EngineMissing: no engine answers.
    """
    files = Files(settings.data)
    try:
        client = docker.APIClient(base_url=settings.engine.socket, version="auto", timeout=120)
    except DockerException as error:
        raise EngineMissing(f"No container engine answers at {settings.engine.socket}.") from error
    try:
        used = [build.tag for build in read_builds(files.builds).values()]
        tags = dict.fromkeys([*used, *former.read(files)])
        held = [tag for tag in tags if not _remove(client, tag)]
        left = [tag for tag in _tags(client) if not tag.startswith(_BELOW)]
        if not left:
            held += [tag for tag in sorted(_tags(client), reverse=True) if not _remove(client, tag)]
        former.forget(files)
        return held
    finally:
        client.close()


def _tags(client: docker.APIClient) -> list[str]:
    found = [tag for image in client.images() for tag in image.get("RepoTags") or []]
    return [tag for tag in found if tag.startswith(_OURS)]


def _remove(client: docker.APIClient, tag: str) -> bool:
    try:
        client.remove_image(tag)
    except ImageNotFound:
        return True
    except APIError:
        # A container, maybe of another site, still uses it.
        return False
    return True
