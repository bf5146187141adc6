"""Find an OpenID Connect provider's addresses from its issuer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx

from machinelabs_hub.errors import SettingsError, SetupError

WELL_KNOWN: Final = "/.well-known/openid-configuration"
SECONDS: Final = 10.0


class ProviderUnreachable(SetupError):
    """The provider did not say where to sign in, and never did before."""

    code = "provider_unreachable"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to send people, and where to ask about them."""

    authorize: str
    token: str
    userinfo: str

    @classmethod
    def of(cls, document: dict[str, Any], *, issuer: str) -> Self:
        """Return the addresses in a discovery document.

        Raises:
            SettingsError: the document is another issuer's, or names no address.
        """
        if str(document.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise SettingsError(
                f"auth.oauth.issuer is {issuer}, but the provider there calls itself "
                f"{document.get('issuer')!r}. Write exactly that."
            )
        keys = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        missing = [key for key in keys if not isinstance(document.get(key), str)]
        if missing:
            raise SettingsError(f"The provider {issuer} names no {missing[0]}; it cannot be used.")
        return cls(*(document[key] for key in keys))


def discover(issuer: str, *, kept: Path) -> Endpoints:
    """Return the provider's addresses; what it said last is kept in the file `kept`.

    A provider that is down for a while must not keep the Hub from starting.

    Raises:
        ProviderUnreachable: it does not answer and nothing is kept of this issuer.
        SettingsError: its answer does not fit the settings.
    """
    try:
        answer = httpx.get(f"{issuer.rstrip('/')}{WELL_KNOWN}", timeout=SECONDS)
        answer.raise_for_status()
        document = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        document = _remembered(kept, issuer)
        if document is None:
            raise ProviderUnreachable(
                f"The identity provider {issuer} does not answer at {WELL_KNOWN} "
                f"({type(error).__name__}). Check auth.oauth.issuer, and that this machine "
                "reaches it."
            ) from error
        return Endpoints.of(document, issuer=issuer)
    endpoints = Endpoints.of(document, issuer=issuer)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(document), encoding="utf-8")
    return endpoints


def _remembered(kept: Path, issuer: str) -> dict[str, Any] | None:
    try:
        document = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_same = str(document.get("issuer", "")).rstrip("/") == issuer.rstrip("/")
    return document if is_same else None
