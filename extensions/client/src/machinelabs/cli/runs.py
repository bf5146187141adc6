"""`ml run`, `ml logs` and `ml stop`: execute a lab on the site, watch it, stop it."""

import argparse
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from machinelabs.cli.exits import Exit
from machinelabs.cli.orders import Orders, add_lab, add_order
from machinelabs.cli.session import Session, read_lab
from machinelabs.cli.sweeps import order_sweep, read_grid
from machinelabs.cli.terminal import Screen, show
from machinelabs.errors import BadInput, Offline
from machinelabs.paths import shown
from machinelabs.publish import state_of
from machinelabs.runs import Run
from machinelabs.status import status

_RUN: Final = re.compile(r"(?P<lab>.+?)(?:#|/runs/)(?P<number>[1-9][0-9]{0,8})/?")
_ENDS: Final[Mapping[str, Exit]] = {
    "finished": Exit.DONE,
    "failed": Exit.RUN_FAILED,
    "stopped": Exit.RUN_STOPPED,
    "lost": Exit.RUN_LOST,
}


def add(orders: Orders) -> None:
    """Add the three orders."""
    order = add_order(orders, "run", run, "execute a lab on the site")
    add_lab(order, optional=True)
    order.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for a parameter of the notebook or script; may be said again",
    )
    order.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="a run for each of these values; said again, for each combination",
    )
    order.add_argument("--path", default="", help="what to run (default: the lab's entry point)")
    order.add_argument("--image", default="", help="the image (default: the lab's)")
    order.add_argument("--flavour", default="", help="the size (default: the lab's)")
    order.add_argument("--name", default="", help="what to call the run")
    order.add_argument(
        "--from",
        dest="like",
        default="",
        metavar="OWNER/LAB#N",
        help="run this run again; what you say besides is changed",
    )
    order.add_argument(
        "--hold",
        action="store_true",
        help="if a notebook fails, hold it for a while, so that you can look into it on its page",
    )
    _add_follow(order)
    order = add_order(orders, "logs", logs, "write what a run printed")
    add_run(order)
    _add_follow(order)
    order = add_order(orders, "stop", stop, "stop a run; what it put out so far is kept")
    add_run(order)


def add_run(order: argparse.ArgumentParser) -> None:
    """Add the argument that names a run."""
    text = "a run: OWNER/LAB#12, or its page's address"
    order.add_argument("which", metavar="OWNER/LAB#N", help=text)


def read_run(text: str) -> tuple[str, int]:
    """Return `owner/name` and the number of `owner/name#12`, also of a run's page's address.

    Raises:
        BadInput: it is no run.
    """
    found = _RUN.fullmatch(text)
    if found is None:
        raise BadInput(f"“{shown(text)}” is not a run. Write OWNER/LAB#12.")
    lab, revision = read_lab(found["lab"])
    if revision is not None:
        raise BadInput(f"“{shown(text)}” is not a run: a run has no @r{revision}.")
    return lab, int(found["number"])


def run(options: argparse.Namespace, session: Session) -> Exit | None:
    """Order the run, and follow it if asked to."""
    lab, wishes = _wishes(options, session)
    if options.grid:
        grid = read_grid(options.grid)
        # Of an earlier run's values the grid takes the place.
        said = dict(map(_parameter, options.parameter))
        values = wishes["parameters"].items()
        wishes["parameters"] = {key: one for key, one in values if key not in grid or key in said}
        return order_sweep(session, lab, grid, wishes, follows=options.follow)
    made = session.hub.runs.order(lab, **wishes)
    if options.follow:
        session.out.note(f"{made.full_name}: {made.url}")
        return _follow(session, made, as_json=options.json)
    session.out.result(run_json(made), f"{made.full_name}: {made.url}")
    return None


def _wishes(options: argparse.Namespace, session: Session) -> tuple[str, dict[str, Any]]:
    """Return which lab is to run, and how: as an earlier run, where one is named."""
    said = {key: getattr(options, key) for key in ("path", "image", "flavour", "name")}
    held = {"hold": True} if options.hold else {}
    values: dict[str, Any] = dict(map(_parameter, options.parameter))
    like = session.hub.runs.get(*read_run(options.like)) if options.like else None
    lab, revision = _lab(options, session, like)
    if like is None:
        return lab, said | held | {"revision": revision, "parameters": values}
    values = {**like.parameters, **values}
    said = {key: text or getattr(like, key) for key, text in said.items()}
    return lab, said | held | {"revision": revision, "parameters": values}


