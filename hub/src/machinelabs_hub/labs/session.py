"""A browser's sign-in as it stands in its cookie, and the parts that a request finds."""

from typing import Final, cast

from fastapi import Request

from machinelabs_hub.labs.context import Parts
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX

SESSION_SECONDS: Final = 14 * 24 * 3600


def parts_of(request: Request) -> Parts:
    """Return what the process is made of."""
    return cast("Parts", request.app.state.parts)


def session_cookie(settings: Settings) -> tuple[str, str]:
    """Return name and path of the sign-in cookie; over https no other host can set it."""
    if settings.site.https and not settings.site.single_origin:
        return "__Host-labs-session", "/"
    return "labs-session", f"{LABS_PREFIX}/"


def session_token(request: Request) -> str:
    """Return the token that the browser's sign-in cookie holds, or an empty text."""
    parts = parts_of(request)
    name, _ = session_cookie(parts.tools.settings)
    opened = parts.seal.open(request.cookies.get(name, ""), max_age=SESSION_SECONDS)
    return str(opened.get("token", "")) if opened else ""
