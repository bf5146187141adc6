"""The scopes that MachineLabs adds to JupyterHub's, and who holds which.

One table: the Hub's configuration, a server's token and the labs service all read it.
"""

from typing import Final

LABS_SERVICE: Final = "labs"
CULLER_SERVICE: Final = "idle-culler"
OPERATOR_SERVICE: Final = "operator"

READ_LABS: Final = "custom:labs:read"
WRITE_LABS: Final = "custom:labs:write"
LABS_OF_LEAVERS: Final = "custom:labs:leavers"

CUSTOM_SCOPES: Final[dict[str, dict[str, str | list[str]]]] = {
    READ_LABS: {"description": "Read labs that I may see"},
    WRITE_LABS: {
        "description": "Publish, change and fork labs as me",
        "subscopes": [READ_LABS],
    },
    LABS_OF_LEAVERS: {"description": "Keep or trash the labs of somebody who is deleted"},
}

ACCESS_LABS: Final = f"access:services!service={LABS_SERVICE}"

USER_EXTRA: Final = [ACCESS_LABS, WRITE_LABS]
"""Added to JupyterHub's `user` role."""

ACTIVITY: Final = "users:activity!user"
"""JupyterHub gives it to the token of every server."""

SERVER_TOKEN: Final = [
    ACTIVITY,
    "access:servers!server",
    "read:users:name!user",
    ACCESS_LABS,
    WRITE_LABS,
]
"""What the token inside a person's container may do: no more than these."""

LABS_SERVICE_ROLE: Final = [
    "list:users",
    "read:users:name",
    "read:users:groups",
    "read:groups:name",
    "read:servers",
    "servers",
    "read:hub",
]
"""What the labs service may do at the Hub: look people up and start servers for them."""

LABS_OAUTH: Final = ["read:users:name!user", "read:users:groups!user", ACCESS_LABS, WRITE_LABS]
"""What a browser's sign-in to the labs pages grants the labs service."""

PROGRAM_TOKEN: Final = [
    "read:users:name!user",
    "read:users:groups!user",
    ACCESS_LABS,
    WRITE_LABS,
]
"""What the token of a program that was signed in with `ml login` may do."""

PROGRAM_GRANT: Final = ["read:users:name!user", ACCESS_LABS, "tokens!user"]
"""What a yes to such a program grants the labs service, for as long as it makes that token."""

CULLER_ROLE: Final = ["list:users", "read:users:activity", "read:servers", "delete:servers"]

OPERATOR_ROLE: Final = [
    "admin:users",
    "admin:servers",
    "groups",
    "tokens",
    "proxy",
    "read:hub",
    *USER_EXTRA,
]
"""What `machinelabs-hub users` may do: whoever can read DATA/secrets is the operator."""
