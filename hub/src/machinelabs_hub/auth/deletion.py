"""What becomes of a deleted person's labs: the labs service is asked, before anything is gone."""

import hashlib
import hmac
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from machinelabs_hub.errors import Unavailable
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Addresses, Files

SERVICE = "accounts"
"""The Hub service in whose name the Hub asks."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of what a person leaves; the default loses nothing."""

    keeps_labs: bool = False
    """False: to the trash, from which they can be had back for 30 days."""
    keeps_home: bool = True


class LabsUnavailable(Unavailable):
    """The labs service did not put the labs away."""

    code = "labs_unavailable"


def service_token(settings: Settings) -> str:
    """Return the token of `SERVICE`: derived, so that there is no further secret to keep."""
    key = Files(settings.data).secret("crypt_key").encode()
    return hmac.new(key, b"token of the accounts service", hashlib.sha256).hexdigest()


async def put_labs_away(settings: Settings, name: str, choice: Choice) -> None:
    """Ask the labs service to keep or to trash the labs of `name`.

    Raises:
        LabsUnavailable: it did not do it.
    """
    addresses = Addresses(settings)
    try:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            answer = await client.delete(
                f"{addresses.labs_local}{LABS_PREFIX}/api/v1/people/{name}",
                params={"labs": "keep" if choice.keeps_labs else "trash"},
                headers={
                    "Authorization": f"Bearer {service_token(settings)}",
                    "Host": addresses.labs_host,
                },
            )
    except httpx.HTTPError as error:
        raise LabsUnavailable(_UNDONE) from error
    # Somebody who never used the labs is not known there.
    if answer.is_error and answer.status_code != HTTPStatus.NOT_FOUND:
        raise LabsUnavailable(_UNDONE)


_UNDONE = (
    "The labs service did not put this person's labs away, so nobody was deleted. "
    "Look into labs.log, then try again."
)
