"""Whether two texts that programs wrote say the same: addresses and times apart, numbers nearly."""

import math
import re
from enum import IntEnum
from html import unescape
from typing import Final

RELATIVE: Final = 1e-3
"""By how much of itself a number may differ."""
TINY: Final = 1e-9
"""Numbers nearer to each other than this are the same: rounding alone makes them."""
LAST_PLACE: Final = 1e-2
"""One step of the last decimal that is written is no difference, up to this much of the number."""
LONGEST: Final = 500_000
"""Characters of a text that are looked at number by number; longer ones must be equal."""


class Near(IntEnum):
    """How near two things are; the largest of several is that of all."""

    SAME = 0
    NEAR = 1
    FAR = 2


def compare_texts(before: str, after: str) -> tuple[Near, str]:
    """Return how near two texts are, and what differs first, in a sentence."""
    if before == after or (before := steady(before)) == (after := steady(after)):
        return Near.SAME, ""
    if max(len(before), len(after)) > LONGEST:
        return Near.FAR, "Its text differs, and is too long to say where."
    return _by_numbers(_NUMBER.split(before), _NUMBER.split(after))


def _by_numbers(old: list[str], new: list[str]) -> tuple[Near, str]:
    near = Near.SAME
    # Every second piece is a number.
    for at, (was, now) in enumerate(zip(old, new, strict=False)):
        if was == now:
            continue
        if not at % 2:
            return Near.FAR, _differs(was, now)
        if not is_near(was, now):
            return Near.FAR, f"It shows {now[:40]} where the revision shows {was[:40]}."
        near = Near.NEAR
    if len(old) != len(new):
        shorter = "less" if len(new) < len(old) else "more"
        return Near.FAR, f"It shows {shorter} than the revision."
    return near, ""


def is_near(before: str, after: str) -> bool:
    """Tell whether two numbers, as they are written, are the same within the tolerance.

    Whole numbers are counts and must be equal.
    """
    if before.lstrip("+-").isdecimal() and after.lstrip("+-").isdecimal():
        return int(before) == int(after) if len(before) < _DIGITS > len(after) else before == after
    was, now = float(before), float(after)
    if not (math.isfinite(was) and math.isfinite(now)):
        return was == now
    size = max(abs(was), abs(now))
    may = max(RELATIVE * size, TINY, min(_last_place(before), LAST_PLACE * size))
    # Half of a step is lost in reading the decimals as binary.
    return abs(was - now) <= may * (1 + 1e-6)


def steady(text: str) -> str:
    """Return a text without what differs from run to run: addresses, times, temporary folders."""
    text = _ANSI.sub("", text).replace("\r\n", "\n")
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(lines).strip()


def text_of_html(html: str) -> str:
    """Return what HTML says, a line for each row; comments, scripts and styles left out.

    No sign of it is looked at more than a few times: code of people wrote it, to any end.
    """
    pieces, at = [], 0
    while found := _TAG.search(html, at):
        pieces.append(_unescaped(html[at : found.start()]))
        at = found.end()
        name = (found["name"] or "").lower()
        if found[0] == "<!--":
            closed = _COMMENT_END.search(html, at)
            end = closed.end() if closed else -1
        elif name in _HIDDEN and not found["end"]:
            closed = _HIDDEN[name].search(html, at)
            end = closed.start() if closed else -1
        else:
            if not found["end"]:
                pieces.append("\n" if name in _ROWS else " " if name in _CELLS else "")
            continue
        if end < 0:
            return "".join(pieces)
        at = end
    return "".join((*pieces, _unescaped(html[at:])))


def _unescaped(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:
        # The number of a sign with more digits than any has.
        return text


_TAG: Final = re.compile(
    # Nothing goes on over the next `<`, so that what never ends is not read again and again.
    r"<!--|<(?P<end>/?)(?P<name>[a-zA-Z][^\s<>/]*+)(?:[^<>\"']++|\"[^<\"]*+\"|'[^<']*+')*+>"
    r"|<[!?][^<>]*+>"
)
_COMMENT_END: Final = re.compile("-->")
_HIDDEN: Final = {name: re.compile(f"</{name}\\b", re.IGNORECASE) for name in ("script", "style")}
_CELLS: Final = frozenset({"td", "th"})
_ROWS: Final = frozenset({"tr", "p", "div", "br", "li", "h1", "h2", "h3", "h4", "pre"})
_NUMBER: Final = re.compile(r"((?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?)")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_SPACES: Final = re.compile(r"[ \t\u00a0]+|-{4,}|={4,}|─{4,}")
_ELSEWHERE: Final = "/‹temporary›"
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY: Final = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?"
_UNIT: Final = (
    r"(?:ns|[µμu]s|ms|s|secs?|seconds?|mins?|minutes?|h|hours?)"
    r"(?:/(?:it|iter|step|epoch|batch|loop|sample))?"
)
_VOLATILE: Final = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b0x[0-9a-fA-F]{4,}\b", "0x…"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "‹id›"),
        (r"/(?:private/)?(?:tmp|var/tmp|var/folders|dev/shm)/[^\s'\"<>,;:)\]]+", _ELSEWHERE),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b",
         "‹time›"),
        (rf"{_DAY}\b{_MONTH} +\d{{1,2}} +\d{{1,2}}:\d\d:\d\d +\d{{4}}\b", "‹time›"),
        (rf"{_DAY}\b{_MONTH} +\d{{1,2}}(?:,? +\d{{4}})?\b", "‹time›"),
        (rf"{_DAY}\b\d{{1,2}} +{_MONTH}(?: +\d{{4}})?\b", "‹time›"),
        (r"\b\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?\b", "‹time›"),
        (rf"\b\d+(?:\.\d+)?(?:e[-+]?\d+)?[  ]?{_UNIT}(?![\w])", "‹time›"),
        (r"\b\d+(?:\.\d+)?[  ]?(?:it|iter|steps?|batch(?:es)?|samples?)/s\b", "‹time›"),
        (r"‹time›(?:[, ]*(?:‹time›|:))+", "‹time›"),
        (r"\b[Pp][Ii][Dd][ =:]+\d+", "pid"),
    )
)  # fmt: skip
_DIGITS: Final = 4000


def _last_place(number: str) -> float:
    """Return one step of the last decimal that is written; 0: it has none."""
    digits, _, power = number.lower().partition("e")
    decimals = len(digits.partition(".")[2])
    if "." not in digits or len(power) > _LONGEST_POWER or abs(int(power or 0)) > _EXPONENT:
        return 0.0
    return float(10.0 ** (int(power or 0) - decimals))


_EXPONENT: Final = 300
_LONGEST_POWER: Final = 4


def _differs(before: str, after: str) -> str:
    at = next(
        (at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    start = max(0, at - 12)
    was, now = (" ".join(text[start : at + 40].split()) for text in (before, after))
    if not was or not now:
        return f"It shows {'less' if not now else 'more'} than the revision."
    return f"It shows “{now}” where the revision shows “{was}”."
