"""The Hub, as the labs service asks it: who holds a token, which servers are there, start one."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

import httpx

from machinelabs_hub.errors import Conflict, MachineLabsError, NotFound, Unavailable
from machinelabs_hub.labs.models.person import Standing
from machinelabs_hub.labs.models.server import HubServer
from machinelabs_hub.scopes import LABS_SERVICE
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files
from machinelabs_hub.tickets import is_run

_PEOPLE: Final = 100
"""So many are asked for at once: JupyterHub gives no more than 200."""

CLIENT_ID: Final = f"service-{LABS_SERVICE}"
_TIMEOUT: Final = httpx.Timeout(10.0, connect=3.0)
_START_TIMEOUT: Final = httpx.Timeout(30.0, connect=3.0)


class HubAway(Unavailable):
    """The Hub does not answer."""

    code = "hub_away"

    def __init__(self) -> None:
        super().__init__(
            "The hub does not answer now; it may be starting again. Try again in a moment."
        )


class StartRefused(Conflict):
    """The Hub did not start a server, and said why."""

    code = "start_refused"

    def __init__(self, sentence: str, *, reason: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason
        """The code of the refusal, where the Hub gives one."""


class PersonGone(NotFound):
    """The Hub knows nobody of this name."""

    code = "person_gone"

    def __init__(self) -> None:
        super().__init__("The hub knows nobody of this name any more.")


class BadSignIn(MachineLabsError):
    """A sign-in that was begun elsewhere, too long ago, or twice."""

    code = "bad_sign_in"
    status = HTTPStatus.BAD_REQUEST

    def __init__(self) -> None:
        super().__init__("This sign-in is too old or was begun in another browser. Sign in again.")


class HubApi:
    """A connection to the Hub on this machine, in the name of the labs service."""

    def __init__(self, *, settings: Settings) -> None:
        self._addresses = Addresses(settings)
        self._token = Files(settings.data).secret("labs_api_token")
        self._http = httpx.AsyncClient(
            base_url=f"{self._addresses.hub_local}/hub/api",
            timeout=_TIMEOUT,
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def answers(self) -> bool:
        """Tell whether the Hub answers."""
        try:
            await self._ask("GET", "/", timeout=httpx.Timeout(2.0))
        except HubAway:
            return False
        return True

    async def whoami(self, token: str) -> dict[str, Any] | None:
        """Return what the Hub says of the holder of `token`; None: it does not know the token."""
        if not (token.isascii() and token.isprintable()):
            return None
        answer = await self._ask("GET", "/user", token=token)
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return None
        return cast("dict[str, Any]", _good(answer).json())

    async def has_person(self, name: str) -> bool:
        """Tell whether the site has a person of this name."""
        return await self._has(f"/users/{quote(name, safe='')}")

    async def standing(self, name: str) -> Standing:
        """Return the groups of a person, and whether they are an admin."""
        model = _known(await self._ask("GET", f"/users/{quote(name, safe='')}")).json()
        return Standing(tuple(sorted(model.get("groups") or ())), bool(model.get("admin")))

    async def has_group(self, name: str) -> bool:
        """Tell whether the site has a group of this name."""
        return await self._has(f"/groups/{quote(name, safe='')}")

    def sign_in_address(self, *, state: str, challenge: str, scopes: Sequence[str]) -> str:
        """Return where a browser grants `scopes`, and comes back from with a code."""
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": self._callback,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "scope": " ".join(scopes),
        }
        return f"{self._addresses.hub}/hub/api/oauth2/authorize?{urlencode(query)}"

    async def token_for(self, code: str, *, verifier: str) -> str:
        """Return the token of a browser's sign-in for its code.

        Raises:
            BadSignIn: the Hub does not take the code.
        """
        form = {
            "client_id": CLIENT_ID,
            "client_secret": self._token,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        answer = await self._ask("POST", "/oauth2/token", data=form)
        if answer.is_client_error:
            raise BadSignIn
        return str(_good(answer).json()["access_token"])

    async def make_token(
        self, user: str, *, by: str, scopes: Sequence[str], note: str, seconds: int
    ) -> str:
        """Return a new token of a person, made with their token `by`."""
        body = {"scopes": list(scopes), "note": note, "expires_in": seconds}
        path = f"/users/{quote(user, safe='')}/tokens"
        return str(_good(await self._ask("POST", path, token=by, json=body)).json()["token"])

    async def end_token(self, user: str, token: str) -> None:
        """Revoke a person's token with itself."""
        path = f"/users/{quote(user, safe='')}/tokens"
        model = _good(await self._ask("GET", "/user", token=token)).json()
        _good(await self._ask("DELETE", f"{path}/{model['token_id']}", token=token))

    async def servers(self, user: str) -> dict[str, HubServer]:
        """Return a person's servers by name, stopped ones too; "" is the default server."""
        path = f"/users/{quote(user, safe='')}?include_stopped_servers=1"
        found = _known(await self._ask("GET", path)).json().get("servers") or {}
        return {name: _server(name, row) for name, row in found.items()}

    async def run_servers(self) -> tuple[tuple[str, str], ...]:
        """Return all servers that are runs, as person and name, unless they come or go now."""
        found, offset = [], 0
        while True:
            path = f"/users?include_stopped_servers=1&offset={offset}&limit={_PEOPLE}"
            people = _good(await self._ask("GET", path)).json()
            for person in people:
                rows = (person.get("servers") or {}).items()
                servers = [_server(name, row) for name, row in rows if is_run(name)]
                found += [(str(person["name"]), one.name) for one in servers if not one.pending]
            if len(people) < _PEOPLE:
                return tuple(found)
            offset += len(people)

    async def start(
        self, user: str, server: str, *, image: str | None, flavour: str | None
    ) -> None:
        """Order a server to start; None leaves a choice to the Hub. Returns before it runs.

        Raises:
            StartRefused: with the Hub's own sentence.
        """
        chosen = {"image": image, "flavour": flavour}
        options = {key: value for key, value in chosen.items() if value}
        await self.start_with(user, server, options)

    async def start_with(self, user: str, server: str, options: Mapping[str, Any]) -> None:
        """Order a server to start with these options. Returns before it runs.

        Raises:
            StartRefused: with the Hub's own sentence.
        """
        path = _server_path(user, server)
        answer = await self._ask("POST", path, json=options, timeout=_START_TIMEOUT)
        if answer.is_client_error:
            said = _sentence(answer) or "The hub did not start the server."
            raise StartRefused(said, reason=answer.reason_phrase)
        _good(answer)

    async def remove(self, user: str, server: str) -> None:
        """Order a named server to stop and to be forgotten. Returns before it is gone."""
        path = _server_path(user, server)
        answer = await self._ask("DELETE", path, json={"remove": True}, timeout=_START_TIMEOUT)
        if answer.status_code != HTTPStatus.NOT_FOUND:
            _good(answer)

    async def failure(self, user: str, server: str) -> str:
        """Return the Hub's sentence on a start that failed; empty: it has none.

        To be asked of a server that neither runs nor starts: of others the answer has no end.
        """
        answer = await self._ask("GET", f"{_server_path(user, server)}/progress")
        for line in answer.text.splitlines() if answer.is_success else ():
            event = _event(line)
            if event.get("failed"):
                return str(event.get("message") or "").removeprefix("Spawn failed: ")
        return ""

    async def _has(self, path: str) -> bool:
        answer = await self._ask("GET", path)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return False
        _good(answer)
        return True

    @property
    def _callback(self) -> str:
        return f"{self._addresses.labs}/oauth-callback"

    async def _ask(self, method: str, path: str, *, token: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {token or self._token}"}
        try:
            return await self._http.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            raise HubAway from error


def _good(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise HubAway
    return answer


def _known(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise PersonGone
    return _good(answer)


def _server_path(user: str, server: str) -> str:
    person = f"/users/{quote(user, safe='')}"
    return f"{person}/servers/{quote(server, safe='')}" if server else f"{person}/server"


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _server(name: str, row: dict[str, Any]) -> HubServer:
    options = row.get("user_options") or {}
    return HubServer(
        name=name,
        ready=bool(row.get("ready")),
        pending=row.get("pending") or "",
        image=options.get("image"),
        flavour=options.get("flavour"),
        url=row.get("url") or "",
    )


def _sentence(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        return ""
