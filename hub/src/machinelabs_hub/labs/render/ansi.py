"""Terminal text to HTML: colours become classes, everything else that a terminal obeys is gone."""

import re
from html import escape
from typing import Final

_SEQUENCE: Final = re.compile(
    r"\x1b\[([0-9;:]*)m"  # colours and weight: group 1
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other control sequences
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # strings for the terminal: titles, links
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]",
    re.DOTALL,
)
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
    if "\x1b" not in text:
        return escape(_SEQUENCE.sub("", text), quote=False)
    parts: list[str] = []
    style = _Style()
    position = 0
    for match in _SEQUENCE.finditer(text):
        parts.append(style.wrap(text[position : match.start()]))
        position = match.end()
        if match.group(1) is not None:
            style.obey(match.group(1))
    parts.append(style.wrap(text[position:]))
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


class _Style:
    """The colours in force."""

    __slots__ = ("_back", "_flags", "_fore", "_inverse")

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._fore: int | None = None
        self._back: int | None = None
        self._flags: set[str] = set()
        self._inverse = False

    def wrap(self, text: str) -> str:
        if not text:
            return ""
        classes = sorted(self._flags)
        fore, back = (self._back, self._fore) if self._inverse else (self._fore, self._back)
        if fore is not None:
            classes.append(f"ansi-fg-{fore}")
        if back is not None:
            classes.append(f"ansi-bg-{back}")
        if self._inverse and fore is None and back is None:
            classes.append("ansi-inverse")
        safe = escape(text, quote=False)
        return f'<span class="{" ".join(classes)}">{safe}</span>' if classes else safe

    def obey(self, parameters: str) -> None:
        numbers = [int(part) if part else 0 for part in re.split("[;:]", parameters[:200])]
        while numbers:
            number = numbers.pop(0)
            if number == _EXTENDED_FORE:
                self._fore = _extended(numbers)
            elif number == _EXTENDED_BACK:
                self._back = _extended(numbers)
            else:
                self._simple(number)

    def _simple(self, number: int) -> None:
        if number == 0:
            self._reset()
        elif number in _FLAGS:
            self._flags.add(_FLAGS[number])
        elif number in _ENDS:
            self._flags -= _ENDS[number]
        elif number in _INVERSE:
            self._inverse = _INVERSE[number]
        elif number in _FORE:
            self._fore = _FORE[number]
        elif number in _BACK:
            self._back = _BACK[number]


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
