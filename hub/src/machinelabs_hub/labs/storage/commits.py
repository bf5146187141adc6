"""What the message of a revision's commit says, and back. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which revision of which lab a commit is; `files_count` and `size_bytes` are of its files."""

    uid: str
    number: int
    author: str
    at: datetime
    message: str
    files_count: int
    size_bytes: int
    lab: str
    """`owner/name` as it was then."""


def to_message(stamp: Stamp) -> str:
    """Return the commit message: what the person said, and our trailers as its last paragraph."""
    said = stamp.message.strip() or f"r{stamp.number}"
    return (
        f"{said}\n\n"
        f"Lab: {stamp.lab}\n"
        f"Lab-Id: {stamp.uid}\n"
        f"Revision: {stamp.number}\n"
        f"Author: {stamp.author}\n"
        f"Date: {stamp.at.isoformat()}\n"
        f"Files: {stamp.files_count}\n"
        f"Size: {stamp.size_bytes}\n"
        f"Message: {len(stamp.message.strip())}\n"
    )


def from_message(text: str) -> Stamp | None:
    """Return what `to_message` said, or None where the commit is not one of ours."""
    said, _, trailers = text.rstrip("\n").rpartition("\n\n")
    pairs = (line.partition(": ")[::2] for line in trailers.splitlines())
    known = dict(pairs)
    try:
        return Stamp(
            uid=known["Lab-Id"],
            number=int(known["Revision"]),
            author=known["Author"],
            at=datetime.fromisoformat(known["Date"]),
            message=said[: int(known["Message"])],
            files_count=int(known["Files"]),
            size_bytes=int(known["Size"]),
            lab=known["Lab"],
        )
    except (KeyError, ValueError):
        return None
