"""A person's server, as the Hub tells of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubServer:
    """A server of the Hub; an empty name is the default one.

    Attributes:
        pending: "spawn" or "stop" while that is under way, else empty.
        image: what it was started with last; None: nothing was chosen yet.
    """

    name: str
    ready: bool
    pending: str
    image: str | None
    flavour: str | None
    url: str

    @property
    def is_active(self) -> bool:
        """It runs, or is on its way up or down."""
        return self.ready or bool(self.pending)
