"""A person, as the one who asks and as a page that others read."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What the Hub knows of a person that decides their plan."""

    groups: tuple[str, ...]
    is_admin: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. What their token may do is part of it.

    Attributes:
        admin: an admin who signed in as one; the token inside a container never is.
        may_write: the token may change this person's labs.
        is_service: a program of the site rather than a person.
        may_remove: may put away the labs of people whose account is deleted.
        standing: what decides their plan, also where the token tells less; None: as the token says.
    """

    name: str
    display_name: str
    admin: bool = False
    groups: tuple[str, ...] = ()
    may_write: bool = True
    is_service: bool = False
    may_remove: bool = False
    standing: Standing | None = None

    @property
    def plan_standing(self) -> Standing:
        """What decides their plan."""
        return self.standing or Standing(self.groups, self.admin)


@dataclass(frozen=True, slots=True)
class Profile:
    """What everybody may know of a person or a group.

    Attributes:
        name: a person's name, or `@group`.
        labs_count: how many labs the reader may see in a list.
        joined_at: when a person was here first; None for a group.
    """

    name: str
    display_name: str
    labs_count: int
    joined_at: datetime | None
