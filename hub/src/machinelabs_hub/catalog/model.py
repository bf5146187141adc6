"""What a site offers to start: images and flavours, frozen."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.errors import BadInput


class Package(BaseModel):
    """Something an image promises: shown on its card, imported by its test."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(title="What people call it, e.g. scikit-learn")]
    version: Annotated[str, Field(title="Its version in the image")]
    module: Annotated[str, Field(title="What the image's test imports; empty: a program")] = ""


class Image(BaseModel):
    """One row of `images/catalog.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: str
    description: str
    parent: Annotated[str, Field(title="The image it is built on; empty: the distribution")] = ""
    contains: tuple[Package, ...] = ()
    offered: Annotated[bool, Field(title="False: only a parent of others")] = True


class Gpu(BaseModel):
    """What a flavour asks of the site's GPUs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: Annotated[int, Field(ge=1, title="Devices")] = 1
    memory_mib: Annotated[int, Field(ge=0, title="Least memory it gets of each, MiB; 0: any")] = 0
    profile: Annotated[str, Field(title="MIG profile, e.g. 1g.10gb; empty: a whole card")] = ""
    share: Annotated[int, Field(ge=1, le=64, title="n for 1/n of a card's memory; 1: all")] = 1


class Flavour(BaseModel):
    """A named size of a server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: str
    cpu: Annotated[float, Field(gt=0, title="Processor cores")]
    memory_mib: Annotated[int, Field(ge=256, title="Memory, MiB; swap is never added")]
    shm_mib: Annotated[int, Field(ge=1, title="Size of /dev/shm, MiB; counts as memory")] = 64
    pids: Annotated[int, Field(ge=32, title="Most processes and threads")] = 512
    nofile: Annotated[int, Field(ge=256, title="Most open files of a process")] = 65536
    gpu: Gpu | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """A site's own build of an image: `id` (sha256:…) pins it, `tag` names it."""

    id: str
    tag: str
    size_mib: int


@dataclass(frozen=True, slots=True)
class Catalog:
    """All images and flavours of a site, in the order in which people see them."""

    images: tuple[Image, ...]
    flavours: tuple[Flavour, ...]
    builds: dict[str, Build] = field(default_factory=dict)

    @property
    def offered(self) -> tuple[Image, ...]:
        """The images that people may start."""
        return tuple(image for image in self.images if image.offered)

    def image(self, name: object) -> Image:
        """Return the offered image called `name`, or raise `UnknownImage`."""
        for image in self.offered:
            if image.name == name:
                return image
        raise UnknownImage(name, [image.name for image in self.offered])

    def flavour(self, name: object) -> Flavour:
        """Return the flavour called `name`, or raise `UnknownFlavour`."""
        for flavour in self.flavours:
            if flavour.name == name:
                return flavour
        raise UnknownFlavour(name, [flavour.name for flavour in self.flavours])


class UnknownImage(BadInput):
    """No image of the catalogue has this name."""

    code = "unknown_image"

    def __init__(self, name: object, known: list[str]) -> None:
        super().__init__(
            f"There is no image called “{str(name)[:60]}” here. Choose one of: {', '.join(known)}."
        )


class UnknownFlavour(BadInput):
    """No flavour of the catalogue has this name."""

    code = "unknown_flavour"

    def __init__(self, name: object, known: list[str]) -> None:
        super().__init__(
            f"There is no size called “{str(name)[:60]}” here. Choose one of: {', '.join(known)}."
        )
