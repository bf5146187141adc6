"""Configure how people sign in, as `auth.kind` of the settings says."""

from typing import Any

from machinelabs_hub.auth.local import AccountsAuthenticator
from machinelabs_hub.settings import AuthKind, Settings


def configure_auth(c: Any, settings: Settings) -> None:
    """Set the Hub's authenticator from `settings.auth`."""
    if settings.auth.kind is AuthKind.LOCAL:
        _local(c, settings)


def _local(c: Any, settings: Settings) -> None:
    c.JupyterHub.authenticator_class = AccountsAuthenticator
    c.AccountsAuthenticator.settings = settings
    c.AccountsAuthenticator.allow_all = True
    c.AccountsAuthenticator.admin_users = {settings.site.admin, *settings.auth.admins}
