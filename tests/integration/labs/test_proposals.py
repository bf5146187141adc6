"""A fork offers its changes to its parent: propose, talk, merge, decline, withdraw."""

import subprocess
from typing import Any

import pytest
from sqlalchemy import update
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, BOB, ROOT, names, publish
from tests.support.content import cell, notebook, tar_of

from machinelabs_hub.db.tables.proposals import ProposalRow
from machinelabs_hub.errors import BadInput, NotAllowed
from machinelabs_hub.labs.models.lab import Lab, LabChange, Visibility
from machinelabs_hub.labs.models.member import Member, MemberKind, Role
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.proposal import Proposal, State
from machinelabs_hub.labs.models.words import BadWords
from machinelabs_hub.labs.services import trash
from machinelabs_hub.labs.services.offers import NotAFork, NothingToPropose
from machinelabs_hub.labs.services.people import LabsOfLeaver
from machinelabs_hub.labs.services.proposals import (
    AlreadyProposed,
    NoProposal,
    OfferChanged,
    ProposalClosed,
    ProposalConflicts,
)
from machinelabs_hub.labs.services.reindex import reindex
from machinelabs_hub.labs.services.revisions import StaleRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, SignInNeeded, TokenTooNarrow

EVE = Person("eve", "Eve")
BOOK = [
    cell("markdown", "# Digits", "title"),
    cell("code", "a = 1", "one"),
    cell("code", "b = 2", "two"),
]
FILES = {"main.ipynb": notebook(BOOK), "model.py": b"x = 1\ny = 2\nz = 3\n"}


def book(**texts: str) -> bytes:
    return notebook([{**one, "source": texts.get(one["id"], one["source"])} for one in BOOK])


def revise(viewed_by: As, person: Person, files: dict[str, bytes]) -> None:
    viewed_by(person).revisions.publish(
        person.name, "digits", base=None, message="", files=tar_of(files)
    )


def lab_of(viewed_by: As, person: Person | None = ADA) -> Lab:
    return viewed_by(person).labs.get("ada", "digits")


def offered(viewed_by: As, files: dict[str, bytes] | None = None, **fork: Any) -> Proposal:
    """Ada's lab, Bob's fork of it, and his proposal."""
    publish(viewed_by, files=FILES)
    viewed_by(BOB).forks.fork("ada", "digits")
    if fork:
        viewed_by(BOB).labs.change("bob", "digits", LabChange(**fork))
    revise(viewed_by, BOB, files or FILES | {"main.ipynb": book(one="a = 100")})
    return propose(viewed_by)


def propose(viewed_by: As, title: str = "A larger a", text: str = "It *helps*.") -> Proposal:
    lab = lab_of(viewed_by, BOB)
    return viewed_by(BOB).proposals.propose(lab, "bob/digits", title=title, text=text)


def test_a_proposal_is_merged_as_the_work_of_its_author(viewed_by: As, tools: Tools) -> None:
    made = offered(viewed_by)
    assert (made.number, made.fork, made.offer.revision, made.state) == (
        1, "bob/digits", 2, State.OPEN,
    )  # fmt: skip
    revise(viewed_by, ADA, FILES | {"main.ipynb": book(two="b = 200"), "new.txt": b"new"})
    lab = lab_of(viewed_by)
    before, after = viewed_by(ADA).proposals.sides(lab, made)
    shown = viewed_by(ADA).compare.between(before, after)
    assert [(one.file.path, one.file.kind.value) for one in shown.files.items] == [
        ("main.ipynb", "changed")
    ]
    assert viewed_by(ADA).proposals.merged(lab, made).conflicts == 0
    done = viewed_by(ADA).proposals.merge(lab, 1, revision=2, base=2)
    assert (done.state, done.closed_by, done.merged_revision) == (State.MERGED, "ada", 3)
    lab = lab_of(viewed_by)
    newest = viewed_by(None).revisions.find(lab)
    assert (newest.number, newest.author) == (3, "bob")
    assert newest.message == ("A larger a (#1)\nProposed by bob from bob/digits r2, merged by ada.")
    merged = viewed_by(None).revisions.read(lab, 3, "main.ipynb")
    assert b"a = 100" in merged
    assert b"b = 200" in merged
    assert viewed_by(None).revisions.read(lab, 3, "new.txt") == b"new"
    assert reindex(tools).faults == []
    with pytest.raises(ProposalClosed, match="#1 is merged already"):
        viewed_by(ADA).proposals.merge(lab, 1, revision=2)


