"""The API over HTTP, with a real Hub that knows whose tokens are good."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.many_labs import notebook, tar_of
from tests.support.site import Site

from machinelabs_hub.scopes import ACCESS_LABS, READ_LABS

pytestmark = pytest.mark.engine

FILES = {"main.ipynb": notebook("1 + 1"), "README.md": b"# Zebras\n", "img/a b.svg": b"<svg/>"}


@pytest.fixture(scope="module")
def visitor(site: Site) -> Iterator[httpx.Client]:
    with api(site) as client:
        yield client


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[httpx.Client]:
    with api(site, site.token("api-ada")) as client:
        yield client


@pytest.fixture(scope="module")
def bob(site: Site) -> Iterator[httpx.Client]:
    with api(site, site.token("api-bob")) as client:
        yield client


def api(site: Site, token: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{site.addresses.labs_local}/services/labs/api/v1"
    return httpx.Client(base_url=url, headers=headers, timeout=60)


def parts(said: str, body: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    return {
        said: (None, json.dumps(body), "application/json"),
        "files": ("files.tar", tar_of(files), "application/x-tar"),
    }


def publish(client: httpx.Client, name: str, **said: Any) -> httpx.Response:
    body = {"title": name.title(), "name": name, "visibility": "public"} | said
    return client.post("/labs", files=parts("lab", body, FILES))


def test_publish_read_revise_fork_and_delete(
    ada: httpx.Client, bob: httpx.Client, visitor: httpx.Client, site: Site
) -> None:
    made = publish(ada, "zebras", tags=["Stripes"])
    assert made.status_code == 201
    lab = made.json()
    assert lab["url"] == f"{site.labs_url}/api-ada/zebras"
    all_of_it = {"fork": True, "edit": True, "share": True, "delete": True}
    assert (lab["may"], lab["tags"], lab["revision"]) == (all_of_it, ["stripes"], 1)
    seen = visitor.get("/labs/api-ada/zebras").json()
    assert seen == lab | {"may": dict.fromkeys(all_of_it, False)}

    files = visitor.get("/labs/api-ada/zebras/revisions/latest/files").json()
    assert [file["path"] for file in files["files"]] == sorted(FILES)
    picture = visitor.get("/labs/api-ada/zebras/revisions/1/files/img/a%20b.svg")
    assert picture.content == b"<svg/>"
    assert picture.headers["content-disposition"] == "attachment; filename*=UTF-8''a%20b.svg"
    assert picture.headers["content-security-policy"].startswith("sandbox")
    assert picture.headers["x-content-type-options"] == "nosniff"

    body = {"base": 1, "message": "More"}
    url = "/labs/api-ada/zebras/revisions"
    more = ada.post(url, files=parts("revision", body, FILES | {"b.py": b"2"}))
    assert (more.status_code, more.json()["number"]) == (201, 2)
    body["base"] = 2
    same = ada.post(url, files=parts("revision", body, FILES | {"b.py": b"2"}))
    assert (same.status_code, same.json()["number"]) == (200, 2)
    body["base"] = 1
    stale = ada.post(url, files=parts("revision", body, FILES))
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_revision")
    assert "api-ada published r2" in stale.json()["message"]

    fork = bob.post("/labs/api-ada/zebras/forks")
    assert fork.status_code == 201
    expected = {"owner": "api-ada", "name": "zebras", "revision": 2, "exists": True, "synced": 2}
    assert fork.json()["parent"] == expected
    assert bob.post("/labs/api-ada/zebras/forks", json={}).status_code == 200
    assert visitor.get("/labs/api-ada/zebras/forks").json()["items"][0]["owner"] == "api-bob"

    assert bob.delete("/labs/api-ada/zebras").json()["code"] == "not_allowed"
    assert ada.delete("/labs/api-ada/zebras").status_code == 204
    assert visitor.get("/labs/api-ada/zebras").json()["code"] == "no_lab"
    assert ada.get("/trash").json()["items"][0]["name"] == "zebras"
    assert bob.post("/trash/api-ada/zebras/restore").json()["code"] == "no_lab"
    assert ada.post("/trash/api-ada/zebras/restore").json()["forks"] == 1


def test_the_token_decides(site: Site, visitor: httpx.Client, ada: httpx.Client) -> None:
    assert ada.get("/me").json()["name"] == "api-ada"
    assert visitor.get("/me").json()["code"] == "sign_in_needed"
    with api(site, "0" * 32) as stranger:
        answer = stranger.get("/labs")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    with api(site, site.token("api-ada", [ACCESS_LABS, READ_LABS])) as reader:
        assert reader.get("/me").json()["name"] == "api-ada"
        assert publish(reader, "nope").json()["code"] == "token_too_narrow"
    with api(site, site.token("api-ada", ["read:users:name!user"])) as other:
        assert other.get("/me").status_code == 401


def test_people_are_removed_by_admins_only(ada: httpx.Client) -> None:
    assert ada.delete("/people/api-bob").status_code == 403


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"json": {}}, "bad_upload"),
        ({"files": {"lab": (None, "{}", "application/json")}}, "bad_upload"),
        ({"files": parts("lab", {"title": "x", "nope": 1}, FILES)}, "bad_request"),
        ({"files": parts("lab", {"title": "x", "tags": "a"}, FILES)}, "bad_request"),
        ({"files": parts("revision", {}, FILES)}, "bad_upload"),
        ({"files": parts("lab", {"title": "x"}, {"../a": b""})}, "bad_path"),
        ({"files": parts("lab", {"title": "x", "image": "nope"}, FILES)}, "unknown_image"),
        ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "bad_upload"),
    ],
)  # fmt: skip
def test_a_bad_upload_is_refused_with_a_sentence(
    ada: httpx.Client, sent: dict[str, Any], code: str
) -> None:
    answer = ada.post("/labs", **sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["message"].endswith(".")


def test_a_browser_signs_in_and_out_and_forged_requests_are_refused(site: Site) -> None:
    browser = site.sign_in("api-ada")
    page = browser.get(f"{site.labs_url}/login?next=/services/labs/api/v1/me")
    assert page.json()["name"] == "api-ada"
    assert str(page.url) == f"{site.labs_url}/api/v1/me"
    cookie = next(c for c in browser.cookies.jar if c.name == "labs-session")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert not cookie.domain_specified
    forged = browser.post(f"{site.labs_url}/api/v1/labs/api-ada/zebras/forks", json={})
    assert (forged.status_code, forged.json()["code"]) == (403, "forged_request")
    elsewhere = browser.post(
        f"{site.labs_url}/api/v1/labs/api-ada/zebras/forks",
        headers={"Origin": "http://api-bob.hub.localhost", "X-CSRF-Token": "x"},
    )
    assert elsewhere.json()["code"] == "forged_request"
    # Only forms of pages bring their token in what they send: what is put may be of any size.
    token = re.search(r'name="_csrf" value="([^"]+)"', browser.get(f"{site.labs_url}/new").text)
    assert token
    content = f"datasets/api-ada/none/uploads/{'0' * 32}/contents/{'0' * 64}"
    put = browser.put(f"{site.labs_url}/api/v1/{content}", data={"_csrf": token[1]})
    assert put.json()["code"] == "forged_request"
    late = browser.get(f"{site.labs_url}/oauth-callback?code=x&state=y")
    assert late.status_code == 400
    browser.get(f"{site.labs_url}/logout")
    assert browser.get(f"{site.labs_url}/api/v1/me").status_code == 401


def test_other_hosts_lead_to_the_one_address(site: Site) -> None:
    with httpx.Client(follow_redirects=False) as client:
        port = site.place.port
        home = client.get(f"http://127.0.0.1:{port}/hub/home")
        assert home.headers["location"] == f"{site.url}/hub/home"
        lab = client.get(f"http://127.0.0.1:{port}/services/labs/ada/x?tab=files")
        assert lab.headers["location"] == f"{site.labs_url}/ada/x?tab=files"


def test_health_names_the_parts(site: Site) -> None:
    answer = httpx.get(f"{site.addresses.labs_local}/services/labs/health")
    assert answer.json() == {"status": "ok", "database": "ok", "stores": "ok", "hub": "ok"}
