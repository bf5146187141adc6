"""Who asks, held against what they ask for: every service begins here."""

from http import HTTPStatus

from machinelabs_hub.errors import MachineLabsError, NotAllowed, NotFound
from machinelabs_hub.labs.models.access import Action, may, role_of, seen_by
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.names import shown


class SignInNeeded(MachineLabsError):
    """Nobody is signed in, or the token is not known any more."""

    code = "sign_in_needed"
    status = HTTPStatus.UNAUTHORIZED


class NoLab(NotFound):
    """There is no such lab, or none that this person may know of."""

    code = "no_lab"


class LabMoved(NoLab):
    """The lab is elsewhere now; whoever reads it is led there."""

    code = "lab_moved"

    def __init__(self, owner: str, name: str, lab: Lab) -> None:
        super().__init__(f"{shown(owner)}/{shown(name)} is {lab.path} now. Ask for it there.")
        self.was = (owner, name)
        self.now = (lab.owner, lab.name)


class TokenTooNarrow(NotAllowed):
    """The person may, but not with this token."""

    code = "token_too_narrow"


def signed_in(viewer: Person | None) -> Person:
    """Return who asks, or refuse."""
    if viewer is None:
        raise SignInNeeded("Sign in to do this.")
    return viewer


def writer(viewer: Person | None) -> Person:
    """Return who asks if they may change labs of theirs, or refuse."""
    person = signed_in(viewer)
    if not person.may_write:
        raise TokenTooNarrow(
            "This token may only read labs. Use one with the scope `custom:labs:write`."
        )
    return person


def lab_at(tools: Tools, viewer: Person | None, owner: str, name: str) -> Lab:
    """Return a lab that the viewer may read.

    Raises:
        LabMoved: it was here, and is elsewhere; only to those who may read it there.
        NoLab: also for a lab that only others may read.
    """
    lab = tools.labs.find(owner, name)
    moved = tools.addresses.find(owner, name) if lab is None else None
    if moved is not None and may(viewer, Action.READ, moved):
        raise LabMoved(owner, name, moved)
    if lab is None or not may(viewer, Action.READ, lab):
        raise NoLab(f"There is no lab {shown(owner)}/{shown(name)} here, or none that you may see.")
    return seen_by(viewer, lab)


def lab_to(action: Action, tools: Tools, viewer: Person | None, owner: str, name: str) -> Lab:
    """Return a lab that the viewer may do `action` with, or refuse."""
    lab = lab_at(tools, viewer, owner, name)
    writer(viewer)
    if not may(viewer, action, lab):
        raise NotAllowed(_refusal(action, viewer, lab))
    return lab


def _refusal(action: Action, viewer: Person | None, lab: Lab) -> str:
    role = role_of(viewer, lab)
    if action in {Action.FORK, Action.RUN}:
        return f"{lab.path} is shared with you to read. Ask {lab.owner} to let you run it."
    if role is None:
        return f"{lab.path} belongs to {lab.owner}. Fork it to make it yours."
    if action is Action.EDIT:
        return (
            f"You are {role.noun} of {lab.path} and cannot change it. Fork it, or ask {lab.owner}."
        )
    return f"You are {role.noun} of {lab.path}; only an owner may do this. Ask {lab.owner}."
