"""How the description of the API says that an answer is bytes, and of which kinds."""

from typing import Any, Final

TAR: Final = "application/x-tar"


def bytes_of(description: str, *kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of a 200 whose content is one of `kinds`, such as `image/*`."""
    schema = {"type": "string", "format": "binary"}
    return {
        200: {"description": description, "content": {kind: {"schema": schema} for kind in kinds}}
    }