def test_the_next_proposal_of_a_merged_fork_offers_only_what_is_new(viewed_by: As) -> None:
    offered(viewed_by)
    viewed_by(ADA).proposals.merge(lab_of(viewed_by), 1, revision=2)
    with pytest.raises(NothingToPropose):
        propose(viewed_by)
    revise(viewed_by, BOB, FILES | {"main.ipynb": book(one="a = 100", two="b = 7")})
    made = propose(viewed_by)
    assert (made.number, made.offer.base) == (2, 2)
    before, after = viewed_by(ADA).proposals.sides(lab_of(viewed_by), made)
    (only,) = viewed_by(ADA).compare.between(before, after).files.items
    assert [one.key for one in only.content.cells if one.change != "same"] == ["two"]  # type: ignore[union-attr]
    viewed_by(ADA).proposals.merge(lab_of(viewed_by), 2, revision=3)
    lab = lab_of(viewed_by)
    assert b"b = 7" in viewed_by(None).revisions.read(lab, "latest", "main.ipynb")


def test_conflicts_are_shown_and_not_merged_until_the_author_updated(viewed_by: As) -> None:
    made = offered(viewed_by)
    revise(viewed_by, ADA, FILES | {"main.ipynb": book(one="a = 5")})
    lab = lab_of(viewed_by)
    assert viewed_by(ADA).proposals.merged(lab, made).conflicts == 1
    with pytest.raises(ProposalConflicts, match="until bob updates bob/digits and offers") as said:
        viewed_by(ADA).proposals.merge(lab, 1, revision=2)
    assert "the same places of main.ipynb." in str(said.value)
    assert lab_of(viewed_by).revision == 2
    viewed_by(BOB).updates.apply("bob", "digits")
    fork = viewed_by(BOB).labs.get("bob", "digits")
    assert viewed_by(BOB).proposals.newer(made) == fork.revision
    revise(viewed_by, BOB, FILES | {"main.ipynb": book(one="a = 105")})
    done = viewed_by(BOB).proposals.offer(lab, 1)
    assert (done.offer.revision, done.offer.base, done.state) == (4, 2, State.OPEN)
    with pytest.raises(OfferChanged, match="bob offers r4 by now"):
        viewed_by(ADA).proposals.merge(lab, 1, revision=2)
    viewed_by(ADA).proposals.merge(lab, 1, revision=4)
    assert b"a = 105" in viewed_by(None).revisions.read(lab_of(viewed_by), 3, "main.ipynb")


def test_a_merge_on_a_stale_base_is_refused(viewed_by: As) -> None:
    offered(viewed_by)
    revise(viewed_by, ADA, FILES | {"new.txt": b"1"})
    with pytest.raises(StaleRevision):
        viewed_by(ADA).proposals.merge(lab_of(viewed_by), 1, revision=2, base=1)


def test_only_editors_decide_and_only_the_author_withdraws(viewed_by: As) -> None:
    offered(viewed_by)
    lab = lab_of(viewed_by)
    for person in (BOB, EVE):
        with pytest.raises(NotAllowed):
            viewed_by(person).proposals.merge(lab, 1, revision=2)
        with pytest.raises(NotAllowed):
            viewed_by(person).proposals.decline(lab, 1)
    for person in (ADA, EVE):
        with pytest.raises(NotAllowed, match="Only bob"):
            viewed_by(person).proposals.withdraw(lab, 1)
        with pytest.raises(NotAllowed, match="Only bob"):
            viewed_by(person).proposals.offer(lab, 1)
    with pytest.raises(SignInNeeded):
        viewed_by(None).proposals.withdraw(lab, 1)
    assert viewed_by(BOB).proposals.withdraw(lab, 1).state is State.WITHDRAWN
    propose(viewed_by)
    done = viewed_by(ADA).proposals.decline(lab, 2)
    assert (done.state, done.closed_by) == (State.DECLINED, "ada")
    assert [one.number for one in viewed_by(None).proposals.list(lab).items] == [2, 1]
    assert viewed_by(None).proposals.count(lab) == 0


def test_what_cannot_be_proposed_is_said(viewed_by: As) -> None:
    offered(viewed_by)
    lab = lab_of(viewed_by, BOB)
    proposals = viewed_by(BOB).proposals
    with pytest.raises(AlreadyProposed, match="#1"):
        propose(viewed_by)
    proposals.withdraw(lab, 1)
    with pytest.raises(BadWords, match="needs a title"):
        propose(viewed_by, " ")
    with pytest.raises(NoLab):
        proposals.propose(lab, "bob/nothing", title="x")
    with pytest.raises(NotAllowed):
        proposals.propose(lab, "ada/digits", title="x")
    publish(viewed_by, BOB, name="other")
    with pytest.raises(NotAFork):
        proposals.propose(lab, "bob/other", title="x")
    with pytest.raises(NotAllowed):
        viewed_by(EVE).proposals.propose(lab, "bob/digits", title="x")


