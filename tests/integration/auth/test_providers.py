"""GitHub, GitLab and Google: their real flow against a peer that speaks as they do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.hub import Hub, running_hub
from tests.support.provider import Peer, running_peer
from traitlets.config import Config

from machinelabs_hub.auth.authenticator import configure_auth
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.settings import parse

GOOGLE = """
c.GoogleAuthenticator.authorize_url = "{peer}/auth"
c.GoogleAuthenticator.google_api_url = "{peer}"
"""
RULES: dict[str, dict[str, Any]] = {
    "github": {"allowed_groups": ["acme:ml"], "admin_groups": ["chiefs"], "users": ["named"]},
    "gitlab": {"allowed_groups": ["acme"], "admin_groups": ["chiefs"], "users": ["named"]},
    "google": {
        "allowed_groups": ["acme.org"],
        "admin_groups": ["chiefs.org"],
        "users": ["named@acme.org"],
    },
}
GROUPS = {
    "github": {"acme", "acme:ml"},
    "gitlab": {"acme"},
    "google": {"acme.org"},
}


@contextmanager
def hub_of(kind: str, folder: Path) -> Iterator[Hub]:
    rule = RULES[kind]
    with running_peer() as peer:
        oauth = {
            "client_id": "machinelabs",
            "client_secret": "a secret of the test",
            "issuer": "" if kind == "google" else peer,
            "allowed_users": rule["users"],
            "allowed_groups": rule["allowed_groups"],
            "admin_groups": rule["admin_groups"],
        }
        extra = GOOGLE.format(peer=peer) if kind == "google" else ""
        with running_hub(folder, extra=extra, kind=kind, oauth=oauth) as hub:
            yield hub


def come(hub: Hub, who: str) -> httpx.Response:
    """Press the button on the sign-in page as `who`."""
    Peer.who = who
    client = hub.client()
    page = client.get("/hub/login")
    assert "Sign in with" in page.text
    return client.get("/hub/oauth_login")


@pytest.mark.parametrize("kind", ["github", "gitlab", "google"])
def test_who_may_is_let_in_and_nobody_else(kind: str, tmp_path: Path) -> None:
    with hub_of(kind, tmp_path) as hub:
        assert "Welcome, member" in come(hub, "member").text
        assert hub.groups_of("member") == GROUPS[kind]
        assert hub.person("member")["admin"] is False
        assert "Welcome, chief" in come(hub, "chief").text
        assert hub.person("chief")["admin"] is True
        assert "Welcome, named" in come(hub, "named").text
        refused = come(hub, "stranger")
        assert refused.status_code == 403
        assert "this site does not let you in" in refused.text
        forged = hub.client().get("/hub/oauth_callback?code=member&state=forged")
        assert forged.status_code == 400
        names = {row["name"] for row in hub.people()}
        assert "stranger" not in names


def configuration(folder: Path, auth: str) -> Any:
    settings = parse(f"auth: {auth}", path=folder / "settings.yaml")
    c = Config()
    c.JupyterHub.services, c.JupyterHub.load_roles, c.JupyterHub.template_vars = [], [], {}
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "secrets" / "crypt_key").write_text("a" * 64)
    configure_auth(c, settings)
    return c


def test_a_client_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    auth = "{kind: github, oauth: {client_id: x}}"
    with pytest.raises(MachineLabsError, match="oauth_client_secret"):
        configuration(tmp_path, auth)
    (tmp_path / "secrets").mkdir(exist_ok=True)
    (tmp_path / "secrets" / "oauth_client_secret").write_text("from the file\n")
    found = configuration(tmp_path, auth)
    assert found.GitHubAuthenticator.client_secret == "from the file"
    assert found.GitHubAuthenticator.scope == []


def test_organisations_are_asked_for_only_where_the_settings_use_them(tmp_path: Path) -> None:
    auth = "{kind: github, oauth: {client_id: x, client_secret: y, allowed_groups: [acme]}}"
    found = configuration(tmp_path, auth).GitHubAuthenticator
    assert found.scope == ["read:org"]
    assert found.populate_teams_in_auth_state is True


def test_an_issuer_that_does_not_answer_is_named(tmp_path: Path) -> None:
    issuer = "http://127.0.0.1:9"
    auth = f"{{kind: oidc, oauth: {{client_id: x, client_secret: y, issuer: '{issuer}'}}}}"
    with pytest.raises(MachineLabsError, match=issuer):
        configuration(tmp_path, auth)
