"""What every page of a lab shows around its tab: name, facts, lineage, tabs."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from machinelabs_hub.errors import NotFound
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import (
    Action,
    first_open,
    may_leave,
    publishes_as,
    works_on,
)
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.licences import BY_ID
from machinelabs_hub.labs.models.revision import FileEntry, Revision
from machinelabs_hub.labs.pages.addresses import lab_url, person_url, raw_base, revision_url
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.words import ICONS
from machinelabs_hub.labs.render.files import Kind, kind_of
from machinelabs_hub.labs.services.needs import measured


@dataclass(frozen=True, slots=True)
class Upstream:
    """The lab that a fork came from, and its newest revision where the reader may know it."""

    owner: str
    name: str
    revision: int
    exists: bool
    newest: int | None
    has: int
    url: str
    """Its page in that revision, or in the newest where the reader may not read that one."""
    update: str
    """Where the reader can update the fork from it; empty: nowhere."""


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file as pages name it."""

    path: str
    name: str
    size: int
    icon: str
    raw: str


def shown_file(lab: Lab, number: int, entry: FileEntry) -> ShownFile:
    """Return how pages name a file."""
    raw = raw_base(lab, number) + quote(entry.path)
    return ShownFile(entry.path, entry.name, entry.size, ICONS[kind_of(entry.name)], raw)


def numbered(text: str) -> int:
    """Return the number of a revision in an address: `@r3` is 3."""
    digits = text.removeprefix("@r")
    if not text.startswith("@r") or not digits.isdecimal() or len(digits) > 9:  # noqa: PLR2004
        raise NoPage
    return int(digits)


def frame(ctx: Context, lab: Lab, tab: str, *, revision: Revision | None = None) -> dict[str, Any]:
    """Return what `lab.html` needs.

    Args:
        ctx: the request.
        lab: what it is about; the reader may see it.
        tab: which of the tabs is open.
        revision: the revision that is shown; None is the newest.
    """
    url = lab_url(lab)
    here = revision_url(lab, revision.number) if revision else url
    return {
        "lab": lab,
        "url": url,
        "here": here,
        "tab": tab,
        "tabs": _tabs(ctx, lab, url, here, revision),
        "mine": works_on(ctx.person, lab),
        # Who is not signed in yet is asked to when they open it.
        "may_open": ctx.person is None or ctx.labs.may(Action.FORK, lab),
        "run_here": _run_here(ctx, lab, url, revision),
        "needs": measured(ctx.tools, ctx.person, lab),
        "badge": ctx.verify.badge(lab) if here == url else None,
        "licence": BY_ID[lab.licence].id if lab.licence in BY_ID else lab.licence,
        "parent": _upstream(ctx, lab),
        "revision": revision,
        "propose": _propose(ctx, lab),
        "acts": _acts(ctx, lab, url),
        "starred": ctx.stars.is_mine(lab),
    }


def _tabs(
    ctx: Context, lab: Lab, url: str, here: str, revision: Revision | None
) -> list[tuple[str, str, str, int | None]]:
    first = "Notebook"
    if lab.entrypoint and kind_of(lab.entrypoint) is not Kind.NOTEBOOK:
        first = "Script"
    tabs: list[tuple[str, str, str, int | None]] = [
        ("notebook", first, here, None),
        ("files", "Files", f"{here}/files", (revision or lab).files_count),
        ("revisions", "Revisions", f"{url}/revisions", lab.revision),
        ("runs", "Runs", f"{url}/runs", None),
        ("forks", "Forks", f"{url}/forks", lab.forks),
        ("proposals", "Proposals", f"{url}/proposals", ctx.proposals.count(lab)),
    ]
    if ctx.labs.may(Action.EDIT, lab):
        tabs.append(("settings", "Settings", f"{url}/settings", None))
    return tabs


def _run_here(ctx: Context, lab: Lab, url: str, revision: Revision | None) -> str:
    """Return where the reader orders a run of what is shown; empty: nowhere."""
    if not lab.entrypoint or not (ctx.person is None or ctx.labs.may(Action.RUN, lab)):
        return ""
    if revision is not None and revision.number != lab.revision:
        return f"{url}/runs/new?revision={revision.number}"
    return f"{url}/runs/new"


def _acts(ctx: Context, lab: Lab, url: str) -> list[tuple[str, str]]:
    """Return what else the reader can do with a lab, as words and addresses."""
    if ctx.person is None:
        return []
    acts = []
    if lab.entrypoint and ctx.labs.may(Action.RUN, lab):
        acts.append(("Verify…", f"{url}/verify"))
    if len(publishes_as(ctx.person)) > 1 and ctx.labs.may(Action.FORK, lab):
        acts.append(("Fork to a group…", f"{url}/fork"))
    if may_leave(ctx.person, lab):
        acts.append(("Leave this lab…", f"{url}/leave"))
    return acts


def _propose(ctx: Context, lab: Lab) -> str:
    """Return where the reader can offer this fork's changes to its parent; empty: nowhere."""
    parent = lab.parent
    if parent is None or not parent.exists or not ctx.labs.may(Action.EDIT, lab):
        return ""
    base = f"{person_url(parent.owner)}/{quote(parent.name, safe='')}"
    return f"{base}/proposals/new?fork={quote(lab.path)}"


def _upstream(ctx: Context, lab: Lab) -> Upstream | None:
    parent = lab.parent
    if parent is None:
        return None
    newest, exists, url = None, parent.exists, ""
    if exists:
        try:
            above = ctx.labs.get(parent.owner, parent.name)
        except NotFound:
            exists = False
        else:
            newest = above.revision
            is_open = parent.revision >= first_open(ctx.person, above)
            url = f"{lab_url(above)}/@r{parent.revision}" if is_open else lab_url(above)
    may_update = newest is not None and ctx.labs.may(Action.EDIT, lab)
    update = f"{lab_url(lab)}/update" if may_update else ""
    return Upstream(
        parent.owner, parent.name, parent.revision, exists, newest, parent.has, url, update
    )
