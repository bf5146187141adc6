"""There is no page at an address."""

from machinelabs_hub.errors import NotFound


class NoPage(NotFound):
    """Nothing of ours is at this address."""

    code = "no_page"

    def __init__(self) -> None:
        super().__init__("There is no page at this address. It may have moved, or was mistyped.")
