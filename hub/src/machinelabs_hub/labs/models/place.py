"""Where a numbered list goes on: the number of the last item seen, as text. Pure."""

import base64
import binascii
import json

from machinelabs_hub.labs.models.cursor import BadCursor

_MOST = 1 << 31


def write_place(name: str, number: int) -> str:
    """Return the cursor after the item `number` of the list called `name`."""
    text = json.dumps([name, number], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(text: str, name: str) -> int:
    """Return the number that a cursor of the list called `name` holds.

    Raises:
        BadCursor: it is none, or one of another list.
    """
    try:
        found, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise BadCursor(_SENTENCE) from error
    if found != name or type(number) is not int or not 0 <= number < _MOST:
        raise BadCursor(_SENTENCE)
    return number


_SENTENCE = "This list cannot go on from there. Start it again without `cursor`."
