"""Fill a site with labs through the services, as if people had published them.

`python -m tests.support.many_labs DATA [COUNT]` fills the site whose folder is DATA.
"""

import io
import json
import random
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from machinelabs_hub import settings as site_settings
from machinelabs_hub.db import migrate
from machinelabs_hub.labs.models.lab import Lab, LabDraft, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.rates import Rate
from machinelabs_hub.labs.services.tools import HOUR, Tools
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import database_url

WORDS = [
    "digits",
    "faces",
    "plants",
    "whales",
    "traffic",
    "weather",
    "protein",
    "music",
    "speech",
    "stars",
    "genes",
    "crops",
    "ships",
    "birds",
    "cells",
    "roads",
    "rivers",
    "clouds",
    "markets",
    "tweets",
    "poems",
    "games",
    "robots",
    "drones",
    "heart",
    "lungs",
]
METHODS = [
    "forest",
    "boosting",
    "svm",
    "transformer",
    "diffusion",
    "autoencoder",
    "bandit",
    "kmeans",
    "pca",
    "lstm",
]
PEOPLE = 50


def tools_of(settings: Settings, *, durable: bool = False) -> Tools:
    """Return tools that publish as fast as the machine can."""
    migrate.upgrade(database_url(settings))
    database = settings.database.model_copy(update={"durable": durable})
    tools = Tools.of(settings.model_copy(update={"database": database}))
    return replace(tools, publishes=Rate(count=10**9, seconds=HOUR))


def tar_of(files: Mapping[str, bytes]) -> BinaryIO:
    """Return a tar of `files`, by path."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    packed.seek(0)
    return packed


def notebook(*sources: str, kilobytes: int = 0) -> bytes:
    """Return a notebook of code cells, the last with about `kilobytes` of output."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "execution_count": number,
            "source": source,
            "outputs": [],
        }
        for number, source in enumerate(sources or ("print(1)",), start=1)
    ]
    if kilobytes:
        lines = [
            f"epoch {n:06d} loss {1 / (n + 1):.9f} accuracy 0.98\n" for n in range(kilobytes * 22)
        ]
        cells[-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1).encode()


def publish_many(tools: Tools, number: int, *, seed: int = 1) -> list[Lab]:
    """Publish `number` public labs of `PEOPLE` people and return them."""
    dice = random.Random(seed)  # noqa: S311 - for variety, not secrecy
    return [_publish(tools, dice, serial) for serial in range(number)]


def _publish(tools: Tools, dice: random.Random, serial: int) -> Lab:
    thing, method = dice.choice(WORDS), dice.choice(METHODS)
    owner = f"person-{serial % PEOPLE:02d}"
    person = Person(name=owner, display_name=owner)
    draft = LabDraft(
        title=f"{thing.title()} with {method} {serial}",
        description=f"How {method} does on {thing}, and why.",
        tags=(thing, method),
        visibility=Visibility.PUBLIC,
    )
    cells = (f"import {method}", f"data = load({thing!r})", "data.head()", "print('done')")
    readme = f"# {thing} and {method}\n\nA lab about {thing}, number {serial}.\n"
    files = {"main.ipynb": notebook(*cells, kilobytes=4), "README.md": readme.encode()}
    return LabService(tools=tools, viewer=person).publish(draft, tar_of(files))


def main() -> None:
    """Fill the site in the folder that the first argument names."""
    settings = site_settings.load(Path(sys.argv[1]) / "settings.yaml")
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    tools = tools_of(settings)
    made = publish_many(tools, number)
    tools.close()
    print(f"{len(made)} labs, the last one {made[-1].path}")


if __name__ == "__main__":
    main()
