"""Ask a running site's Hub as its operator: whoever may read DATA/secrets."""

from typing import Any

import httpx

from machinelabs_hub.errors import Conflict, NotFound, Unavailable
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files


class HubAway(Unavailable):
    """The site's Hub does not answer."""

    code = "site_not_running"


class HubRefused(Conflict):
    """The Hub did not do what was asked."""

    code = "hub_refused"


class Operator:
    """The Hub's API with the operator's token."""

    def __init__(self, *, settings: Settings) -> None:
        self._data = settings.data
        self._url = f"{Addresses(settings).hub_local}/hub"
        token = Files(settings.data).secrets / "operator_api_token"
        self._token = token.read_text(encoding="utf-8").strip() if token.exists() else ""

    def users(self) -> list[dict[str, Any]]:
        """Return the Hub's users, by name."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._ask("GET", "/api/users", params={"offset": len(found), "limit": 200})
            rows: list[dict[str, Any]] = page.json()
            found += rows
            if not rows:
                return sorted(found, key=lambda user: str(user["name"]))

    def user(self, name: str) -> dict[str, Any]:
        """Return one user."""
        found: dict[str, Any] = self._ask("GET", f"/api/users/{name}").json()
        return found

    def add(self, name: str, *, is_admin: bool) -> None:
        """Make a user."""
        self._ask("POST", "/api/users", json={"usernames": [name], "admin": is_admin})

    def delete(self, name: str, *, labs: str, home: str) -> None:
        """Stop a person's servers, put labs and home away as said, and forget the person."""
        answer = self._send(
            "POST", f"/people/{name}/delete", data={"typed": name, "labs": labs, "home": home}
        )
        if not answer.is_redirect:
            raise HubRefused(
                f"The hub did not delete {name} (status {answer.status_code}). "
                f"Look into {self._data / 'logs' / 'hub.log'}, then try again."
            )

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self._send(method, path, **options)
        if answer.is_success:
            return answer
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFound("There is no such person here.")
        raise HubRefused(f"The hub refused: {_message(answer)}")

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"token {self._token}"}
        try:
            with httpx.Client(timeout=120, trust_env=False, headers=headers) as client:
                return client.request(method, f"{self._url}{path}", **options)
        except httpx.HTTPError as error:
            raise HubAway(
                f"The hub of the site in {self._data} does not answer. Start the site first."
            ) from error


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError):
        return f"status {answer.status_code}"
