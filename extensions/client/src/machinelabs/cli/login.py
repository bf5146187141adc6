"""`ml login` and `ml logout`: become known to a site, by the browser or with a token."""

import argparse
import getpass
import platform
import sys
import time
import webbrowser
from typing import Final

from machinelabs import sites
from machinelabs.cli.orders import Orders, add_order
from machinelabs.cli.session import Session
from machinelabs.errors import BadInput, SignInNeeded
from machinelabs.handshakes import Expired, Handshake
from machinelabs.hub import Hub

_EVERY_SECONDS: Final = 2.0


def add(orders: Orders) -> None:
    """Add both orders."""
    order = add_order(
        orders, "login", login, "sign in to a site: say yes in the browser, or give a token"
    )
    order.add_argument("url", nargs="?", metavar="URL", help="the site, e.g. https://your.site")
    order.add_argument(
        "--token", action="store_true", help="read a token from standard input, or ask for it"
    )
    order.add_argument("--no-browser", action="store_true", help="only print the address to open")
    order = add_order(orders, "logout", logout, "forget a site's token on this machine")
    order.add_argument("url", nargs="?", metavar="URL", help="the site; without it the one in use")


def login(options: argparse.Namespace, session: Session) -> None:
    """Get a token, try it, keep it."""
    url = _site(options, session)
    token = _given() if options.token else _by_browser(options, session, url)
    with Hub(url, token) as hub:
        try:
            person = hub.me()
        except SignInNeeded as error:
            raise SignInNeeded(
                f"{_shown(url)} does not take this token: it has expired or was revoked, or it "
                "lacks the scopes of labs. Make one on the hub's token page.",
                code="token_refused",
            ) from error
    session.kept.keep(url, token)
    line = f"You are signed in to {_shown(url)} as {person.name}."
    session.out.result({"site": url, "person": person.name}, line)


def logout(options: argparse.Namespace, session: Session) -> None:
    """Forget a token; the hub's token page is where it ends for good."""
    kept = session.kept
    named = options.url or session.site
    url = sites.address(named) if named else kept.default
    if url is None or not kept.forget(url):
        where = _shown(url) if url else "any site"
        raise BadInput(f"You are not signed in to {where} on this machine.")
    hint = "The token itself goes on until it expires; revoke it on the hub's token page."
    session.out.result({"site": url}, f"{_shown(url)} is forgotten here. {hint}")


def _site(options: argparse.Namespace, session: Session) -> str:
    if options.url:
        return sites.address(options.url)
    access = session.access
    if access.is_container:
        raise BadInput(
            "This is a server of the site: you are signed in to it already. To sign in to another "
            "site, name it."
        )
    return access.url


def _given() -> str:
    if sys.stdin.isatty():
        token = getpass.getpass("Token (from the hub's token page): ")
    else:
        token = sys.stdin.readline()
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise BadInput("That is no token. Make one on the hub's token page and paste it whole.")
    return token


def _by_browser(options: argparse.Namespace, session: Session, url: str) -> str:
    with Hub(url) as hub:
        handshake = hub.handshakes.begin(device=platform.node() or "a computer")
        session.out.note(f"Open {handshake.url}")
        session.out.note(f"and see that it shows the code  {handshake.code}")
        if not options.no_browser:
            webbrowser.open(handshake.url)
        return _wait(hub, handshake)


def _wait(hub: Hub, handshake: Handshake) -> str:
    until = time.monotonic() + handshake.seconds
    while time.monotonic() < until:
        token = hub.handshakes.token(handshake)
        if token is not None:
            return token
        time.sleep(_EVERY_SECONDS)
    raise Expired


def _shown(url: str) -> str:
    return url.removesuffix(sites.LABS)
