"""Configure how people sign in, as `auth.kind` of the settings says."""

from typing import Any, Final

from machinelabs_hub.auth import look
from machinelabs_hub.auth.deletion import SERVICE, service_token
from machinelabs_hub.auth.discovery import discover
from machinelabs_hub.auth.local import AccountsAuthenticator
from machinelabs_hub.auth.providers import (
    GitHubAuthenticator,
    GitLabAuthenticator,
    GoogleAuthenticator,
    OidcAuthenticator,
)
from machinelabs_hub.auth.workshop import WorkshopAuthenticator
from machinelabs_hub.auth_settings import AuthKind
from machinelabs_hub.errors import SettingsError
from machinelabs_hub.scopes import ACCESS_LABS, LABS_OF_LEAVERS
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files

NAMES: Final = {
    AuthKind.OIDC: "your organisation",
    AuthKind.GITHUB: "GitHub",
    AuthKind.GITLAB: "GitLab",
    AuthKind.GOOGLE: "Google",
}
"""What the sign-in button calls a provider whose name the settings leave out."""

SECRET: Final = "oauth_client_secret"  # noqa: S105 - the file's name


def configure_auth(c: Any, settings: Settings) -> None:
    """Set the Hub's authenticator from `settings.auth`, and the service that deletes in its name.

    Args:
        c: JupyterHub's configuration object; services, roles and page variables of before stay.
        settings: the site's settings.

    Raises:
        SettingsError, ProviderUnreachable: nobody could sign in so.
    """
    {
        AuthKind.LOCAL: _local,
        AuthKind.WORKSHOP: _workshop,
        AuthKind.OIDC: _oidc,
        AuthKind.GITHUB: _github,
        AuthKind.GITLAB: _gitlab,
        AuthKind.GOOGLE: _google,
    }[settings.auth.kind](c, settings)
    c.SiteAuthenticator.settings = settings
    c.JupyterHub.template_vars.update({"look": look.ADDRESS})
    c.JupyterHub.services.append(
        {"name": SERVICE, "api_token": service_token(settings), "display": False}
    )
    c.JupyterHub.load_roles.append(
        {
            "name": SERVICE,
            "description": "Put the labs of deleted people away",
            "scopes": [ACCESS_LABS, LABS_OF_LEAVERS],
            "services": [SERVICE],
        }
    )


def _local(c: Any, settings: Settings) -> None:
    c.JupyterHub.authenticator_class = AccountsAuthenticator
    c.AccountsAuthenticator.allow_all = True
    c.AccountsAuthenticator.admin_users = _admins(settings)
    c.JupyterHub.template_vars.update({"signup_open": settings.auth.local.open_signup})


def _workshop(c: Any, settings: Settings) -> None:
    c.JupyterHub.authenticator_class = WorkshopAuthenticator
    c.WorkshopAuthenticator.allow_all = True
    c.WorkshopAuthenticator.admin_users = _admins(settings)
    c.WorkshopAuthenticator.user_password = settings.auth.workshop_password
    c.WorkshopAuthenticator.admin_password = Files(settings.data).secret("admin_password")
    c.JupyterHub.template_vars.update({"workshop_notice": True})


def _oidc(c: Any, settings: Settings) -> None:
    rule = settings.auth.oauth
    found = discover(rule.issuer, kept=settings.data / "run" / "oidc.json")
    _provider(c, settings, OidcAuthenticator, default_scopes=["openid", "profile", "email"])
    c.OidcAuthenticator.authorize_url = found.authorize
    c.OidcAuthenticator.token_url = found.token
    c.OidcAuthenticator.userdata_url = found.userinfo


def _github(c: Any, settings: Settings) -> None:
    rule = settings.auth.oauth
    wants_groups = bool(rule.allowed_groups or rule.admin_groups)
    scopes = list(rule.scopes) or (["read:org"] if wants_groups else [])
    _provider(c, settings, GitHubAuthenticator, default_scopes=scopes)
    c.GitHubAuthenticator.populate_teams_in_auth_state = "read:org" in scopes
    if rule.issuer:
        c.GitHubAuthenticator.github_url = rule.issuer


def _gitlab(c: Any, settings: Settings) -> None:
    _provider(c, settings, GitLabAuthenticator, default_scopes=["read_user", "openid"])
    c.GitLabAuthenticator.gitlab_url = settings.auth.oauth.issuer.rstrip("/")


def _google(c: Any, settings: Settings) -> None:
    _provider(c, settings, GoogleAuthenticator, default_scopes=["openid", "email"])


def _provider(c: Any, settings: Settings, kind: type, *, default_scopes: list[str]) -> None:
    rule = settings.auth.oauth
    c.JupyterHub.authenticator_class = kind
    section = c[kind.__name__]
    section.client_id = rule.client_id
    section.client_secret = rule.client_secret or _secret(settings)
    section.oauth_callback_url = f"{Addresses(settings).hub}/hub/oauth_callback"
    section.login_service = rule.provider_name or NAMES[settings.auth.kind]
    section.scope = list(rule.scopes) or default_scopes
    section.manage_groups = True
    section.enable_auth_state = True
    # Who gets in is the verdict's to say, never a list of names of this site.
    section.any_allow_config = True


def _secret(settings: Settings) -> str:
    try:
        return Files(settings.data).secret(SECRET)
    except OSError:
        raise SettingsError(
            "auth.oauth.client_secret is empty and there is no secret in "
            f"{Files(settings.data).secrets / SECRET}."
        ) from None


def _admins(settings: Settings) -> set[str]:
    return {settings.site.admin, *settings.auth.admins}
