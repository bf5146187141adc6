"""The choices of the start page: images as cards, flavours as a row."""

from functools import cache

import jinja2

from machinelabs_hub.spawn.ending import amount
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.site import SpawnSite


def render_form(*, site: SpawnSite, choice: Choice, offers_gpus: bool) -> str:
    """Return the HTML inside the start page's form, with `choice` chosen."""
    return _template().render(
        images=site.catalog.offered,
        flavours=site.catalog.flavours,
        builds=site.builds(),
        choice=choice,
        offers_gpus=offers_gpus,
    )


@cache
def _template() -> jinja2.Template:
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("machinelabs_hub.spawn"), autoescape=True, trim_blocks=True
    )
    pages.filters["amount"] = amount
    return pages.get_template("options_form.html")
