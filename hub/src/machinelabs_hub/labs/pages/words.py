"""How the pages say sizes, kinds of files, visibilities and orders."""

from typing import Final

from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.member import Role
from machinelabs_hub.labs.models.page import Sort
from machinelabs_hub.labs.render.files import Kind

ORDERS: Final = {
    Sort.NEWEST.value: "Newest",
    Sort.UPDATED.value: "Last changed",
    Sort.STARS.value: "Most stars",
    Sort.FORKS.value: "Most forked",
    Sort.TRENDING.value: "Trending",
}

VISIBILITIES: Final = {
    Visibility.PUBLIC.value: "everybody, also without signing in",
    Visibility.UNLISTED.value: "everybody who knows its address",
    Visibility.SIGNED_IN.value: "everybody who is signed in",
    Visibility.PRIVATE.value: "only its owner and whom it is shared with",
}

ROLES: Final = {
    Role.VIEWER.value: "reads it",
    Role.RUNNER.value: "reads, forks and runs it",
    Role.EDITOR.value: "also publishes revisions and edits its details",
    Role.OWNER.value: "may all that you may: share, rename, give away, delete",
}

ICONS: Final = {
    Kind.NOTEBOOK: "notebook",
    Kind.MARKDOWN: "text",
    Kind.TABLE: "table",
    Kind.IMAGE: "picture",
    Kind.TEXT: "code",
    Kind.BINARY: "binary",
}

_STEP: Final = 1024
_MINUTE: Final = 60


def size(count: int) -> str:
    """Return bytes as people say them: `14 B`, `2.3 kB`, `40 MB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _STEP or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"  # noqa: PLR2004
        value /= _STEP
    raise AssertionError


def duration(seconds: float) -> str:
    """Return a time as people say it: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
