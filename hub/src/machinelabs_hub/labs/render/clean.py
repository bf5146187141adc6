"""The one allow-list through which everything passes that a person published.

No script, no form, no frame, no foreign asset, no class of ours, no id that could stand for one of
ours, no style that covers, moves or loads anything.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import nh3
from pygments.token import STANDARD_TYPES

from machinelabs_hub.labs.render import links

Attachments = Callable[[str], str | None]
"""Gives the data: address of an attachment by its name, or None."""

MATHS_TAG: Final = "data"
"""Stands where a formula goes; `value` names it. See `maths.Formulas`."""

_TAGS: Final = frozenset({
    "a", "abbr", "audio", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup",
    "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q",
    "rp", "rt", "ruby", "s", "samp", "small", "source", "span", "strike", "strong", "sub",
    "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul",
    "var", "video", "wbr",
}) | {MATHS_TAG}  # fmt: skip

_DROPPED_WHOLE: Final = frozenset({
    "script", "style", "template", "noscript", "noembed", "noframes", "iframe", "frame",
    "frameset", "object", "embed", "applet", "math", "svg", "title", "head", "textarea",
    "select", "option", "xmp", "plaintext", "dialog", "portal",
})  # fmt: skip

_ATTRIBUTES: Final = {
    "*": {"title", "lang", "dir", "id", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "p": {"align"},
    "div": {"align"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "details": {"open"},
    "audio": {"controls", "src", "loop", "muted"},
    "video": {"controls", "src", "loop", "muted", "width", "height"},
    "source": {"src", "type"},
    MATHS_TAG: {"value"},
}

_HIGHLIGHT: Final = frozenset(name for name in STANDARD_TYPES.values() if name)
_CLASSES: Final = {
    "span": set(_HIGHLIGHT),
    "div": {"highlight"},
    "pre": {"highlight"},
    "table": {"dataframe"},
}

_MANY_TAGS: Final = 2_000
_DEEPEST: Final = 800
_TAG: Final = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_UNNESTED: Final = frozenset({
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
    "option", "p", "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track",
    "wbr",
})  # fmt: skip
TOO_DEEP: Final = "This part is nested too deeply to be shown here. Download the file to see it."
"""The parser's time grows with the square of the depth; honest content stays below a hundred."""

_STYLES: Final = {
    "background-color",
    "color",
    "font-style",
    "font-weight",
    "text-align",
    "text-decoration",
}
"""None of these can place an element, hide the page or name an address."""

_PLAIN_VALUE: Final = re.compile(
    r"(?:rgba?|hsla?)\([\d\s.,%/]+\)|#[0-9a-f]{3,8}|[a-z0-9\s-]+", re.IGNORECASE
)

_SCHEMES: Final = {
    "http", "https", "mailto", "data", "attachment",
    links.FILE_MARK[:-1], links.RAW_MARK[:-1], links.REMOTE_MARK[:-1],
}  # fmt: skip

_REL: Final = "nofollow noopener noreferrer"

# In what nh3 writes, an attribute's value holds no quotation mark and a text no "<", so neither a
# text nor a value can look like one of these.
_REMOTE_IMAGE: Final = re.compile(
    rf'<img((?: [a-z-]+="[^"]*")*?) src="{links.REMOTE_MARK}([^"]*)"((?: [a-z-]+="[^"]*")*)>'
)
_REMOTE_MEDIA: Final = re.compile(
    rf'(<(?:audio|video|source)(?: [a-z-]+="[^"]*")*?) src="{links.REMOTE_MARK}[^"]*"'
)
_ALT: Final = re.compile(r' alt="([^"]+)"')
_VISIBLE: Final = re.compile(r"<(?:img|audio|video|hr|data)\b|>[^<]*[^<\s][^<]*(?:<|$)|^[^<\s]")


def clean(html: str, *, folder: str = "", attachments: Attachments | None = None) -> str:
    """Return `html` with nothing left that could act, load or imitate.

    Args:
        html: anything.
        folder: the folder of the file it stands in; links to neighbours start there.
        attachments: gives the images that are attached to the notebook cell.
    """
    if html.count("<") > _MANY_TAGS and _nests_too_deeply(html):
        return f"<p>{TOO_DEEP}</p>"
    cleaner = _cleaner(folder) if attachments is None else _make(folder, attachments)
    cleaned = cleaner.clean(html)
    # A corner without words is no header; screen readers would announce one.
    cleaned = cleaned.replace("<th></th>", "<td></td>")
    if links.REMOTE_MARK in cleaned:
        cleaned = _REMOTE_IMAGE.sub(_as_link, cleaned)
        cleaned = _REMOTE_MEDIA.sub(r"\1", cleaned)
    return cleaned


@lru_cache(maxsize=256)
def _cleaner(folder: str) -> nh3.Cleaner:
    # To hand nh3 the lists costs more than to clean a short text.
    return _make(folder, None)


def _make(folder: str, attachments: Attachments | None) -> nh3.Cleaner:
    def decide(_tag: str, name: str, value: str) -> str | None:
        if name == "href":
            return links.link(value, folder)
        if name == "style":
            return _plain_style(value)
        if name == "src":
            if value.startswith("attachment:"):
                return attachments(value.removeprefix("attachment:")) if attachments else None
            return links.source(value, folder)
        return value

    return nh3.Cleaner(
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes=_ATTRIBUTES,
        attribute_filter=decide,
        allowed_classes=_CLASSES,
        url_schemes=_SCHEMES,
        id_prefix=links.ID_PREFIX,
        link_rel=_REL,
    )


def shows_something(cleaned: str) -> bool:
    """Tell whether a reader would see anything of what `clean` returned."""
    return _VISIBLE.search(cleaned) is not None


def _plain_style(style: str) -> str | None:
    pairs = (part.partition(":") for part in style.split(";"))
    plain = [
        f"{name.strip().lower()}:{value.strip()}"
        for name, _, value in pairs
        if name.strip().lower() in _STYLES and _PLAIN_VALUE.fullmatch(value.strip())
    ]
    return ";".join(plain) or None


def _nests_too_deeply(html: str) -> bool:
    depth = 0
    for tag in _TAG.finditer(html):
        if tag.group(2).lower() in _UNNESTED:
            continue
        depth += -1 if tag.group(1) else 1
        if depth > _DEEPEST:
            return True
    return False


def _as_link(match: re.Match[str]) -> str:
    before, address, after = match.groups()
    alt = _ALT.search(before + after)
    words = alt.group(1) if alt else "image"
    return f'<a href="{address}" rel="{_REL}" title="{address}">{words} (image elsewhere)</a>'
