"""What a person says of a lab: checked, and kept beside the lab's content."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from machinelabs_hub.catalog.model import Catalog
from machinelabs_hub.labs.models import words
from machinelabs_hub.labs.models.address import FormerAddress
from machinelabs_hub.labs.models.config import LabConfig
from machinelabs_hub.labs.models.lab import Lab, LabChange, LabDraft, Visibility
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.rows import Details


def from_draft(draft: LabDraft, config: LabConfig, catalog: Catalog) -> Details:
    """Return checked details of a new lab; what the draft leaves open its `ml.yaml` says."""
    return Details(
        title=words.check_title(draft.title),
        description=words.check_description(draft.description),
        tags=words.check_tags(draft.tags),
        visibility=draft.visibility,
        licence=words.check_licence(draft.licence),
        image=_image(draft.image or config.image, catalog),
        flavour=_flavour(draft.flavour or config.flavour, catalog),
        open_from=opened(draft.visibility),
    )


def of(lab: Lab) -> Details:
    """Return the details that a lab has."""
    return Details(
        title=lab.title,
        description=lab.description,
        tags=lab.tags,
        visibility=lab.visibility,
        licence=lab.licence,
        image=lab.image,
        flavour=lab.flavour,
        open_from=lab.open_from,
    )


def changed(lab: Lab, change: LabChange, catalog: Catalog) -> Details:
    """Return the details of a lab with `change` made to them, checked."""
    was = of(lab)
    visibility = change.visibility or was.visibility
    return Details(
        title=was.title if change.title is None else words.check_title(change.title),
        description=was.description
        if change.description is None
        else words.check_description(change.description),
        tags=was.tags if change.tags is None else words.check_tags(change.tags),
        visibility=visibility,
        licence=was.licence if change.licence is None else words.check_licence(change.licence),
        image=was.image if change.image is None else _image(change.image, catalog),
        flavour=was.flavour if change.flavour is None else _flavour(change.flavour, catalog),
        open_from=opened(
            visibility, lab.revision, was.open_from, whole_history=change.whole_history
        ),
    )


def opened(
    visibility: Visibility, revision: int = 1, was: int = 0, *, whole_history: bool = False
) -> int:
    """Return the first revision that others than members may read; 0: none was ever open.

    Args:
        visibility: what the lab has from now on.
        revision: its newest revision.
        was: the answer until now.
        whole_history: its owner shows all of it.
    """
    if visibility is Visibility.PRIVATE:
        return was
    return 1 if whole_history else was or revision


def with_config(was: Details, config: LabConfig) -> Details:
    """Return details with the image and the flavour that the newest `ml.yaml` asks for."""
    return replace(was, image=config.image or was.image, flavour=config.flavour or was.flavour)


def to_json(
    *,
    owner: str,
    name: str,
    details: Details,
    created_at: datetime,
    parent: Lab | None = None,
    trashed_at: datetime | None = None,
) -> dict[str, Any]:
    """Return what is kept beside a lab's content, so that its row can be made anew."""
    return {
        "owner": owner,
        "name": name,
        **asdict(details),
        "created_at": created_at.isoformat(),
        "trashed_at": trashed_at and trashed_at.isoformat(),
        "parent": parent
        and {
            "uid": parent.uid,
            "owner": parent.owner,
            "name": parent.name,
            "revision": parent.revision,
        },
    }


def keep(tools: Tools, store: str, uid: str, changes: dict[str, Any]) -> None:
    """Change what is kept beside a lab's content; call it before the row is changed."""
    kept = tools.repos.read_details(store, uid) or {}
    tools.repos.write_details(store, uid, kept | changes)


def keep_address(
    tools: Tools, lab: Lab, owner: str, name: str, former: Iterable[FormerAddress]
) -> None:
    """Keep where a lab is, and where it was."""
    where = {"owner": owner, "name": name, "former": [address.kept() for address in former]}
    keep(tools, lab.store, lab.uid, where)


def keep_trashed(tools: Tools, lab: Lab, at: datetime | None) -> None:
    """Keep that a lab went to the trash (None: that it came back)."""
    keep(tools, lab.store, lab.uid, {"trashed_at": at and at.isoformat()})


def keep_parent_gone(tools: Tools, parent: Lab, uid: str, *, is_named: bool) -> None:
    """Keep that the parent of the lab `uid` is purged: under its last name, or under none."""
    kept = tools.repos.read_details(parent.store, uid) or {}
    said = kept.get("parent") or {}
    last = said | {"owner": parent.owner, "name": parent.name}
    tools.repos.write_details(
        parent.store, uid, kept | {"parent": last if said and is_named else None}
    )


def keep_synced(
    tools: Tools, lab: Lab, synced: int, *, update: int | None, before: int | None
) -> None:
    """Keep which revision of its parent a lab has merged in.

    Args:
        tools: the parts.
        lab: the fork.
        synced: the parent's revision.
        update: the fork's revision that merged it; None: that was undone.
        before: what was merged in before that.
    """
    said = (tools.repos.read_details(lab.store, lab.uid) or {}).get("parent")
    if said:
        last = update and {"revision": update, "before": before}
        keep(tools, lab.store, lab.uid, {"parent": said | {"synced": synced, "update": last}})


def last_update(tools: Tools, lab: Lab) -> tuple[int, int] | None:
    """Return the revision of a lab that its last update made, and what was merged in before."""
    said = (tools.repos.read_details(lab.store, lab.uid) or {}).get("parent") or {}
    last = said.get("update")
    return (last["revision"], last["before"]) if last else None


def changes_to(details: Details) -> dict[str, Any]:
    """Return new details as they are kept."""
    return asdict(details)


def _image(name: str | None, catalog: Catalog) -> str | None:
    return catalog.image(name).name if name else None


def _flavour(name: str | None, catalog: Catalog) -> str | None:
    return catalog.flavour(name).name if name else None
