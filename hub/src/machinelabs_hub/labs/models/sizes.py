"""How sizes and times are said to people. Pure."""

from typing import Final

_STEP: Final = 1024
_MINUTE: Final = 60


def size(count: int) -> str:
    """Return bytes as people say them: `14 B`, `2.3 kB`, `40 MB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _STEP or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"  # noqa: PLR2004
        value /= _STEP
    raise AssertionError


def about(seconds: float) -> str:
    """Return a time roughly, as people say it: `4 s`, `3 min`, `2 h`."""
    for unit, length in (("h", _MINUTE * _MINUTE), ("min", _MINUTE)):
        if seconds >= length * 1.5:  # 80 s are rather seconds than minutes
            return f"{seconds / length:.0f} {unit}"
    return f"{max(1, round(seconds))} s"


def duration(seconds: float) -> str:
    """Return a time as people say it: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
