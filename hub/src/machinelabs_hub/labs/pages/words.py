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

DATASET_ROLES: Final = {
    Role.VIEWER.value: "reads it, and uses it in runs",
    Role.RUNNER.value: "the same",
    Role.EDITOR.value: "also uploads versions and edits its details",
    Role.OWNER.value: "may all that you may: share, delete",
}

ICONS: Final = {
    Kind.NOTEBOOK: "notebook",
    Kind.MARKDOWN: "text",
    Kind.TABLE: "table",
    Kind.IMAGE: "picture",
    Kind.TEXT: "code",
    Kind.BINARY: "binary",
}
