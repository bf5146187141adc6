"""Files for browsers: read once, joined, packed, and kept by browsers for ever.

Their address holds a hash of what they are, so a new version has a new address.
"""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

THEME: Final = Path(__file__).parent
"""Where the sources of the look lie."""

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file for browsers; `packed` is its content in gzip."""

    name: str
    kind: str
    content: bytes
    packed: bytes


class Assets:
    """Some files for browsers, each joined from its sources."""

    def __init__(self, sources: Mapping[str, Iterable[Path]]) -> None:
        self._assets = {name: _joined(name, paths) for name, paths in sources.items()}
        whole = b"".join(asset.content for asset in self._assets.values())
        self.version = hashlib.sha256(whole).hexdigest()[:12]

    def find(self, name: str) -> Asset | None:
        """Return the asset called `name`, or None."""
        return self._assets.get(name)

    def headers(self, version: str, *, packs: bool) -> dict[str, str]:
        """Return what goes with an asset; one of an old address is given, but not kept."""
        kept = "public, max-age=31536000, immutable" if version == self.version else "no-cache"
        said = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
        return said | {"Content-Encoding": "gzip"} if packs else said


def _joined(name: str, sources: Iterable[Path]) -> Asset:
    content = b"\n".join(source.read_bytes() for source in sources)
    return Asset(name, _TYPES[Path(name).suffix], content, gzip.compress(content, mtime=0))
