"""The `machinelabs-hub` command: each order is one function of `up/`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from machinelabs_hub import __version__
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.up.check import check
from machinelabs_hub.up.gpus import list_gpus
from machinelabs_hub.up.layout import find
from machinelabs_hub.up.start import make_images, up
from machinelabs_hub.up.uninstall import uninstall
from machinelabs_hub.up.users import add_person, delete_person, list_people


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one order; return 0, or 1 after a sentence that says what went wrong."""
    options = parser().parse_args(arguments)
    try:
        return int(options.order(options) or 0)
    except MachineLabsError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="machinelabs-hub", description="Run and look after a MachineLabs site."
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    orders = top.add_subparsers(metavar="ORDER", required=True)
    for add in (_add_up, _add_check, _add_images, _add_users, _add_gpus, _add_uninstall):
        add(orders)
    return top


def _add_up(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    order = orders.add_parser("up", help="start a site and keep it running until Ctrl-C")
    _add_data(order)
    order.add_argument("--port", type=int, help="public port; kept in the site's settings")
    order.add_argument("--host", help="public host name; kept in the site's settings")
    order.set_defaults(order=lambda o: up(o.data, port=o.port, host=o.host))


def _add_check(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    order = orders.add_parser("check", help="say what is well with a site and what is not")
    _add_data(order)
    order.add_argument(
        "--repair",
        action="store_true",
        help="make the index of labs agree with the stores; the site must be stopped",
    )
    order.set_defaults(order=lambda o: check(o.data, repair=o.repair))


def _add_images(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    order = orders.add_parser("images", help="build the images of the catalogue")
    _add_data(order)
    order.add_argument("name", nargs="?", help="one image, with what it stands on")
    order.set_defaults(order=lambda o: make_images(o.data, name=o.name))


def _add_users(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    users = orders.add_parser("users", help="list, add and delete people of a running site")
    acts = users.add_subparsers(metavar="ACT", required=True)
    act = acts.add_parser("list", help="one line a person")
    _add_data(act)
    act.set_defaults(order=lambda o: list_people(find(o.data)))
    act = acts.add_parser("add", help="make a person known to the hub")
    _add_data(act)
    act.add_argument("name")
    act.add_argument("--admin", action="store_true", help="make them an admin")
    act.set_defaults(order=lambda o: add_person(find(o.data), o.name, is_admin=o.admin))
    act = acts.add_parser("delete", help="say what it means, ask, and delete a person")
    _add_data(act)
    act.add_argument("name")
    act.add_argument("--labs", choices=["trash", "keep"], default="trash")
    act.add_argument("--home", choices=["keep", "remove"], default="keep")
    act.add_argument("--yes", action="store_true", help="do it without asking")
    act.set_defaults(
        order=lambda o: delete_person(find(o.data), o.name, labs=o.labs, home=o.home, sure=o.yes)
    )


def _add_gpus(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    order = orders.add_parser("gpus", help="list the site's GPUs: health, use and holders")
    _add_data(order)
    order.set_defaults(order=lambda o: list_gpus(find(o.data)))


def _add_uninstall(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    order = orders.add_parser("uninstall", help="take away what `up` made; DATA stays")
    _add_data(order)
    order.add_argument("--homes", action="store_true", help="remove people's homes, too, for good")
    order.add_argument("--keep-images", action="store_true", help="leave the images")
    order.add_argument("--yes", action="store_true", help="do it without asking")
    order.set_defaults(
        order=lambda o: uninstall(o.data, homes=o.homes, images=not o.keep_images, sure=o.yes)
    )


def _add_data(order: argparse.ArgumentParser) -> None:
    order.add_argument(
        "--data",
        type=Path,
        default=Path("data"),
        help="folder of all that the site keeps (default: ./data)",
    )


if __name__ == "__main__":
    sys.exit(main())
