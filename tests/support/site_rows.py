"""What a site's database holds, read as the tests of GPUs want it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from tests.support.site import Site


def rows(site: Site, query: str, *values: object) -> list[tuple[object, ...]]:
    """Run one statement in the site's database and return its rows."""
    with closing(sqlite3.connect(site.files.database, timeout=10)) as db:
        found = db.execute(query, values).fetchall()
        db.commit()
        return found


def claim_of(site: Site, person: str) -> tuple[str, datetime | None]:
    """Return why the person's last claim ended (empty: it has not), and when."""
    query = "select why, ended_at from claims where user = ? order by granted_at desc limit 1"
    why, ended = rows(site, query, person)[0]
    if ended is None:
        return "", None
    return str(why), datetime.fromisoformat(str(ended)).replace(tzinfo=UTC)


def sentences(site: Site, person: str, kind: str) -> list[str]:
    """Return what the person's servers are told of this kind at this moment."""
    query = "select sentence from notices where user = ? and kind = ? and ended_at is null"
    return [str(row[0]) for row in rows(site, query, person, kind)]
