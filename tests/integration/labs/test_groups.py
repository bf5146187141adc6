"""People and groups of a real Hub: who is there, who is in what, and what a token makes of it."""

from collections.abc import Iterator

import httpx
import pytest
from tests.integration.labs.test_api import api, publish
from tests.support.site import Site

from machinelabs_hub.scopes import ACCESS_LABS, READ_LABS, SERVER_TOKEN

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[httpx.Client]:
    site.make_group("groups-vision", "groups-ada", "groups-bob")
    site.make_group("groups-other")
    with api(site, site.token("groups-ada")) as client:
        yield client


def test_a_lab_of_a_group_is_its_peoples_whatever_token_they_bring(
    ada: httpx.Client, site: Site
) -> None:
    made = publish(ada, "grouped", owner="@groups-vision", visibility="private")
    assert (made.status_code, made.json()["owner"]) == (201, "@groups-vision")
    path = "/labs/@groups-vision/grouped"
    for scopes in (None, [ACCESS_LABS, READ_LABS], SERVER_TOKEN):
        with api(site, site.token("groups-bob", scopes)) as bob:
            seen = bob.get(path)
            assert seen.status_code == 200, scopes
            assert seen.json()["may"]["delete"] is (scopes != [ACCESS_LABS, READ_LABS])
    with api(site, site.token("groups-eve")) as eve:
        assert eve.get(path).status_code == 404
        assert publish(eve, "grouped", owner="@groups-vision").status_code == 403


def test_a_lab_is_shared_with_whoever_the_hub_knows_and_with_nobody_else(
    ada: httpx.Client, site: Site
) -> None:
    publish(ada, "shared", visibility="private")
    site.make_user("groups-new")
    path = "/labs/groups-ada/shared/members"
    # Somebody who never looked at a lab, and a group that Ada is not in.
    for member in ("person/groups-new", "group/groups-other"):
        assert ada.put(f"{path}/{member}", json={"role": "viewer"}).status_code == 200
    for member, what in (("person/groups-nobody", "nobody"), ("group/groups-none", "no group")):
        refused = ada.put(f"{path}/{member}", json={"role": "viewer"})
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_member")
        assert f"There is {what} called “{member.partition('/')[2]}”" in refused.json()["message"]
    with api(site, site.token("groups-new")) as new:
        assert new.get("/labs/groups-ada/shared").status_code == 200
        assert [lab["name"] for lab in new.get("/me/shared").json()["items"]] == ["shared"]


def test_a_lab_is_given_to_nobody_who_is_not_there(ada: httpx.Client) -> None:
    publish(ada, "given")
    refused = ada.post("/labs/groups-ada/given/move", json={"owner": "groups-nobody"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_member")
    assert ada.get("/labs/groups-ada/given").status_code == 200
    moved = ada.post("/labs/groups-ada/given/move", json={"owner": "groups-new", "name": "gift"})
    assert moved.json()["url"].endswith("/groups-new/gift")
    old = ada.get("/labs/groups-ada/given/revisions/1/files/README.md")
    assert old.status_code == 308
    assert old.headers["location"].endswith("/labs/groups-new/gift/revisions/1/files/README.md")
    assert ada.get("/labs/groups-ada/given", follow_redirects=True).json()["name"] == "gift"
