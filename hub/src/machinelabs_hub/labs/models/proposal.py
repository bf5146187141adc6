"""A proposal: a fork's changes offered to its parent, what is said of them, who may see them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from machinelabs_hub.labs.models.access import Action, first_open, may, role_of
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.member import Role
from machinelabs_hub.labs.models.person import Person


class State(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    MERGED = "merged"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a fork offers.

    Attributes:
        revision: the fork's revision.
        commit: that revision in the store.
        base: the lab's revision up to which the fork had all that the lab has.
        base_commit: the state that both come from.
    """

    revision: int
    commit: str
    base: int
    base_commit: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An offer to one lab, numbered within that lab.

    Attributes:
        id: the row's number; never shown.
        lab_id: the row of the lab that it is offered to.
        fork_id: the row of the fork; None: it is purged.
        fork: `owner/name` of the fork when it offered, or now for who may read it there.
        closed_by: who merged, declined or withdrew it.
        merged_revision: the revision of the lab that the merge made.
    """

    id: int
    lab_id: int
    number: int
    fork_id: int | None
    fork: str
    offer: Offer
    author: str
    title: str
    text: str
    state: State
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    merged_revision: int | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said of a proposal; `path` and `cell` name what of it, None is the whole."""

    id: int
    author: str
    text: str
    path: str | None
    cell: str | None
    created_at: datetime


def may_see(person: Person | None, proposal: Proposal, lab: Lab, fork: Lab | None) -> bool:
    """Tell whether `person` may see a proposal and what it offers.

    Who may read the lab and the offered revision may. Being offered, that revision is open to
    those who decide about it as well, here and nowhere else.
    """
    if not may(person, Action.READ, lab):
        return False
    if edits(person, lab) or (person is not None and person.name == proposal.author):
        return True
    if fork is None or not may(person, Action.READ, fork):
        return False
    return first_open(person, fork) <= proposal.offer.revision


def edits(person: Person | None, lab: Lab) -> bool:
    """Tell whether `person` is one of those who decide about proposals to `lab`."""
    if person is None or person.is_service:
        return False
    role = role_of(person, lab)
    return person.admin or (role is not None and role.covers(Role.EDITOR))
