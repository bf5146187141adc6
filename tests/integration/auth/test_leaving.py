"""A person who leaves: what becomes of their labs and their home is said, then done."""

import json
import subprocess

import httpx
import pytest
from tests.support.content import tar_of
from tests.support.site import Site, command

pytestmark = pytest.mark.engine


def publish(site: Site, person: str, name: str) -> None:
    answer = httpx.post(
        f"{site.addresses.labs_local}/services/labs/api/v1/labs",
        headers={"Authorization": f"Bearer {site.token(person)}"},
        files={
            "lab": (None, json.dumps({"title": name, "name": name, "visibility": "public", "licence": "MIT"}), "application/json"),
            "files": ("files.tar", tar_of({"README.md": b"# Here\n"}), "application/x-tar"),
        },
        timeout=60,
    )  # fmt: skip
    assert answer.status_code == httpx.codes.CREATED, answer.text


def lab_status(site: Site, person: str, name: str) -> int:
    return httpx.get(
        f"{site.addresses.labs_local}/services/labs/api/v1/labs/{person}/{name}"
    ).status_code


def homes(site: Site, person: str) -> list[str]:
    name = f"{site.place.prefix}-home-{person}"
    done = subprocess.run(
        ["docker", "volume", "ls", "-q", "--filter", f"name=^{name}$"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def leave(site: Site, person: str, *choices: str) -> str:
    done = subprocess.run(
        command("users", "delete", "--data", str(site.data), person, "--yes", *choices),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_labs_go_to_the_trash_and_the_home_goes_if_asked(site: Site) -> None:
    publish(site, "leaver-one", "farewell")
    site.start_server("leaver-one", image="base")
    assert homes(site, "leaver-one")
    said = leave(site, "leaver-one", "--labs", "trash", "--home", "remove")
    assert "trash" in said
    assert lab_status(site, "leaver-one", "farewell") == httpx.codes.NOT_FOUND
    assert homes(site, "leaver-one") == []
    assert site.operator("GET", "/users/leaver-one").status_code == httpx.codes.NOT_FOUND


def test_labs_and_home_stay_if_asked(site: Site) -> None:
    publish(site, "leaver-two", "farewell")
    site.start_server("leaver-two", image="base")
    leave(site, "leaver-two", "--labs", "keep", "--home", "keep")
    assert lab_status(site, "leaver-two", "farewell") == httpx.codes.OK
    assert homes(site, "leaver-two")
    assert site.operator("GET", "/users/leaver-two").status_code == httpx.codes.NOT_FOUND
