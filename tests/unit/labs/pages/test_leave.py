"""Leaving a lab that somebody shares with one, on its page."""

from collections.abc import Iterator

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person

ADA, BOB = Person("ada", "Ada", groups=("vision",)), Person("bob", "Bob", groups=("vision",))
FILES = {"main.py": b"print(1)\n"}
OFFER = "Leave this lab…"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("leave")) as running:
        running.seen_as(ADA, BOB)
        for person in (ADA, BOB):
            running.tools.people.seen(person, running.tools.clock())
        yield running


@pytest.fixture
def web(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, headers={"X-As": "bob"}) as client:
        yield client


def shared(server: LabsServer, web: httpx.Client, title: str, *, open_: bool, group: bool) -> str:
    visibility = Visibility.PUBLIC if open_ else Visibility.PRIVATE
    path = f"/{server.publish('ada', FILES, title=title, visibility=visibility).path}"
    member = {"kind": "group" if group else "person", "member": "vision" if group else "bob"}
    form = {"_csrf": "-", "role": "editor", **member}
    web.post(f"{path}/members", data=form, headers={"X-As": "ada"})
    return path


def test_who_types_the_name_leaves_and_sees_it_no_more(
    server: LabsServer, web: httpx.Client
) -> None:
    path = shared(server, web, "Alone", open_=False, group=False)
    assert OFFER in web.get(path).text
    assert "You will not see it any more" in web.get(f"{path}/leave").text
    wrong = web.post(f"{path}/leave", data={"_csrf": "-", "confirm": "other"})
    assert wrong.status_code == 422
    assert "Type alone to leave this lab. Nothing was changed." in wrong.text
    assert web.get(path).status_code == 200
    done = web.post(f"{path}/leave", data={"_csrf": "-", "confirm": " alone "})
    assert (done.status_code, done.headers["location"]) == (303, "/services/labs/shared?left=1")
    assert "You left the lab." in web.get("/shared?left=1").text
    assert web.get(path).status_code == 404
    assert web.get(f"{path}/leave").status_code == 404
    assert web.get(path, headers={"X-As": "ada"}).status_code == 200


def test_who_reads_it_otherwise_reads_it_still(server: LabsServer, web: httpx.Client) -> None:
    path = shared(server, web, "Bright", open_=True, group=False)
    assert "You can still see it" in web.get(f"{path}/leave").text
    web.post(f"{path}/leave", data={"_csrf": "-", "confirm": "bright"})
    page = web.get(path)
    assert page.status_code == 200
    assert OFFER not in page.text
    assert web.get(f"{path}/settings").status_code == 404


def test_an_owner_a_groups_member_and_a_visitor_have_nothing_to_leave(
    server: LabsServer, web: httpx.Client
) -> None:
    path = shared(server, web, "Ours", open_=True, group=True)
    for person in ("ada", "bob", ""):
        assert OFFER not in web.get(path, headers={"X-As": person}).text
    for person in ("ada", "bob"):
        headers = {"X-As": person}
        assert web.get(f"{path}/leave", headers=headers).status_code == 404
        form = {"_csrf": "-", "confirm": "ours"}
        assert web.post(f"{path}/leave", data=form, headers=headers).status_code == 404
    assert web.get(f"{path}/settings").status_code == 200
