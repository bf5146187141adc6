"""Labs to begin with, over the API, on the page and with `ml init`."""

import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.ml import terminal
from tests.support.site import Site

pytestmark = pytest.mark.engine

OWNER = "begin-ada"
NAMES = ["blank", "image-classification", "text-classification", "time-series", "digits", "xor"]


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {site.token(OWNER)}"}
    with httpx.Client(base_url=f"{site.labs_url}/api/v1", headers=headers, timeout=60) as client:
        yield client


def test_templates_are_listed_and_read_without_signing_in(site: Site) -> None:
    api = f"{site.labs_url}/api/v1/templates"
    found = httpx.get(api).json()
    assert sorted(one["name"] for one in found["items"]) == sorted(NAMES)
    assert found["items"][0]["name"] == "blank"
    assert found["next"] is None
    digits = next(one for one in found["items"] if one["name"] == "digits")
    assert (digits["title"], digits["image"]) == ("Handwritten digits", "datascience")
    packed = httpx.get(f"{api}/digits/archive").content
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getnames() == ["README.md", "main.ipynb", "ml.yaml"]
    for name in ("nothing", "..", "%2e%2e%2fcontent"):
        gone = httpx.get(f"{api}/{name}/archive")
        assert gone.status_code == 404


def test_a_lab_is_made_from_a_template_once(ada: httpx.Client) -> None:
    body = {"title": "My digits", "visibility": "public"}
    key = {"Idempotency-Key": "template-1"}
    made = ada.post("/templates/digits/labs", json=body, headers=key)
    assert made.status_code == 201, made.text
    lab = made.json()
    assert (lab["owner"], lab["name"], lab["image"]) == (OWNER, "my-digits", "datascience")
    assert (lab["entrypoint"], lab["parent"]) == ("main.ipynb", None)
    assert ada.post("/templates/digits/labs", json=body, headers=key).json() == lab
    again = ada.post("/templates/digits/labs", json={})
    assert again.json()["title"] == "Handwritten digits"
    assert ada.post("/templates/nothing/labs", json={}).json()["code"] == "no_template"


def test_the_page_makes_a_lab_and_shows_it(site: Site) -> None:
    browser = site.sign_in(OWNER)
    page = browser.get(f"{site.labs_url}/new?template=xor")
    assert re.search(r'id="template-xor"[^>]* checked', page.text)
    csrf = re.findall(r'name="_csrf" value="([^"]+)"', page.text)[0]
    made = browser.post(
        f"{site.labs_url}/new", data={"_csrf": csrf, "template": "xor", "title": "Either or"}
    )
    assert str(made.url) == f"{site.labs_url}/{OWNER}/either-or"
    assert "XOR" in made.text
    bad = browser.post(
        f"{site.labs_url}/new", data={"_csrf": csrf, "template": "xor", "title": "x" * 500}
    )
    assert bad.status_code == 422
    assert 'role="alert"' in bad.text


def test_ml_init_begins_blank_or_with_a_template_and_loses_nothing(
    site: Site, tmp_path: Path
) -> None:
    at = terminal(tmp_path, MACHINELABS_URL=site.url, MACHINELABS_TOKEN=site.token(OWNER))
    blank = at.at("blank")
    assert blank.done("init")["files"] == ["main.ipynb", "ml.yaml"]
    (blank.folder / "ml.yaml").write_text("image: base\n")
    refused = blank.ml("init")
    assert (refused.code, "is here already" in refused.err) == (10, True)
    assert (blank.folder / "ml.yaml").read_text() == "image: base\n"
    assert blank.done("init", "--force")["replaced"] == ["main.ipynb", "ml.yaml"]
    kept = list(blank.folder.glob(".machinelabs/replaced/*/ml.yaml"))
    assert [file.read_text() for file in kept] == ["image: base\n"]
    assert blank.done("push", "--name", "begun")["revision"] == 1

    digits = at.at("digits")
    assert "main.ipynb" in digits.done("init", "--template", "digits")["files"]
    assert json.loads((digits.folder / "main.ipynb").read_text())["nbformat"] == 4
    gone = at.ml("init", "--template", "nothing", "else", "--json")
    assert (gone.code, gone.json["error"]["code"]) == (6, "no_template")
    shutil.rmtree(digits.folder)