def test_comments_are_on_the_whole_a_file_or_a_cell(viewed_by: As) -> None:
    offered(viewed_by)
    lab = lab_of(viewed_by)
    eve = viewed_by(EVE).proposals
    eve.comment(lab, 1, "Nice.")
    eve.comment(lab, 1, "Why 100?", path="main.ipynb", cell="one")
    found = viewed_by(None).proposals.comments(lab, 1, limit=1)
    assert [(one.author, one.text, one.path) for one in found.items] == [("eve", "Nice.", None)]
    assert found.next
    (last,) = viewed_by(None).proposals.comments(lab, 1, cursor=found.next).items
    assert (last.path, last.cell) == ("main.ipynb", "one")
    for said in ({"text": " "}, {"text": "x", "path": "nothing.py"}, {"text": "x", "cell": "one"},
                 {"text": "x" * 20_000}, {"text": "x", "path": "main.ipynb", "cell": "c" * 65}):  # fmt: skip
        with pytest.raises(BadInput):
            eve.comment(lab, 1, **said)
    with pytest.raises(SignInNeeded):
        viewed_by(None).proposals.comment(lab, 1, "x")
    with pytest.raises(TokenTooNarrow):
        viewed_by(Person("eve", "", may_write=False)).proposals.comment(lab, 1, "x")


def test_a_private_fork_is_open_to_the_labs_editors_here_and_nowhere_else(viewed_by: As) -> None:
    made = offered(viewed_by, visibility=Visibility.PRIVATE)
    lab = lab_of(viewed_by)
    for person in (ADA, BOB, ROOT):
        assert viewed_by(person).proposals.get(lab, 1) == made
        assert viewed_by(person).proposals.count(lab) == 1
    for stranger in (EVE, None):
        with pytest.raises(NoProposal):
            viewed_by(stranger).proposals.get(lab, 1)
        with pytest.raises(NoProposal):
            viewed_by(stranger).proposals.comments(lab, 1)
        assert viewed_by(stranger).proposals.list(lab).items == ()
        assert viewed_by(stranger).proposals.count(lab) == 0
    with pytest.raises(NoLab):
        viewed_by(ADA).labs.get("bob", "digits")
    assert not viewed_by(ADA).proposals.reads_fork(made)
    with pytest.raises(NoLab):
        viewed_by(ADA).compare.compare(lab, other="bob/digits")
    assert "bob/digits" not in names(viewed_by, ADA)


def test_the_new_name_of_a_private_fork_is_told_to_nobody_who_may_not_read_it(
    viewed_by: As,
) -> None:
    offered(viewed_by, visibility=Visibility.PRIVATE)
    lab = lab_of(viewed_by)
    viewed_by(BOB).moves.move("bob", "digits", to_name="secret-plan")
    assert viewed_by(ADA).proposals.get(lab, 1).fork == "bob/digits"
    assert viewed_by(ADA).proposals.list(lab).items[0].fork == "bob/digits"
    assert viewed_by(BOB).proposals.get(lab, 1).fork == "bob/secret-plan"


def test_a_private_lab_shows_its_proposals_to_nobody_else(viewed_by: As) -> None:
    offered(viewed_by)
    lab = lab_of(viewed_by)
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=Visibility.PRIVATE))
    private = lab_of(viewed_by)
    assert viewed_by(ADA).proposals.get(private, 1).number == 1
    for person in (EVE, BOB, None):
        with pytest.raises(NoProposal):
            viewed_by(person).proposals.get(private, 1)
    assert lab.revision == 1


