"""The page that visitors see while what they ask for does not answer: a file, served by the proxy.

The hub cannot show it: it may be the one that is away.
"""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader

import machinelabs_hub.theme
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files

THEME: Final = Path(machinelabs_hub.theme.__file__).parent


def folder_of(settings: Settings) -> Path:
    """Return the folder that the proxy finds the page in."""
    return Files(settings.data).run / "away"


def write(settings: Settings) -> None:
    """Write the page as the settings have it now: the proxy reads it each time."""
    loader = FileSystemLoader([THEME / "templates", THEME])
    template = Environment(loader=loader, autoescape=True).get_template("away.html")
    addresses = Addresses(settings)
    page = template.render(site=settings.site.title, hub=addresses.hub, labs=addresses.labs)
    folder = folder_of(settings)
    folder.mkdir(exist_ok=True)
    (folder / "error.html").write_text(page, encoding="utf-8")
