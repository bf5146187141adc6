"""Forking straight to a group, and new labs of one, on the labs' pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.person import Person

ADA = Person("ada", "Ada")
CAT = Person("cat", "Cat", groups=("my group", "vision"))
DAN = Person("dan", "Dan", groups=("vision",))
FILES = {"main.py": b"print(1)\n"}


@dataclass(frozen=True, slots=True)
class World:
    """A service with people, and one browser for all of them."""

    server: LabsServer
    browser: httpx.Client

    def get(self, path: str, person: str = "") -> httpx.Response:
        return self.browser.get(path, headers={"X-As": person})

    def post(self, path: str, person: str, **form: str) -> httpx.Response:
        return self.browser.post(path, data={"_csrf": "-", **form}, headers={"X-As": person})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with labs_server(tmp_path_factory.mktemp("forks")) as server:
        server.seen_as(ADA, CAT, DAN)
        for person in (ADA, CAT, DAN):
            server.tools.people.seen(person, server.tools.clock())
        server.publish("ada", FILES, title="Moons")
        server.publish("ada", FILES, title="Closed", visibility=Visibility.PRIVATE)
        server.publish("ada", FILES, title="Read", visibility=Visibility.PRIVATE)
        with httpx.Client(base_url=server.url, timeout=30) as browser:
            yield World(server, browser)


def test_who_asks_is_told_whose_their_labs_can_be(world: World) -> None:
    answers = [world.get("/api/v1/me", name).json() for name in ("ada", "cat")]
    assert [answer["owners"] for answer in answers] == [["ada"], ["cat", "@vision"]]


def test_only_people_in_groups_are_offered_to_fork_to_one(world: World) -> None:
    offered = "Fork to a group…"
    assert offered in world.get("/ada/moons", "cat").text
    assert offered not in world.get("/ada/moons", "ada").text
    assert offered not in world.get("/ada/moons").text
    form = world.get("/ada/moons/fork", "cat").text
    assert '<option value="@vision">' in form
    assert "my group" not in form


def test_a_lab_is_forked_to_a_group_and_belongs_to_all_of_it(world: World) -> None:
    done = world.post("/ada/moons/fork", "cat", to_owner="@vision", to_name="")
    assert (done.status_code, done.headers["location"]) == (303, "/services/labs/@vision/moons")
    assert "forked from" in world.get("/@vision/moons", "dan").text
    assert world.get("/@vision/moons/settings", "dan").status_code == 200
    # The next one finds it, but under a name of its own it is another.
    again = world.post("/ada/moons/fork", "dan", to_owner="@vision")
    assert again.headers["location"] == "/services/labs/@vision/moons"
    other = world.post("/ada/moons/fork", "dan", to_owner="@vision", to_name="second")
    assert other.headers["location"] == "/services/labs/@vision/second"
    mine = world.post("/ada/moons/fork", "dan", to_owner="dan")
    assert mine.headers["location"] == "/services/labs/dan/moons"


@pytest.mark.parametrize(
    ("who", "form", "sentence"),
    [
        ("ada", {"to_owner": "@vision"}, "You cannot publish as “@vision”"),
        ("cat", {"to_owner": "ada"}, "You cannot publish as “ada”"),
        ("cat", {"to_owner": "@my group"}, "The group “my group” cannot own labs"),
        ("cat", {"to_owner": "@vision", "to_name": "Not A Name"}, "cannot be a lab's name"),
        ("cat", {"to_owner": "@vision", "to_name": "taken"}, "@vision/taken already"),
    ],
)
def test_what_cannot_be_forked_is_said_above_the_form(
    world: World, who: str, form: dict[str, str], sentence: str
) -> None:
    if "taken" not in world.server.tools.labs.names_of("@vision"):
        world.post("/ada/moons/fork", "cat", to_owner="@vision", to_name="taken")
    before = world.server.tools.labs.names_of("@vision")
    answer = world.post("/ada/moons/fork", who, **form)
    assert (answer.status_code, sentence in unescape(answer.text)) == (422, True)
    assert world.server.tools.labs.names_of("@vision") == before


def test_the_form_of_a_lab_that_one_may_not_fork_is_not_there(world: World) -> None:
    assert world.get("/ada/closed/fork", "cat").status_code == 404
    world.post("/ada/read/members", "ada", kind="person", member="cat", role="viewer")
    assert "Fork to a group" not in world.get("/ada/read", "cat").text
    assert world.get("/ada/read/fork", "cat").status_code == 404
    refused = world.post("/ada/read/fork", "cat", to_owner="@vision", to_name="read")
    assert refused.status_code == 422
    assert "read" not in world.server.tools.labs.names_of("@vision")
    assert world.get("/ada/moons/fork").headers["location"].startswith("/services/labs/login")


def test_a_new_lab_can_be_a_groups(world: World) -> None:
    assert 'name="owner"' not in world.get("/new", "ada").text
    assert '<option value="@vision">' in world.get("/new", "cat").text
    form = {"template": "blank", "title": "Begun together"}
    done = world.post("/new", "cat", **form, owner="@vision")
    assert done.headers["location"] == "/services/labs/@vision/begun-together"
    refused = world.post("/new", "ada", **form, owner="@vision")
    assert refused.status_code == 422
    assert "You cannot publish as “@vision”" in refused.text
