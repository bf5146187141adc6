"""Where a list goes on: the number or the path of the last item seen, as text. Pure."""

import base64
import binascii
import json

from machinelabs_hub.labs.models.cursor import BadCursor

_MOST = 1 << 31


def write_place(name: str, at: int | str) -> str:
    """Return the cursor after the item `at` of the list called `name`."""
    text = json.dumps([name, at], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(text: str, name: str) -> int:
    """Return the number that a cursor of the list called `name` holds.

    Raises:
        BadCursor: it is none, or one of another list.
    """
    number = _read(text, name)
    if type(number) is not int or not 0 <= number < _MOST:
        raise BadCursor(_SENTENCE)
    return number


def read_path(text: str, name: str) -> str:
    """Return the path that a cursor of the list called `name` holds.

    Raises:
        BadCursor: it is none, or one of another list.
    """
    path = _read(text, name)
    if not isinstance(path, str):
        raise BadCursor(_SENTENCE)
    return path


def _read(text: str, name: str) -> object:
    try:
        found, at = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise BadCursor(_SENTENCE) from error
    if found != name:
        raise BadCursor(_SENTENCE)
    return at


_SENTENCE = "This list cannot go on from there. Start it again without `cursor`."
