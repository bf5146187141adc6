"""Formulas: LaTeX to MathML on the server, so that reading one needs no script.

`Formulas` takes formulas out of a text before it is cleaned and puts MathML of our own making back
after it, so that the allow-list need not know MathML, whose parsing rules hide many an escape.
"""

import re
import secrets
from functools import lru_cache
from html import escape
from typing import Final
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert

from machinelabs_hub.labs.render.clean import MATHS_TAG

LONGEST: Final = 4_000
"""A longer formula, in characters, is shown as its source."""
MOST: Final = 3_000
"""Further formulas of one text are shown as their source."""

_DEEPEST_BRACES: Final = 60
_TAGS: Final = frozenset({
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "ms", "mfrac", "msqrt", "mroot",
    "mstyle", "mpadded", "mphantom", "mfenced", "menclose", "msub", "msup", "msubsup", "munder",
    "mover", "munderover", "mmultiscripts", "mprescripts", "none", "mtable", "mtr", "mtd",
    "mlabeledtr",
})  # fmt: skip
_ATTRIBUTES: Final = frozenset({
    "accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display",
    "displaystyle", "fence", "form", "height", "largeop", "linethickness", "lspace", "mathcolor",
    "mathsize", "mathvariant", "maxsize", "minsize", "movablelimits", "notation", "rowalign",
    "rowlines", "rowspacing", "rspace", "scriptlevel", "separator", "stretchy", "symmetric",
    "voffset", "width",
})  # fmt: skip
_VALUE: Final = re.compile(r"[\w .,%#+-]*")
_MARK: Final = re.compile(rf'<{MATHS_TAG} value="([0-9a-f]+)-([0-9]+)"></{MATHS_TAG}>')
_MATHML: Final = "{http://www.w3.org/1998/Math/MathML}"
_LABEL: Final = re.compile(r"\s*(?:\\tag\*?\{[^}]*\}|\\label\{[^}]*\}|\\nonumber|\\notag)")
_NUMBERED: Final = re.compile(r"\\(begin|end)\{(align|equation|gather|multline|eqnarray)\}")


class Formulas:
    """The formulas of one text, out of its way while it is cleaned."""

    def __init__(self) -> None:
        # Nobody can write a mark that stands for a formula: it is drawn anew for every text.
        self._secret = secrets.token_hex(8)
        self._kept: list[str] = []

    def keep(self, latex: str, *, block: bool) -> str:
        """Take a formula and return the mark that stands for it."""
        shown = mathml(latex, block) if len(self._kept) < MOST else as_source(latex)
        self._kept.append(shown)
        return f'<{MATHS_TAG} value="{self._secret}-{len(self._kept) - 1}"></{MATHS_TAG}>'

    def restore(self, cleaned: str) -> str:
        """Return `cleaned` with every mark replaced by its formula."""
        if not self._kept:
            return cleaned
        return _MARK.sub(self._formula, cleaned)

    def _formula(self, mark: re.Match[str]) -> str:
        secret, number = mark.groups()
        return self._kept[int(number)] if secret == self._secret else mark[0]


@lru_cache(maxsize=4096)
def mathml(latex: str, block: bool) -> str:  # noqa: FBT001 - a cache wants positions
    """Return `latex` as MathML, or as its source where it cannot be read."""
    latex = latex.strip()
    if len(latex) > LONGEST or _depth(latex) > _DEEPEST_BRACES:
        return as_source(latex)
    try:
        tree = ET.fromstring(  # noqa: S314 - our converter's own output, bounded above
            convert(_unnumbered(latex), display="block" if block else "inline")
        )
    except Exception:  # noqa: BLE001
        # The converter has no contract about what half a formula raises; its author sees it as
        # written, as in every notebook program.
        return as_source(latex)
    markup = _written(tree)
    if markup is None:
        return as_source(latex)
    return f'<span class="ml-formula">{markup}</span>' if block else markup


def as_source(latex: str) -> str:
    """Return a formula as it was written."""
    return f'<code class="ml-formula-source">{escape(latex)}</code>'


def _unnumbered(latex: str) -> str:
    # Numbers would begin at 1 in every formula of a text.
    return _NUMBERED.sub(r"\\\1{\2*}", _LABEL.sub("", latex))


def _depth(latex: str) -> int:
    depth = deepest = 0
    for character in latex:
        depth += (character == "{") - (character == "}")
        deepest = max(deepest, depth)
    return deepest


def _written(element: ET.Element) -> str | None:
    name = element.tag.removeprefix(_MATHML)
    if name not in _TAGS:
        return None
    attributes = "".join(
        f' {key}="{escape(value)}"'
        for key, value in element.attrib.items()
        if key in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    inner = [escape(element.text or "")]
    for child in element:
        written = _written(child)
        if written is None:
            return None
        inner += [written, escape(child.tail or "")]
    return f"<{name}{attributes}>{''.join(inner)}</{name}>"
