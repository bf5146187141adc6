"""Pins name no index, hold a hash for everything, and agree with what they are made from."""

import re
from pathlib import Path

import pytest

from machinelabs_hub.sites import CHECKOUT

IMAGES = CHECKOUT / "images"
PINS = sorted(path for path in IMAGES.glob("*/*.txt") if path.name != "packages.txt")


def pinned(path: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", path.read_text()))


@pytest.mark.parametrize("path", PINS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_pins_have_hashes_and_name_no_host(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"https?://|--index|--find-links", text)
    blocks = re.split(r"(?m)^(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)


@pytest.mark.parametrize("path", PINS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_pins_agree_with_what_they_are_made_from(path: Path) -> None:
    wanted = re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", path.with_suffix(".in").read_text())
    assert wanted
    pins = pinned(path)
    assert {name: pins.get(name) for name, _ in wanted} == dict(wanted)


def test_images_agree_on_the_packages_that_they_share() -> None:
    base = pinned(IMAGES / "base" / "python.txt")
    for path in PINS:
        if path.name != "server.txt":
            shared = pinned(path)
            assert {name: base[name] for name in shared if name in base} == {
                name: version for name, version in shared.items() if name in base
            }
