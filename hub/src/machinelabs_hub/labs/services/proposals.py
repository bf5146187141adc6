"""Proposals: a fork offers its changes to its parent, people talk, an editor merges or declines."""

from dataclasses import dataclass, replace
from typing import Final

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.errors import BadInput, Conflict, NotAllowed, NotFound
from machinelabs_hub.labs.merge.report import Names
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.access import Action, may
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.proposal import Comment, Proposal, State, edits, may_see
from machinelabs_hub.labs.services import merging, next_revision
from machinelabs_hub.labs.services.compare import Place
from machinelabs_hub.labs.services.labs import publisher
from machinelabs_hub.labs.services.merging import Merged, Side
from machinelabs_hub.labs.services.offers import Offers, sides
from machinelabs_hub.labs.services.revisions import RevisionService, StaleRevision
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import NoLab, lab_to, writer
from machinelabs_hub.labs.storage.proposals import NewProposal
from machinelabs_hub.names import shown

LONGEST_TEXT: Final = 20_000
LONGEST_COMMENT: Final = 10_000
LONGEST_CELL: Final = 64
_LIST: Final = "proposals"
_COMMENTS: Final = "comments"
_TRIES: Final = 5
_NAMED: Final = 3


class NoProposal(NotFound):
    """The lab has no proposal of this number, or none that this person may see."""

    code = "no_proposal"


class AlreadyProposed(Conflict):
    """The fork has an open proposal to this lab."""

    code = "already_proposed"


class ProposalClosed(Conflict):
    """The proposal was merged, declined or withdrawn."""

    code = "proposal_closed"


class OfferChanged(Conflict):
    """The author offers another revision by now."""

    code = "offer_changed"


class ProposalConflicts(Conflict):
    """The lab and the fork changed the same places."""

    code = "proposal_conflicts"


@dataclass(frozen=True, slots=True)
class Rights:
    """What the viewer may do with a proposal now."""

    decide: bool
    """Merge or decline it."""
    withdraw: bool
    """Withdraw it, or offer another revision."""
    comment: bool


