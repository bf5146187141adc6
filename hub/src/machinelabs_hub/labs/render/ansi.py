"""Terminal text to HTML: colours become classes, everything else that a terminal obeys is gone."""

import re
from functools import lru_cache
from html import escape
from typing import Final, NamedTuple

_SEQUENCE: Final = re.compile(
    r"\x1b\[([0-9;:]*)m"  # colours and weight: group 1
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other control sequences
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # strings for the terminal: titles, links
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]",
    re.DOTALL,
)
_BORDER: Final = "\0"
"""Stands in no text from which the sequences are gone."""
_BACKSPACE: Final = re.compile(r"[^\n]\x08")

_PALETTE: Final = (
    (0, 0, 0), (187, 0, 0), (0, 160, 0), (180, 130, 0),
    (0, 80, 200), (170, 0, 170), (0, 150, 160), (170, 170, 170),
    (90, 90, 90), (255, 85, 85), (85, 220, 85), (240, 220, 80),
    (85, 130, 255), (255, 85, 255), (85, 230, 230), (255, 255, 255),
)  # fmt: skip
_CUBE: Final = (0, 95, 135, 175, 215, 255)
_FLAGS: Final = {1: "ansi-bold", 2: "ansi-dim", 3: "ansi-italic", 4: "ansi-underline"}
_ENDS: Final = {22: {"ansi-bold", "ansi-dim"}, 23: {"ansi-italic"}, 24: {"ansi-underline"}}
_INVERSE: Final = {7: True, 27: False}
_FORE: Final[dict[int, int | None]] = {
    39: None, **{30 + i: i for i in range(8)}, **{90 + i: 8 + i for i in range(8)}
}  # fmt: skip
_BACK: Final[dict[int, int | None]] = {
    49: None, **{40 + i: i for i in range(8)}, **{100 + i: 8 + i for i in range(8)}
}  # fmt: skip
_EXTENDED_FORE, _EXTENDED_BACK = 38, 48
_BY_INDEX, _BY_RGB = 5, 2
_CUBE_BEGINS, _GREYS_BEGIN = 16, 232


def to_html(text: str) -> str:
    """Return `text` escaped, with its colours as spans of our classes (`ansi-fg-1` …)."""
    if "\r" in text or "\x08" in text:
        text = settle(text)
    # Plain text and, between two pieces of it, the parameters of a colour or None.
    pieces = _SEQUENCE.split(text)
    # Escaped at once, which costs much less than many short pieces.
    plain = escape(_BORDER.join(pieces[::2]), quote=False).split(_BORDER)
    parts = [plain[0]]
    style, opening = _PLAIN, ""
    for parameters, shown in zip(pieces[1::2], plain[1:], strict=True):
        if parameters is not None:
            style, opening = _after(style, parameters[:200])
        if shown:
            parts.append(f"{opening}{shown}</span>" if opening else shown)
    return "".join(parts)


def strip(text: str) -> str:
    """Return `text` without control sequences."""
    return _SEQUENCE.sub("", settle(text))


def settle(text: str) -> str:
    """Return what a terminal would show in the end: returns and backspaces write over."""
    text = text.replace("\r\n", "\n")
    while "\x08" in text:
        fewer = _BACKSPACE.sub("", text)
        if fewer == text:
            break
        text = fewer
    if "\r" not in text:
        return text
    return "\n".join(_last_written(line) for line in text.split("\n"))


def _last_written(line: str) -> str:
    if "\r" not in line:
        return line
    shown = ""
    for piece in line.split("\r"):
        shown = piece + shown[len(piece) :]
    return shown


class _Style(NamedTuple):
    """The colours in force."""

    fore: int | None = None
    back: int | None = None
    flags: frozenset[str] = frozenset()
    is_inverse: bool = False


_PLAIN: Final = _Style()


def _opening(style: _Style) -> str:
    """Return the tag that begins text of a style; empty for plain text."""
    classes = sorted(style.flags)
    fore, back = style.fore, style.back
    if style.is_inverse:
        fore, back = back, fore
    if fore is not None:
        classes.append(f"ansi-fg-{fore}")
    if back is not None:
        classes.append(f"ansi-bg-{back}")
    if style.is_inverse and fore is None and back is None:
        classes.append("ansi-inverse")
    return f'<span class="{" ".join(classes)}">' if classes else ""


@lru_cache(maxsize=4096)
def _after(style: _Style, parameters: str) -> tuple[_Style, str]:
    """Return the style that a sequence leaves, and the tag that begins text of it.

    Programs write the same few again and again.
    """
    numbers = [int(part) if part else 0 for part in re.split("[;:]", parameters)]
    while numbers:
        number = numbers.pop(0)
        if number == _EXTENDED_FORE:
            style = style._replace(fore=_extended(numbers))
        elif number == _EXTENDED_BACK:
            style = style._replace(back=_extended(numbers))
        else:
            style = _simple(style, number)
    return style, _opening(style)


def _simple(style: _Style, number: int) -> _Style:
    if number == 0:
        return _PLAIN
    if number in _FLAGS:
        return style._replace(flags=style.flags | {_FLAGS[number]})
    if number in _ENDS:
        return style._replace(flags=style.flags - _ENDS[number])
    if number in _INVERSE:
        return style._replace(is_inverse=_INVERSE[number])
    if number in _FORE:
        return style._replace(fore=_FORE[number])
    return style._replace(back=_BACK[number]) if number in _BACK else style


def _extended(numbers: list[int]) -> int | None:
    """Take a 256-colour or an RGB colour from the front of `numbers`; the nearest of 16."""
    kind = numbers.pop(0) if numbers else 0
    if kind == _BY_INDEX and numbers:
        return _nearest(_of_256(numbers.pop(0)))
    if kind == _BY_RGB and len(numbers) > _BY_RGB:
        red, green, blue = (numbers.pop(0) for _ in range(3))
        return _nearest((red, green, blue))
    return None


def _of_256(number: int) -> tuple[int, int, int]:
    if number < _CUBE_BEGINS:
        return _PALETTE[number]
    if number < _GREYS_BEGIN:
        number -= _CUBE_BEGINS
        return _CUBE[number // 36], _CUBE[number // 6 % 6], _CUBE[number % 6]
    grey = 8 + 10 * (min(number, 255) - _GREYS_BEGIN)
    return grey, grey, grey


def _nearest(colour: tuple[int, int, int]) -> int:
    def distance(index: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(_PALETTE[index], colour, strict=True))

    return min(range(16), key=distance)
