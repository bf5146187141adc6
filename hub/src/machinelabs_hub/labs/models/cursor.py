"""Where a list goes on: the last item's place, as text that programs hand back."""

import base64
import binascii
import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.models.page import Sort

_TIMES: Final = {Sort.NEWEST, Sort.UPDATED}
_FRACTIONS: Final = {Sort.RELEVANCE, Sort.TRENDING}


class BadCursor(BadInput):
    """A cursor that no list of ours gave out."""

    code = "bad_cursor"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of the last item seen, in lists of this order."""

    sort: Sort
    value: datetime | int | float
    id: int


def write_cursor(cursor: Cursor) -> str:
    """Return the text of a cursor."""
    value = cursor.value.isoformat() if isinstance(cursor.value, datetime) else cursor.value
    text = json.dumps([cursor.sort, value, cursor.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, sort: Sort) -> Cursor:
    """Return what a text of `write_cursor` says.

    Raises:
        BadCursor: it is none, or one of a list in another order.
    """
    try:
        found, value, row = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        cursor = Cursor(Sort(found), _value(Sort(found), value), _whole(row))
    except (binascii.Error, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise BadCursor(
            "This list cannot go on from there. Start it again without `cursor`."
        ) from error
    if cursor.sort is not sort:
        raise BadCursor("The order of the list changed. Start it again without `cursor`.")
    return cursor


def _value(sort: Sort, value: object) -> datetime | int | float:
    if sort in _FRACTIONS:
        return _fraction(value)
    if sort not in _TIMES:
        return _whole(value)
    if not isinstance(value, str):
        raise TypeError(value)
    when = datetime.fromisoformat(value)
    if when.tzinfo is None:
        raise ValueError(value)
    return when


def _fraction(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(value)
    return float(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 62:
        raise TypeError(value)
    return value
