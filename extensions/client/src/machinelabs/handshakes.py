"""Sign a program in: it shows a code, its person says yes to the same code in a browser."""

from dataclasses import dataclass
from datetime import UTC, datetime

from machinelabs.errors import NotAllowed, NotFound, SignInNeeded
from machinelabs.transport import Transport


class Expired(SignInNeeded):
    """Nobody said yes in time."""

    default_code = "handshake_expired"

    def __init__(self) -> None:
        super().__init__("Nobody said yes in the browser in time. Run ml login again.")


class Refused(NotAllowed):
    """The person said no."""

    default_code = "handshake_refused"

    def __init__(self) -> None:
        super().__init__("In the browser you said that this is not you. Nothing was signed in.")


@dataclass(frozen=True, slots=True)
class Handshake:
    """A sign-in under way. `secret` stays in this program; `code` and `url` are for the person."""

    secret: str
    code: str
    url: str
    expires_at: datetime

    @property
    def seconds(self) -> float:
        """How long it can still be answered."""
        return (self.expires_at - datetime.now(UTC)).total_seconds()


class Handshakes:
    """Sign-ins of programs at one site."""

    def __init__(self, *, transport: Transport) -> None:
        self._transport = transport

    def begin(self, *, device: str) -> Handshake:
        """Ask for a code; `device` is how the person knows this machine again."""
        body = self._transport.json("POST", "handshakes", json={"device": device[:200]})
        expires_at = datetime.fromisoformat(body["expires_at"])
        return Handshake(body["secret"], body["code"], body["url"], expires_at)

    def token(self, handshake: Handshake) -> str | None:
        """Return the token, once; None: nobody answered yet.

        Raises:
            Refused: the person said no.
            Expired: it is too old, or its token was fetched before.
        """
        try:
            body = self._transport.json(
                "POST", "handshakes/token", json={"secret": handshake.secret}
            )
        except NotFound as error:
            raise Expired from error
        if body["state"] == "refused":
            raise Refused
        token = body["token"]
        return None if token is None else str(token)
