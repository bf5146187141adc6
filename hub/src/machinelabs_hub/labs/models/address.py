"""Where a lab was before it was renamed or moved, and where it goes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class FormerAddress:
    """Where a lab was, and until when; that address leads to it still."""

    owner: str
    name: str
    left_at: datetime

    def kept(self) -> dict[str, str]:
        """Return it as it is kept beside the lab's content."""
        return {"owner": self.owner, "name": self.name, "left_at": self.left_at.isoformat()}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Return what `kept` said."""
        return cls(kept["owner"], kept["name"], datetime.fromisoformat(kept["left_at"]))


@dataclass(frozen=True, slots=True)
class NewAddress:
    """Where a lab goes, and who sends it there."""

    owner: str
    name: str
    by: str
