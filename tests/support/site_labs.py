"""Labs of a running site, through its API."""

import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from tests.support.content import tar_of
from tests.support.site import Site

TLS = ssl.create_default_context()
"""Made once: each client of its own would read the certificates of the world anew."""

FILES = {"main.py": b"print(1)\n", "data/a.csv": b"1,2\n"}


def parts(said: str, body: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the parts of a request that says `body` and sends `files`."""
    return {
        said: (None, json.dumps(body), "application/json"),
        "files": ("files.tar", tar_of(files), "application/x-tar"),
    }


def api(site: Site, token: str = "") -> httpx.Client:
    """Return a client of the labs' API."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{site.addresses.labs_local}/services/labs/api/v1"
    return httpx.Client(base_url=url, headers=headers, timeout=60, verify=TLS)


def publish(
    site: Site, token: str, name: str, files: Mapping[str, bytes] = FILES, **said: Any
) -> str:
    """Publish a lab and return its clone address."""
    body = {"title": name.title(), "name": name, "visibility": "private"} | said
    with api(site, token) as client:
        answer = client.post("/labs", files=parts("lab", body, files))
        assert answer.status_code == 201, answer.text
        return f"{site.labs_url}/{answer.json()['owner']}/{name}.git"


def revise(site: Site, token: str, lab: str, files: Mapping[str, bytes], message: str = "") -> int:
    """Publish the next revision of the lab `owner/name` and return its number."""
    with api(site, token) as client:
        sent = parts("revision", {"message": message}, files)
        answer = client.post(f"/labs/{lab}/revisions", files=sent)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["number"])
