"""Words as the database compares them: lower case, no accents, a space between. Pure."""

import re
import unicodedata
from typing import Final

_SEPARATORS: Final = re.compile(r"[\W_]+")
_LATIN_MARKS: Final = re.compile("[\u0300-\u036f]+")
_WRITTEN_WITHOUT_SPACES: Final = re.compile(
    "([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"
)


def folded(text: str) -> str:
    """Return the words of a text, as labs are found by them; no sign of it means anything.

    `Île-de-France_2` becomes `ile de france 2`; in scripts without spaces each sign is a word.
    """
    text = text.casefold()
    if text.isascii():
        return " ".join(_SEPARATORS.sub(" ", text).split())
    text = _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", text))
    kept = (char if _is_of_a_word(char) else " " for char in unicodedata.normalize("NFKC", text))
    return " ".join(_WRITTEN_WITHOUT_SPACES.sub(r" \1 ", "".join(kept)).casefold().split())


def _is_of_a_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"
