"""Read `images/catalog.yaml` and which builds of it this site has."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from machinelabs_hub.catalog.model import Build, Catalog, Flavour, Image
from machinelabs_hub.yamlfile import read_yaml


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    images: tuple[Image, ...]
    flavours: tuple[Flavour, ...]


def load(path: Path, builds: Path) -> Catalog:
    """Read the catalogue at `path` and the site's builds (a JSON file that may not exist yet).

    Raises:
        SettingsError: names the file, the line and the key.
    """
    file = read_yaml(path)
    try:
        table = _Table.model_validate(file.values)
    except ValidationError as error:
        raise file.describe(error) from error
    return Catalog(images=table.images, flavours=table.flavours, builds=read_builds(builds))


def read_builds(path: Path) -> dict[str, Build]:
    """Return the builds recorded at `path`, by image name; none if there is no file."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {name: Build(**row) for name, row in rows.items()}
