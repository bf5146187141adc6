"""Which labs a query asks for, among those that its reader may come across: the conditions.

Every statement that lists or counts labs is bound by them; who may see what is said in `listing`.
"""

from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.tables.labs import LabRow, LabTagRow
from machinelabs_hub.db.tables.stars import StarRow
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.page import LabQuery
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage.listing import explored, listed, owned_by, shared_with

MOST_GATHERED: Final = 2000

_EQUAL: Final = {
    "image": LabRow.image,
    "flavour": LabRow.flavour,
    "language": LabRow.language,
    "licence": LabRow.licence,
}
_OPEN: Final = (Visibility.PUBLIC, Visibility.SIGNED_IN)


def is_frequent(db: Session, tag: str) -> bool:
    """Tell whether labs with `tag` are so many that one meets them on any way.

    Then a list is walked in its order and looked at for the tag; else those that have it are
    gathered and sorted. The other way round each costs a look at every lab.
    """
    if not tag:
        return False
    some = select(LabTagRow.lab_id).where(LabTagRow.tag == tag).limit(MOST_GATHERED).subquery()
    return db.scalar(select(func.count()).select_from(some)) == MOST_GATHERED


def wanted(
    query: LabQuery, viewer: Person | None, *, is_frequent: bool
) -> list[ColumnElement[bool]]:
    """Return what must hold of each lab that `query` asks for, and that `viewer` may see.

    Args:
        query: what is asked for.
        viewer: who asks.
        is_frequent: what `is_frequent` says of the query's tag.
    """
    seen = listed(viewer) if query.owner or query.starred_by else explored(viewer)
    found = [LabRow.trashed_at.is_(None), seen]
    if query.owner:
        found.append(LabRow.owner == query.owner)
    if query.tag:
        has_it = select(LabTagRow.lab_id).where(LabTagRow.tag == query.tag)
        on_the_way = has_it.where(LabTagRow.lab_id == LabRow.id).exists()
        found.append(on_the_way if is_frequent else LabRow.id.in_(has_it))
    if query.starred_by:
        starred = select(StarRow.lab_id).where(StarRow.person == query.starred_by)
        found.append(LabRow.id.in_(starred))
    found += [
        column == getattr(query, name) for name, column in _EQUAL.items() if getattr(query, name)
    ]
    if query.has_outputs is not None:
        found.append(LabRow.has_outputs.is_(query.has_outputs))
    if query.runs_clean is not None:
        found.append(LabRow.runs_clean.is_(query.runs_clean))
    if query.is_featured is not None:
        is_featured = LabRow.featured_at.is_not(None)
        found.append(is_featured if query.is_featured else ~is_featured)
    if not (query.owner or query.q or query.starred_by):
        # A fork that nobody worked on yet would only repeat its original here.
        found.append(or_(LabRow.parent_id.is_(None), LabRow.revision > 1))
    return found


def branches(query: LabQuery, viewer: Person | None) -> list[ColumnElement[bool]]:
    """Cut what `viewer` may come across into parts that an index can give in order, each.

    Together they hold all that `explored(viewer)` allows; as one condition they would be sorted
    anew for every page, however many labs there are.
    """
    if query.owner or query.starred_by:
        return [LabRow.id.is_not(None)]
    public = LabRow.visibility == Visibility.PUBLIC
    if viewer is None or viewer.is_service:
        return [public]
    held = or_(owned_by(viewer), shared_with(viewer))
    signed_in = LabRow.visibility == Visibility.SIGNED_IN
    return [public, signed_in, and_(LabRow.visibility.not_in(_OPEN), held)]
