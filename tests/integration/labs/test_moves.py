"""Rename labs and give them to others; their former addresses lead to them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.integration.labs.conftest import As
from tests.support.many_labs import notebook, tar_of, tools_of

from machinelabs_hub.errors import BadInput, NotAllowed
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft, Parent, Visibility
from machinelabs_hub.labs.models.page import LabQuery
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import trash
from machinelabs_hub.labs.services.labs import NameTaken
from machinelabs_hub.labs.services.reindex import reindex
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import LabMoved, NoLab
from machinelabs_hub.settings import Settings

ADA, BOB, EVE = Person("ada", "Ada"), Person("bob", "Bob"), Person("eve", "Eve")
CAT = Person("cat", "Cat", groups=("vision",))
FILES = {"main.ipynb": notebook("1 + 1"), "README.md": b"# Zebras\n"}


@pytest.fixture(autouse=True)
def _everybody_is_known(tools: Tools) -> None:
    for person in (ADA, BOB, EVE, CAT):
        tools.people.seen(person, tools.clock())


def publish(viewed_by: As, person: Person = ADA, **said: Any) -> Lab:
    draft = LabDraft(**{"title": "Digits", "visibility": Visibility.PUBLIC, **said})
    return viewed_by(person).labs.publish(draft, tar_of(FILES))


def now_at(viewed_by: As, person: Person | None, owner: str, name: str) -> str:
    with pytest.raises(LabMoved) as caught:
        viewed_by(person).labs.get(owner, name)
    return "/".join(caught.value.now)


def test_a_renamed_lab_keeps_everything_and_its_old_address_leads_to_it(viewed_by: As) -> None:
    lab = publish(viewed_by, tags=("vision",))
    viewed_by(BOB).forks.fork("ada", "digits")
    moved = viewed_by(ADA).moves.move("ada", "digits", to_name="numbers")
    assert (moved.path, moved.uid, moved.tags, moved.forks) == (
        "ada/numbers", lab.uid, ("vision",), 1,
    )  # fmt: skip
    assert now_at(viewed_by, None, "ada", "digits") == "ada/numbers"
    fork = viewed_by(None).labs.get("bob", "digits")
    assert fork.parent == Parent("ada", "numbers", 1)
    found = viewed_by(None).labs.list(LabQuery(q="numbers")).items
    assert [it.path for it in found] == ["ada/numbers"]
    again = viewed_by(ADA).moves.move("ada", "numbers", to_name="figures")
    assert [it.name for it in viewed_by(ADA).moves.former(again)] == ["digits", "numbers"]
    for old in ("digits", "numbers"):
        assert now_at(viewed_by, None, "ada", old) == "ada/figures"


def test_a_lab_that_comes_back_is_at_its_old_address_itself(viewed_by: As) -> None:
    publish(viewed_by)
    viewed_by(ADA).moves.move("ada", "digits", to_name="numbers")
    lab = viewed_by(ADA).moves.move("ada", "numbers", to_name="digits")
    assert viewed_by(None).labs.get("ada", "digits") == lab
    assert now_at(viewed_by, None, "ada", "numbers") == "ada/digits"


def test_a_new_lab_at_a_former_address_has_it(viewed_by: As) -> None:
    publish(viewed_by)
    viewed_by(ADA).moves.move("ada", "digits", to_name="numbers")
    new = publish(viewed_by, title="Another", name="digits", visibility=Visibility.PRIVATE)
    assert viewed_by(ADA).labs.get("ada", "digits") == new
    # Who may not read the new lab is not led past it.
    with pytest.raises(NoLab) as caught:
        viewed_by(None).labs.get("ada", "digits")
    assert not isinstance(caught.value, LabMoved)
    viewed_by(ADA).moves.move("ada", "digits", to_name="another")
    assert now_at(viewed_by, ADA, "ada", "digits") == "ada/another"
    viewed_by(ADA).labs.delete("ada", "another")
    with pytest.raises(NoLab):
        viewed_by(ADA).labs.get("ada", "digits")


def test_only_who_may_read_a_lab_is_led_to_it(viewed_by: As) -> None:
    publish(viewed_by, visibility=Visibility.PRIVATE)
    viewed_by(ADA).moves.move("ada", "digits", to_name="numbers")
    assert now_at(viewed_by, ADA, "ada", "digits") == "ada/numbers"
    for who in (None, BOB):
        with pytest.raises(NoLab) as caught:
            viewed_by(who).labs.get("ada", "digits")
        assert "numbers" not in str(caught.value)


def test_a_lab_is_given_to_a_person_and_its_giver_stays_an_editor(viewed_by: As) -> None:
    publish(viewed_by, visibility=Visibility.PRIVATE)
    moved = viewed_by(ADA).moves.move("ada", "digits", to_owner="bob")
    assert moved.path == "bob/digits"
    assert now_at(viewed_by, ADA, "ada", "digits") == "bob/digits"
    viewed_by(ADA).labs.change("bob", "digits", LabChange(title="Still ours"))
    with pytest.raises(NotAllowed):
        viewed_by(ADA).labs.delete("bob", "digits")
    back = viewed_by(BOB).moves.move("bob", "digits", to_owner="ada")
    assert [(it.name, it.role) for it in back.members] == [("bob", "editor")]


def test_a_lab_is_given_to_a_group_by_who_is_in_it(viewed_by: As) -> None:
    publish(viewed_by, CAT)
    publish(viewed_by, ADA)
    with pytest.raises(NotAllowed, match="You are not in a group “vision”"):
        viewed_by(ADA).moves.move("ada", "digits", to_owner="@vision")
    moved = viewed_by(CAT).moves.move("cat", "digits", to_owner="@vision", to_name="figures")
    assert moved.path == "@vision/figures"
    dan = Person("dan", "Dan", groups=("vision",))
    viewed_by(dan).tools.people.seen(dan, viewed_by(dan).tools.clock())
    mine = viewed_by(dan).moves.move("@vision", "figures", to_owner="dan")
    held = [(it.kind, it.name, it.role) for it in mine.members]
    assert held == [("person", "cat", "editor"), ("group", "vision", "editor")]


def test_a_taken_name_a_bad_one_and_a_page_of_the_site_are_refused(viewed_by: As) -> None:
    publish(viewed_by)
    publish(viewed_by, BOB)
    publish(viewed_by, title="Figures")
    for to in ({"to_name": "figures"}, {"to_owner": "bob"}):
        with pytest.raises(NameTaken, match="There is a lab"):
            viewed_by(ADA).moves.move("ada", "digits", **to)
    for to in ({"to_name": "No!"}, {"to_name": "files"}, {"to_owner": "trash"}):
        with pytest.raises(BadInput):
            viewed_by(ADA).moves.move("ada", "digits", **to)
    assert viewed_by(ADA).labs.get("ada", "digits").owner == "ada"


def test_a_lab_in_the_trash_comes_back_with_its_former_addresses(
    viewed_by: As, tools: Tools
) -> None:
    lab = publish(viewed_by)
    viewed_by(BOB).forks.fork("ada", "digits")
    viewed_by(ADA).moves.move("ada", "digits", to_name="numbers")
    viewed_by(ADA).labs.delete("ada", "numbers")
    with pytest.raises(NoLab) as caught:
        viewed_by(ADA).labs.get("ada", "digits")
    assert not isinstance(caught.value, LabMoved)
    viewed_by(ADA).trash.restore("ada", "numbers")
    assert now_at(viewed_by, None, "ada", "digits") == "ada/numbers"
    viewed_by(ADA).labs.delete("ada", "numbers")
    trash.empty(replace(tools, clock=lambda: tools.clock() + timedelta(days=31)))
    # The lineage names what was there last, and so does what is kept in git.
    fork = viewed_by(None).labs.get("bob", "digits")
    assert fork.parent == Parent("ada", "numbers", 1, exists=False)
    kept = tools.repos.read_details(fork.store, fork.uid) or {}
    assert (kept["parent"]["uid"], kept["parent"]["name"]) == (lab.uid, "numbers")


def test_git_knows_where_labs_are_and_were(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "anew")
    (tmp_path / "anew").mkdir()
    tools = tools_of(settings)

    def seen(person: Person) -> Context:
        return Context(person=person, tools=tools, hub=None)  # type: ignore[arg-type]

    tools.people.seen(BOB, tools.clock())
    for number in range(2):
        draft = LabDraft(title=f"Lab {number}", visibility=Visibility.PRIVATE)
        seen(ADA).labs.publish(draft, tar_of(FILES))
    seen(ADA).revisions.publish("ada", "lab-1", base=1, message="", files=tar_of({"a.py": b""}))
    seen(ADA).labs.change("ada", "lab-1", LabChange(visibility=Visibility.PUBLIC))
    seen(ADA).moves.move("ada", "lab-0", to_name="first")
    seen(ADA).moves.move("ada", "lab-1", to_owner="bob", to_name="second")
    lab = seen(BOB).labs.get("bob", "second")
    before = [tools.addresses.of(seen(ADA).labs.get("ada", "first")), tools.addresses.of(lab)]
    tools.close()
    for file in settings.data.glob("machinelabs.sqlite*"):
        file.unlink()
    tools = tools_of(settings)
    assert reindex(tools).faults == []
    found = seen(BOB).labs.get("bob", "second")
    assert (found.uid, found.open_from) == (lab.uid, 2)
    first = seen(ADA).labs.get("ada", "first")
    assert [tools.addresses.of(first), tools.addresses.of(found)] == before
    with pytest.raises(LabMoved):
        seen(BOB).labs.get("ada", "lab-1")
    tools.close()


def test_what_was_restored_meanwhile_is_not_purged(
    viewed_by: As, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = publish(viewed_by)
    viewed_by(ADA).labs.delete("ada", "digits")
    old = tools.labs.trashed("ada")
    viewed_by(ADA).trash.restore("ada", "digits")
    monkeypatch.setattr(tools.labs, "trashed_before", lambda _at: old)
    assert trash.empty(replace(tools, clock=lambda: tools.clock() + timedelta(days=31))) == 0
    assert viewed_by(None).labs.get("ada", "digits").uid == lab.uid