class ProposalService:
    """Proposals, as `viewer` may see, make and decide them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer
        self._revisions = RevisionService(tools=tools, viewer=viewer)
        self._offers_of = Offers(tools=tools, viewer=viewer)

    def propose(self, lab: Lab, fork: str, *, title: str, text: str = "") -> Proposal:
        """Offer the newest revision of `fork` (`owner/name`) to `lab`, which it was forked from.

        Raises:
            NotAFork: it is no fork of this lab.
            NothingToPropose: it has changed nothing.
            AlreadyProposed: it has an open proposal; offer the newest revision there.
        """
        source = self._offers_of.source(lab, fork)
        title = " ".join(words.check_text(title, "title", words.LONGEST_TITLE).split())
        if not title:
            raise words.BadWords("A proposal needs a title. Say in a line what it changes.")
        text = words.check_text(text, "text", LONGEST_TEXT)
        author = publisher(self._tools, self._viewer)
        with self._tools.locks.hold(f"proposals of {lab.uid}"):
            there = self._tools.proposals.open_of(lab, source)
            if there is not None:
                raise AlreadyProposed(
                    f"{source.path} has an open proposal to {lab.path}: #{there.number}. Offer "
                    "its newest revision there."
                )
            offer = self._offers_of.newest(lab, source)
            at = self._tools.clock()
            new = NewProposal(source, offer, author.name, title, text, at)
            made = self._added(lab, new)
            self._tools.repos.keep_offer(lab.store, lab.uid, made.number, offer.commit)
        return made

    def prepare(self, lab: Lab, fork: str) -> tuple[Lab, Place, Place]:
        """Return the fork that would offer, and the two sides of what it would."""
        source = self._offers_of.source(lab, fork)
        offer = self._offers_of.newest(lab, source)
        return source, *sides(lab, source.path, offer)

    def open_of(self, lab: Lab, fork: Lab) -> Proposal | None:
        """Return the open proposal of a fork to its parent, or None."""
        return self._tools.proposals.open_of(lab, fork)

    def list(
        self, lab: Lab, *, state: State | None = None, cursor: str = "", limit: int = DEFAULT_LIMIT
    ) -> Page[Proposal]:
        """Return proposals to `lab` that the viewer may see, the newest first, a page of them."""
        before = read_place(cursor, _LIST) if cursor else None
        found = self._tools.proposals.page(lab, self._viewer, state, before=before, limit=limit + 1)
        items, more = tuple(map(self._named, found[:limit])), len(found) > limit
        return Page(items, write_place(_LIST, items[-1].number) if more else None)

    def count(self, lab: Lab, state: State = State.OPEN) -> int:
        """Count the proposals to `lab` that the viewer may see."""
        return self._tools.proposals.count(lab, self._viewer, state)

    def get(self, lab: Lab, number: int) -> Proposal:
        """Return a proposal to `lab`.

        Raises:
            NoProposal: there is none, or none that the viewer may see.
        """
        found = self._tools.proposals.find(lab, number) if number < 1 << 31 else None
        if found is None or not may_see(self._viewer, found, lab, self.fork_of(found)):
            raise NoProposal(f"{lab.path} has no proposal #{number}, or none that you may see.")
        return self._named(found)

    def fork_of(self, proposal: Proposal) -> Lab | None:
        """Return the fork that offers; None: it is purged. It may be in the trash."""
        return self._tools.proposals.fork_of(proposal)

    def reads_fork(self, proposal: Proposal) -> bool:
        """Tell whether the viewer may read the fork itself, where it stands."""
        fork = self.fork_of(proposal)
        return fork is not None and may(self._viewer, Action.READ, fork)

    def rights(self, lab: Lab, proposal: Proposal) -> Rights:
        """Tell what the viewer may do with a proposal that they may see."""
        viewer = self._viewer
        if viewer is None or not viewer.may_write:
            return Rights(decide=False, withdraw=False, comment=False)
        is_open = proposal.state is State.OPEN
        return Rights(
            decide=is_open and edits(viewer, lab),
            withdraw=is_open and self._offers(proposal),
            comment=True,
        )

    def sides(self, lab: Lab, proposal: Proposal) -> tuple[Place, Place]:
        """Return what is compared: the state that both come from, and what is offered."""
        return sides(lab, proposal.fork, proposal.offer)

    def newer(self, proposal: Proposal) -> int | None:
        """Return the fork's newest revision if it is newer than the one that is offered."""
        fork = self.fork_of(proposal)
        if fork is None or fork.trashed_at is not None or not self._offers(proposal):
            return None
        return fork.revision if fork.revision > proposal.offer.revision else None

    def merged(self, lab: Lab, proposal: Proposal) -> Merged:
        """Return what merging a proposal into the newest revision would make; writes nothing."""
        newest = self._revisions.find(lab)
        names = Names(
            f"{lab.path} r{newest.number}",
            f"{proposal.fork} r{proposal.offer.revision}",
            f"#{proposal.number}",
        )
        commits = (proposal.offer.base_commit, newest.commit, proposal.offer.commit)
        base, mine, theirs = (self._side(lab, commit) for commit in commits)
        return merging.merge(self._tools, base, mine, theirs, names)

    def merge(self, lab: Lab, number: int, *, revision: int, base: int | None = None) -> Proposal:
        """Merge a proposal into the newest revision; its author is the author of the next one.

        Args:
            lab: it is merged into this lab.
            number: the proposal's.
            revision: the offered revision that the viewer looked at.
            base: the lab's newest revision that they know; None is never stale.

        Raises:
            ProposalConflicts: both changed the same places; nothing was changed.
            ProposalClosed: it is not open any more.
            OfferChanged: another revision is offered by now.
            StaleRevision: r`base` is not the newest.
        """
        lab = lab_to(Action.EDIT, self._tools, self._viewer, lab.owner, lab.name)
        merger = publisher(self._tools, self._viewer)
        with self._tools.locks.hold(lab.uid):
            lab = lab_to(Action.EDIT, self._tools, self._viewer, lab.owner, lab.name)
            proposal = self._open(lab, number)
            if proposal.offer.revision != revision:
                raise OfferChanged(
                    f"{proposal.author} offers r{proposal.offer.revision} by now. Look at it first."
                )
            if base is not None and base != lab.revision:
                raise StaleRevision(
                    f"r{lab.revision} of {lab.path} was published meanwhile. Look at it again."
                )
            made = self._merge(lab, proposal, merger)
            self._close(proposal, State.MERGED, by=merger, revision=made)
        return self.get(lab, number)

    def decline(self, lab: Lab, number: int) -> Proposal:
        """Close a proposal without merging it; only who may change the lab may."""
        lab = lab_to(Action.EDIT, self._tools, self._viewer, lab.owner, lab.name)
        self._close(self._open(lab, number), State.DECLINED, by=writer(self._viewer))
        return self.get(lab, number)

    def withdraw(self, lab: Lab, number: int) -> Proposal:
        """Close a proposal of one's own."""
        proposal = self._own(lab, number)
        self._close(proposal, State.WITHDRAWN, by=writer(self._viewer))
        return self.get(lab, number)

    def offer(self, lab: Lab, number: int) -> Proposal:
        """Offer the newest revision of the fork instead of the one that was offered."""
        proposal = self._own(lab, number)
        fork = self.fork_of(proposal)
        if fork is None or fork.trashed_at is not None:
            raise NoLab(f"{proposal.fork} was deleted, so it has nothing newer to offer.")
        lab_to(Action.EDIT, self._tools, self._viewer, fork.owner, fork.name)
        offer = self._offers_of.newest(lab, fork)
        self._tools.repos.keep_offer(lab.store, lab.uid, number, offer.commit)
        if not self._tools.proposals.offer(proposal, fork, offer, self._tools.clock()):
            raise _closed(self.get(lab, number))
        return self.get(lab, number)

    def comment(
        self, lab: Lab, number: int, text: str, *, path: str | None = None, cell: str | None = None
    ) -> Comment:
        """Say something of a proposal, of a file in it, or of a cell.

        Raises:
            BadInput: nothing is said, or of a file that is in neither side.
        """
        person = writer(self._viewer)
        proposal = self.get(lab, number)
        text = words.check_text(text, "comment", LONGEST_COMMENT)
        if not text:
            raise words.BadWords("Write what you want to say first.")
        path, cell = path or None, words.check_text(cell or "", "cell", LONGEST_CELL) or None
        if path is not None and path not in self._paths(lab, proposal):
            raise BadInput(f"There is no file “{shown(path)}” in this proposal.")
        if cell is not None and path is None:
            raise BadInput("A comment on a cell names its file and the id of the cell.")
        most = self._tools.settings.limits.publishes_per_hour
        self._tools.publishes.take(person.name, f"You published {most} times within an hour.")
        return self._tools.proposals.comment(
            proposal, author=person.name, text=text, path=path, cell=cell, at=self._tools.clock()
        )

    def comments(
        self, lab: Lab, number: int, *, cursor: str = "", limit: int = DEFAULT_LIMIT
    ) -> Page[Comment]:
        """Return what was said of a proposal, the first first, a page of it."""
        proposal = self.get(lab, number)
        after = read_place(cursor, _COMMENTS) if cursor else 0
        found = self._tools.proposals.comments(proposal, after=after, limit=limit + 1)
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_COMMENTS, items[-1].id) if more else None)

    def _merge(self, lab: Lab, proposal: Proposal, merger: Person) -> int:
        """Return the number of the revision that has all of the proposal."""
        newest = self._revisions.find(lab)
        merged = self.merged(lab, proposal)
        if merged.conflicts:
            raise ProposalConflicts(conflict_sentence(lab, proposal, merged))
        entries = merging.write(self._tools, lab.store, merged)
        if self._tools.repos.same_files(lab.store, newest.commit, entries):
            # All of it is there, as after a crash between the two steps of a merge.
            return newest.number
        made = next_revision.add(
            self._tools,
            lab,
            newest,
            entries,
            author=proposal.author,
            message=_message(proposal, merger),
            face=next_revision.checked(self._tools, lab.store, entries),
        )
        return made.number

    def _named(self, proposal: Proposal) -> Proposal:
        """Return a proposal with the name that its fork has now, for who may read that."""
        fork = self.fork_of(proposal)
        if fork is None or not may(self._viewer, Action.READ, fork):
            return proposal
        return replace(proposal, fork=fork.path)

    def _side(self, lab: Lab, commit: str) -> Side:
        files = self._tools.repos.manifest(lab.store, commit)
        return Side(files, lambda entry: self._tools.repos.read(lab.store, entry.blob))

    def _added(self, lab: Lab, new: NewProposal) -> Proposal:
        for _ in range(_TRIES - 1):
            try:
                return self._tools.proposals.add(lab, new)
            except RowClash:
                continue
        return self._tools.proposals.add(lab, new)

    def _open(self, lab: Lab, number: int) -> Proposal:
        proposal = self.get(lab, number)
        if proposal.state is not State.OPEN:
            raise _closed(proposal)
        return proposal

    def _own(self, lab: Lab, number: int) -> Proposal:
        writer(self._viewer)
        proposal = self.get(lab, number)
        if not self._offers(proposal):
            raise NotAllowed(f"Only {proposal.author} may do this with proposal #{number}.")
        return self._open(lab, number)

    def _offers(self, proposal: Proposal) -> bool:
        viewer = self._viewer
        if viewer is None:
            return False
        if viewer.name == proposal.author:
            return True
        fork = self.fork_of(proposal)
        return fork is not None and may(viewer, Action.EDIT, fork)

    def _close(
        self, proposal: Proposal, state: State, *, by: Person, revision: int | None = None
    ) -> None:
        at = self._tools.clock()
        if not self._tools.proposals.close(proposal, state, by=by.name, at=at, revision=revision):
            raise ProposalClosed(
                f"Proposal #{proposal.number} was closed or changed at this moment. Look at it "
                "again."
            )

    def _paths(self, lab: Lab, proposal: Proposal) -> set[str]:
        commits = (proposal.offer.base_commit, proposal.offer.commit)
        return {
            entry.path
            for commit in commits
            for entry in self._tools.repos.manifest(lab.store, commit)
        }


def conflict_sentence(lab: Lab, proposal: Proposal, merged: Merged) -> str:
    """Say which files both changed, and what the author has to do."""
    files = [change.path for change in merged.changes if change.conflicts]
    some = ", ".join(shown(path) for path in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return (
        f"Both {lab.path} and {proposal.fork} changed the same places of {some}{more}. It cannot "
        f"be merged until {proposal.author} updates {proposal.fork} and offers its newest revision."
    )


def _message(proposal: Proposal, merger: Person) -> str:
    return (
        f"{proposal.title} (#{proposal.number})\n"
        f"Proposed by {proposal.author} from {proposal.fork} r{proposal.offer.revision}, merged by "
        f"{merger.name}."
    )


def _closed(proposal: Proposal) -> ProposalClosed:
    return ProposalClosed(f"Proposal #{proposal.number} is {proposal.state.value} already.")
