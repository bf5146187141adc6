"""The choices of the start page: images as cards, flavours as a row."""

from collections.abc import Mapping
from functools import cache

import jinja2

from machinelabs_hub.gpu.model import Room
from machinelabs_hub.spawn.ending import amount
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.site import SpawnSite


def render_form(
    *, site: SpawnSite, choice: Choice, offers_gpus: bool, rooms: Mapping[str, Room]
) -> str:
    """Return the HTML inside the start page's form, with `choice` chosen.

    Args:
        site: the site.
        choice: what was started last.
        offers_gpus: whether flavours with a GPU can be started.
        rooms: for each of these, how many GPUs would do and how many are free.
    """
    return _template().render(
        images=site.catalog.offered,
        flavours=site.catalog.flavours,
        titles={image.name: image.title for image in site.catalog.images},
        builds=site.builds(),
        choice=choice,
        offers_gpus=offers_gpus,
        rooms=rooms,
    )


@cache
def _template() -> jinja2.Template:
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("machinelabs_hub.spawn"), autoescape=True, trim_blocks=True
    )
    pages.filters |= {"amount": amount, "cores": cores, "room": room}
    return pages.get_template("options_form.html")


def cores(count: float) -> str:
    """Return a number of processor cores for a sentence: `1 core`, `2 cores`, `0.5 cores`."""
    return f"{count:g} core{'' if count == 1 else 's'}"


def room(found: Room) -> str:
    """Return how many GPUs are free for a size, for people."""
    if not found.suitable:
        return "No GPU of this site fits."
    if not found.free:
        return "No GPU is free now: you would wait in line."
    return f"{found.free} of {found.suitable} GPU{'' if found.suitable == 1 else 's'} free now"
