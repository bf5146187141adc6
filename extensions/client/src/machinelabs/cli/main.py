"""The command line of `ml`: take an order, do it, end with a code that scripts can tell."""

import argparse
import os
import sys
from collections.abc import Sequence

from machinelabs import __version__
from machinelabs.cli import (
    datasets,
    find,
    init,
    login,
    outputs,
    pull,
    push,
    runs,
    schedules,
    update,
    verify,
)
from machinelabs.cli.exits import Exit, exit_of
from machinelabs.cli.output import Output
from machinelabs.cli.session import Session
from machinelabs.errors import HubError, SignInNeeded
from machinelabs.sites import LABS

ORDERS = (login, init, push, pull, update, find, runs, schedules, outputs, verify, datasets)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one order and return how it ended."""
    options = parser().parse_args(arguments)
    out = Output(as_json=options.json)
    session = Session(out=out, site=options.site)
    try:
        ended: Exit | None = options.run(options, session)
    except HubError as error:
        code = exit_of(error)
        out.failed(error, _sentence(error, session), code)
        return code
    except KeyboardInterrupt:
        out.note("Cancelled.")
        return Exit.CANCELLED
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain at its own end once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    finally:
        session.close()
    return ended or Exit.DONE


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="ml", description="Labs of a MachineLabs site, from here.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    orders = top.add_subparsers(metavar="ORDER", required=True)
    for module in ORDERS:
        module.add(orders)
    return top


def _sentence(error: HubError, session: Session) -> str:
    """Return the sentence, and for a lost sign-in what to do here about it."""
    if not isinstance(error, SignInNeeded) or error.code not in {"bad_token", "sign_in_needed"}:
        return str(error)
    access = session.access
    site = access.url.removesuffix(LABS)
    if access.is_container:
        return "Your server's access to the labs has ended. Stop the server and start it again."
    if access.token is None:
        return f"You are not signed in to {site}. Sign in with: ml login {site}"
    return f"Your token for {site} has expired or was revoked. Sign in again with: ml login {site}"


if __name__ == "__main__":
    sys.exit(main())
