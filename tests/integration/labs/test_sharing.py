"""Share labs with people and groups, open what was private, own labs as a group."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.labs.conftest import As
from tests.support.many_labs import notebook, tar_of

from machinelabs_hub.errors import BadInput, NotAllowed
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft, Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.page import LabQuery
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services import details, trash
from machinelabs_hub.labs.services.members import MOST, IsOwner, NoMember, TooManyMembers
from machinelabs_hub.labs.services.people import LabsOfLeaver, NoGroup
from machinelabs_hub.labs.services.revisions import NoRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, TokenTooNarrow

ADA, BOB, EVE = Person("ada", "Ada"), Person("bob", "Bob"), Person("eve", "Eve")
CAT = Person("cat", "Cat", groups=("vision",))
ROOT = Person("root", "Root", admin=True)
FILES = {"main.ipynb": notebook("1 + 1"), "README.md": b"# Zebras\n"}
PRIVATE, PUBLIC = Visibility.PRIVATE, Visibility.PUBLIC


@pytest.fixture(autouse=True)
def _everybody_is_known(tools: Tools) -> None:
    for person in (ADA, BOB, EVE, CAT):
        tools.people.seen(person, tools.clock())


def publish(viewed_by: As, person: Person = ADA, **said: Any) -> Lab:
    draft = LabDraft(**{"title": "Digits", "visibility": PRIVATE, **said})
    return viewed_by(person).labs.publish(draft, tar_of(FILES))


def revise(viewed_by: As, lab: Lab, text: str, person: Person = ADA) -> None:
    files = tar_of(FILES | {"README.md": text.encode()})
    viewed_by(person).revisions.publish(lab.owner, lab.name, base=None, message=text, files=files)


def share(viewed_by: As, lab: Lab, name: str, role: Role, person: Person = ADA) -> None:
    kind = MemberKind.GROUP if name.startswith("@") else MemberKind.PERSON
    member = Member(kind, name.removeprefix("@"), role)
    viewed_by(person).members.put(lab.owner, lab.name, member)


def names(viewed_by: As, person: Person | None, **query: Any) -> list[str]:
    return sorted(lab.path for lab in viewed_by(person).labs.list(LabQuery(**query)).items)


def test_a_private_lab_is_read_and_found_by_whom_it_is_shared_with(viewed_by: As) -> None:
    lab = publish(viewed_by)
    share(viewed_by, lab, "bob", Role.VIEWER)
    share(viewed_by, lab, "eve", Role.VIEWER)
    assert viewed_by(BOB).labs.get("ada", "digits").title == "Digits"
    assert names(viewed_by, BOB) == names(viewed_by, BOB, q="zebras") == ["ada/digits"]
    assert viewed_by(BOB).people.get("ada").labs_count == 1
    assert [it.path for it in viewed_by(BOB).people.shared(LabQuery()).items] == ["ada/digits"]
    assert viewed_by(ADA).people.shared(LabQuery()).items == ()
    viewed_by(ADA).members.remove("ada", "digits", MemberKind.PERSON, "eve")
    for who in (None, EVE, CAT):
        assert names(viewed_by, who) == []
        with pytest.raises(NoLab):
            viewed_by(who).labs.get("ada", "digits")


def test_a_group_shares_what_is_shared_with_it_only_while_one_is_in_it(viewed_by: As) -> None:
    lab = publish(viewed_by)
    mine = publish(viewed_by, CAT, title="Cats")
    share(viewed_by, mine, "@vision", Role.EDITOR, CAT)
    dan = Person("dan", "Dan", groups=("vision",))
    assert names(viewed_by, dan) == ["cat/cats"]
    revise(viewed_by, mine, "By Dan", dan)
    now = viewed_by(ROOT).labs.get("cat", "cats")
    assert viewed_by(dan).revisions.find(now).author == "dan"
    assert names(viewed_by, replace(dan, groups=())) == []
    with pytest.raises(NoLab):
        viewed_by(replace(dan, groups=("visions",))).labs.get("cat", "cats")
    assert lab.path not in names(viewed_by, dan)


def test_each_role_may_so_much_and_is_told_what_it_may_not(viewed_by: As) -> None:
    lab = publish(viewed_by)
    share(viewed_by, lab, "bob", Role.VIEWER)
    with pytest.raises(NotAllowed, match="shared with you to read"):
        viewed_by(BOB).forks.fork("ada", "digits")
    with pytest.raises(NotAllowed, match="You are a viewer of ada/digits"):
        revise(viewed_by, lab, "Mine", BOB)
    share(viewed_by, lab, "bob", Role.RUNNER)
    assert viewed_by(BOB).forks.fork("ada", "digits")[0].path == "bob/digits"
    with pytest.raises(NotAllowed):
        viewed_by(BOB).labs.change("ada", "digits", LabChange(title="Mine"))
    share(viewed_by, lab, "bob", Role.EDITOR)
    revise(viewed_by, lab, "Together", BOB)
    changed = viewed_by(BOB).labs.change("ada", "digits", LabChange(title="Ours"))
    assert changed.title == "Ours"
    for refused in (LabChange(visibility=PUBLIC), LabChange(whole_history=True)):
        with pytest.raises(NotAllowed, match="only an owner may do this"):
            viewed_by(BOB).labs.change("ada", "digits", refused)
    for attempt in (
        lambda: viewed_by(BOB).labs.delete("ada", "digits"),
        lambda: viewed_by(BOB).moves.move("ada", "digits", to_name="mine"),
        lambda: share(viewed_by, lab, "eve", Role.VIEWER, BOB),
    ):
        with pytest.raises(NotAllowed, match="only an owner"):
            attempt()
    share(viewed_by, lab, "bob", Role.OWNER)
    share(viewed_by, lab, "eve", Role.VIEWER, BOB)
    viewed_by(BOB).labs.delete("ada", "digits")
    assert [gone.path for gone in viewed_by(BOB).trash.list().items] == ["ada/digits"]
    assert viewed_by(EVE).trash.list().items == ()
    viewed_by(BOB).trash.restore("ada", "digits")
    assert len(viewed_by(ADA).members.list("ada", "digits")) == 2


def test_a_token_that_may_only_read_shares_nothing(viewed_by: As) -> None:
    lab = publish(viewed_by)
    reader = replace(ADA, may_write=False)
    assert viewed_by(reader).labs.get("ada", "digits")
    with pytest.raises(TokenTooNarrow):
        share(viewed_by, lab, "bob", Role.VIEWER, reader)
    with pytest.raises(TokenTooNarrow):
        viewed_by(reader).moves.move("ada", "digits", to_name="numbers")


def test_who_is_a_member_sees_the_members_and_may_leave(viewed_by: As) -> None:
    lab = publish(viewed_by, visibility=PUBLIC)
    share(viewed_by, lab, "bob", Role.VIEWER)
    (found,) = viewed_by(BOB).members.list("ada", "digits")
    assert (found.member, found.added_by) == (
        Member(MemberKind.PERSON, "bob", Role.VIEWER), "ada",
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        viewed_by(EVE).members.list("ada", "digits")
    with pytest.raises(NotAllowed):
        viewed_by(EVE).members.remove("ada", "digits", MemberKind.PERSON, "bob")
    viewed_by(BOB).members.remove("ada", "digits", MemberKind.PERSON, "bob")
    assert viewed_by(ADA).members.list("ada", "digits") == ()
    with pytest.raises(NoMember):
        viewed_by(ADA).members.remove("ada", "digits", MemberKind.PERSON, "bob")


def test_an_owner_is_no_member_and_a_lab_has_not_too_many(viewed_by: As, tools: Tools) -> None:
    lab = publish(viewed_by)
    with pytest.raises(IsOwner):
        share(viewed_by, lab, "ada", Role.VIEWER)
    for number in range(MOST):
        member = Member(MemberKind.PERSON, f"p{number}", Role.VIEWER)
        tools.members.put(lab, member, by="ada", at=tools.clock())
    with pytest.raises(TooManyMembers, match="Put people into a group"):
        share(viewed_by, lab, "bob", Role.VIEWER)
    share(viewed_by, lab, "p1", Role.EDITOR)


def test_who_leaves_the_site_leaves_every_lab(viewed_by: As) -> None:
    lab = publish(viewed_by)
    share(viewed_by, lab, "bob", Role.OWNER)
    viewed_by(ROOT).people.remove("bob", LabsOfLeaver.TRASH)
    # Another person may get the name later.
    with pytest.raises(NoLab):
        viewed_by(BOB).labs.get("ada", "digits")


def test_what_was_private_stays_with_members_when_a_lab_is_opened(viewed_by: As) -> None:
    lab = publish(viewed_by)
    revise(viewed_by, lab, "Secret")
    share(viewed_by, lab, "bob", Role.VIEWER)
    opened = viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=PUBLIC))
    assert (opened.revision, opened.open_from) == (2, 2)
    revise(viewed_by, opened, "Open")
    seen = viewed_by(EVE)
    lab = seen.labs.get("ada", "digits")
    assert [it.number for it in seen.revisions.list(lab).items] == [3, 2]
    assert [it.number for it in viewed_by(BOB).revisions.list(lab).items] == [3, 2, 1]
    for reads in (seen.revisions.files, seen.revisions.find, seen.revisions.archive):
        with pytest.raises(NoRevision, match="before it was opened"):
            reads(lab, 1)
    assert viewed_by(BOB).revisions.read(lab, 1, "README.md") == FILES["README.md"]
    # Closed and opened again: what others could read once they can read again.
    for visibility in (PRIVATE, Visibility.SIGNED_IN):
        viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=visibility))
    assert seen.labs.get("ada", "digits").open_from == 2
    viewed_by(ADA).labs.change("ada", "digits", LabChange(whole_history=True))
    assert seen.revisions.read(seen.labs.get("ada", "digits"), 1, "README.md")


def test_a_fork_of_a_private_lab_tells_nothing_of_it(viewed_by: As, tools: Tools) -> None:
    lab = publish(viewed_by, title="Secret plan")
    revise(viewed_by, lab, "Hidden words")
    revise(viewed_by, lab, "For the fork")
    share(viewed_by, lab, "bob", Role.RUNNER)
    fork, _ = viewed_by(BOB).forks.fork("ada", "secret-plan", to="plan")
    assert (fork.visibility, fork.parent is not None) == (PRIVATE, True)
    for who in (ADA, EVE, None):
        with pytest.raises(NoLab):
            viewed_by(who).labs.get("bob", "plan")
    viewed_by(BOB).labs.change("bob", "plan", LabChange(visibility=PUBLIC, title="Plan"))
    for who in (EVE, None):
        seen = viewed_by(who)
        public = seen.labs.get("bob", "plan")
        assert public.parent is None
        told = [seen.revisions.list(public).items, public, seen.labs.list(LabQuery()).items]
        assert "secret-plan" not in repr(told)
        with pytest.raises(NoRevision):
            seen.revisions.find(public, 2)
        assert seen.revisions.read(public, 1, "README.md") == b"For the fork"
    assert viewed_by(ADA).labs.get("bob", "plan").parent is not None
    viewed_by(ADA).labs.delete("ada", "secret-plan")
    trash.empty(replace(tools, clock=lambda: tools.clock() + timedelta(days=31)))
    assert viewed_by(BOB).labs.get("bob", "plan").parent is None


def test_a_group_owns_labs_that_all_its_people_change(viewed_by: As) -> None:
    lab = publish(viewed_by, CAT, owner="@vision")
    assert lab.path == "@vision/digits"
    dan = Person("dan", "Dan", groups=("vision",))
    revise(viewed_by, lab, "By Dan", dan)
    assert all(viewed_by(dan).labs.may(action, lab) for action in Action)
    assert names(viewed_by, dan) == ["@vision/digits"]
    assert names(viewed_by, ADA) == []
    assert viewed_by(dan).people.get("@vision").labs_count == 1
    with pytest.raises(NoGroup):
        viewed_by(ADA).people.get("@vision")
    viewed_by(dan).labs.delete("@vision", "digits")
    assert [gone.path for gone in viewed_by(CAT).trash.list().items] == ["@vision/digits"]
    viewed_by(CAT).trash.restore("@vision", "digits")
    viewed_by(dan).labs.change("@vision", "digits", LabChange(visibility=PUBLIC))
    assert viewed_by(None).people.get("@vision").labs_count == 1


def test_nobody_publishes_or_forks_as_a_group_that_they_are_not_in(viewed_by: As) -> None:
    for owner in ("@vision", "bob", "vision", "@"):
        with pytest.raises(NotAllowed, match="You cannot publish as"):
            publish(viewed_by, ADA, owner=owner)
    spaced = Person("dan", "Dan", groups=("my group",))
    with pytest.raises(BadInput, match="cannot own labs"):
        publish(viewed_by, spaced, owner="@my group")
    publish(viewed_by, ADA, visibility=PUBLIC)
    fork, is_new = viewed_by(CAT).forks.fork("ada", "digits", as_="@vision")
    assert (fork.path, is_new) == ("@vision/digits", True)
    dan = Person("dan", "Dan", groups=("vision",))
    assert viewed_by(dan).forks.fork("ada", "digits", as_="@vision") == (fork, False)
    with pytest.raises(NotAllowed):
        viewed_by(BOB).forks.fork("ada", "digits", as_="@vision")


@pytest.mark.parametrize("moves", [False, True])
def test_who_changes_a_lab_at_the_moment_it_is_closed_does_not_open_it(
    viewed_by: As, tools: Tools, *, moves: bool
) -> None:
    lab = publish(viewed_by, visibility=PUBLIC)

    def change() -> None:
        seen = viewed_by(ADA)
        if moves:
            seen.moves.move("ada", "digits", to_name="numbers")
        else:
            seen.labs.change("ada", "digits", LabChange(title="New"))

    with ThreadPoolExecutor(1) as other:
        with tools.locks.hold(lab.uid):
            done = other.submit(change)
            time.sleep(0.3)
            assert not done.done()
            closed = replace(details.of(lab), visibility=PRIVATE)
            tools.labs.change(lab, closed, tools.clock())
        done.result(10)
    now = tools.labs.get(lab.uid)
    assert now is not None
    assert now.visibility is PRIVATE
    assert (now.name, now.title) == (("numbers", "Digits") if moves else ("digits", "New"))
