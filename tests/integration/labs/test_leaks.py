"""Random people, groups, visibilities and lineages, asked for through the real service.

A second opinion (`tests.support.who_may`) says who may do what; every answer, whatever was asked,
is searched for words that its asker may not know.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.support.lab_world import Lab, World
from tests.support.labs_service import labs_server
from tests.support.who_may import (
    ASKERS,
    ROLES,
    VISIBILITIES,
    Asker,
    a_hat,
    held_by,
    knows_parent,
    readable,
    rights,
)

WORD = re.compile(r"zq(?:lab|ttl|rev)\d+(?:x\d+)?[em]")
SAMPLE, FULL = 400, 10_000
PROOF = bool(os.environ.get("MACHINELABS_PROOF"))


@dataclass(frozen=True)
class Case:
    """One asker, one lab, one look at the service."""

    world: World
    asker: Asker
    lab: Lab

    def ask(self, path: str, method: str = "GET", **more: object) -> httpx.Response:
        """Ask, and search the answer for words that the asker may not know."""
        path = path.removeprefix("/services/labs")
        answer = self.world.browser.request(
            method,
            path,
            headers={"X-As": self.asker.key},
            **more,  # type: ignore[arg-type]
        )
        assert answer.status_code < 500, (path, answer.text)
        # What was asked for may be said back, in a sentence or in a form.
        said = set(WORD.findall(path)) | set(WORD.findall(str(more)))
        text = answer.text + str(answer.headers)
        leaked = set(WORD.findall(text)) - self.world.known_to(self.asker) - said
        assert not leaked, f"{self.asker} saw {leaked} at {path} of {self.lab}"
        return answer

    @property
    def api(self) -> str:
        return f"/api/v1/labs/{self.lab.path}"

    @property
    def rights(self) -> frozenset[str]:
        return rights(self.asker, self.lab)


def read(case: Case) -> None:
    answer = case.ask(case.api)
    assert (answer.status_code == 200) is ("read" in case.rights)
    if answer.status_code == 200:
        body = answer.json()
        for right in ("fork", "edit", "share", "delete"):
            assert body["may"][right] is (right in case.rights)
        assert (body["parent"] is not None) is knows_parent(case.asker, case.lab)
        forks = [
            lab for lab in case.world.labs
            if lab.parent is case.lab and lab.visibility == "public" and not lab.in_trash
        ]  # fmt: skip
        assert body["forks"] == len(forks)


def look(case: Case) -> None:
    end = case.world.dice.choice(
        ("", "/files", "/files/README.md", "/revisions", "/forks", "/card")
    )
    answer = case.ask(f"/{case.lab.path}{end}")
    if end != "/card":
        assert (answer.status_code == 200) is ("read" in case.rights)
    assert (">Settings<" in answer.text) is ("edit" in case.rights and end != "/card")


def settings(case: Case) -> None:
    answer = case.ask(f"/{case.lab.path}/settings")
    assert (answer.status_code == 200) is ("edit" in case.rights)
    assert ("Delete this lab" in answer.text) is ("delete" in case.rights)


def revision(case: Case) -> None:
    number = case.world.dice.randint(1, case.lab.revision + 1)
    is_open = number in readable(case.asker, case.lab)
    path = case.world.dice.choice(
        (
            f"{case.api}/revisions/{number}/files",
            f"{case.api}/revisions/{number}/files/README.md",
            f"{case.api}/revisions/{number}/archive",
            f"/{case.lab.path}/@r{number}",
            f"/{case.lab.path}/@r{number}/files/main.py",
        )
    )
    assert (case.ask(path).status_code == 200) is is_open


def revisions(case: Case) -> None:
    answer = case.ask(f"{case.api}/revisions")
    if "read" in case.rights:
        found = [item["number"] for item in answer.json()["items"]]
        assert found == list(reversed(readable(case.asker, case.lab)))


def forks(case: Case) -> None:
    answer = case.ask(f"{case.api}/forks?limit=100")
    if "read" in case.rights:
        expected = {lab.name for lab in case.world.listed_to(case.asker) if lab.parent is case.lab}
        assert {item["name"] for item in answer.json()["items"]} == expected


def owner_list(case: Case) -> None:
    owner = case.lab.owned_by
    expected = {lab.name for lab in case.world.listed_to(case.asker) if lab.owned_by == owner}
    found = case.ask("/api/v1/labs", params={"owner": owner, "limit": "100"}).json()["items"]
    assert {item["name"] for item in found} == expected
    page = case.ask(f"/{quote(owner, safe='@')}")
    person = case.ask(f"/api/v1/people/{quote(owner, safe='@')}")
    if person.status_code == 200:
        assert page.status_code == 200
        assert person.json()["labs_count"] == len(expected)
    else:
        assert page.status_code == 404
        assert not expected


def search(case: Case) -> None:
    word = case.world.dice.choice((case.lab.title, *case.lab.words, case.lab.name))
    # Without an owner even an admin finds only what everybody finds, and what is theirs.
    asker = Asker("-", case.asker.name, case.asker.groups, program=case.asker.program)
    expected = {
        lab.name
        for lab in case.world.listed_to(asker)
        if word in {lab.title, lab.name, lab.words[-1]}
    }
    found = case.ask("/api/v1/labs", params={"q": word, "limit": "100"}).json()["items"]
    assert {item["name"] for item in found} == expected
    case.ask("/", params={"q": word})


def facets(case: Case) -> None:
    owner = case.lab.owned_by
    counted = case.ask("/api/v1/facets", params={"owner": owner}).json()["licence"]
    expected = [lab for lab in case.world.listed_to(case.asker) if lab.owned_by == owner]
    assert sum(one["count"] for one in counted) == len(expected)
    case.ask("/")


def edit(case: Case) -> None:
    answer = case.ask(case.api, "PATCH", json={"title": case.lab.title})
    assert (answer.status_code == 200) is ("edit" in case.rights)


def change_visibility(case: Case) -> None:
    other = case.world.dice.choice(VISIBILITIES)
    if "share" not in case.rights or case.lab.in_trash:
        answer = case.ask(case.api, "PATCH", json={"visibility": other})
        is_same = other == case.lab.visibility and "edit" in case.rights
        assert (answer.status_code == 200) is is_same
        return
    assert case.ask(case.api, "PATCH", json={"visibility": other}).status_code == 200
    case.lab.show(other)


def share(case: Case) -> None:
    hat = a_hat(case.world.dice)
    role = case.world.dice.choice(ROLES)
    path = f"{case.api}/members/{hat[0]}/{hat[1]}"
    if hat[0] == "group" and hat not in case.lab.members:
        # A group that is new to the lab is looked up at the Hub, which is not here.
        hat = case.lab.owner
    if hat == case.lab.owner:
        answer = case.ask(f"{case.api}/members")
        # Who has a role in it sees with whom it is shared.
        sees = "read" in case.rights and bool(held_by(case.asker, case.lab))
        assert (answer.status_code == 200) is sees
        return
    answer = case.ask(path, "PUT", json={"role": role})
    assert (answer.status_code == 200) is ("share" in case.rights)
    if answer.status_code == 200:
        case.lab.members[hat] = role


def leave(case: Case) -> None:
    hat = ("person", case.asker.name or "bob")
    answer = case.ask(f"{case.api}/members/{hat[0]}/{hat[1]}", "DELETE")
    leaves = "read" in case.rights and case.asker.writes and hat in case.lab.members
    assert (answer.status_code == 204) is leaves
    if leaves:
        del case.lab.members[hat]


def move(case: Case) -> None:
    answer = case.ask(f"{case.api}/move", "POST", json={})
    assert (answer.status_code == 200) is ("share" in case.rights)
    if case.lab.moved:
        old = f"/{quote(case.lab.owned_by, safe='@')}/{case.lab.first_name}"
        assert (case.ask(old).status_code == 308) is ("read" in case.rights)
        assert (case.ask(f"/api/v1/labs{old}").status_code == 308) is ("read" in case.rights)


def throw_away(case: Case) -> None:
    if case.lab.in_trash:
        path = f"/api/v1/trash/{case.lab.path}/restore"
        may_restore = "delete" in rights(case.asker, case.lab, also_in_trash=True)
        answer = case.ask(path, "POST")
        assert (answer.status_code == 200) is may_restore
        case.lab.in_trash = not may_restore
    else:
        answer = case.ask(case.api, "DELETE")
        assert (answer.status_code == 204) is ("delete" in case.rights)
        case.lab.in_trash = "delete" in case.rights


def beside(case: Case) -> None:
    """Look at what lays two labs or two revisions beside each other."""
    other, number = case.world.dice.choice(case.world.labs), case.world.dice.randint(1, 3)
    path = case.world.dice.choice(
        (
            f"{case.api}/compare?from=r{number}",
            f"{case.api}/compare?from=r{number}&with={other.path}",
            f"/{case.lab.path}/compare?from=r{number}&with={other.path}",
            f"{case.api}/update",
            f"/{case.lab.path}/update",
            f"{case.api}/proposals",
            f"/{case.lab.path}/proposals",
        )
    )
    answer = case.ask(path)
    if "read" not in case.rights:
        assert answer.status_code in {302, 401, 404}
    if "/compare" in path and "with=" in path and answer.status_code == 200:
        assert number in readable(case.asker, other)


def star(case: Case) -> None:
    answer = case.ask(f"{case.api}/star", "PUT")
    assert answer.is_success is ("read" in case.rights and case.asker.writes)


def own_pages(case: Case) -> None:
    case.ask(f"/{case.asker.name or 'eve'}")
    if case.asker.name and case.asker.writes:
        case.ask("/trash")
        case.ask("/api/v1/trash?limit=100")
        answer = case.ask("/api/v1/me/shared?limit=100").json()["items"]
        hats = case.asker.hats
        expected = {
            lab.name for lab in case.world.labs
            if hats & set(lab.members) and lab.owner not in hats and not lab.in_trash
        }  # fmt: skip
        assert {item["name"] for item in answer} == expected


LOOKS: tuple[Callable[[Case], None], ...] = (
    read, look, settings, revision, revisions, forks, owner_list, search, facets, edit,
    change_visibility, share, leave, move, throw_away, own_pages, beside, star, revision,
    look, search, beside,
)  # fmt: skip


@contextmanager
def world(folder: Path, seed: int) -> Iterator[World]:
    with labs_server(folder) as server, httpx.Client(base_url=server.url, timeout=60) as browser:
        yield World(server, browser, seed)


def prove(folder: Path, *, worlds: int, cases: int) -> None:
    for seed in range(worlds):
        with world(folder / str(seed), seed) as made:
            for number in range(cases // worlds):
                case = Case(made, made.dice.choice(ASKERS), made.dice.choice(made.labs))
                look_at = made.dice.choice(LOOKS)
                try:
                    look_at(case)
                except AssertionError as error:
                    where = f"world {seed}, case {number}, {look_at.__name__}"
                    raise AssertionError(f"{where}: {case.asker} with {case.lab}") from error


def test_nobody_sees_or_does_more_than_they_may_in_a_sample(tmp_path: Path) -> None:
    prove(tmp_path, worlds=2, cases=SAMPLE)


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not PROOF, reason="make proof runs it in full")
def test_nobody_sees_or_does_more_than_they_may_in_ten_thousand_cases(tmp_path: Path) -> None:
    prove(tmp_path, worlds=10, cases=FULL)
