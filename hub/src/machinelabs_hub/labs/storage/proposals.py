"""The index of proposals and of what is said of them. Every method is one transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, Update, and_, func, or_, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.proposals import ProposalCommentRow, ProposalRow
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.proposal import Comment, Offer, Proposal, State, edits
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.listing import listed, owned_by, shared_with
from machinelabs_hub.labs.storage.rows import changed, lab_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewProposal:
    """A proposal to add."""

    fork: Lab
    offer: Offer
    author: str
    title: str
    text: str
    at: datetime


class ProposalTable:
    """Rows of proposals. Who may see one is the services' to decide, but for lists."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(self, lab: Lab, new: NewProposal) -> Proposal:
        """Add a proposal under the lab's next number.

        Raises:
            RowClash: another got this number at the same moment.
        """
        with self._sessions() as db:
            last = select(func.max(ProposalRow.number)).where(ProposalRow.lab_id == lab.id)
            row = ProposalRow(
                lab_id=lab.id,
                number=(db.scalar(last) or 0) + 1,
                fork_id=new.fork.id,
                fork_owner=new.fork.owner,
                fork_name=new.fork.name,
                author=new.author,
                title=new.title,
                text=new.text,
                state=State.OPEN,
                created_at=new.at,
                updated_at=new.at,
            )
            _offer(row, new.offer)
            db.add(row)
            note(db, f"proposal #{row.number} to {lab.path}")
            db.flush()
            return _proposal(row)

    def find(self, lab: Lab, number: int) -> Proposal | None:
        """Return the proposal of this number to `lab`, or None."""
        with self._sessions() as db:
            wanted = select(ProposalRow).where(
                ProposalRow.lab_id == lab.id, ProposalRow.number == number
            )
            row = db.scalar(wanted)
            return None if row is None else _proposal(row)

    def open_of(self, lab: Lab, fork: Lab) -> Proposal | None:
        """Return the open proposal of `fork` to `lab`, or None."""
        return self._last(lab, fork, State.OPEN)

    def merged_of(self, lab: Lab, fork: Lab) -> Proposal | None:
        """Return the proposal of `fork` that was merged into `lab` last, or None."""
        return self._last(lab, fork, State.MERGED)

    def page(
        self,
        lab: Lab,
        viewer: Person | None,
        state: State | None,
        *,
        before: int | None,
        limit: int,
    ) -> tuple[Proposal, ...]:
        """Return proposals to `lab` that `viewer` may see in a list, the newest first."""
        wanted = _wanted(select(ProposalRow), lab, viewer, state)
        if before is not None:
            wanted = wanted.where(ProposalRow.number < before)
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(ProposalRow.number.desc()).limit(limit))
            return tuple(map(_proposal, rows))

    def count(self, lab: Lab, viewer: Person | None, state: State) -> int:
        """Count the proposals to `lab` that `viewer` may see in a list."""
        with self._sessions() as db:
            wanted = _wanted(select(ProposalRow.id), lab, viewer, state)
            return db.scalar(select(func.count()).select_from(wanted.subquery())) or 0

    def fork_of(self, proposal: Proposal) -> Lab | None:
        """Return the fork that offers, also from the trash; None: it is purged."""
        with self._sessions() as db:
            row = db.get(LabRow, proposal.fork_id) if proposal.fork_id else None
            return None if row is None else lab_of(row)

    def offer(self, proposal: Proposal, fork: Lab, offer: Offer, at: datetime) -> bool:
        """Offer another revision of `fork`; False: the proposal is not open any more."""
        step = _open(proposal).values(
            fork_owner=fork.owner,
            fork_name=fork.name,
            revision=offer.revision,
            commit_id=offer.commit,
            base=offer.base,
            base_commit=offer.base_commit,
            updated_at=at,
        )
        with self._sessions() as db:
            return changed(db, step)

    def close(
        self,
        proposal: Proposal,
        state: State,
        *,
        by: str,
        at: datetime,
        revision: int | None = None,
    ) -> bool:
        """Close a proposal; False: it is not open any more, or offers another revision by now."""
        step = _open(proposal).where(ProposalRow.revision == proposal.offer.revision)
        step = step.values(
            state=state, closed_by=by, closed_at=at, updated_at=at, merged_revision=revision
        )
        with self._sessions() as db:
            return changed(db, step)

    def comment(
        self, proposal: Proposal, *, author: str, text: str, path: str | None, cell: str | None,
        at: datetime,
    ) -> Comment:  # fmt: skip
        """Add what somebody says of a proposal."""
        with self._sessions() as db:
            row = ProposalCommentRow(
                proposal_id=proposal.id,
                author=author,
                text=text,
                path=path,
                cell=cell,
                created_at=at,
            )
            db.add(row)
            db.execute(
                update(ProposalRow).where(ProposalRow.id == proposal.id).values(updated_at=at)
            )
            note(db, f"a comment on proposal #{proposal.number}")
            db.flush()
            return _comment(row)

    def comments(self, proposal: Proposal, *, after: int, limit: int) -> tuple[Comment, ...]:
        """Return what was said of a proposal, the first first, after the row `after`."""
        wanted = select(ProposalCommentRow).where(
            ProposalCommentRow.proposal_id == proposal.id, ProposalCommentRow.id > after
        )
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(ProposalCommentRow.id).limit(limit))
            return tuple(map(_comment, rows))

    def forget(self, person: str) -> None:
        """Mark that an author left: another of the same name must not see what they offered."""
        step = update(ProposalRow).where(ProposalRow.author == person)
        with self._sessions() as db:
            db.execute(step.values(author=f"{person} (left)"))

    def _last(self, lab: Lab, fork: Lab, state: State) -> Proposal | None:
        wanted = select(ProposalRow).where(
            ProposalRow.lab_id == lab.id,
            ProposalRow.fork_id == fork.id,
            ProposalRow.state == state,
        )
        with self._sessions() as db:
            row = db.scalar(wanted.order_by(ProposalRow.number.desc()).limit(1))
            return None if row is None else _proposal(row)


