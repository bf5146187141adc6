"""How people sign in: the settings under `auth`."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from machinelabs_hub.yamlfile import Section

SHORTEST_PHRASE: Final = 8


class AuthKind(StrEnum):
    """How people prove who they are."""

    LOCAL = "local"
    WORKSHOP = "workshop"
    OIDC = "oidc"
    GITHUB = "github"
    GITLAB = "gitlab"
    GOOGLE = "google"


class OAuth(Section):
    """An identity provider, for every `auth.kind` but local and workshop."""

    client_id: Annotated[str, Field(title="Client id at the provider")] = ""
    client_secret: Annotated[
        str,
        Field(
            title="Client secret at the provider",
            description="Or leave it empty and put it into DATA/secrets/oauth_client_secret.",
        ),
    ] = ""
    issuer: Annotated[
        str,
        Field(
            title="Address of the OpenID Connect issuer",
            description="For oidc, e.g. https://id.example.org/realms/lab; "
            "for gitlab, the server's address. Its endpoints are discovered from it.",
        ),
    ] = ""
    provider_name: Annotated[str, Field(title="What the sign-in button calls it")] = ""
    scopes: Annotated[
        tuple[str, ...], Field(title="Scopes asked for", description="Empty takes the kind's own.")
    ] = ()
    username_claim: Annotated[str, Field(title="Claim that holds the user name (oidc)")] = (
        "preferred_username"
    )
    groups_claim: Annotated[
        str,
        Field(title="Claim that holds the groups (oidc)", description="Empty: no groups."),
    ] = "groups"
    allow_all: Annotated[bool, Field(title="Let in everybody whom the provider knows")] = False
    allowed_users: Annotated[tuple[str, ...], Field(title="People who are let in")] = ()
    allowed_groups: Annotated[
        tuple[str, ...],
        Field(
            title="Groups that are let in",
            description="oidc: values of the groups claim; github: organisations; "
            "gitlab: group paths; google: hosted domains.",
        ),
    ] = ()
    admin_groups: Annotated[tuple[str, ...], Field(title="Groups whose members are admins")] = ()


class Local(Section):
    """Accounts of the site's own (`auth.kind: local`)."""

    open_signup: Annotated[
        bool,
        Field(
            title="Anybody may make an account",
            description="False: only who holds an invitation link.",
        ),
    ] = False
    min_password_length: Annotated[int, Field(ge=8, le=128, title="Shortest password")] = 10
    failures: Annotated[
        int,
        Field(
            ge=1,
            title="Failed sign-ins before a pause",
            description="Counted for one name from one address, and ten times this for one "
            "address, within `failure_minutes`.",
        ),
    ] = 5
    failure_minutes: Annotated[int, Field(ge=1, title="Length of that window and pause")] = 15
    invitation_days: Annotated[int, Field(ge=1, title="Days an invitation link holds")] = 7


class Auth(Section):
    """Who may sign in."""

    kind: Annotated[
        AuthKind,
        Field(
            title="How people sign in",
            description="local: accounts of our own. workshop: one shared password; anyone who "
            "knows it may sign in as anyone. oidc, github, gitlab, google: an identity provider.",
        ),
    ] = AuthKind.LOCAL
    admins: Annotated[tuple[str, ...], Field(title="People who are admins, besides the first")] = ()
    local: Local = Local()
    oauth: OAuth = OAuth()
    workshop_password: Annotated[
        str,
        Field(
            title="The shared password (workshop)",
            description="At least 8 characters. Admins use the first admin's generated password.",
        ),
    ] = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind is AuthKind.WORKSHOP and len(self.workshop_password) < SHORTEST_PHRASE:
            raise ValueError(f"auth.workshop_password needs at least {SHORTEST_PHRASE} characters")
        if not self.workshop_password.isascii():
            raise ValueError("auth.workshop_password can hold ASCII characters only")
        if self.kind in {AuthKind.OIDC, AuthKind.GITLAB} and not self.oauth.issuer:
            raise ValueError(f"auth.oauth.issuer is needed for auth.kind: {self.kind}")
        if self.kind not in {AuthKind.LOCAL, AuthKind.WORKSHOP} and not self.oauth.client_id:
            raise ValueError(f"auth.oauth.client_id is needed for auth.kind: {self.kind}")
        return self
