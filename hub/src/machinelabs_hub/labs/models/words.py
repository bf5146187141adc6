"""What people write about a lab, checked and put in order. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.models.licences import BY_ID, LICENCES
from machinelabs_hub.names import shown

LONGEST_TITLE: Final = 200
LONGEST_DESCRIPTION: Final = 4000
LONGEST_MESSAGE: Final = 1000
LONGEST_TAG: Final = 32
MOST_TAGS: Final = 10
_TAG: Final = re.compile(r"[^\W_][\w.+#-]*")


class BadWords(BadInput):
    """A title, description or message that cannot be used."""

    code = "bad_text"


class BadTag(BadInput):
    """A tag that cannot be used, or too many of them."""

    code = "bad_tag"


class UnknownLicence(BadInput):
    """A licence that is not on the list."""

    code = "unknown_licence"


def check_title(title: str, what: str = "lab") -> str:
    """Return a title in one line."""
    text = " ".join(_clean(title, "title").split())
    if not text:
        raise BadWords(f"A {what} needs a title.")
    return _at_most(text, LONGEST_TITLE, "title")


def check_description(description: str) -> str:
    """Return a description without spaces around it."""
    return _at_most(_clean(description, "description").strip(), LONGEST_DESCRIPTION, "description")


def check_message(message: str) -> str:
    """Return what a person says about a revision."""
    return _at_most(_clean(message, "message").strip(), LONGEST_MESSAGE, "message")


def check_text(text: str, what: str, longest: int) -> str:
    """Return what a person wrote, markdown or plain, without spaces around it."""
    return _at_most(_clean(text, what).strip(), longest, what)


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags in one spelling, each once: ` Deep Learning ` becomes `deep-learning`."""
    found = dict.fromkeys(spelled for tag in tags if (spelled := tag_of(tag)))
    if len(found) > MOST_TAGS:
        raise BadTag(f"A lab may have {MOST_TAGS} tags. You gave {len(found)}.")
    return tuple(found)


def tag_of(text: str) -> str:
    """Return one tag in its one spelling; empty text gives an empty tag."""
    tag = "-".join(unicodedata.normalize("NFKC", text).casefold().split())
    if tag and (len(tag) > LONGEST_TAG or not _TAG.fullmatch(tag)):
        raise BadTag(
            f"“{shown(text)}” cannot be a tag. Use at most {LONGEST_TAG} letters, digits and "
            "hyphens."
        )
    return tag


def check_licence(licence: str, what: str = "lab") -> str:
    """Return the identifier of a licence on the list."""
    if licence not in BY_ID:
        some = ", ".join(known.id for known in LICENCES[:4])
        raise UnknownLicence(
            f"“{shown(licence)}” is not a licence that a {what} can have here. Use an SPDX "
            f"identifier from the list, such as {some}."
        )
    return licence


def _clean(text: str, what: str) -> str:
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\r\t":
            raise BadWords(f"The {what} has a character that cannot be shown. Take it out.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _at_most(text: str, longest: int, what: str) -> str:
    if len(text) > longest:
        raise BadWords(f"The {what} has {len(text)} characters. It may have {longest}.")
    return text
