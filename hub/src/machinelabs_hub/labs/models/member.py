"""Whom a lab is shared with, and as what."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do with a lab; each role may all that the ones before it may."""

    VIEWER = "viewer"
    RUNNER = "runner"
    EDITOR = "editor"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """A number to compare roles by."""
        return list(Role).index(self)

    @property
    def noun(self) -> str:
        """How a sentence says it: `an editor`."""
        return f"{'an' if self.value[0] in 'aeo' else 'a'} {self.value}"

    def covers(self, other: "Role") -> bool:
        """Tell whether this role may all that `other` may."""
        return self.rank >= other.rank


class MemberKind(StrEnum):
    """A member is a person, or all people of a group of the hub."""

    PERSON = "person"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Member:
    """A person or a group that a lab is shared with."""

    kind: MemberKind
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Membership:
    """A member, and who made it one."""

    member: Member
    added_by: str
    added_at: datetime
