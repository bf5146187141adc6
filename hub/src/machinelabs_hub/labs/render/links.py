"""Where a link inside published content may lead, independent of the lab it is shown in.

Fragments are cached by content, and forks share content. So a link to a neighbouring file is kept
as a mark (`ml-file:` a page, `ml-raw:` bytes), and `fill` writes the lab's address into it when
the fragment is sent.
"""

import posixpath
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

FILE_MARK: Final = "ml-file:"
RAW_MARK: Final = "ml-raw:"
REMOTE_MARK: Final = "ml-remote:"
"""An image of another host: nothing is loaded from there, so it becomes a link."""

ID_PREFIX: Final = "u-"
"""Before every id that content brings, so that none can stand for one of ours."""

_OUTSIDE: Final = frozenset({"http", "https", "mailto"})
_IMAGE: Final = re.compile(
    r"data:image/(png|jpeg|jpg|gif|webp|svg\+xml|bmp|avif|x-icon);base64,[A-Za-z0-9+/=\s]*",
    re.IGNORECASE,
)
_SOUND: Final = re.compile(
    r"data:(audio|video)/(wav|x-wav|mpeg|mp3|mp4|ogg|webm|flac);base64,[A-Za-z0-9+/=\s]*",
    re.IGNORECASE,
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the files of one revision are: of their pages, and of their bytes. Both end with /."""

    files: str
    raw: str


def fill(html: str, address: Address) -> str:
    """Return `html` with the marks of neighbouring files replaced by `address`."""
    return html.replace(FILE_MARK, address.files).replace(RAW_MARK, address.raw)


def link(url: str, folder: str) -> str | None:
    """Return where a link may lead, or None if it may lead nowhere.

    Args:
        url: as written by the author.
        folder: the folder of the file that holds the link, relative to the lab.
    """
    url = _CONTROL.sub("", url).strip()
    if url.startswith("#"):
        return f"#{ID_PREFIX}{url[1:]}" if len(url) > 1 else None
    if url.startswith("//"):
        return f"https:{url}"
    scheme = _scheme(url)
    if scheme in _OUTSIDE:
        return url
    if scheme or url.startswith(("/", "\\")):
        return None
    return _neighbour(url, folder, FILE_MARK)


def source(url: str, folder: str) -> str | None:
    """Return what an image, a sound or a film may be loaded from, or None.

    Another host's image comes back with `REMOTE_MARK` before it.
    """
    if _IMAGE.fullmatch(url) or _SOUND.fullmatch(url):
        return url
    url = _CONTROL.sub("", url).strip()
    if url.startswith("//"):
        return f"{REMOTE_MARK}https:{url}"
    scheme = _scheme(url)
    if scheme in {"http", "https"}:
        return f"{REMOTE_MARK}{url}"
    if scheme or not url or url.startswith(("/", "\\", "#")):
        return None
    return _neighbour(url, folder, RAW_MARK)


def _scheme(url: str) -> str:
    head, colon, _ = url.partition(":")
    return head.lower() if colon and not re.search(r"[/?#]", head) else ""


def _neighbour(url: str, folder: str, mark: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = posixpath.normpath(posixpath.join("/", folder, unquote(parts.path)))
    if path.startswith("//"):
        path = path[1:]
    fragment = f"#{ID_PREFIX}{parts.fragment}" if parts.fragment else ""
    return f"{mark}{quote(path[1:])}{fragment}"
