"""`ml schedule` and `ml schedules`: have a lab run again and again, and look after that."""

import argparse
from typing import Final

from machinelabs.cli.orders import Orders, add_lab, add_order
from machinelabs.cli.session import Session, read_lab
from machinelabs.errors import BadInput
from machinelabs.paths import shown
from machinelabs.schedules import Schedule

_WISHES: Final = (
    ("path", "what to run (default: the lab's entry point)"),
    ("image", "the image (default: the lab's)"),
    ("flavour", "the size (default: the lab's)"),
    ("name", "what to call the runs"),
)


def add(orders: Orders) -> None:
    """Add the two orders."""
    order = add_order(orders, "schedule", schedule, "have a lab run again and again")
    add_lab(order)
    text = "minute, hour, day of the month, month, day of the week, as one word: “0 6 * * 1-5”"
    order.add_argument("cron", metavar="CRON", help=text)
    text = "the time zone whose clock it follows (default: UTC)"
    order.add_argument("--zone", default="UTC", metavar="ZONE", help=text)
    order.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for a parameter of the notebook or script; may be said again",
    )
    for name, text in _WISHES:
        order.add_argument(f"--{name}", default="", help=text)
    what = "list the schedules of a lab; pause, resume or delete one"
    order = add_order(orders, "schedules", schedules, what)
    add_lab(order)
    acts = order.add_mutually_exclusive_group()
    for act, text in (
        ("pause", "let this one order nothing"),
        ("resume", "let it order again"),
        ("delete", "delete it; the runs that it ordered stay"),
    ):
        acts.add_argument(f"--{act}", type=int, default=0, metavar="N", help=text)


def schedule(options: argparse.Namespace, session: Session) -> None:
    """Make a schedule."""
    lab, revision = read_lab(options.lab)
    made = session.hub.schedules.add(
        lab,
        options.cron,
        zone=options.zone,
        parameters=dict(map(_parameter, options.parameter)),
        revision=revision,
        **{name: getattr(options, name) for name, _ in _WISHES},
    )
    session.out.result(schedule_json(made), _line(made))


def schedules(options: argparse.Namespace, session: Session) -> None:
    """List what there is, or change one."""
    lab, _ = read_lab(options.lab)
    table = session.hub.schedules
    if options.delete:
        table.delete(lab, options.delete)
        session.out.result({"deleted": options.delete}, f"Schedule {options.delete} is deleted.")
        return
    if options.pause or options.resume:
        act = table.pause if options.pause else table.resume
        done = act(lab, options.pause or options.resume)
        session.out.result(schedule_json(done), _line(done))
        return
    found = table.list(lab)
    lines = [_line(one) for one in found] or [f"You have no schedule of {lab}."]
    session.out.result({"items": [schedule_json(one) for one in found]}, "\n".join(lines))


def schedule_json(one: Schedule) -> dict[str, object]:
    """Return what programs are told of a schedule."""
    return {
        "id": one.id,
        "lab": one.lab,
        "person": one.person,
        "cron": one.cron,
        "zone": one.zone,
        "words": one.words,
        "next": [time.isoformat() for time in one.next],
        "is_paused": one.is_paused,
        "last_run": one.last_run,
        "last_why": one.last_why,
        "name": one.name,
        "path": one.path,
        "revision": one.revision,
    }


def _line(one: Schedule) -> str:
    what = " ".join(
        filter(None, (one.name or one.path, f"r{one.revision}" if one.revision else ""))
    )
    then = "paused" if one.is_paused else f"next {one.next[0]:%Y-%m-%d %H:%M} UTC"
    parts = [str(one.id), f"{one.words} ({one.zone})", what, then]
    if one.last_run:
        parts.append(f"last #{one.last_run}")
    return " · ".join(filter(None, (*parts, one.last_why)))


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadInput(f"“{shown(text)}” is no parameter. Write -p NAME=VALUE.")
    return name.strip(), value