def _lab(options: argparse.Namespace, session: Session, like: Run | None) -> tuple[str, int | None]:
    """Return the lab and its revision (None: the newest)."""
    if options.lab is not None:
        return read_lab(options.lab)
    if like is not None:
        return like.lab, like.revision
    link = session.need_link()
    state = state_of(link)
    if status(link, state, session.prints).count:
        session.out.note("What you changed since your last ml push is not in it.")
    return state.lab, None


def logs(options: argparse.Namespace, session: Session) -> Exit | None:
    """Write the log as far as it goes, or to its end."""
    lab, number = read_run(options.which)
    found = session.hub.runs.get(lab, number)
    if options.follow:
        return _follow(session, found, as_json=options.json)
    out, err = _screens(as_json=options.json)
    after = 0
    while True:
        page = session.hub.runs.events(lab, number, after=after)
        for event in page.items:
            after = event["n"]
            show(event, out, err)
        if not page.has_more:
            break
    session.out.result(run_json(found))
    return None


def stop(options: argparse.Namespace, session: Session) -> None:
    """Order the stop."""
    lab, number = read_run(options.which)
    done = session.hub.runs.stop(lab, number)
    line = f"{done.full_name} is {done.state}." if done.is_final else f"Stopping {done.full_name}."
    session.out.result(run_json(done), line)


def run_json(one: Run) -> dict[str, object]:
    """Return what programs are told of a run."""
    return {
        "run": one.full_name,
        "lab": one.lab,
        "number": one.number,
        "state": one.state,
        "is_final": one.is_final,
        "out_of_contact": one.out_of_contact,
        "reason": one.reason,
        "revision": one.revision,
        "path": one.path,
        "image": one.image,
        "flavour": one.flavour,
        "parameters": dict(one.parameters),
        "name": one.name,
        "seconds": one.seconds,
        "url": one.url,
    }


def _add_follow(order: argparse.ArgumentParser) -> None:
    order.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="write what it prints until it is over, and end as it ends",
    )


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadInput(f"“{shown(text)}” is no parameter. Write -p NAME=VALUE.")
    return name.strip(), value


def _follow(session: Session, one: Run, *, as_json: bool) -> Exit:
    """Write the log until the run is over; Ctrl-C asks what is meant."""
    watch = _Watch(session, one, *_screens(as_json=as_json))
    while True:
        try:
            watch.to_end()
            break
        except KeyboardInterrupt:
            if not _stops(session, watch.run):
                session.out.note(f"It goes on. Stop it with: ml stop {one.full_name}")
                return Exit.CANCELLED
    ended = watch.run
    session.out.note(_ended(ended))
    if as_json:
        session.out.result(run_json(ended))
    return _ENDS.get(ended.state, Exit.FAULT)


class _Watch:
    """One run that is followed, also after an interruption."""

    def __init__(self, session: Session, run: Run, out: Screen, err: Screen) -> None:
        self.run = run
        self._session = session
        self._out = out
        self._err = err
        self._after = 0
        self._is_away = False

    def to_end(self) -> None:
        """Write what was not written yet, and what comes until the run is over."""
        lab, number = self.run.lab, self.run.number
        events = self._session.hub.runs.follow(
            lab, number, after=self._after, on_run=self._on_run, on_away=self._on_away
        )
        for event in events:
            self._after = event["n"]
            show(event, self._out, self._err)

    def _on_run(self, run: Run) -> None:
        if run.state != self.run.state and not run.is_final:
            self._session.out.note(f"{run.full_name} is {run.state}.")
        if run.out_of_contact and not self.run.out_of_contact:
            self._session.out.note("The site has no contact with it at the moment.")
        self.run, self._is_away = run, False

    def _on_away(self, error: Offline) -> None:
        if not self._is_away:
            self._session.out.note(f"{error} The run does not need it.")
        self._is_away = True


def _stops(session: Session, run: Run) -> bool:
    """Ask whether to stop the run or only to stop watching, and stop it."""
    wants = run.may_stop and session.out.ask("Stop the run too?")
    if wants:
        session.hub.runs.stop(run.lab, run.number)
        session.out.note("Stopping it.")
    return wants


def _ended(run: Run) -> str:
    took = f" after {run.seconds:.1f} s" if run.seconds is not None else ""
    return f"{run.full_name} {_VERBS.get(run.state, run.state)}{took}. {run.reason}".strip()


_VERBS: Final = {
    "finished": "finished",
    "failed": "failed",
    "stopped": "was stopped",
    "lost": "was lost",
}


def _screens(*, as_json: bool) -> tuple[Screen, Screen]:
    # Programs read one object from standard output, so the log goes beside it.
    return Screen(sys.stderr if as_json else sys.stdout), Screen(sys.stderr)
