"""How values are said to people: what runs were given, and what they measured. Pure."""

import json
import math
from typing import Any, Final

from machinelabs_hub.labs.models.tracking import word_of

_WORDS: Final = {"nan": "NaN", "inf": "∞", "-inf": "-∞"}


def said(value: Any) -> str:
    """Return a value that a run was given, with all its digits: values that differ read so."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.15g}" if math.isfinite(value) else _WORDS[word_of(value)]
    return "None" if value is None else json.dumps(value, ensure_ascii=False)


def measured(value: float | None) -> str:
    """Return a value that a run measured: at most five digits that matter.

    Args:
        value: None: what was measured last is no finite number.
    """
    if value is None:
        return _WORDS["nan"]
    if not math.isfinite(value):
        return _WORDS[word_of(value)]
    if value and (abs(value) >= 1e7 or abs(value) < 1e-4):  # noqa: PLR2004
        factor, _, power = f"{value:.3e}".partition("e")
        return f"{factor.rstrip('0').rstrip('.')}e{int(power)}"
    if value == int(value):
        return f"{int(value):,}"
    digits = max(0, 4 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{min(digits, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
