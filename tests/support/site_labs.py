"""A publish as the API takes it: JSON in one part, a tar in the other."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.content import tar_of


def parts(said: str, body: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the parts of a request that says `body` and sends `files`."""
    return {
        said: (None, json.dumps(body), "application/json"),
        "files": ("files.tar", tar_of(files), "application/x-tar"),
    }
