"""Who may do what with a lab. Pure; what is not named here is refused."""

from dataclasses import replace
from enum import StrEnum

from machinelabs_hub.labs.models.lab import Lab, Visibility
from machinelabs_hub.labs.models.person import Person


class Action(StrEnum):
    """What a person may want with a lab."""

    READ = "read"
    LIST = "list"
    FORK = "fork"
    EDIT = "edit"
    DELETE = "delete"


def may(person: Person | None, action: Action, lab: Lab) -> bool:
    """Tell whether `person` (None: nobody signed in) may do `action` with `lab`."""
    if lab.trashed_at is not None:
        return False
    match action:
        case Action.READ:
            return lab.visibility is not Visibility.PRIVATE or _holds(person, lab)
        case Action.LIST:
            return lab.visibility is Visibility.PUBLIC or _holds(person, lab)
        case Action.FORK:
            return _writes(person) and may(person, Action.READ, lab)
        case Action.EDIT | Action.DELETE:
            return _writes(person) and _holds(person, lab)


def seen_by(person: Person | None, lab: Lab) -> Lab:
    """Return `lab` without a parent that `person` may not know of."""
    parent = lab.parent
    if parent is None or not parent.is_private or _is_or_admin(person, parent.owner):
        return lab
    return replace(lab, parent=None)


def may_restore(person: Person | None, lab: Lab) -> bool:
    """Tell whether `person` may take `lab` out of the trash, and see that it is there."""
    return lab.trashed_at is not None and _writes(person) and _holds(person, lab)


def _holds(person: Person | None, lab: Lab) -> bool:
    return _is_or_admin(person, lab.owner)


def _is_or_admin(person: Person | None, owner: str) -> bool:
    return person is not None and (person.name == owner or person.admin)


def _writes(person: Person | None) -> bool:
    return person is not None and person.may_write
