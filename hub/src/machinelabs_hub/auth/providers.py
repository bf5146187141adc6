"""Sign in at an identity provider: oauthenticator's classes with our rules about who gets in."""

from http import HTTPStatus
from typing import Any as AnyValue

from jupyterhub.user import User
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from oauthenticator.gitlab import GitLabOAuthenticator
from oauthenticator.google import GoogleOAuthenticator
from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

from machinelabs_hub.auth.groups import (
    Claims,
    Verdict,
    github_claims,
    gitlab_claims,
    google_claims,
    judge,
    oidc_claims,
)
from machinelabs_hub.auth.identities import Identity
from machinelabs_hub.auth.site import SiteAuthenticator

_KEPT = "machinelabs"
"""Where the verdict stands in the auth model, between oauthenticator's steps."""


class ProviderAuthenticator(SiteAuthenticator, OAuthenticator):
    """What every provider shares: claims, verdict, a name that stays, groups of the Hub."""

    async def claims(self, auth_state: dict[str, AnyValue]) -> Claims:
        """Return what the provider says about the person who signed in."""
        raise NotImplementedError

    async def update_auth_model(self, auth_model: dict[str, AnyValue]) -> dict[str, AnyValue]:
        """Judge the person; who is let in gets the name that is theirs here.

        Raises:
            HTTPError: with the sentence for who is not let in.
        """
        auth_model = await super().update_auth_model(auth_model)
        claims = await self.claims(auth_model["auth_state"])
        if not claims.subject or not claims.login:
            raise HTTPError(403, f"{self.login_service} does not say who you are. {_ASK}")
        who = Identity(provider=self._provider(), subject=claims.subject, login=claims.login)
        owns_login = await self.work(lambda: self.desk.identities.owns_login(who))
        verdict = judge(
            claims,
            rule=self.settings.auth.oauth,
            admins=self.settings.auth.admins,
            owns_login=owns_login,
        )
        if not verdict.is_allowed:
            self.log.warning("%s is known to the provider but not let in", claims.subject)
            raise HTTPError(403, self._refusal(claims))
        auth_model["name"] = await self.work(lambda: self.desk.identities.name_of(who))
        auth_model["admin"] = verdict.is_admin
        auth_model["auth_state"][_KEPT] = {"groups": list(verdict.groups)}
        auth_model[_KEPT] = verdict
        return auth_model

    async def get_user_groups(self, auth_state: dict[str, AnyValue]) -> set[str]:
        """Return the Hub groups that the verdict gave."""
        return set(auth_state.get(_KEPT, {}).get("groups", []))

    async def check_allowed(self, _username: str, auth_model: dict[str, AnyValue] | None) -> bool:
        """Whether the verdict lets the person in; without one nobody gets in."""
        verdict = (auth_model or {}).get(_KEPT)
        return isinstance(verdict, Verdict) and verdict.is_allowed

    async def refresh_user(
        self, user: User, handler: AnyValue = None, **options: AnyValue
    ) -> bool | dict[str, AnyValue]:
        """Ask the provider again; who is not let in any more has to sign in, and is told why."""
        try:
            return await super().refresh_user(user, handler, **options)
        except HTTPError as error:
            if error.status_code == HTTPStatus.FORBIDDEN:
                return False
            raise

    def user_info_to_username(self, user_info: dict[str, AnyValue]) -> str:
        """Return what stands in for the name until the person is judged."""
        return str(user_info.get("sub") or user_info.get("id") or "unknown")

    def _provider(self) -> str:
        return f"{self.settings.auth.kind}:{self.settings.auth.oauth.issuer}".rstrip("/")

    def _refusal(self, claims: Claims) -> str:
        login = claims.login.replace("%", "%%")
        if not claims.is_verified:
            return f"{self.login_service} has not verified the address {login}. Verify it there."
        return (
            f"{self.login_service} knows you as {login}, but this site does not let you in. {_ASK}"
        )


class OidcAuthenticator(ProviderAuthenticator, GenericOAuthenticator):
    """Any OpenID Connect provider."""

    async def claims(self, auth_state: dict[str, AnyValue]) -> Claims:
        """Return what the user info says."""
        return oidc_claims(auth_state[self.user_auth_state_key], rule=self.settings.auth.oauth)


class GitHubAuthenticator(ProviderAuthenticator, GitHubOAuthenticator):
    """GitHub: organisations and teams are the groups."""

    async def claims(self, auth_state: dict[str, AnyValue]) -> Claims:
        """Return what the user, and where allowed the organisations and teams, say."""
        organisations: list[AnyValue] = []
        if "read:org" in self.scope:
            token = auth_state["token_response"]
            organisations = await self._paginated_fetch(
                f"{self.github_api}/user/orgs?per_page=100",
                token["access_token"],
                token["token_type"],
            )
        return github_claims(
            auth_state[self.user_auth_state_key],
            organisations=organisations,
            teams=auth_state.get("teams", []),
        )


class GitLabAuthenticator(ProviderAuthenticator, GitLabOAuthenticator):
    """GitLab: group paths are the groups."""

    async def claims(self, auth_state: dict[str, AnyValue]) -> Claims:
        """Return what the user and the OpenID user info say."""
        token = auth_state["token_response"]
        try:
            userinfo = await self.httpfetch(
                f"{self.gitlab_url}/oauth/userinfo",
                "fetching GitLab groups",
                method="GET",
                headers=self.build_userdata_request_headers(
                    token["access_token"], token["token_type"]
                ),
                validate_cert=self.validate_server_cert,
            )
        except HTTPClientError as error:
            # The application there was made without the scope `openid`.
            self.log.warning("GitLab does not tell groups: %s", error)
            userinfo = {}
        return gitlab_claims(auth_state[self.user_auth_state_key], userinfo=userinfo)


class GoogleAuthenticator(ProviderAuthenticator, GoogleOAuthenticator):
    """Google: the hosted domain is the group, the address is the login."""

    def user_info_to_username(self, user_info: dict[str, AnyValue]) -> str:
        """Return a stand-in, and note the domain, which oauthenticator's own steps read."""
        user_info["domain"] = str(user_info.get("email", "")).rpartition("@")[2].lower()
        return super().user_info_to_username(user_info)

    async def claims(self, auth_state: dict[str, AnyValue]) -> Claims:
        """Return what the user info says."""
        return google_claims(auth_state[self.user_auth_state_key])


_ASK = "Ask an admin of this site."
