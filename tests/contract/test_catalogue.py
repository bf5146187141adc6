"""The catalogue can be read, and every image of it can be built and tested."""

import pytest
from tests.contract.files import ROOT

from machinelabs_hub.catalog.load import load
from machinelabs_hub.catalog.model import Image
from machinelabs_hub.settings import Settings

IMAGES = ROOT / "images"
CATALOG = load(IMAGES / "catalog.yaml", IMAGES / "there-are-no-builds.json")


@pytest.mark.parametrize("image", CATALOG.images, ids=lambda image: image.name)
def test_every_image_has_a_folder_and_a_parent(image: Image) -> None:
    assert (IMAGES / image.name / "Dockerfile").exists()
    assert not image.parent or image.parent in {other.name for other in CATALOG.images}
    assert image.contains, "its card on the start page promises something"


def test_names_are_given_once() -> None:
    for rows in (CATALOG.images, CATALOG.flavours):
        names = [row.name for row in rows]
        assert len(names) == len(set(names))


def test_the_defaults_are_offered() -> None:
    servers = Settings().servers
    assert CATALOG.image(servers.default_image).offered
    assert CATALOG.flavour(servers.default_flavour).gpu is None


def test_pins_carry_hashes() -> None:
    for path in IMAGES.glob("*/*.txt"):
        pins = [line for line in path.read_text().splitlines() if "==" in line]
        assert not pins or "--hash=sha256:" in path.read_text(), path.name
