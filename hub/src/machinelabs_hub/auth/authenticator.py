"""Configure how people sign in, as `auth.kind` of the settings says."""

from typing import Any

from machinelabs_hub.auth.deletion import SERVICE, service_token
from machinelabs_hub.auth.local import AccountsAuthenticator
from machinelabs_hub.auth.workshop import WorkshopAuthenticator
from machinelabs_hub.auth_settings import AuthKind
from machinelabs_hub.scopes import ACCESS_LABS, LABS_OF_LEAVERS
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files


def configure_auth(c: Any, settings: Settings) -> None:
    """Set the Hub's authenticator from `settings.auth`, and the service that deletes in its name.

    Args:
        c: JupyterHub's configuration object; services, roles and page variables of before stay.
        settings: the site's settings.
    """
    {AuthKind.LOCAL: _local, AuthKind.WORKSHOP: _workshop}[settings.auth.kind](c, settings)
    c.SiteAuthenticator.settings = settings
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


def _admins(settings: Settings) -> set[str]:
    return {settings.site.admin, *settings.auth.admins}
