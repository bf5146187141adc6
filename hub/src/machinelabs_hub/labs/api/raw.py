"""Files as bytes: how the API describes them, and how none of them becomes a page of this site."""

import mimetypes
from typing import Any, Final
from urllib.parse import quote

TAR: Final = "application/x-tar"
_SHOWN: Final = ("image/", "audio/", "video/")
SHOWN: Final = tuple(f"{kind}*" for kind in _SHOWN)
"""Kinds that are said; all others are only bytes."""


def bytes_of(description: str, *kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of a 200 whose content is one of `kinds`, such as `image/*`."""
    schema = {"type": "string", "format": "binary"}
    return {
        200: {"description": description, "content": {kind: {"schema": schema} for kind in kinds}}
    }


def file_headers(name: str, sha256: str) -> dict[str, str]:
    """Return the headers of a file: it is saved, never shown as a page of this site."""
    return {
        "ETag": f'"{sha256}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        "Cross-Origin-Resource-Policy": "same-site",
    }


def type_of(name: str) -> str:
    """Return the kind of a file: what a browser could run or parse as a page is only ever bytes."""
    kind, packed = mimetypes.guess_type(name)
    is_shown = kind is not None and packed is None and kind.startswith(_SHOWN)
    return kind if kind and is_shown else "application/octet-stream"
