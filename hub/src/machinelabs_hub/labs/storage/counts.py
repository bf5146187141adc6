"""What labs are counted by: stars, public forks, and the trend that both make."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.stars import StarRow
from machinelabs_hub.labs.models.lab import Visibility
from machinelabs_hub.labs.models.trend import MOST_COUNTED, trend


def recount(db: Session, lab_id: int | None) -> None:
    """Count the stars and the public forks of a lab anew; None: there is no such lab."""
    if lab_id is None:
        return
    forks = (
        LabRow.parent_id == lab_id,
        LabRow.visibility == Visibility.PUBLIC,
        LabRow.trashed_at.is_(None),
    )
    stars = StarRow.lab_id == lab_id
    times = [
        *_newest(db, select(LabRow.created_at).where(*forks).order_by(LabRow.created_at.desc())),
        *_newest(db, select(StarRow.at).where(stars).order_by(StarRow.at.desc())),
    ]
    counts = {
        "forks": db.scalar(select(func.count()).select_from(LabRow).where(*forks)) or 0,
        "stars": db.scalar(select(func.count()).select_from(StarRow).where(stars)) or 0,
        "trend": trend(times),
    }
    db.execute(update(LabRow).where(LabRow.id == lab_id).values(counts))


def _newest(db: Session, times: Select[Any]) -> list[datetime]:
    return list(db.scalars(times.limit(MOST_COUNTED)))