def _wanted(wanted: Select[T], lab: Lab, viewer: Person | None, state: State | None) -> Select[T]:
    wanted = wanted.where(ProposalRow.lab_id == lab.id)
    if state is not None:
        wanted = wanted.where(ProposalRow.state == state)
    return wanted if edits(viewer, lab) else wanted.where(_seen(viewer))


def _seen(viewer: Person | None) -> ColumnElement[bool]:
    """Be true of the proposals that `models.proposal.may_see` shows who may only read the lab."""
    since = and_(LabRow.open_from > 0, LabRow.open_from <= ProposalRow.revision)
    forks = select(LabRow.id).where(
        LabRow.id == ProposalRow.fork_id, LabRow.trashed_at.is_(None), listed(viewer)
    )
    if viewer is None or viewer.is_service:
        return forks.where(since).exists()
    if not viewer.admin:
        forks = forks.where(or_(since, owned_by(viewer), shared_with(viewer)))
    return or_(ProposalRow.author == viewer.name, forks.exists())


def _open(proposal: Proposal) -> Update:
    return update(ProposalRow).where(ProposalRow.id == proposal.id, ProposalRow.state == State.OPEN)


def _offer(row: ProposalRow, offer: Offer) -> None:
    row.revision = offer.revision
    row.commit_id = offer.commit
    row.base = offer.base
    row.base_commit = offer.base_commit


def _proposal(row: ProposalRow) -> Proposal:
    return Proposal(
        id=row.id,
        lab_id=row.lab_id,
        number=row.number,
        fork_id=row.fork_id,
        fork=f"{row.fork_owner}/{row.fork_name}",
        offer=Offer(row.revision, row.commit_id, row.base, row.base_commit),
        author=row.author,
        title=row.title,
        text=row.text,
        state=State(row.state),
        created_at=row.created_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        merged_revision=row.merged_revision,
    )


def _comment(row: ProposalCommentRow) -> Comment:
    return Comment(row.id, row.author, row.text, row.path, row.cell, row.created_at)
