"""Names of people and labs: what is allowed, what is reserved, how a title becomes a name."""

import re
import unicodedata
from typing import Final

from machinelabs_hub.errors import BadInput

PERSON: Final = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]|[a-z]")
LAB: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]|[a-z0-9]")

GROUP: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}", re.IGNORECASE | re.ASCII)
"""Groups of the hub that can own labs; their labs are at `@group/lab`."""

RESERVED: Final = frozenset(
    {
        "about", "api", "assets", "accounts", "connect", "courses", "datasets", "docs", "explore",
        "favicon", "groups", "health", "help", "home", "hub", "labs", "limits", "login", "logout",
        "me", "metrics", "new", "oauth", "oauth-callback", "people", "runs", "search", "services",
        "settings", "share", "shared", "sign-in", "static", "templates", "trash", "user", "users",
        "labs--service", "www",
    }
)  # fmt: skip
"""Words that are pages of ours: no person and no group may be called so."""

RESERVED_LAB_PARTS: Final = frozenset(
    {"open", "edit", "embed", "files", "forks", "new", "revisions", "runs", "proposals",
     "settings", "tree", "raw", "compare", "archive"}
)  # fmt: skip
"""Words that follow a lab's name in an address; a lab may not be called so either."""


def check_person_name(name: str) -> str:
    """Return `name` if a person or a group may be called so.

    Raises:
        BadInput: with a sentence that says what is wrong with it.
    """
    if not PERSON.fullmatch(name):
        raise BadInput(
            f"“{shown(name)}” cannot be a user name. Use 1 to 32 lower-case letters, digits and "
            "hyphens, beginning with a letter and not ending with a hyphen."
        )
    if name in RESERVED or "--" in name:
        raise BadInput(f"The name “{name}” is kept for a page of this site. Choose another.")
    return name


def can_own(group: str) -> bool:
    """Tell whether labs can be at `@group`: other groups can only be shared with."""
    return GROUP.fullmatch(group) is not None


def check_lab_name(name: str) -> str:
    """Return `name` if a lab may be called so.

    Raises:
        BadInput: with a sentence that says what is wrong with it.
    """
    if not LAB.fullmatch(name):
        raise BadInput(
            f"“{shown(name)}” cannot be a lab's name. Use 1 to 64 lower-case letters, digits and "
            "hyphens, not beginning or ending with a hyphen."
        )
    if name in RESERVED_LAB_PARTS:
        raise BadInput(f"The name “{name}” is kept for a page of every lab. Choose another.")
    return name


def check_dataset_name(name: str) -> str:
    """Return `name` if a dataset may be called so.

    Raises:
        BadInput: with a sentence that says what is wrong with it.
    """
    if not LAB.fullmatch(name):
        raise BadInput(
            f"“{shown(name)}” cannot be a dataset's name. Use 1 to 64 lower-case letters, digits "
            "and hyphens, not beginning or ending with a hyphen."
        )
    return name


def lab_name_from_title(title: str) -> str:
    """Return a valid lab name made from `title`: `Élan vital!` becomes `elan-vital`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].strip("-")
    if not name:
        return "lab"
    return f"{name}-lab" if name in RESERVED_LAB_PARTS else name


def shown(text: str, limit: int = 60) -> str:
    """Return `text` fit for a sentence: control characters escaped, at most `limit` characters."""
    safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
