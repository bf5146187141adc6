"""Who is let in, who is an admin and which groups they are in: from an identity's claims. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from machinelabs_hub.auth_settings import OAuth

LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says about somebody."""

    subject: str
    login: str
    groups: tuple[str, ...] = ()
    is_verified: bool = True
    """False: the provider itself is not sure that the login is theirs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from the claims at this site."""

    is_allowed: bool
    is_admin: bool | None
    """None: the settings name no admins, so an admin's own choice stands."""
    groups: tuple[str, ...]


def judge(claims: Claims, *, rule: OAuth, admins: Iterable[str], owns_login: bool) -> Verdict:
    """Return what `claims` may do here.

    Args:
        claims: what the provider says.
        rule: the site's settings for the provider.
        admins: logins of admins.
        owns_login: False when somebody else came with this login before; then rights that the
            settings give to the login are not theirs.
    """
    login = claims.login.casefold() if owns_login and claims.is_verified else None
    known = {name.casefold() for name in rule.allowed_users}
    chiefs = {name.casefold() for name in admins}
    mine = set(claims.groups)
    is_admin = login in chiefs or bool(mine & set(rule.admin_groups))
    is_allowed = (
        is_admin
        or (rule.allow_all and claims.is_verified)
        or login in known
        or bool(mine & set(rule.allowed_groups))
    )
    has_admins = bool(chiefs or rule.admin_groups)
    return Verdict(
        is_allowed=is_allowed,
        is_admin=is_admin if has_admins else None,
        groups=claims.groups,
    )


def groups_at(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the groups in the claim at `path` (`groups`, or `realm_access.roles`)."""
    found: Any = claims
    for key in path.split(".") if path else ["\0"]:
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = [found]
    return group_names(found if isinstance(found, list) else [])


def group_names(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the values that can be names of Hub groups, sorted, each once.

    Keycloak writes groups as paths: the first `/` is not part of the name.
    """
    texts = (value.removeprefix("/") for value in values if isinstance(value, str))
    good = {text for text in texts if text.strip() and text.isprintable() and len(text) <= LONGEST}
    return tuple(sorted(good))


def oidc_claims(user: Mapping[str, Any], *, rule: OAuth) -> Claims:
    """Return what an OpenID Connect provider's user info says."""
    return Claims(
        subject=str(user.get("sub") or ""),
        login=str(user.get(rule.username_claim) or ""),
        groups=groups_at(user, rule.groups_claim),
        is_verified=rule.username_claim != "email" or user.get("email_verified") is not False,
    )


def github_claims(
    user: Mapping[str, Any], *, organisations: Iterable[Any], teams: Iterable[Any]
) -> Claims:
    """Return what GitHub says: organisations as `org`, teams as `org:team`."""
    names = [org.get("login") for org in organisations]
    names += [f"{team['organization']['login']}:{team['slug']}" for team in teams]
    return Claims(
        subject=str(user.get("id") or ""),
        login=str(user.get("login") or ""),
        groups=group_names(names),
    )


def gitlab_claims(user: Mapping[str, Any], *, userinfo: Mapping[str, Any]) -> Claims:
    """Return what GitLab says: groups by their full paths."""
    return Claims(
        subject=str(user.get("id") or ""),
        login=str(user.get("username") or ""),
        groups=groups_at(userinfo, "groups"),
    )


def google_claims(user: Mapping[str, Any]) -> Claims:
    """Return what Google says: the hosted domain is the group, the address is the login."""
    return Claims(
        subject=str(user.get("id") or user.get("sub") or ""),
        login=str(user.get("email") or ""),
        groups=group_names([user.get("hd")]),
        is_verified=user.get("verified_email", user.get("email_verified")) is True,
    )