def test_revisions_from_before_a_fork_was_opened_are_not_shown_through_a_proposal(
    viewed_by: As, tools: Tools
) -> None:
    lab = publish(viewed_by, files=FILES, visibility=Visibility.PRIVATE)
    runner = Member(MemberKind.PERSON, "bob", Role.RUNNER)
    tools.members.put(lab, runner, by="ada", at=lab.created_at)
    viewed_by(BOB).forks.fork("ada", "digits")
    revise(viewed_by, BOB, FILES | {"model.py": b"a secret\n"})
    propose(viewed_by)
    viewed_by(ADA).labs.change("ada", "digits", LabChange(visibility=Visibility.PUBLIC))
    revise(viewed_by, BOB, FILES | {"model.py": b"open now\n"})
    viewed_by(BOB).labs.change("bob", "digits", LabChange(visibility=Visibility.PUBLIC))
    lab = lab_of(viewed_by)
    assert viewed_by(EVE).labs.get("bob", "digits").open_from == 3
    with pytest.raises(NoProposal):
        viewed_by(EVE).proposals.get(lab, 1)
    assert viewed_by(EVE).proposals.count(lab) == 0
    viewed_by(BOB).proposals.offer(lab, 1)
    assert viewed_by(EVE).proposals.get(lab, 1).offer.revision == 3
    assert viewed_by(EVE).proposals.count(lab) == 1


def test_a_proposal_outlives_its_fork(viewed_by: As, tools: Tools) -> None:
    offered(viewed_by)
    lab = lab_of(viewed_by)
    viewed_by(BOB).labs.delete("bob", "digits")
    with pytest.raises(NoProposal):
        viewed_by(EVE).proposals.get(lab, 1)
    object.__setattr__(tools.settings.limits, "trash_days", -1)
    assert trash.empty(tools) == 1
    found = viewed_by(ADA).proposals.get(lab, 1)
    assert (found.fork, found.fork_id) == ("bob/digits", None)
    with pytest.raises(NoLab):
        viewed_by(BOB).proposals.offer(lab, 1)
    done = viewed_by(ADA).proposals.merge(lab, 1, revision=2)
    assert done.merged_revision == 2
    newest = lab_of(viewed_by)
    assert b"a = 100" in viewed_by(None).revisions.read(newest, 2, "main.ipynb")


def test_another_of_the_same_name_does_not_see_what_somebody_who_left_offered(
    viewed_by: As,
) -> None:
    offered(viewed_by, visibility=Visibility.PRIVATE)
    lab = lab_of(viewed_by)
    viewed_by(ROOT).people.remove("bob", LabsOfLeaver.TRASH)
    with pytest.raises(NoProposal):
        viewed_by(BOB).proposals.get(lab, 1)
    assert viewed_by(BOB).proposals.count(lab) == 0
    assert viewed_by(ADA).proposals.get(lab, 1).author == "bob (left)"


def test_a_proposals_content_survives_the_stores_upkeep(viewed_by: As, tools: Tools) -> None:
    offered(viewed_by)
    lab = lab_of(viewed_by)
    viewed_by(BOB).labs.delete("bob", "digits")
    object.__setattr__(tools.settings.limits, "trash_days", -1)
    trash.empty(tools)
    store = tools.settings.data / "labs" / "stores" / lab.store[:2] / f"{lab.store}.git"
    subprocess.run(["git", "--git-dir", store, "gc", "--prune=now", "-q"], check=True)
    before, after = viewed_by(ADA).proposals.sides(lab, viewed_by(ADA).proposals.get(lab, 1))
    assert viewed_by(ADA).compare.between(before, after).count == 1


def test_lists_go_on_and_are_filtered_by_state(viewed_by: As) -> None:
    offered(viewed_by)
    lab = lab_of(viewed_by)
    for _ in range(3):
        newest = viewed_by(BOB).proposals.list(lab, limit=1).items[0].number
        viewed_by(BOB).proposals.withdraw(lab, newest)
        propose(viewed_by)
    seen, cursor = [], ""
    while True:
        page = viewed_by(None).proposals.list(lab, cursor=cursor, limit=2)
        seen += [one.number for one in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert seen == [4, 3, 2, 1]
    closed = viewed_by(None).proposals.list(lab, state=State.WITHDRAWN).items
    assert [one.number for one in closed] == [3, 2, 1]
    assert viewed_by(None).proposals.count(lab) == 1


def test_a_merge_that_was_cut_short_is_finished_by_the_next(viewed_by: As, tools: Tools) -> None:
    """As after a kill between the revision and the proposal's row."""
    offered(viewed_by)
    lab = lab_of(viewed_by)
    viewed_by(ADA).proposals.merge(lab, 1, revision=2)
    with tools.sessions() as db:
        db.execute(update(ProposalRow).values(state="open", merged_revision=None))
    done = viewed_by(ADA).proposals.merge(lab_of(viewed_by), 1, revision=2)
    assert (done.state, done.merged_revision) == (State.MERGED, 2)
    assert lab_of(viewed_by).revision == 2
