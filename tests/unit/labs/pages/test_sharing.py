"""Settings, members, moves, groups and the trash, as people use them in a browser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.support.git_client import GitClient
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.person import Person

ADA, BOB = Person("ada", "Ada"), Person("bob", "Bob")
CAT = Person("cat", "Cat", groups=("vision", "my group"))
FILES = {"main.py": b"print(1)\n", "README.md": b"# Zebras\n"}


@dataclass(frozen=True, slots=True)
class World:
    """A service with people, and one browser for all of them."""

    server: LabsServer
    browser: httpx.Client

    def get(self, path: str, person: str = "") -> httpx.Response:
        path = path.removeprefix("/services/labs")
        return self.browser.get(path, headers={"X-As": person})

    def post(self, path: str, person: str, **form: str) -> httpx.Response:
        return self.browser.post(path, data={"_csrf": "-", **form}, headers={"X-As": person})

    def publish(self, owner: str, title: str, visibility: Visibility = Visibility.PRIVATE) -> Lab:
        return self.server.publish(owner, FILES, title=title, visibility=visibility)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with labs_server(tmp_path_factory.mktemp("sharing")) as server:
        server.seen_as(ADA, BOB, CAT)
        for person in (ADA, BOB, CAT):
            server.tools.people.seen(person, server.tools.clock())
        with httpx.Client(base_url=server.url, timeout=30) as browser:
            yield World(server, browser)


def test_a_lab_is_shared_changed_and_taken_back_in_its_settings(world: World) -> None:
    world.publish("ada", "Shared")
    assert world.get("/ada/shared", "bob").status_code == 404
    done = world.post("/ada/shared/members", "ada", kind="person", member=" bob ", role="editor")
    assert (done.status_code, done.headers["location"]) == (
        303, "/services/labs/ada/shared/settings?saved=1#members",
    )  # fmt: skip
    page = world.get("/ada/shared/settings", "ada").text
    assert 'aria-label="Role of bob"' in page
    assert '<option value="editor" selected>' in page
    assert "Shared" in world.get("/bob", "bob").text
    assert "Shared" in world.get("/shared", "bob").text
    assert "Settings" in world.get("/ada/shared", "bob").text

    world.post("/ada/shared/members", "ada", kind="person", member="bob", role="viewer")
    assert world.get("/ada/shared", "bob").status_code == 200
    assert world.get("/ada/shared/settings", "bob").status_code == 404
    assert "/ada/shared/open" not in world.get("/ada/shared", "bob").text
    world.post("/ada/shared/members/remove", "ada", kind="person", member="bob")
    assert world.get("/ada/shared", "bob").status_code == 404
    assert "Nobody shares a lab with you yet" in world.get("/shared", "bob").text


def test_an_editor_has_the_details_in_the_settings_and_nothing_else(world: World) -> None:
    world.publish("ada", "Edited")
    world.post("/ada/edited/members", "ada", kind="person", member="bob", role="editor")
    page = world.get("/ada/edited/settings", "bob").text
    assert 'name="title"' in page
    for owners in ('name="visibility"', "Shared with", "Give away", "Delete this lab"):
        assert owners not in page
    saved = world.post("/ada/edited/settings", "bob", title="By Bob", licence="MIT")
    assert saved.status_code == 303
    assert "By Bob" in world.get("/ada/edited", "ada").text
    for path, form in {
        "settings": {"title": "x", "licence": "MIT", "visibility": "public"},
        "members": {"kind": "person", "member": "cat", "role": "owner"},
        "members/remove": {"kind": "person", "member": "ada"},
        "delete": {"confirm": "edited"},
    }.items():
        assert world.post(f"/ada/edited/{path}", "bob", **form).status_code == 403, path
    assert "only an owner" in world.post("/ada/edited/move", "bob", to_name="mine").text
    assert world.get("/ada/edited").status_code == 404


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "person", "member": "ada", "role": "viewer"}, "ada/refused belongs to ada"),
        ({"kind": "nobody", "member": "bob", "role": "viewer"}, "with a person or with a group"),
        ({"kind": "person", "member": "bob", "role": "king"}, "Choose a role"),
        ({"kind": "person", "member": "\0", "role": "viewer"}, "There is nobody called"),
        ({"kind": "group", "member": "", "role": "viewer"}, "There is no group called"),
    ],
)
def test_what_cannot_be_shared_is_said_above_the_form(
    world: World, form: dict[str, str], sentence: str
) -> None:
    if "refused" not in world.server.tools.labs.names_of("ada"):
        world.publish("ada", "Refused")
    answer = world.post("/ada/refused/members", "ada", **form)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_private_lab_says_what_opening_it_will_show(world: World) -> None:
    lab = world.publish("ada", "Opened")
    world.server.revise(lab, {"main.py": b"2\n"})
    assert "others read from r2 on" in world.get("/ada/opened/settings", "ada").text
    form = {"title": "Opened", "licence": "MIT", "visibility": "public"}
    world.post("/ada/opened/settings", "ada", **form)
    assert "Others read from r2 on" in world.get("/ada/opened/settings", "ada").text
    assert world.get("/ada/opened/@r2").status_code == 200
    assert world.get("/ada/opened/@r1").status_code == 404
    assert world.get("/ada/opened/@r1/files/main.py").status_code == 404
    assert "@r1" not in world.get("/ada/opened/revisions").text
    assert world.get("/ada/opened/@r1", "ada").status_code == 200
    world.post("/ada/opened/settings", "ada", **form, whole_history="1")
    assert world.get("/ada/opened/@r1").status_code == 200
    assert "Show the whole history" not in world.get("/ada/opened/settings", "ada").text


def test_a_fork_leads_to_what_its_reader_may_read_of_the_original(world: World) -> None:
    lab = world.publish("ada", "Original")
    world.post("/ada/original/members", "ada", kind="person", member="bob", role="runner")
    fork = world.server.fork("bob", lab)
    form = {"title": "Fork", "licence": "MIT", "visibility": "public"}
    world.post(f"/bob/{fork.name}/settings", "bob", **form)
    assert "/ada/original" not in world.get("/bob/original").text
    assert "ada" not in world.get("/bob/original/revisions").text
    world.server.revise(lab, {"main.py": b"2\n"})
    world.post("/ada/original/settings", "ada", **form)
    assert 'href="/services/labs/ada/original"' in world.get("/bob/original").text
    assert 'href="/services/labs/ada/original/@r1"' in world.get("/bob/original", "bob").text


@pytest.mark.parametrize(
    "rest", ["", "/@r1", "/files", "/files/main.py", "/@r1/files/main.py", "/revisions", "/forks"]
)
def test_every_page_of_a_renamed_lab_is_found_at_its_old_address(world: World, rest: str) -> None:
    if world.get("/ada/new-name").status_code == 404:
        world.publish("ada", "Old name", Visibility.PUBLIC)
        moved = world.post("/ada/old-name/move", "ada", to_name="new-name")
        assert moved.headers["location"].startswith("/services/labs/ada/new-name/settings")
    answer = world.get(f"/ada/old-name{rest}?x=1%2F2")
    assert answer.status_code == 308
    assert answer.headers["location"] == f"/services/labs/ada/new-name{rest}?x=1%2F2"
    assert world.get(answer.headers["location"]).status_code == 200
    api = world.get(f"/api/v1/labs/ada/old-name{'/revisions' if rest else ''}")
    assert (api.status_code, api.headers["location"]) == (
        308, f"/services/labs/api/v1/labs/ada/new-name{'/revisions' if rest else ''}",
    )  # fmt: skip
    changed = world.browser.patch(
        "/api/v1/labs/ada/old-name", json={"title": "x"}, headers={"X-As": "ada"}
    )
    assert (changed.status_code, changed.json()["code"]) == (404, "lab_moved")
    assert "ada/new-name now" in changed.json()["message"]
    assert "Also reached at <code>ada/old-name</code>" in (
        world.get("/ada/new-name/settings", "ada").text
    )


def test_git_follows_a_renamed_lab_from_its_old_address(world: World, tmp_path: Path) -> None:
    lab = world.publish("ada", "Cloned", Visibility.PUBLIC)
    git = GitClient(tmp_path)
    git.run("clone", f"{world.server.url}/ada/cloned.git", "it")
    world.post("/ada/cloned/move", "ada", to_name="copied")
    moved = world.server.tools.labs.get(lab.uid)
    assert moved is not None
    world.server.revise(moved, FILES | {"main.py": b"print(2)\n"})
    git.run("pull", "--ff-only", at="it")
    assert (tmp_path / "it/main.py").read_bytes() == b"print(2)\n"


def test_a_lab_is_given_away_when_its_name_was_typed(world: World) -> None:
    world.publish("ada", "Given")
    form = {"gives": "1", "to_owner": "bob"}
    refused = world.post("/ada/given/move", "ada", **form, confirm="gift")
    assert refused.status_code == 422
    assert "Type given to give this lab away" in refused.text
    done = world.post("/ada/given/move", "ada", **form, confirm="given")
    assert done.headers["location"] == "/services/labs/bob/given/settings?saved=1#address"
    assert world.get("/bob/given", "bob").status_code == 200
    # Who gave it away edits it still.
    assert "Delete this lab" not in world.get("/bob/given/settings", "ada").text


def test_a_group_has_a_page_and_its_people_give_it_labs(world: World) -> None:
    world.publish("cat", "Grouped")
    assert 'value="@vision"' in world.get("/cat/grouped/settings", "cat").text
    assert "my group" not in world.get("/cat/grouped/settings", "cat").text
    form = {"gives": "1", "confirm": "grouped"}
    refused = world.post("/cat/grouped/move", "cat", **form, to_owner="@others")
    assert "You are not in a group “others”" in refused.text
    refused = world.post("/cat/grouped/move", "cat", **form, to_owner="@my group")
    assert "cannot own labs" in refused.text
    done = world.post("/cat/grouped/move", "cat", **form, to_owner="@vision")
    assert done.headers["location"].startswith("/services/labs/@vision/grouped/")
    assert world.get("/@vision").status_code == 404
    page = world.get("/@vision", "cat").text
    assert "Grouped" in page
    assert "everybody in it owns these labs" in page
    assert 'href="/services/labs/@vision"' in world.get("/cat", "cat").text
    assert world.get("/@vision/grouped", "cat").status_code == 200


def test_the_trash_is_restored_whole_from_its_page(world: World) -> None:
    world.publish("ada", "Thrown")
    world.post("/ada/thrown/members", "ada", kind="person", member="bob", role="viewer")
    world.post("/ada/thrown/move", "ada", to_name="thrown-away")
    wrong = world.post("/ada/thrown-away/delete", "ada", confirm="thrown")
    assert "Nothing was deleted" in wrong.text
    assert world.post("/ada/thrown-away/delete", "ada", confirm="thrown-away").status_code == 303
    assert world.get("/ada/thrown", "ada").status_code == 404
    page = world.get("/trash", "ada").text
    assert re.search(r'name="name" value="thrown-away"', page)
    assert "thrown-away" not in world.get("/trash", "bob").text
    world.post("/trash", "ada", owner="ada", name="thrown-away")
    assert world.get("/ada/thrown", "bob").status_code == 308
    assert world.get("/ada/thrown-away", "bob").status_code == 200


def test_the_trash_goes_on_page_after_page(world: World) -> None:
    for number in range(26):
        lab = world.publish("bob", f"Gone {number}")
        world.post(f"/bob/{lab.name}/delete", "bob", confirm=lab.name)
    first = world.get("/trash", "bob").text
    more = re.search(r'href="(/services/labs/trash\?cursor=[^"]+)"', first)
    assert more is not None
    rest = world.get(more[1], "bob").text
    assert [page.count('name="owner"') for page in (first, rest)] == [24, 2]
    assert world.get("/trash?cursor=nonsense", "bob").status_code == 422
